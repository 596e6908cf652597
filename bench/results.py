"""The results of a run: what was measured, with which sizes, on what machine; as a table and as JSON."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pennant
from bench.figures import Figure, table
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

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        found: dict[str, Any] = {"name": self.name, "about": self.about, "sizes": dict(self.sizes)}
        found["figures"] = [each.to_json() for each in self.figures]
        return found | ({"ended": self.ended} if self.ended else {})

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Result":
        """Return the result that `to_json` wrote."""
        figures = [Figure.from_json(each) for each in raw["figures"]]
        return cls(raw["name"], raw["about"], raw["sizes"], figures, raw.get("ended", ""))

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
