"""What `pennant sync` costs: the first import of many versions, a poll at rest, and the time from an alias to its tag.

An MLflow server of the tests answers at once. All versions are of one model.
"""

import asyncio
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from bench.api import Api
from bench.figures import Figure
from bench.objects import TAG, VERSIONS
from bench.process import Served
from bench.promotions import until
from bench.run import Run, Scenario, Size
from pennant.registries.mlflow.webhook import DELIVERY, SIGNATURE, TIMESTAMP, signed
from pennant.registries.protocol import NotThere
from rig import Rig
from rig.addresses import free_port
from unit.http_server import serving
from unit.sync.living_mlflow import LivingMlflow

POLL_SECONDS = 5
NEVER_SECONDS = 3600
PATIENCE_SECONDS = 1_800.0
SECRET = b"a secret"
REQUESTS = "pennant_api_requests_total"


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


class Sync(Served):
    """`pennant sync` with one registry."""

    def __init__(self, rig: Rig, url: str, **fields: Any) -> None:
        self._webhook_port = free_port()
        secret, config = rig.directory / "secret", rig.directory / "sync.yaml"
        secret.write_bytes(SECRET)
        registry = {
            **{"name": "mlflow", "kind": "mlflow", "address": url, "namespace": "default", "versions": "All"},
            **{"aliases": {"champion": TAG}, "webhookSecretFile": str(secret)},
        }
        config.write_text(yaml.safe_dump({"registries": [registry | fields]}))
        super().__init__(rig, "sync", "sync", "PENNANT_SYNC_", config=str(config), webhook_port=str(self._webhook_port))

    @property
    def polls(self) -> float:
        return self.sample("pennant_sync_polls_total", 'registry="mlflow",result="success"')

    def until_polled(self) -> None:
        until(lambda: self.polls >= 1, "a poll has ended", PATIENCE_SECONDS, pause=0.05)

    def hint(self, model: str) -> None:
        """Send a webhook as MLflow does."""
        body = json.dumps({"entity": "model_version_alias", "action": "created", "data": {"name": model}}).encode()
        delivery, stamp = os.urandom(8).hex(), str(int(time.time()))
        headers = {DELIVERY: delivery, TIMESTAMP: stamp, SIGNATURE: signed(delivery, stamp, body, SECRET).decode()}
        url = f"http://127.0.0.1:{self._webhook_port}/webhooks/mlflow"
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).close()


def alias_moves(
    rig: Rig, mlflow: LivingMlflow, numbers: list[str], count: int, hint: Callable[[], None]
) -> list[float]:
    """Return the seconds from each move of the alias until its version alone has the tag."""
    api, seconds = Api(rig), []

    def holds(number: str) -> bool:
        objects = {each: api.request("GET", f"{VERSIONS}/churn-{each}") for each in numbers}
        return [each for each, found in objects.items() if TAG in found["spec"].get("tags", [])] == [number]

    for each in range(count):
        # So that a move does not come at the same time after each poll.
        time.sleep(1.3 + 0.37 * (each % 7))
        number = numbers[each % 2]
        begun = time.perf_counter()
        mlflow.alias("churn", "champion", number)
        hint()
        until(partial(holds, number), f"the tag is on {number}", PATIENCE_SECONDS, pause=0.02)
        seconds.append(time.perf_counter() - begun)
    return seconds


def measure(run: Run) -> Iterator[Figure]:
    count, moves = run.sizes["versions"], run.sizes["moves"]
    mlflow = LivingMlflow(now=datetime.now(UTC))
    for _ in range(count):
        mlflow.register("churn")
    numbers = [str(count - 1), str(count)]
    with run.control_plane() as rig, served(mlflow) as url:
        run.say(f"{count} versions are imported")
        with Sync(rig, url, aliases={}) as sync:
            sync.until_polled()
            yield Figure("first import", time.perf_counter() - sync.begun, "s")
            yield Figure("peak memory of the first import", sync.memory("VmHWM"), "MiB")
        mlflow.asked.clear()
        with Sync(rig, url, aliases={}, pollSeconds=POLL_SECONDS) as sync:
            sync.until_polled()
            yield Figure("start until the first poll of a new process has ended", time.perf_counter() - sync.begun, "s")
            yield Figure("requests of that poll to MLflow", len(mlflow.asked), "requests")
            yield from _at_rest(run, mlflow, sync)
            yield Figure("peak memory of a new process", sync.memory("VmHWM"), "MiB")
        run.say("an alias moves, and the next poll finds it")
        with Sync(rig, url, pollSeconds=POLL_SECONDS) as sync:
            sync.until_polled()
            found = alias_moves(rig, mlflow, numbers, moves, lambda: None)
            yield from _times(f"alias to tag by polls each {POLL_SECONDS} s", found)
        run.say("an alias moves, and a webhook says so")
        with Sync(rig, url, pollSeconds=NEVER_SECONDS) as sync:
            sync.until_polled()
            found = alias_moves(rig, mlflow, numbers, moves, lambda: sync.hint("churn"))
            yield from _times("alias to tag by webhook", found)


def _at_rest(run: Run, mlflow: LivingMlflow, sync: Sync) -> Iterator[Figure]:
    """Yield the requests of each poll while nothing changes."""
    run.say(f"nothing changes for {run.sizes['rest']} s")
    polls, asked, ours = sync.polls, len(mlflow.asked), sync.sample(REQUESTS)
    time.sleep(run.sizes["rest"])
    polls = sync.polls - polls
    yield Figure("requests of each poll at rest, to MLflow", (len(mlflow.asked) - asked) / polls, "requests")
    yield Figure("requests of each poll at rest, to the API server", (sync.sample(REQUESTS) - ours) / polls, "requests")


def _times(what: str, seconds: list[float]) -> Iterator[Figure]:
    yield Figure(f"{what}, median", statistics.median(seconds), "s")
    yield Figure(f"{what}, longest", max(seconds), "s")


SCENARIO = Scenario(
    "sync",
    "the import of many versions, polls at rest, and the move of an alias until the tag moves",
    {
        "versions": Size(10_000, 20, "versions of one model in MLflow"),
        "rest": Size(60, 12, "seconds at rest"),
        "moves": Size(20, 2, "moves of the alias, each by polls and by webhook"),
    },
    measure,
)
