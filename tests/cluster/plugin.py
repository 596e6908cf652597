"""The real kubectl with `kubectl-pennant` on its PATH, as a user of the plugin has it.

Each call is a process of its own, and a fork of one that has imported the command line (`forks.py`); `fresh` is for
calls that start Python as a user does.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pennant
from cluster import fork_client, forks
from rig import Rig

SECONDS = 120
PROGRAMS = {
    "kubectl-pennant": "from pennant.cli.main import main",
    "kubectl_complete-pennant": "from pennant.cli.completion import main",
}


class Place(Protocol):
    """A namespace of a control plane, such as that of a scenario."""

    rig: Rig
    namespace: str


def directory(place: Place, *, fresh: bool = False) -> Path:
    """Return a directory with both programs of the plugin, and write them first where they are missing."""
    found = place.rig.directory / ("plugin-fresh" if fresh else "plugin")
    found.mkdir(exist_ok=True)
    for name, imports in PROGRAMS.items():
        path = found / name
        if not path.exists():
            code = f"import sys; {imports}; sys.argv[0] = '{name}'; raise SystemExit(main())"
            started = f'-c "{code}"' if fresh else f'-I -S "{fork_client.__file__}" "{forks.server()}" {name}'
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {started} "$@"\n')
            path.chmod(0o755)
    return found


def environment(place: Place, kubeconfig: Path | None = None, *, fresh: bool = False) -> dict[str, str]:
    """Return the environment in which kubectl finds the plugin and the plugin finds the control plane."""
    source = str(Path(pennant.__file__).parents[1])
    return os.environ | {
        "PATH": os.pathsep.join((str(directory(place, fresh=fresh)), os.environ["PATH"])),
        "KUBECONFIG": str(kubeconfig or place.rig.kubeconfig),
        "KUBECACHEDIR": str(place.rig.directory / "kubectl"),
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH", "")))),
    }


def command(place: Place, *args: str) -> list[str]:
    """Return `kubectl pennant ARGS` for the namespace of a place; options follow the name of the plugin."""
    return [str(place.rig.binary("kubectl")), "pennant", *args, "--namespace", place.namespace]


def kubectl_pennant(
    place: Place, *args: str, kubeconfig: Path | None = None, fresh: bool = False
) -> tuple[int, str, str]:
    """Run `kubectl pennant ARGS`; return its exit code, standard output and standard error."""
    done = subprocess.run(
        command(place, *args),
        env=environment(place, kubeconfig, fresh=fresh),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
