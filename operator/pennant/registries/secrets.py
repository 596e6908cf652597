"""Values that people log and that no record may have: passwords and keys, by their names.

Rule: R213.
"""

import re
from collections.abc import Mapping
from typing import Any

from pennant.record.secrecy import without_credentials
from pennant.registries.notes import Notes

NAME = re.compile(
    r"passw(or)?d|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key|(auth|access|hf|hub|bearer)[_-]?token",
    re.IGNORECASE,
)
"""Of a value that is secret. The word token alone is none: `max_tokens` and `pad_token` are parameters."""


def without_secrets(values: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return values without those whose names are those of secrets, which is noted; URLs have no credentials."""
    for each in sorted(name for name in values if NAME.search(name)):
        notes.add(f"{each[:250]} has the name of a secret, so the record does not have its value")
    return {name: _bare(each) for name, each in values.items() if not NAME.search(name)}


def _bare(value: Any) -> Any:
    if not isinstance(value, str) or "://" not in value:
        return value
    try:
        return without_credentials(value)
    except ValueError:
        return value
