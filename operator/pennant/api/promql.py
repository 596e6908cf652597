"""Queries with placeholders: where a placeholder may stand, as the models and the API server both check it.

Of PromQL's grammar only this is known: what is a string, what is a comment, and what is neither.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pennant.api.meta import validated

NAMES = (
    "namespace",
    "name",
    "model",
    "version",
    "templateHash",
    "podTemplateHash",
    "stableVersion",
    "stableTemplateHash",
    "window",
)
WINDOW = "${window}"
# These texts are patterns of Python and of the API server's RE2 alike; \x22 and \x27 are the two quotes with escapes.
PLACEHOLDER = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
STRING = r"\x22(?:[^\x22\\\n]|\\.)*\x22|\x27(?:[^\x27\\\n]|\\.)*\x27|`[^`]*`"
COMMENT = r"#[^\n]*"
TOKEN = f"{STRING}|{COMMENT}|{PLACEHOLDER}"

_LISTED = ", ".join(f"${{{name}}}" for name in NAMES)
_KNOWN = frozenset(f"${{{name}}}" for name in NAMES)
_UNKNOWN = (
    f"self.findAll(r'{PLACEHOLDER}').all(p, p in {sorted(_KNOWN)})",
    f"a placeholder is not known; there are {_LISTED}",
)
_MISPLACED = (
    f"self.findAll(r'{TOKEN}').all(t, !t.startsWith('${{') || t == '{WINDOW}')",
    f"only {WINDOW} may stand outside of quotes; write any other placeholder within a string, such as "
    'version="${version}"',
)


def _known(text: str) -> str:
    if not _KNOWN.issuperset(re.findall(PLACEHOLDER, text)):
        raise ValueError(_UNKNOWN[1])
    return text


def _placed(query: str) -> str:
    if any(token.startswith("${") and token != WINDOW for token in re.findall(TOKEN, query)):
        raise ValueError(_MISPLACED[1])
    return query


PromQL = Annotated[
    str,
    Field(min_length=1, max_length=4096, json_schema_extra=validated(_UNKNOWN, _MISPLACED)),
    AfterValidator(_known),
    AfterValidator(_placed),
]
"""A query; each placeholder but `${window}` stands within a string."""
LABEL_VALUE_SCHEMA = {"type": "string", "maxLength": 256, **validated(_UNKNOWN)}
LabelValue = Annotated[str, Field(max_length=256), AfterValidator(_known)]
"""The value of a label, in which placeholders may stand anywhere."""
# One pattern for the whole value: of a list in a list the API server estimates the cost of anything else too high.
_KNOWN_ONLY = rf"^([^$]|\$+[^${{]|\$*\$\{{({'|'.join(NAMES)})\}})*\$*$"
VALUES_RULE = (f"!has(self.values) || self.values.all(v, v.matches(r'{_KNOWN_ONLY}'))", _UNKNOWN[1])
"""The rule of an object whose `values` are values of labels."""


def _only_known(text: str) -> str:
    if re.match(_KNOWN_ONLY, text) is None:
        raise ValueError(_UNKNOWN[1])
    return text


ListedLabelValue = Annotated[str, Field(max_length=256), AfterValidator(_only_known)]
"""The value of a label in a list; the rule of the object that has the list says the same to the API server."""
