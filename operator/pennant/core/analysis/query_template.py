"""The text of a query from its template.

In: a text with placeholders, and a revision. Out: the text with their values. Each value stays inside the string in
which its placeholder stands.

Rule: R37.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.promql import COMMENT, PLACEHOLDER, STRING, WINDOW
from pennant.core.facts.observation import Key

POD_TEMPLATE_HASH = "podTemplateHash"
_PLACEHOLDER = re.compile(PLACEHOLDER)
# A string comes with the operator before it where that makes it a regular expression.
_TOKEN = re.compile(
    rf"(?P<regex>[=!]~(?:\s|{COMMENT}\n)*)?(?P<string>{STRING})|(?P<comment>{COMMENT})|{re.escape(WINDOW)}"
)
_ESCAPE_OR_PLACEHOLDER = re.compile(rf"\\.|(?P<placeholder>{PLACEHOLDER})")
_DURATION = re.compile(r"[0-9]+(ms|[smhdwy])", re.ASCII)
_REGEX_OPERATORS = re.compile(r"[\\.+*?()|\[\]{}^$]")


def values(
    key: Key, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, entry: HistoryEntry
) -> Mapping[str, str]:
    """Return the values of the placeholders for a revision, as far as they are known."""
    stable = status.stable
    stable_entry = next((each for each in status.history if stable and each.revision == stable.revision), None)
    known = {
        "namespace": key.namespace,
        "name": key.name,
        "model": spec.model,
        "version": entry.version,
        "templateHash": entry.template_hash,
        "stableVersion": stable.version if stable else "",
        "stableTemplateHash": stable_entry.template_hash if stable_entry else "",
        "window": f"{spec.analysis.interval_seconds}s",
    }
    return known if entry.pod_template_hash is None else known | {POD_TEMPLATE_HASH: entry.pod_template_hash}


@lru_cache(maxsize=4096)
def needed(text: str) -> frozenset[str]:
    """Return the names of the placeholders in a text."""
    return frozenset(each[2:-1] for each in _PLACEHOLDER.findall(text))


def substituted(query: str, values: Mapping[str, str]) -> str:
    """Return the query with its placeholders filled. A value in a query stays inside its string and means itself.

    In the string of a matcher `=~` or `!~` a value is no regular expression either: a version has dots. A string in
    back quotes knows no escapes; with a placeholder it becomes an equal one in double quotes.
    """
    return _substituted(query, tuple(values.items()))


# The text of a query is the same at each check of a revision.
@lru_cache(maxsize=4096)
def _substituted(query: str, given: tuple[tuple[str, str], ...]) -> str:
    values = dict(given)

    def fill(token: re.Match[str]) -> str:
        before, string = token["regex"] or "", token["string"]
        if string is not None:
            return before + _string(string, values, is_regex=bool(before))
        window = values.get("window", "")
        # What stands alone cannot be escaped.
        return window if token["comment"] is None and _DURATION.fullmatch(window) else token[0]

    return _TOKEN.sub(fill, query)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled by these values as they are."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[0][2:-1], match[0]), text)


def _string(string: str, values: Mapping[str, str], *, is_regex: bool) -> str:
    quote, body = string[0], string[1:-1]
    if quote == "`":
        if not _PLACEHOLDER.search(body):
            return string
        quote, body = '"', _escaped(body)

    def fill(match: re.Match[str]) -> str:
        value = values.get(match["placeholder"][2:-1]) if match["placeholder"] else None
        return match[0] if value is None else literal(value, is_regex)

    return f"{quote}{_ESCAPE_OR_PLACEHOLDER.sub(fill, body)}{quote}"


@lru_cache(maxsize=4096)
def literal(value: str, is_regex: bool) -> str:
    """Return the body of a string in quotes that means exactly this value; `is_regex`: as a regular expression."""
    return _escaped(_REGEX_OPERATORS.sub(r"\\\g<0>", value) if is_regex else value)


def _escaped(text: str) -> str:
    return "".join(
        each if _is_plain(each) else rf"\u{ord(each):04x}" if ord(each) < 1 << 16 else rf"\U{ord(each):08x}"
        for each in text
    )


def _is_plain(character: str) -> bool:
    return " " <= character <= "~" and character not in "\\\"'"
