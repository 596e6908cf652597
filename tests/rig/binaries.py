"""Where the programs of the control plane come from: the first that answers.

1. `KUBEBUILDER_ASSETS`, the directory that envtest uses;
2. our cache, `$XDG_CACHE_HOME/pennant/rig/<key>/bin`, where the key stands for the pinned versions and flags;
3. a build of the published Go modules that `tools/` pins, into that cache.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from rig import build
from rig.errors import RigError
from rig.helm import helm
from rig.programs import PROGRAMS, Program
from rig.store import ASSETS, cached

__all__ = ["ensure", "find", "helm", "missing"]


def find(name: str) -> Path | None:
    """Return the program if it is there already."""
    assets = os.environ.get(ASSETS)
    for place in (*([Path(assets) / name] if assets else []), cached(_program(name))):
        if place.is_file() and os.access(place, os.X_OK):
            return place
    return None


def missing(names: Iterable[str]) -> list[Program]:
    """Return the programs that are nowhere yet, in the order to build them in."""
    absent = {name for name in names if find(name) is None}
    return [program for program in PROGRAMS.values() if program.name in absent]


def ensure(names: Iterable[str]) -> dict[str, Path]:
    """Return the path of each program, and build first what is missing."""
    wanted = list(names)
    if absent := missing(wanted):
        build.build(absent)
    return {name: path for name in wanted if (path := find(name)) is not None}


def _program(name: str) -> Program:
    if name not in PROGRAMS:
        raise RigError(f"the rig has no program {name!r}; it has {', '.join(PROGRAMS)}")
    return PROGRAMS[name]
