"""What to write instead of a value that YAML does not take for a string.

The API server only says that the value has the wrong type.

Rule: R122.
"""

from pennant.cli.manifests.documents import Document, Path, Problem
from pennant.kube.codec.validation_message import NO_STRING

VERSIONS: tuple[Path, ...] = (("spec", "version"), ("spec", "parent"))


def message(document: Document, problem: Problem) -> str:
    """Return the message of a problem; where a string is missing, with what kubectl reads and what to write."""
    text, value = document.plain(problem.path)
    if problem.message != NO_STRING or not text:
        return problem.message
    kind = "boolean" if isinstance(value, bool) else "number"
    other = _semantic(text) if problem.path in VERSIONS else ""
    return f"must be a string, and kubectl reads {text} as a {kind}; write '{text}' in quotes{other}"


def _semantic(text: str) -> str:
    """Return the semantic version that a number can be written as, for a sentence; empty where it is none."""
    parts = text.split(".")
    is_whole = all(each.isdecimal() and str(int(each)) == each for each in parts)
    return f", or {'.'.join([*parts, '0', '0'][:3])} without" if is_whole and len(parts) < 3 else ""
