"""What the tests of the registries of clouds do alike: run the command line, and read what it wrote."""

from pathlib import Path
from typing import Any

import yaml

from pennant.cli.main import main
from pennant.cli.manifests.findings import report


def ran(capsys: Any, registry: str, address: str, *args: str) -> tuple[int, str, str]:
    """Run an import; return its exit code, standard output and standard error."""
    code = main(["import", registry, "--from", address, *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def manifests(out: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(out))


def imported(directory: Path) -> list[str]:
    """Return the names of the versions in a directory."""
    return sorted(each.stem for each in directory.glob("*.yaml"))


def problems(directory: Path) -> list[Any]:
    """Return what `pennant lint` finds wrong in a directory."""
    files = [(each.name, each.read_text()) for each in sorted(directory.glob("*.yaml"))]
    return [each for each in report(files).findings if each.severity == "error"]
