"""Golden files of what verbs print; `PENNANT_WRITE_GOLDEN=1` writes them anew."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare a text with the one that was reviewed."""
    path = GOLDEN / name
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert f"{text}\n" == path.read_text(), f"{name} says something else"
