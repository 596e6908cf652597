"""Golden files of what verbs print, one for each state, to be read and reviewed like documentation."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare a text with the file of this name; `PENNANT_WRITE_GOLDEN=1` writes the file."""
    path = GOLDEN / name
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text(), f"{name} differs"
