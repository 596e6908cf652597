"""The text of `docs/conditions.md`, generated from `api/reasons.py`."""

from collections.abc import Iterable

from pennant.api.reasons import ConditionType, Reason, VersionConditionType, Word

HEAD = """\
<!-- Generated from operator/pennant/api/reasons.py by `python -m pennant generate --write`. Do not edit. -->
# Conditions and reasons

What each condition type and reason means, when it is set and cleared, and what to do. [`Ready`](#ready) of a
ModelDeployment has the reason and the message of the first condition that makes it False. A reason is used in
conditions, in `status.analysis`, in `status.quarantine` and in Events.
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
    mark = "``" if "`" in word.example else "`"
    example = f"- **Example of a message:** {mark}{word.example}{mark}\n" if word.example else ""
    return (
        f"### {word.value}\n\n"
        f"{word.means}\n\n"
        f"- **Set when:** {word.set_when}\n"
        f"- **Cleared when:** {word.cleared_when}\n"
        f"- **What to do:** {word.to_do}\n"
        f"{example}"
    )
