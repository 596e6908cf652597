"""Which commands were answered before: from `status.commands`, and from the revisions that commands created."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pennant.api.commands import LONGEST_COMMAND, MAX_COMMANDS, AnsweredCommand, CommandResult, LastCommand
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Trigger
from pennant.api.meta import clip
from pennant.core.facts.command import REQUESTED_AT, Command
from pennant.core.rollout.pass_state import Pass


def answered_before(at: Pass) -> Iterator[AnsweredCommand]:
    """Yield the commands that were answered: those of the status, newest first, and then those of the revisions."""
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
"""Triggers of the revisions that commands create."""


def find(command: Command, remembered: Iterable[AnsweredCommand]) -> AnsweredCommand | None:
    """Return the answered command with this token or, for a command without a token, with this text; None: none has.

    The same text is preferred, and then an answer that carried it out or refused it to one that ignored it.
    """
    words = str(command)
    by_words = not command.is_named
    same = [each for each in remembered if each.token == command.token or (by_words and each.command == words)]
    results = [CommandResult.ACCEPTED, CommandResult.REFUSED]
    same.sort(key=lambda each: (each.command != words, [*results, each.result].index(each.result)))
    return same[0] if same else None


def carried_out_before(known: AnsweredCommand) -> str:
    """Return the message for a command that was answered before."""
    done = {CommandResult.ACCEPTED: "carried out", CommandResult.REFUSED: "refused"}.get(known.result, "ignored")
    by = f" as revision {known.revision}" if known.revision is not None else ""
    return f"already {done}{by} on {_date(known.at)}. To repeat it, set a new {REQUESTED_AT}"


def used_before(known: AnsweredCommand) -> str:
    """Return the message for a command whose token was used for another command."""
    used = f"revision {known.revision} ({known.command})" if known.revision is not None else known.command
    return f"{REQUESTED_AT} {known.token} was used for {used} on {_date(known.at)}. Set a new {REQUESTED_AT}"


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def remembered(before: ModelDeploymentStatus, *fresh: AnsweredCommand) -> tuple[AnsweredCommand, ...]:
    """Return the new `status.commands`: the newest `MAX_COMMANDS` answers, one for each token and text."""
    last = before.last_command
    known = (*before.commands, *(() if last is None else (answered(last, last.command),)))
    found: dict[tuple[str, str], AnsweredCommand] = {}
    for each in (*known, *fresh):
        found.setdefault((each.token, each.command), each)
    return tuple(found.values())[-MAX_COMMANDS:]


def answered(said: LastCommand, words: str) -> AnsweredCommand:
    """Return the entry of `status.commands` for this answer to a command with the text `words`."""
    return AnsweredCommand(
        token=said.token,
        command=clip(words, LONGEST_COMMAND),
        result=said.result,
        at=said.at,
        revision=said.revision,
    )
