"""What to write instead of a value that YAML does not take for a string, and instead of a wrong digest.

The API server only says that the value has the wrong type, or lists all algorithms.

Rule: R122.
"""

from typing import Any

from pennant.api.meta import DIGEST_PATTERN, MEANINGS
from pennant.cli.manifests import digests
from pennant.cli.manifests.documents import Document, Path, Problem
from pennant.kube.codec.validation_message import NO_STRING

VERSIONS: tuple[Path, ...] = (("spec", "version"), ("spec", "parent"))


def message(document: Document, problem: Problem) -> str:
    """Return the message of a problem; of a digest what its algorithm needs.

    Where a string is missing, it has what kubectl reads and what to write.
    """
    if problem.message == MEANINGS[DIGEST_PATTERN] and isinstance(found := _value(document, problem.path), str):
        return digests.requirement(found)
    text, value = document.plain(problem.path)
    if problem.message != NO_STRING or not text:
        return problem.message
    kind = "boolean" if isinstance(value, bool) else "number"
    other = _semantic(text) if problem.path in VERSIONS else ""
    return f"must be a string, and kubectl reads {text} as a {kind}; write '{text}' in quotes{other}"


def _value(document: Document, path: Path) -> Any:
    found = document.value
    for step in path:
        found = found[step]
    return found


def _semantic(text: str) -> str:
    """Return the semantic version that a number can be written as, for a sentence; empty where it is none."""
    parts = text.split(".")
    is_whole = all(each.isdecimal() and str(int(each)) == each for each in parts)
    return f", or {'.'.join([*parts, '0', '0'][:3])} without" if is_whole and len(parts) < 3 else ""
