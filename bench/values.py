"""Values in Prometheus that change when a benchmark says so: a recording rule for each series."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from rig import Rig

SERIES = "bench_value"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Values = Mapping[tuple[str, str], float]
"""A value by the name of a ModelDeployment and the version or metric that has it."""


def write(rig: Rig, values: Values, label: str, seconds: int = 1) -> None:
    """Have Prometheus evaluate to these values from now on, every so many seconds."""
    rules = [
        {"record": SERIES, "expr": f"vector({value})", "labels": {"name": name, label: other}}
        for (name, other), value in values.items()
    ]
    group = {"name": "bench", "interval": f"{seconds}s", "rules": rules}
    (rig.rules / "bench.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    rig.reload("prometheus")


def sources(rig: Rig) -> Path:
    """Write the operator's file of metric sources, and return it."""
    path = rig.directory / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": {"default": {"url": rig.prometheus_url}}}))
    return path


class Prometheus:
    """One kept connection to Prometheus."""

    def __init__(self, rig: Rig) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(rig.prometheus_url).netloc, timeout=30)

    def metrics(self) -> str:
        """Return its own metrics."""
        self._connection.request("GET", "/metrics")
        return self._connection.getresponse().read().decode()

    def query(self, query: str) -> list[Any]:
        """Return the result of an instant query."""
        return self.ask("query", {"query": query})

    def ask(self, path: str, form: Mapping[str, str]) -> list[Any]:
        """Return the result of `query` or `query_range`; raises `RuntimeError` where it is refused."""
        self._connection.request("POST", f"/api/v1/{path}", urlencode(form), FORM)
        answer = self._connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path}: {content}")
        result: list[Any] = content["data"]["result"]
        return result


def at(query: str, moment: float, seconds: int) -> dict[str, str]:
    """Return the form of a range query with the one sample of this moment, as the operator sends it."""
    moments = {"start": f"{moment:.3f}", "end": f"{moment:.3f}", "step": str(seconds)}
    return {"query": query, **moments, "lookback_delta": f"{2 * seconds}s"}
