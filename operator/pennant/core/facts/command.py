"""Commands that users give by annotations of a ModelDeployment, which need no change of its spec.

A command is `pennant.dev/rollback-to`, `pennant.dev/retry` or `pennant.dev/restart`. `pennant.dev/requested-at` is its
token: a command is carried out once for each token. Without one it is identified by its verb and value. The operator
answers in `status.lastCommand` and does not remove the annotations.
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
"""Characters of the value of a command."""


class Verb(StrEnum):
    """The commands; each is an annotation `pennant.dev/<verb>`."""

    ROLLBACK_TO = "rollback-to"
    RETRY = "retry"
    RESTART = "restart"

    @property
    def annotation(self) -> str:
        """The annotation that gives this command."""
        return f"{GROUP}/{self.value}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a user gives."""

    verb: Verb
    value: str
    """The number of a revision, a version, either with `revision:` or `version:` before it, or empty."""
    token: str
    """Identifies the command: the given token, its hash if it is too long, or a hash of the command's text."""
    is_named: bool
    """Whether a token was given."""
    by: str
    """Who gives it (`pennant.dev/requested-by`); empty: not given."""
    reason: str
    """Why (`pennant.dev/reason`); empty: not given."""

    def __str__(self) -> str:
        """Return verb and value as text, as they are stored in a status."""
        return said(self.verb, self.value)

    @property
    def words(self) -> tuple[str, ...]:
        """The text, as a tuple of one; `Malformed` may have more."""
        return (str(self),)

    def annotations(self) -> dict[str, str | None]:
        """Return the annotations of this command as a merge patch; None removes an annotation of an earlier command.

        `read` returns an equal command from them, if it has a token of its own (`is_named`).
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
    """Annotations that are no valid command, such as two commands at once."""

    token: str
    is_named: bool
    words: tuple[str, ...]
    """The text of each command in the annotations."""
    problem: str
    """Why they are not valid, and what to do."""

    def __str__(self) -> str:
        """Return the texts, separated by commas."""
        return ", ".join(self.words)


def said(verb: Verb, value: str) -> str:
    """Return verb and value as text, at most `LONGEST_COMMAND` characters; different commands have different texts."""
    words = printable(f"{verb} {value}".strip())
    if len(words) <= LONGEST_COMMAND:
        return words
    return f"{words[: LONGEST_COMMAND - 14]}… {short_hash(printable(value))}"


def read(annotations: Mapping[str, str]) -> Command | Malformed | None:
    """Return the command in the annotations of a ModelDeployment; None: they have none."""
    given = {verb: str(annotations[verb.annotation]).strip() for verb in Verb if verb.annotation in annotations}
    if not given:
        return None
    by, reason = (str(annotations.get(each, "")).strip() for each in (REQUESTED_BY, REASON))
    words = tuple(said(verb, value) for verb, value in given.items())
    named = printable(str(annotations.get(REQUESTED_AT, "")).strip())
    # Without a token the text identifies the command, not its user and not its reason.
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
    # No revision and no version has an unprintable character, so escaping changes no valid value.
    return Command(verb, printable(value), token, bool(named), clip(by, NAME), clip(reason, SENTENCE))
