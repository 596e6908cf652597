"""What a scenario is, and what it gets: its sizes, a control plane, and a place for its progress."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figure
from rig import Rig

ROOT = Path(__file__).parents[1]
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")


@dataclass(frozen=True, slots=True)
class Size:
    """A number that says how large a scenario is."""

    full: int
    quick: int
    means: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one scenario."""

    scenario: str
    sizes: Mapping[str, int]
    peer: Path | None = None
    """The program of the peer, where it is to be measured as well."""
    begun: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print a line of progress to standard error."""
        print(f"{time.monotonic() - self.begun:7.1f} s  {self.scenario}: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def control_plane(self, *parts: str) -> Iterator[Rig]:
        """Start a control plane with the CRDs; `parts` are those besides the usual ones."""
        self.say("a control plane starts")
        wanted = (*CONTROL_PLANE, *parts)
        with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", wanted) as rig:
            rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
            rig.until_crds_are_served()
            yield rig


@dataclass(frozen=True, slots=True)
class Scenario:
    """A benchmark: it yields each figure as soon as it has it."""

    name: str
    about: str
    sizes: Mapping[str, Size]
    measure: Callable[[Run], Iterator[Figure]]
    missed: str = ""
    """Why goals are missed, as profiles show; for the page."""
