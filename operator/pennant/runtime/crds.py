"""Writes the CRDs of the models into `crds/`, or checks that they are there as they should be."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from pennant.api.crd import crds

HEADER = "# Generated from operator/pennant/api by `python -m pennant crds --write`. Do not edit.\n"


def rendered() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {
        name: HEADER + yaml.safe_dump(crd, sort_keys=False, width=120, allow_unicode=True)
        for name, crd in crds().items()
    }


def main(argv: Sequence[str]) -> int:
    """Write or check the files; return the exit code."""
    parser = argparse.ArgumentParser(prog="pennant crds", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("crds"), help="where the files are (crds)")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="fail where a file is not what would be written")
    arguments = parser.parse_args(argv)
    if arguments.write:
        for name, text in rendered().items():
            (arguments.directory / name).write_text(text)
        return 0
    stale = [name for name, text in rendered().items() if _text(arguments.directory / name) != text]
    for name in stale:
        print(f"{arguments.directory / name} is not current; run `python -m pennant crds --write`", file=sys.stderr)
    return 1 if stale else 0


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
