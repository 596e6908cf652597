"""What `pennant sync` costs: the first import of many versions, a poll at rest, and the time from an alias to its tag.

A real API server, and an MLflow server of the tests that answers at once. The memory is the peak of the process
(`VmHWM`). Usage: `python bench/sync.py [--versions 10000] [-o json]`.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from pennant.registries.mlflow.webhook import DELIVERY, SIGNATURE, TIMESTAMP, signed
from pennant.registries.protocol import NotThere
from rig import Rig
from rig.addresses import free_port
from unit.http_server import serving
from unit.sync.living_mlflow import LivingMlflow

ROOT = Path(__file__).parent.parent
PARTS = ("etcd", "kube-apiserver")
MOVES = 20
POLL_SECONDS = 5.0
REST_SECONDS = 60.0
PATIENCE_SECONDS = 1_800.0
SECRET = b"a secret"


@contextmanager
def served(mlflow: LivingMlflow) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            try:
                code, answer = 200, asyncio.run(self._answer(url.path, parse_qsl(url.query)))
            except NotThere as error:
                code, answer = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": str(error)}
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        async def _answer(self, path: str, params: list[tuple[str, str]]) -> Any:
            if path.endswith("get-artifact"):
                return await mlflow.content(path)
            return await mlflow.json(path, params)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as url:
        yield url


class Process:
    """`pennant sync` with one registry."""

    def __init__(self, rig: Rig, directory: Path, url: str, **fields: Any) -> None:
        self._rig, self._directory = rig, directory
        self.port, self.webhook_port = free_port(), free_port()
        (directory / "secret").write_bytes(SECRET)
        registry = {
            **{"name": "mlflow", "kind": "mlflow", "address": url, "namespace": "default", "versions": "All"},
            **{"aliases": {"champion": "production"}, "webhookSecretFile": str(directory / "secret")},
        }
        (directory / "sync.yaml").write_text(yaml.safe_dump({"registries": [registry | fields]}))

    def __enter__(self) -> "Process":
        environment = os.environ | {"KUBECONFIG": str(self._rig.kubeconfig)}
        words = [f"--config={self._directory}/sync.yaml", f"--port={self.port}", f"--webhook-port={self.webhook_port}"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pennant", "sync", *words], env=environment, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def value(self, start: str) -> float:
        """Return the sum of the series that begin so; 0 while it does not listen yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as response:
                lines = response.read().decode().splitlines()
        except OSError:
            return 0.0
        return sum(float(each.rpartition(" ")[2]) for each in lines if each.startswith(start))

    @property
    def polls(self) -> float:
        return self.value('pennant_sync_polls_total{registry="mlflow",result="success"}')

    @property
    def peak_mib(self) -> float:
        (line,) = (
            each for each in Path(f"/proc/{self._process.pid}/status").read_text().splitlines() if "VmHWM" in each
        )
        return int(line.split()[1]) / 1024

    def hint(self, model: str) -> None:
        """Send a webhook as MLflow does."""
        body = json.dumps({"entity": "model_version_alias", "action": "created", "data": {"name": model}}).encode()
        delivery, stamp = os.urandom(8).hex(), str(int(time.time()))
        headers = {DELIVERY: delivery, TIMESTAMP: stamp, SIGNATURE: signed(delivery, stamp, body, SECRET).decode()}
        url = f"http://127.0.0.1:{self.webhook_port}/webhooks/mlflow"
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).close()


def until(holds: Callable[[], bool], pause: float = 0.05) -> float:
    """Wait; return the seconds."""
    begun = time.perf_counter()
    while not holds():
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            raise RuntimeError("it did not come in time")
        time.sleep(pause)
    return time.perf_counter() - begun


def alias_moves(rig: Rig, mlflow: LivingMlflow, numbers: list[str], hint: Callable[[], None]) -> list[float]:
    """Return the seconds from each move of the alias until its version alone has the tag."""

    def holders() -> set[str]:
        found = rig.kubectl("get", "modelversions", f"churn-{numbers[0]}", f"churn-{numbers[1]}", "-o", "json").stdout
        return {
            each["metadata"]["name"]
            for each in json.loads(found)["items"]
            if "production" in each["spec"].get("tags", [])
        }

    seconds = []
    for each in range(MOVES):
        # So that a move does not come at the same time after each poll.
        time.sleep(1.3 + 0.37 * (each % 7))
        number = numbers[each % 2]
        begun = time.perf_counter()
        mlflow.alias("churn", "champion", number)
        hint()
        until(lambda number=number: holders() == {f"churn-{number}"}, 0.02)  # type: ignore[misc]
        seconds.append(time.perf_counter() - begun)
    return seconds


def measure(count: int) -> dict[str, Any]:
    """Measure in one run."""
    mlflow = LivingMlflow(now=datetime.now(UTC))
    for _ in range(count):
        mlflow.register("churn")
    found: dict[str, Any] = {"versions": count}
    with (
        tempfile.TemporaryDirectory() as directory,
        Rig.start(Path(directory) / "rig", PARTS) as rig,
        served(mlflow) as url,
    ):
        rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        rig.until_crds_are_served()
        with Process(rig, Path(directory), url, aliases={}) as sync:
            found["first import, s"] = until(lambda: sync.polls >= 1)
            found["memory of the first import, MiB"] = sync.peak_mib
        with Process(rig, Path(directory), url, aliases={}, pollSeconds=POLL_SECONDS) as sync:
            mlflow.asked.clear()
            found["first poll of a new process, s"] = until(lambda: sync.polls >= 1)
            found["requests of that poll to MLflow"] = len(mlflow.asked)
            polls, asked, ours = sync.polls, len(mlflow.asked), sync.value("pennant_api_requests_total")
            time.sleep(REST_SECONDS)
            polls = sync.polls - polls
            found["requests per poll at rest, to MLflow"] = (len(mlflow.asked) - asked) / polls
            found["requests per poll at rest, to the API server"] = (
                sync.value("pennant_api_requests_total") - ours
            ) / polls
            found["memory of a new process, MiB"] = sync.peak_mib
        numbers = [str(count - 1), str(count)]
        with Process(rig, Path(directory), url, pollSeconds=POLL_SECONDS) as sync:
            until(lambda: sync.polls >= 1)
            found["alias to tag by polls each 5 s, s"] = _summary(alias_moves(rig, mlflow, numbers, lambda: None))
        with Process(rig, Path(directory), url, pollSeconds=3600) as sync:
            until(lambda: sync.polls >= 1)
            found["alias to tag by webhook, s"] = _summary(
                alias_moves(rig, mlflow, numbers, lambda: sync.hint("churn"))
            )
    return found


def _summary(values: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(values), "max": max(values)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    found = measure(arguments.versions)
    if arguments.output == "json":
        print(json.dumps(found))
        return
    for name, value in found.items():
        shown = (
            ", ".join(f"{of} {each:.2f}" for of, each in value.items()) if isinstance(value, dict) else f"{value:.1f}"
        )
        print(f"{name:<48}{shown}")


if __name__ == "__main__":
    main()
