"""The answer to a command: the revision that it asks for, or why it is refused or ignored.

A command is carried out once. Answers are kept in `status.commands` and in the revisions that they created, by token,
or by verb and value for a command without a token. After a crash between the ControllerRevision and the status, the
token in the ControllerRevision prevents a second revision.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from pennant.api.commands import AnsweredCommand, CommandResult, LastCommand
from pennant.api.history import HistoryEntry
from pennant.api.meta import clip
from pennant.core.facts.command import REQUESTED_AT, Command, Malformed, Verb
from pennant.core.rollout.command_memory import (
    answered,
    answered_before,
    carried_out_before,
    find,
    remembered,
    used_before,
)
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.promotion_gates import NOT_BY_RETRY
from pennant.core.rollout.revision_draft import Draft, lost, restart_draft, retry_draft
from pennant.core.rollout.undo import NoTarget, held_back, undo_draft, undo_target
from pennant.core.versions.selection import Selected


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """The result of a command, and what it changes."""

    last_command: LastCommand
    """The new `status.lastCommand`."""
    quarantine: Quarantine
    """The quarantine after the command."""
    draft: Draft | None = None
    """The revision to create now; None: it needs none, or its revision exists already."""
    commands: tuple[AnsweredCommand, ...] = ()
    """The new `status.commands`."""

    def carried_out_by(self, revision: int) -> "CommandAnswer":
        """Return the answer with the number of the revision that was created for it."""
        told = {"revision": revision}
        *before, newest = self.commands
        return replace(
            self,
            last_command=self.last_command.model_copy(update=told),
            commands=(*before, newest.model_copy(update=told)),
        )


def answer(at: Pass, is_rebuilt: bool) -> CommandAnswer | None:
    """Return the answer to the command of the annotations; None: there is none, or it is answered in the status.

    `is_rebuilt` says that the status was lost, so that it is not known which commands were answered.

    Rule: R14.
    """
    command, last = at.snapshot.command, at.before.last_command
    if command is None:
        return _withdrawn(at)
    if last is not None and last.withdrawn_at is None and (last.token, last.command) == (command.token, _line(command)):
        return None
    done = None if is_rebuilt else _unanswered(at, command)
    known = find(command, answered_before(at)) if done is None and isinstance(command, Command) else None
    if known is not None and known.command in (str(command), ""):
        # The first answer stays in `status.commands`.
        said = _said(at, command, CommandResult.IGNORED, carried_out_before(known))
        return replace(said, commands=remembered(at.before))
    given = _answer(at, command, done, known, is_rebuilt)
    fresh = (answered(given.last_command, words) for words in command.words)
    return replace(given, commands=remembered(at.before, *fresh))


def _answer(
    at: Pass,
    command: Command | Malformed,
    done: HistoryEntry | None,
    known: AnsweredCommand | None,
    is_rebuilt: bool,
) -> CommandAnswer:
    """Return the answer to a command that was not answered yet.

    `done` is its revision, if that was created before a crash. `known` is another command with the same token.
    """
    if isinstance(command, Malformed):
        return _said(at, command, CommandResult.REFUSED, command.problem)
    if known is not None:
        return _said(at, command, CommandResult.REFUSED, used_before(known))
    if at.spec.paused:
        problem = f"the ModelDeployment is paused. Set spec.paused to false, then set a new {REQUESTED_AT}"
        return _said(at, command, CommandResult.REFUSED, problem)
    if is_rebuilt:
        unknown = "the status was lost and rebuilt, so it is not known whether this was carried out"
        problem = f"{unknown}. To repeat it, set a new {REQUESTED_AT}"
        return _said(at, command, CommandResult.IGNORED, problem)
    return _carried_out(at, command, done)


def _withdrawn(at: Pass) -> CommandAnswer | None:
    """Return the last answer with `withdrawnAt`, if the annotations were removed; None: nothing to change.

    The same annotations are answered again when they are set again.
    """
    last = at.before.last_command
    if last is None or last.withdrawn_at is not None:
        return None
    return CommandAnswer(last.model_copy(update={"withdrawn_at": at.now}), at.quarantine, commands=at.before.commands)


def _unanswered(at: Pass, command: Command | Malformed) -> HistoryEntry | None:
    """Return the revision of this command that was created before a crash and is not in the stored status."""
    told = {each.revision for each in at.before.history}
    known = (each for each in at.history if each.revision not in told and each.command_token == command.token)
    return next((each for each in known if each.command == str(command)), None)


def _line(command: Command | Malformed) -> str:
    return clip(str(command), 256)


def _carried_out(at: Pass, command: Command, done: HistoryEntry | None) -> CommandAnswer:
    """Return the answer of the verb; `done` is as in `_answer`."""
    match command.verb:
        case Verb.ROLLBACK_TO:
            return _rolled_back_to(at, command, done)
        case Verb.RETRY:
            return _retried(at, command, done)
        case Verb.RESTART:
            return _restarted(at, command, done)
        case _ as never:
            assert_never(never)


def _rolled_back_to(at: Pass, command: Command, done: HistoryEntry | None) -> CommandAnswer:
    if done is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(at, command, CommandResult.ACCEPTED, said, revision=done.revision)
    target = undo_target(at.history, at.quarantine, at.snapshot, command.value)
    if isinstance(target, NoTarget):
        return _said(at, command, CommandResult.REFUSED, target.problem)
    draft = undo_draft(at, target, command.by, command.reason, command)
    said = f"rolled back to {target.version} (revision {target.revision})"
    return _said(at, command, CommandResult.ACCEPTED, said, held_back(at, target, draft), draft)


def _retried(at: Pass, command: Command, done: HistoryEntry | None) -> CommandAnswer:
    if done is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(
            at, command, CommandResult.ACCEPTED, said, _without(at.quarantine, done.version), None, done.revision
        )
    asked = at.selection.version if isinstance(at.selection, Selected) else None
    named = command.value or (asked.version if asked is not None else "")
    released = [each for each in at.quarantine if each.version == named]
    if not released:
        listed = ", ".join(each.version for each in at.quarantine) or "none"
        return _said(
            at,
            command,
            CommandResult.REFUSED,
            f"{named or 'no version'} is not quarantined. Quarantined versions: {listed}",
        )
    quarantine = _without(at.quarantine, named)
    if asked is None or at.template is None or asked.version != named:
        said = f"{named} is no longer quarantined; it is rolled out when it is the target version"
        return _said(at, command, CommandResult.ACCEPTED, said, quarantine)
    if at.gate is not None and at.gate.reason in NOT_BY_RETRY:
        said = f"{named} is no longer quarantined; it is not rolled out: {at.gate.message}"
        return _said(at, command, CommandResult.ACCEPTED, said, quarantine)
    return _said(
        at,
        command,
        CommandResult.ACCEPTED,
        f"{named} is retried",
        quarantine,
        retry_draft(at, asked, at.template, command),
    )


def _restarted(at: Pass, command: Command, done: HistoryEntry | None) -> CommandAnswer:
    if done is not None:
        said = f"revision {done.revision} restarts all pods"
        return _said(at, command, CommandResult.ACCEPTED, said, revision=done.revision)
    if at.active is None:
        return _said(at, command, CommandResult.REFUSED, "no version serves yet")
    if all(each.entry.revision != at.active.revision for each in at.snapshot.revisions):
        problem = (
            f"{lost(at.snapshot, at.active)}, so it cannot be restarted. Move the tag, or give pennant.dev/rollback-to"
        )
        return _said(at, command, CommandResult.REFUSED, problem)
    draft = restart_draft(at, at.active, command)
    return _said(at, command, CommandResult.ACCEPTED, "all pods are restarted", None, draft)


def _without(quarantine: Quarantine, version: str) -> Quarantine:
    """Return the quarantine without the entries of a version."""
    return tuple(each for each in quarantine if each.version != version)


def _said(
    at: Pass,
    command: Command | Malformed,
    result: CommandResult,
    message: str,
    quarantine: Quarantine | None = None,
    draft: Draft | None = None,
    revision: int | None = None,
) -> CommandAnswer:
    said = LastCommand(
        token=command.token,
        command=_line(command),
        result=result,
        message=clip(message),
        at=at.now,
        user=at.snapshot.users.commanded or None,
        revision=revision,
    )
    return CommandAnswer(said, at.quarantine if quarantine is None else quarantine, draft)
