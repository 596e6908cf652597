"""The page of `docs/` that explains every condition and reason, out of their own documentation."""

from collections.abc import Iterable

from pennant.api.reasons import ConditionType, Reason, VersionConditionType, Word

HEAD = """\
<!-- Generated from operator/pennant/api/reasons.py by `python -m pennant generate --write`. Do not edit. -->
# Conditions and reasons

What each word in a status or an Event means, when it is set and when it is cleared, and what to do about it. `Ready`
of a ModelDeployment takes reason and message of the first condition that is not as it should be.
"""


def page() -> str:
    """Return the page as Markdown."""
    sections = (
        _section("Conditions of a ModelDeployment", ConditionType),
        _section("Conditions of a ModelVersion", VersionConditionType),
        _section("Reasons", sorted(Reason, key=lambda each: each.value)),
    )
    return "\n".join((HEAD, *sections))


def _section(title: str, words: Iterable[Word]) -> str:
    return "\n".join((f"## {title}\n", *(_entry(each) for each in words)))


def _entry(word: Word) -> str:
    return (
        f"### {word.value}\n\n"
        f"{word.means}\n\n"
        f"- **Set when:** {word.set_when}\n"
        f"- **Cleared when:** {word.cleared_when}\n"
        f"- **What to do:** {word.to_do}\n"
    )
