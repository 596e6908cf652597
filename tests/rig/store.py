"""Where programs are kept between runs: outside every checkout, by what was pinned when they were made."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.programs import Program

ASSETS = "KUBEBUILDER_ASSETS"


def cache() -> Path:
    """Return the directory of everything that was built or fetched."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pennant" / "rig"


def cached(program: Program) -> Path:
    """Return where the cache keeps the program, whether it is there or not."""
    return cache() / program.module.key / "bin" / program.name


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let one process at a time add to the directory; another one waits, and then finds everything there."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process adds to {directory}; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(scratch: Path, program: Path) -> None:
    """Make a finished file the program: a whole one or none, for others may look for it meanwhile."""
    scratch.chmod(0o755)
    scratch.replace(program)
