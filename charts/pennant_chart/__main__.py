"""`python -m pennant_chart`: write or check the generated files of charts/pennant."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pennant.generate import checked, written
from pennant_chart import dashboards, readme

CHART = Path(__file__).parents[1] / "pennant"


def files() -> dict[Path, str]:
    """Return the content of each generated file by its path."""
    pages = {CHART / "files" / "dashboards" / name: text for name, text in dashboards.files().items()}
    return {**pages, CHART / "README.md": readme.text(CHART)}


def main(argv: Sequence[str]) -> int:
    """Write or check the files; return the exit code: 1 where a check finds a stale file."""
    parser = argparse.ArgumentParser(prog="pennant_chart", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit with 1 if a file differs from what would be written")
    is_writing = parser.parse_args(argv).write
    return written(files()) if is_writing else checked(files(), "python -m pennant_chart --write")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
