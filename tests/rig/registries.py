"""The Python that has the registries and their official clients: an environment of its own, kept between runs.

It has what the operator and the command line need as well, so that a test in it imports both.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from rig.errors import DownloadError
from rig.store import alone, cache

LOCK = Path(__file__).parents[2] / "requirements-registries.lock"
INSTALL_SECONDS = 1800


def python() -> Path:
    """Return the interpreter; installs the packages of the lock file the first time."""
    home = cache() / f"registries-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    interpreter, finished = home / "env" / "bin" / "python", home / ".finished"
    with alone(home):
        if not finished.exists():
            print(f"installing the packages of {LOCK.name} into {home}", file=sys.stderr, flush=True)
            _run([sys.executable, "-m", "venv", "--clear", str(home / "env")])
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
            _run([str(interpreter), *install, "-r", str(LOCK), "-c", str(LOCK)])
            finished.touch()
    return interpreter


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        raise DownloadError(f"the packages of {LOCK.name} could not be installed:\n{done.stdout}{done.stderr}")
