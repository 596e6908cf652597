"""What stands for the operator's image: `python -m pennant`, with mounts as the test node has them.

What is mounted at `/mnt/models` is found at `mnt/models` in the working directory, so such paths in arguments are made
relative. It is run as a script: the environment of a container has no PYTHONPATH.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]


def relative(words: Sequence[str], directory: Path) -> list[str]:
    """Return arguments in which absolute paths of what is mounted are those in the working directory."""
    return [_relative(each, directory) for each in words]


def _relative(word: str, directory: Path) -> str:
    name, sign, value = word.partition("=")
    inside = value.lstrip("/")
    is_mounted = sign and value.startswith("/") and (directory / inside).exists()
    return f"{name}={inside}" if is_mounted else word


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "operator"))
    from pennant.__main__ import main

    sys.exit(main(relative(sys.argv[1:], Path.cwd())))
