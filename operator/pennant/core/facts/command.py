"""Commands that people give by annotations: they survive a GitOps tool's self-heal and need no write to the spec.

A command is `pennant.dev/rollback-to`, `pennant.dev/retry` or `pennant.dev/restart`; `pennant.dev/requested-at` is its
token, by which it is carried out once. Without a token it is known by its own words, once. The operator answers in
`status.lastCommand` and removes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pennant.api import GROUP
from pennant.api.commands import LONGEST_COMMAND
from pennant.api.meta import NAME, SENTENCE, clip, printable
from pennant.core.facts.digest import short_hash

REQUESTED_AT = f"{GROUP}/requested-at"
REQUESTED_BY = f"{GROUP}/requested-by"
REASON = f"{GROUP}/reason"
LONGEST_VALUE = 256


class Verb(StrEnum):
    """What can be asked for; each is an annotation `pennant.dev/<verb>`."""

    ROLLBACK_TO = "rollback-to"
    RETRY = "retry"
    RESTART = "restart"

    @property
    def annotation(self) -> str:
        """The annotation that gives this command."""
        return f"{GROUP}/{self.value}"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person asks for, once."""

    verb: Verb
    value: str
    """A revision, a version, or empty."""
    token: str
    """What tells this command from the one before: what was given as such, or else a hash of its words."""
    is_named: bool
    """Whether a token was given."""
    by: str
    reason: str

    def __str__(self) -> str:
        """Return the command as one would say it."""
        return said(self.verb, self.value)

    @property
    def words(self) -> tuple[str, ...]:
        """What is asked for, in the words by which it is known again."""
        return (str(self),)

    def annotations(self) -> dict[str, str | None]:
        """Return the annotations that give this command, as a merge patch: None removes one of an earlier command.

        `read` returns this very command from them, if it has a token of its own (`is_named`).
        """
        said = {
            REQUESTED_AT: self.token if self.is_named else "",
            REQUESTED_BY: self.by,
            REASON: self.reason,
        }
        verbs = {verb.annotation: self.value if verb is self.verb else None for verb in Verb}
        return {**verbs, **{name: value or None for name, value in said.items()}}


@dataclass(frozen=True, slots=True)
class Malformed:
    """Annotations that are meant as a command but make none."""

    token: str
    is_named: bool
    words: tuple[str, ...]
    """What each of the annotations would have asked for by itself."""
    problem: str

    def __str__(self) -> str:
        """Return what was read."""
        return ", ".join(self.words)


def said(verb: Verb, value: str) -> str:
    """Return a command in words that fit into a status; two commands that differ have different words."""
    words = printable(f"{verb} {value}".strip())
    if len(words) <= LONGEST_COMMAND:
        return words
    return f"{words[: LONGEST_COMMAND - 14]}… {short_hash(printable(value))}"


def read(annotations: Mapping[str, str]) -> Command | Malformed | None:
    """Return the command that the annotations of a ModelDeployment give; None where they give none."""
    given = {verb: str(annotations[verb.annotation]).strip() for verb in Verb if verb.annotation in annotations}
    if not given:
        return None
    by, reason = (str(annotations.get(each, "")).strip() for each in (REQUESTED_BY, REASON))
    words = tuple(said(verb, value) for verb, value in given.items())
    named = printable(str(annotations.get(REQUESTED_AT, "")).strip())
    # Without a token the words themselves are one: whatever else is said, the same words are carried out once.
    token = named or short_hash(words)
    if len(token) > NAME:
        token = short_hash(token)
    if len(given) > 1:
        names = " and ".join(verb.annotation for verb in given)
        problem = f"{names} are set at the same time. Remove all but one and set a new {REQUESTED_AT}"
        return Malformed(token, bool(named), words, problem)
    ((verb, value),) = given.items()
    if len(value) > LONGEST_VALUE:
        problem = f"{verb.annotation} must have at most {LONGEST_VALUE} characters, and has {len(value)}"
        return Malformed(token, bool(named), words, problem)
    # No revision and no version has a sign in its name that is shown by its number.
    return Command(verb, printable(value), token, bool(named), clip(by, NAME), clip(reason, SENTENCE))
