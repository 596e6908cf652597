"""The real kubectl with `kubectl-pennant` on its PATH, as a user of the plugin has it."""

import os
import subprocess
import sys
from pathlib import Path

import pennant
from cluster.scenario import Scenario

SECONDS = 120
PROGRAMS = {
    "kubectl-pennant": "from pennant.cli.main import main",
    "kubectl_complete-pennant": "from pennant.cli.completion import main",
}


def directory(scenario: Scenario) -> Path:
    """Return a directory with both programs of the plugin, and write them first where they are missing."""
    found = scenario.rig.directory / "plugin"
    found.mkdir(exist_ok=True)
    for name, imports in PROGRAMS.items():
        path = found / name
        if not path.exists():
            code = f"import sys; {imports}; sys.argv[0] = '{name}'; raise SystemExit(main())"
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
            path.chmod(0o755)
    return found


def environment(scenario: Scenario, kubeconfig: Path | None = None) -> dict[str, str]:
    """Return the environment in which kubectl finds the plugin and the plugin finds the control plane."""
    source = str(Path(pennant.__file__).parents[1])
    return os.environ | {
        "PATH": os.pathsep.join((str(directory(scenario)), os.environ["PATH"])),
        "KUBECONFIG": str(kubeconfig or scenario.rig.kubeconfig),
        "KUBECACHEDIR": str(scenario.rig.directory / "kubectl"),
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH", "")))),
    }


def command(scenario: Scenario, *args: str) -> list[str]:
    """Return `kubectl pennant ARGS` for the namespace of the scenario; options follow the name of the plugin."""
    return [str(scenario.rig.binary("kubectl")), "pennant", *args, "--namespace", scenario.namespace]


def kubectl_pennant(scenario: Scenario, *args: str, kubeconfig: Path | None = None) -> tuple[int, str, str]:
    """Run `kubectl pennant ARGS`; return its exit code, standard output and standard error."""
    done = subprocess.run(
        command(scenario, *args),
        env=environment(scenario, kubeconfig),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
