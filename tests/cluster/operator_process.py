"""The operator as a process that tests start, kill and start again."""

import inspect
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from cluster import secrets
from cluster.api import Api
from cluster.audit import lines
from cluster.forks import Fork
from cluster.installation import Installation
from pennant.controller import measurement_cache, reconciler
from pennant.runtime import workers
from rig import Rig
from rig.addresses import free_port

MANY_TIMES = 3


def said_by(module: ModuleType, words: str) -> str:
    """Return words that a module logs; fails where it has other words by now, as a search for these finds nothing."""
    assert words in inspect.getsource(module), f"{module.__name__} does not say {words!r} any more"
    return words


BUGS = (
    said_by(workers, "by a bug of the operator"),
    said_by(measurement_cache, "because of a bug in the operator"),
)
UNSETTLED = said_by(reconciler, "there was something to write in each of")


class Operator:
    """`python -m pennant run` against a rig, with the rights and the environment that the chart gives it."""

    def __init__(self, rig: Rig, directory: Path, installation: Installation, **environment: str) -> None:
        self.rig, self.directory, self.installation = rig, directory, installation
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "operator.log"
        self.token_file, self._source_token, self._source_password, self._source_header = (
            secrets.written(directory, name) for name in ("webhook-token", "token", "password", "header")
        )
        self.webhook_port = free_port()
        quick = {
            "PENNANT_LEASE_DURATION_SECONDS": "6",
            "PENNANT_RENEW_DEADLINE_SECONDS": "5",
            "PENNANT_RETRY_PERIOD_SECONDS": "0.5",
            "PENNANT_RESYNC_SECONDS": "5",
        }
        here = {
            "PENNANT_METRIC_SOURCES": str(self._sources()),
            "PENNANT_LISTEN_ADDRESS": "127.0.0.1",
            "PENNANT_PORT": str(free_port()),
            "PENNANT_LOG_FORMAT": "console",
            "PENNANT_ALERT_WEBHOOK_PORT": str(self.webhook_port),
            "PENNANT_ALERT_WEBHOOK_TOKEN_FILE": str(self.token_file),
        }
        self.environment = {**installation.environment, **quick, **here, **environment}
        self.process: subprocess.Popen[bytes] | Fork | None = None
        self._checked = 0
        self._api = Api(rig)

    def _sources(self) -> Path:
        """Write a file with the metric source of the chart and a second one, both with credentials."""
        known = yaml.safe_load(Path(self.installation.environment["PENNANT_METRIC_SOURCES"]).read_text())
        chart = known["sources"]["default"]
        header = {"X-Api-Key": self._source_header.read_text().strip()}
        basic = {"username": secrets.USER, "passwordFile": str(self._source_password)}
        sources = {
            "default": {**chart, "bearerTokenFile": str(self._source_token), "headers": header},
            "second": {**chart, "basicAuth": basic},
        }
        self.sources = self.directory / "sources.yaml"
        self.sources.write_text(yaml.safe_dump({"sources": sources}))
        return self.sources

    def add_sources(self, urls: Mapping[str, str], **settings: Any) -> None:
        """Add metric sources by name, with these settings; call it before the start."""
        known = yaml.safe_load(self.sources.read_text())["sources"]
        added = {name: {"url": url, **settings} for name, url in urls.items()}
        self.sources.write_text(yaml.safe_dump({"sources": known | added}))

    @property
    def port(self) -> int:
        """The port of its probes and metrics."""
        return int(self.environment["PENNANT_PORT"])

    @property
    def secrets(self) -> dict[str, str]:
        """Its secrets by name; it must publish none of them."""
        files = (self.token_file, self._source_token, self._source_password, self._source_header)
        token = secrets.account_token(Path(self.environment["KUBECONFIG"]))
        return {"account's token": token, **{each.name: each.read_text().strip() for each in files}}

    def start(self, *, fresh: bool = False) -> None:
        """Start it, in a fork of a process that has imported its modules; `fresh` starts Python, as its image does."""
        known = {key: value for key, value in os.environ.items() if not key.startswith("PENNANT_")}
        environment = known | self.environment
        with self.log.open("ab") as log:
            if fresh:
                command = [sys.executable, "-m", "pennant", "run"]
                self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            else:
                assert "PYTHONPATH" not in self.environment, "a fork has the modules of this checkout: start it afresh"
                self.process = Fork("pennant", ["run"], environment, log)

    def kill(self) -> None:
        """End it at once, as the loss of its node does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def restart(self) -> None:
        """Kill it, delete its Lease, which would expire seconds later, and start it again."""
        self.kill()
        if self._api.get(*self._lease) is not None:
            self._api.delete(*self._lease)
        self.start()

    def leader(self) -> str:
        """Return the holder of its Lease, or an empty string."""
        lease = self._api.get(*self._lease) or {}
        return str(lease.get("spec", {}).get("holderIdentity") or "")

    @property
    def _lease(self) -> tuple[str, str, str]:
        return "leases", self.environment["PENNANT_LEASE_NAMESPACE"], self.environment["PENNANT_LEASE_NAME"]

    def stop(self) -> int:
        """Send SIGTERM and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def assert_healthy(self) -> None:
        """Fail where it does not run, or where a pass ended by a bug of its own."""
        assert self.alive, self.tail()
        self.assert_without_bug()

    def assert_without_bug(self) -> None:
        """Fail where a pass ended by a bug, or where passes of one object wrote again and again.

        It reads the log from the last check on, so that each bug fails one test. On a slow machine with many moves of
        a tag there is something to write in twelve passes in a row, once or twice. Where somebody else reverts each
        write, that goes on, and is logged again after a fraction of a second.
        """
        logged = self.log.read_text()
        new, self._checked = logged[self._checked :], len(logged)
        for words in BUGS:
            before, found, after = new.partition(words)
            assert not found, before[-200:] + found + after[:4000]
        unsettled = Counter(re.findall(rf'key="(\S+)" error="{UNSETTLED}', new))
        assert max(unsettled.values(), default=0) < MANY_TIMES, unsettled

    def leaks(self, since: int) -> list[str]:
        """Return which secrets and which text of other servers it has published, and where.

        Looked at are its log, its metrics, and what it has sent to the API server from this byte of the audit log on.

        Rule: R100.
        """
        user = self.installation.user.encode()
        sent = b"".join(line for line in lines(self.rig.audit_log, since) if user in line)
        said = {"log": self.log.read_bytes(), "metrics": self._metrics(), "requests": sent}
        return secrets.leaks(said, self.secrets)

    def _metrics(self, seconds: float = 30) -> bytes:
        """Return its metrics; wait for them, as it may just have been started."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                code, text = self.fetch("/metrics", self.port)
            except urllib.error.URLError:
                assert time.monotonic() < deadline, f"no metrics within {seconds} s: {self.tail()}"
                time.sleep(0.1)
                continue
            assert (code, "pennant_build_info" in text) == (200, True)
            return text.encode()

    def wait_for(self, text: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.alive, f"the operator ended: {self.tail()}"
            if text in self.log.read_text():
                return
            time.sleep(0.1)
        raise AssertionError(f"no {text!r} in the log within {seconds} s: {self.tail()}")

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text().splitlines()[-lines:]) if self.log.exists() else ""

    def fetch(self, path: str, port: int) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
