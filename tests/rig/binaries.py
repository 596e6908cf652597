"""Where the programs of the control plane come from: the first that answers.

1. `KUBEBUILDER_ASSETS`, the directory that envtest uses;
2. our cache, `$XDG_CACHE_HOME/pennant/rig/<key>/bin`, where the key stands for the pinned versions;
3. a build of the published Go modules that `tools/` pins, into that cache.
"""

import hashlib
import os
from pathlib import Path

from rig import build

TOOLS = Path(__file__).parent / "tools"


def cache_directory() -> Path:
    """Return the directory of the programs of exactly these versions."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pennant" / "rig" / key()


def key() -> str:
    """Return what changes when any pinned version or flag of the build changes."""
    digest = hashlib.sha256()
    for path in sorted(TOOLS.glob("*/go.*")):
        digest.update(path.read_bytes())
    digest.update(repr(build.PROGRAMS).encode())
    return digest.hexdigest()[:12]


def find(name: str) -> Path | None:
    """Return the program if it is there already."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    places = [Path(assets)] if assets else []
    for place in (*places, cache_directory() / "bin"):
        if os.access(place / name, os.X_OK):
            return place / name
    return None


def missing(names: list[str]) -> list[str]:
    """Return the programs that are nowhere yet."""
    return [name for name in names if find(name) is None]


def ensure(names: list[str]) -> dict[str, Path]:
    """Return the path of each program, and build first what is missing."""
    absent = missing(names)
    if absent:
        build.build(absent, cache_directory() / "bin")
    paths = {name: find(name) for name in names}
    return {name: path for name, path in paths.items() if path is not None}
