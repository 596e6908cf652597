"""Which commands were answered before: the status remembers them, and so do the revisions that they made."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pennant.api.commands import LONGEST_COMMAND, MOST_COMMANDS, AnsweredCommand, CommandResult, LastCommand
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Trigger
from pennant.api.meta import clip
from pennant.core.facts.command import REQUESTED_AT, Command
from pennant.core.rollout.pass_state import Pass


def answered_before(at: Pass) -> Iterator[AnsweredCommand]:
    """Yield the commands that were answered, the newest first: as the status tells, and then as the revisions do."""
    if at.before.last_command is not None:
        yield answered(at.before.last_command, at.before.last_command.command)
    yield from reversed(at.before.commands)
    for entry in reversed(at.history):
        if entry.command_token is not None and entry.trigger in ORDERED:
            yield AnsweredCommand(
                token=entry.command_token,
                command=entry.command or "",
                result=CommandResult.ACCEPTED,
                at=entry.started_at,
                revision=entry.revision,
            )


ORDERED = frozenset({Trigger.UNDO, Trigger.RETRY, Trigger.RESTART})
"""What a revision is made for where a command asked for it."""


def find(command: Command, remembered: Iterable[AnsweredCommand]) -> AnsweredCommand | None:
    """Return what had this token, or where none is given, these words; None: it was never answered.

    The same words come first; of the same, what was carried out or refused before the answers to its repetitions.
    """
    words = str(command)
    by_words = not command.is_named
    same = [each for each in remembered if each.token == command.token or (by_words and each.command == words)]
    results = [CommandResult.ACCEPTED, CommandResult.REFUSED]
    same.sort(key=lambda each: (each.command != words, [*results, each.result].index(each.result)))
    return same[0] if same else None


def carried_out_before(known: AnsweredCommand) -> str:
    """Return the answer to a command that was answered before."""
    done = {CommandResult.ACCEPTED: "carried out", CommandResult.REFUSED: "refused"}.get(known.result, "ignored")
    by = f" as revision {known.revision}" if known.revision is not None else ""
    return f"already {done}{by} on {_date(known.at)}. To repeat it, set a new {REQUESTED_AT}"


def used_before(known: AnsweredCommand) -> str:
    """Return the answer to a command whose token was used for another one."""
    used = f"revision {known.revision} ({known.command})" if known.revision is not None else known.command
    return f"{REQUESTED_AT} {known.token} was used for {used} on {_date(known.at)}. Set a new {REQUESTED_AT}"


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def remembered(before: ModelDeploymentStatus, *fresh: AnsweredCommand) -> tuple[AnsweredCommand, ...]:
    """Return what is remembered from now on: the newest answers, each of another command."""
    last = before.last_command
    known = (*before.commands, *(() if last is None else (answered(last, last.command),)))
    found: dict[tuple[str, str], AnsweredCommand] = {}
    for each in (*known, *fresh):
        found.setdefault((each.token, each.command), each)
    return tuple(found.values())[-MOST_COMMANDS:]


def answered(said: LastCommand, words: str) -> AnsweredCommand:
    """Return what is remembered of the answer to a command that reads `words`."""
    return AnsweredCommand(
        token=said.token,
        command=clip(words, LONGEST_COMMAND),
        result=said.result,
        at=said.at,
        revision=said.revision,
    )
