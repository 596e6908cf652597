"""The results of a run: what was measured, with which sizes, on what machine; as a table and as JSON."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pennant
from bench.figures import Figure, in_the_middle, table
from rig.programs import KUBERNETES_VERSION, PROMETHEUS_VERSION

GIB = 1024 * 1024
"""In the unit of /proc/meminfo."""


@dataclass(slots=True)
class Result:
    """What one scenario has found so far."""

    name: str
    about: str
    sizes: Mapping[str, int]
    figures: list[Figure] = field(default_factory=list)
    ended: str = ""
    """Why it ended early; empty: it is complete."""
    runs: int = 1
    """The number of runs; of several, the figures are those of the run in the middle, each by itself."""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        found: dict[str, Any] = {"name": self.name, "about": self.about, "sizes": dict(self.sizes)}
        found["figures"] = [each.to_json() for each in self.figures]
        return found | ({"ended": self.ended} if self.ended else {}) | ({"runs": self.runs} if self.runs > 1 else {})

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Result":
        """Return the result that `to_json` wrote."""
        figures = [Figure.from_json(each) for each in raw["figures"]]
        return cls(raw["name"], raw["about"], raw["sizes"], figures, raw.get("ended", ""), raw.get("runs", 1))

    @property
    def heading(self) -> str:
        """The name, what it is about, and its sizes."""
        sizes = ", ".join(f"{name} {number}" for name, number in self.sizes.items())
        return f"{self.name}: {self.about} ({sizes})"


@dataclass(slots=True)
class Results:
    """A whole run."""

    machine: Mapping[str, str]
    results: list[Result] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON."""
        return {"machine": dict(self.machine), "scenarios": [each.to_json() for each in self.results]}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Results":
        """Return the run that `to_json` wrote."""
        return cls(raw["machine"], [Result.from_json(each) for each in raw["scenarios"]])

    def text(self) -> str:
        """Return a table of each scenario."""
        return "\n\n".join(
            "\n".join(filter(None, (each.heading, table(each.figures), each.ended and f"ended early: {each.ended}")))
            for each in self.results
        )


def joined(runs: Sequence[Results]) -> Results:
    """Return the results of several runs as one. A scenario that ended early in one of them is left out of that one.

    Raises `ValueError` where they are of different machines, or of different sizes.
    """
    machines = [{name: each for name, each in run.machine.items() if name != "date"} for run in runs]
    if any(each != machines[0] for each in machines):
        raise ValueError("--from: the runs are of different machines or versions")
    by_name: dict[str, list[Result]] = {}
    for each in (result for run in runs for result in run.results if not result.ended):
        by_name.setdefault(each.name, []).append(each)
    return Results(runs[0].machine, [_joined(each) for each in by_name.values()])


def _joined(results: Sequence[Result]) -> Result:
    first = results[0]
    if len(results) == 1:
        return first
    if any(each.sizes != first.sizes for each in results):
        raise ValueError(f"--from: the runs of {first.name} have different sizes")
    alike: dict[str, list[Figure]] = {}
    for each in (figure for result in results for figure in result.figures):
        alike.setdefault(each.name, []).append(each)
    figures = [in_the_middle(each) for each in alike.values()]
    return Result(first.name, first.about, first.sizes, figures, runs=len(results))


def machine() -> dict[str, str]:
    """Describe this machine, without its name and places."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processors": f"{os.cpu_count()} × {model or platform.machine()}",
        "memory": f"{int(memory.split()[1]) / GIB:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}",
        "control plane": f"Kubernetes {KUBERNETES_VERSION}, Prometheus {PROMETHEUS_VERSION}",
        "operator": pennant.__version__,
    }
