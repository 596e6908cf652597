"""The real kubectl with `kubectl-pennant` on its PATH, as a user of the plugin has it."""

import os
import subprocess
import sys
from pathlib import Path

import pennant
from cluster.stage import Stage

SECONDS = 120
PROGRAMS = {
    "kubectl-pennant": "from pennant.cli.main import main",
    "kubectl_complete-pennant": "from pennant.cli.completion import main",
}


def directory(stage: Stage) -> Path:
    """Return a directory with both programs of the plugin, and write them first where they are missing."""
    found = stage.rig.directory / "plugin"
    found.mkdir(exist_ok=True)
    for name, imports in PROGRAMS.items():
        path = found / name
        if not path.exists():
            code = f"import sys; {imports}; sys.argv[0] = '{name}'; raise SystemExit(main())"
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
            path.chmod(0o755)
    return found


def environment(stage: Stage, kubeconfig: Path | None = None) -> dict[str, str]:
    """Return the environment in which kubectl finds the plugin and the plugin finds the control plane."""
    source = str(Path(pennant.__file__).parents[1])
    return os.environ | {
        "PATH": os.pathsep.join((str(directory(stage)), os.environ["PATH"])),
        "KUBECONFIG": str(kubeconfig or stage.rig.kubeconfig),
        "KUBECACHEDIR": str(stage.rig.directory / "kubectl"),
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH", "")))),
    }


def command(stage: Stage, *args: str) -> list[str]:
    """Return `kubectl pennant ARGS` for the namespace of the stage; kubectl takes no options before a plugin's name."""
    return [str(stage.rig.binary("kubectl")), "pennant", *args, "--namespace", stage.namespace]


def kubectl_pennant(stage: Stage, *args: str, kubeconfig: Path | None = None) -> tuple[int, str, str]:
    """Run `kubectl pennant ARGS`; return its exit code, standard output and standard error."""
    done = subprocess.run(
        command(stage, *args),
        env=environment(stage, kubeconfig),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
