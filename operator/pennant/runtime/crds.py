"""Writes the CRDs of the models into `crds/` and into the chart, or checks that they are there as they should be."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from pennant.api.crd import crds

DIRECTORIES = (Path("crds"), Path("charts/pennant/files/crds"))
"""Where they are kept, from the root of the repository: for `kubectl apply`, and for the chart."""
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
    usual = " and ".join(map(str, DIRECTORIES))
    parser.add_argument("directory", nargs="*", type=Path, help=f"where the files are ({usual})")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="fail where a file is not what would be written")
    arguments = parser.parse_args(argv)
    files = {
        directory / name: text for directory in arguments.directory or DIRECTORIES for name, text in rendered().items()
    }
    if arguments.write:
        for path, text in files.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in files.items() if _text(path) != text]
    for path in stale:
        print(f"{path} is not current; run `python -m pennant crds --write`", file=sys.stderr)
    return 1 if stale else 0


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
