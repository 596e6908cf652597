"""Commands that people give by annotations: they survive a GitOps tool's self-heal and need no write to the spec.

A command is `pennant.dev/rollback-to`, `pennant.dev/retry` or `pennant.dev/restart`; `pennant.dev/requested-at` is its
token, by which it is carried out once. The operator answers in `status.lastCommand` and removes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pennant.api import GROUP
from pennant.api.meta import NAME, SENTENCE, clip
from pennant.core.digest import short_hash

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
    """What tells this command from the one before."""
    by: str
    reason: str

    def __str__(self) -> str:
        """Return the command as one would say it."""
        return f"{self.verb} {self.value}".strip()


@dataclass(frozen=True, slots=True)
class Malformed:
    """Annotations that are meant as a command but make none."""

    token: str
    text: str
    problem: str

    def __str__(self) -> str:
        """Return what was read."""
        return self.text


def read(annotations: Mapping[str, str]) -> Command | Malformed | None:
    """Return the command that the annotations of a ModelDeployment give; None where they give none."""
    given = {verb: str(annotations[verb.annotation]).strip() for verb in Verb if verb.annotation in annotations}
    if not given:
        return None
    by, reason = (str(annotations.get(each, "")).strip() for each in (REQUESTED_BY, REASON))
    # Without a token the words themselves are one: the same words are carried out once.
    token = str(annotations.get(REQUESTED_AT, "")).strip() or short_hash([{**given}, by, reason])
    if len(token) > NAME:
        token = short_hash(token)
    if len(given) > 1:
        names = " and ".join(verb.annotation for verb in given)
        problem = f"{names} are set at the same time; remove all but one and set a new {REQUESTED_AT}"
        return Malformed(token, ", ".join(given), problem)
    ((verb, value),) = given.items()
    if len(value) > LONGEST_VALUE:
        return Malformed(token, verb, f"{verb.annotation} has more than {LONGEST_VALUE} characters")
    return Command(verb, value, token, clip(by, NAME), clip(reason, SENTENCE))
