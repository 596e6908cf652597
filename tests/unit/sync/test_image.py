"""The operator's image, which has no command line, can run `pennant sync`."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
MODULES = {"ruamel.yaml": "ruamel"}


def absent(*extras: str) -> str:
    """Return code that makes the packages of extras impossible to import."""
    names = {each.partition(">")[0].partition("[")[0] for extra in extras for each in EXTRAS[extra]}
    assert {"click", "obstore"} <= names
    return "; ".join(["import sys", *(f"sys.modules[{MODULES.get(each, each)!r}] = None" for each in sorted(names))])


@pytest.mark.parametrize("words", [["--help"], ["--config=/nowhere/sync.yaml"]], ids=str)
def test_it_runs_without_the_packages_of_the_command_line(words: list[str]) -> None:
    code = f"{absent('cli', 'register')}; from pennant.__main__ import main; raise SystemExit(main(['sync', *{words}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "ModuleNotFoundError" not in done.stderr
    if words == ["--help"]:
        assert (done.returncode, "--webhook-port" in done.stdout) == (0, True), done.stdout + done.stderr
    else:
        said = (
            "error: the file of registries cannot be read: [Errno 2] No such file or directory: '/nowhere/sync.yaml'\n"
        )
        assert (done.returncode, done.stderr) == (2, said)


def test_mlflow_can_be_opened_without_them() -> None:
    code = f"{absent('cli', 'register')}; import pennant.registries.mlflow.connection, pennant.sync.app"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
