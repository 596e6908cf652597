"""What becomes of a command: the revision that it asks for, or the reason why not.

A command is carried out once. A crash after its revision was recorded and before the status was written is no second
time: the revision carries the command's token. What was answered is remembered in `status.commands`, and by the
revisions; by its token, and without one by its words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from pennant.api.deployment_status import (
    BAD,
    LONGEST_COMMAND,
    MOST_COMMANDS,
    AnsweredCommand,
    CommandResult,
    HistoryEntry,
    LastCommand,
    ModelDeploymentStatus,
    Trigger,
)
from pennant.api.meta import clip
from pennant.core.facts.command import REQUESTED_AT, Command, Malformed, Verb
from pennant.core.rollout import next_revision, undo
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.next_revision import Draft, Situation
from pennant.core.rollout.revision import pair
from pennant.core.rollout.rollback import is_quarantined, quarantine_entry
from pennant.core.versions.selection import Selected


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a command, and what follows from it."""

    last_command: LastCommand
    quarantine: Quarantine
    draft: Draft | None = None
    """The revision to record now; None: there is none, or it is recorded already."""
    commands: tuple[AnsweredCommand, ...] = ()
    """All that is remembered of commands after this answer."""

    def carried_out_by(self, revision: int) -> "Answer":
        """Return the answer with the number of the revision that carries the command out."""
        told = {"revision": revision}
        *before, newest = self.commands
        return replace(
            self,
            last_command=self.last_command.model_copy(update=told),
            commands=(*before, newest.model_copy(update=told)),
        )


@dataclass(frozen=True, slots=True)
class _Refusal:
    problem: str


def answer(at: Situation, before: ModelDeploymentStatus, is_rebuilt: bool) -> Answer | None:
    """Return the answer to the command that the annotations give; None where it was answered before.

    Rule: R14.
    """
    order, last = at.snapshot.command, before.last_command
    if order is None:
        return _withdrawn(at, before)
    if last is not None and last.withdrawn_at is None and (last.token, last.command) == (order.token, _line(order)):
        return None
    done = None if is_rebuilt else _unanswered(at, before, order)
    known = _known(order, _remembered(at, before)) if done is None and isinstance(order, Command) else None
    if known is not None and known.command in (str(order), ""):
        # It stays answered as it was.
        said = _said(at, order, CommandResult.IGNORED, _carried_out_before(known))
        return replace(said, commands=_remembering(before))
    given = _answer(at, order, done, known, is_rebuilt)
    fresh = (_kept(given.last_command, words) for words in order.words)
    return replace(given, commands=_remembering(before, *fresh))


def _answer(
    at: Situation,
    order: Command | Malformed,
    done: HistoryEntry | None,
    known: AnsweredCommand | None,
    is_rebuilt: bool,
) -> Answer:
    """Return the answer to a command that was never answered; `done` is its revision if that is on record already."""
    if isinstance(order, Malformed):
        return _said(at, order, CommandResult.REFUSED, order.problem)
    if known is not None:
        return _said(at, order, CommandResult.REFUSED, _used_before(known))
    if at.spec.paused:
        problem = f"the ModelDeployment is paused; set spec.paused to false first, and then a new {REQUESTED_AT}"
        return _said(at, order, CommandResult.REFUSED, problem)
    if is_rebuilt:
        problem = f"the status was lost and is rebuilt; set a new {REQUESTED_AT} if it is still wanted"
        return _said(at, order, CommandResult.IGNORED, problem)
    return _carried_out(at, order, done)


def _withdrawn(at: Situation, before: ModelDeploymentStatus) -> Answer | None:
    """Take note that the annotations are gone: the same ones given again are answered again."""
    last = before.last_command
    if last is None or last.withdrawn_at is not None:
        return None
    return Answer(last.model_copy(update={"withdrawn_at": at.now}), at.quarantine, commands=before.commands)


def _unanswered(at: Situation, before: ModelDeploymentStatus, order: Command | Malformed) -> HistoryEntry | None:
    """Return the revision of this very command that was recorded right before a crash; None: there is none."""
    told = {each.revision for each in before.history}
    known = (each for each in at.history if each.revision not in told and each.command_token == order.token)
    return next((each for each in known if each.command == str(order)), None)


def _remembered(at: Situation, before: ModelDeploymentStatus) -> Iterator[AnsweredCommand]:
    """Yield the commands that were answered, the newest first: as the status tells, and then as the revisions do."""
    if before.last_command is not None:
        yield _kept(before.last_command, before.last_command.command)
    yield from reversed(before.commands)
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


def _known(order: Command, remembered: Iterable[AnsweredCommand]) -> AnsweredCommand | None:
    """Return what had this token, or where none is given, these words; None: it was never answered.

    The same words come first; of the same, what was carried out or refused before the answers to its repetitions.
    """
    words = str(order)
    same = [each for each in remembered if each.token == order.token or (not order.is_named and each.command == words)]
    results = [CommandResult.ACCEPTED, CommandResult.REFUSED]
    same.sort(key=lambda each: (each.command != words, [*results, each.result].index(each.result)))
    return same[0] if same else None


def _carried_out_before(known: AnsweredCommand) -> str:
    done = {CommandResult.ACCEPTED: "carried out", CommandResult.REFUSED: "refused"}.get(known.result, "ignored")
    by = f" as revision {known.revision}" if known.revision is not None else ""
    return f"already {done}{by} on {_date(known.at)}; set a new {REQUESTED_AT} to give it again"


def _used_before(known: AnsweredCommand) -> str:
    used = f"revision {known.revision} ({known.command})" if known.revision is not None else known.command
    return f"{REQUESTED_AT} {known.token} was used for {used} on {_date(known.at)}; set a new {REQUESTED_AT}"


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _remembering(before: ModelDeploymentStatus, *fresh: AnsweredCommand) -> tuple[AnsweredCommand, ...]:
    """Return what is remembered from now on: the newest answers, each of another command."""
    last = before.last_command
    known = (*before.commands, *(() if last is None else (_kept(last, last.command),)))
    found: dict[tuple[str, str], AnsweredCommand] = {}
    for each in (*known, *fresh):
        found.setdefault((each.token, each.command), each)
    return tuple(found.values())[-MOST_COMMANDS:]


def _kept(said: LastCommand, words: str) -> AnsweredCommand:
    return AnsweredCommand(
        token=said.token,
        command=clip(words, LONGEST_COMMAND),
        result=said.result,
        at=said.at,
        revision=said.revision,
    )


def _line(order: Command | Malformed) -> str:
    return clip(str(order), 256)


def _carried_out(at: Situation, order: Command, done: HistoryEntry | None) -> Answer:
    match order.verb:
        case Verb.ROLLBACK_TO:
            return _rolled_back_to(at, order, done)
        case Verb.RETRY:
            return _retried(at, order, done)
        case Verb.RESTART:
            return _restarted(at, order, done)
        case _ as never:
            assert_never(never)


def _rolled_back_to(at: Situation, order: Command, done: HistoryEntry | None) -> Answer:
    if done is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(at, order, CommandResult.ACCEPTED, said, revision=done.revision)
    target = _target(at, order.value)
    if isinstance(target, _Refusal):
        return _said(at, order, CommandResult.REFUSED, target.problem)
    draft = undo.draft(at, target, order.by, order.reason, order)
    said = f"back to {target.version} of revision {target.revision}"
    return _said(at, order, CommandResult.ACCEPTED, said, undo.held_back(at, target, draft), draft)


def _target(at: Situation, value: str) -> HistoryEntry | _Refusal:
    """Return the revision that is meant: by number, by version, or the last good one before the one in place."""
    recorded = {each.entry.revision for each in at.snapshot.revisions}
    there = [each for each in at.history if each.revision in recorded]
    if value in ("", "0"):
        return _previous(at, there)
    if value.isdecimal():
        meant = [each for each in at.history if each.revision == int(value)]
        listed = ", ".join(str(each.revision) for each in there) or "none"
        problem = f"there is no revision {value}; there are {listed}"
    else:
        meant = [each for each in at.history if each.version == value]
        listed = ", ".join(dict.fromkeys(each.version for each in there)) or "none"
        problem = f"no revision of version {value} is there; there are {listed}"
    found = [each for each in meant if each in there]
    if not found:
        return _Refusal(f"{next_revision.lost(at, meant[-1])}; there are {listed}" if meant else problem)
    target = found[-1]
    if (by := quarantine_entry(*pair(target), at.quarantine)) is not None:
        return _Refusal(f"{target.version} is quarantined: {by.message}; give pennant.dev/retry to release it")
    if at.active is not None and target.template_hash == at.active.template_hash:
        same = (
            f"{target.version} already"
            if target.revision == at.active.revision
            else f"what revision {target.revision} did"
        )
        return _Refusal(f"revision {at.active.revision} serves {same}; nothing to undo")
    return target


def _previous(at: Situation, there: list[HistoryEntry]) -> HistoryEntry | _Refusal:
    """Return the newest other revision that was known good; where none was, the newest that was not found bad."""
    in_place = at.active.template_hash if at.active is not None else ""
    others = [
        each
        for each in reversed(there)
        if each.template_hash != in_place and each.outcome not in BAD and not is_quarantined(each, at.quarantine)
    ]
    verified = next((each for each in others if each.verified_at is not None), None)
    if verified is not None:
        return verified
    return others[0] if others else _Refusal("there is no earlier revision to go back to that was not found bad")


def _retried(at: Situation, order: Command, done: HistoryEntry | None) -> Answer:
    if done is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(
            at, order, CommandResult.ACCEPTED, said, _without(at.quarantine, done.version), None, done.revision
        )
    asked = at.holder.version if isinstance(at.holder, Selected) else None
    named = order.value or (asked.version if asked is not None else "")
    released = [each for each in at.quarantine if each.version == named]
    if not released:
        listed = ", ".join(each.version for each in at.quarantine) or "none"
        return _said(
            at, order, CommandResult.REFUSED, f"{named or 'nothing'} is not quarantined; quarantined: {listed}"
        )
    quarantine = _without(at.quarantine, named)
    if asked is None or at.template is None or asked.version != named:
        said = f"{named} is released; it is rolled out when it is asked for"
        return _said(at, order, CommandResult.ACCEPTED, said, quarantine)
    return _said(
        at,
        order,
        CommandResult.ACCEPTED,
        f"{named} is tried again",
        quarantine,
        next_revision.retry(at, asked, at.template, order),
    )


def _restarted(at: Situation, order: Command, done: HistoryEntry | None) -> Answer:
    if done is not None:
        said = f"revision {done.revision} starts all pods anew"
        return _said(at, order, CommandResult.ACCEPTED, said, revision=done.revision)
    if at.active is None:
        return _said(at, order, CommandResult.REFUSED, "nothing is served yet that could be restarted")
    if all(each.entry.revision != at.active.revision for each in at.snapshot.revisions):
        problem = f"{next_revision.lost(at, at.active)}, so nothing tells how to restart it"
        return _said(at, order, CommandResult.REFUSED, problem)
    draft = next_revision.restart(at, at.active, order)
    return _said(at, order, CommandResult.ACCEPTED, "all pods are started anew", None, draft)


def _without(quarantine: Quarantine, version: str) -> Quarantine:
    return tuple(each for each in quarantine if each.version != version)


def _said(
    at: Situation,
    order: Command | Malformed,
    result: CommandResult,
    message: str,
    quarantine: Quarantine | None = None,
    draft: Draft | None = None,
    revision: int | None = None,
) -> Answer:
    said = LastCommand(
        token=order.token, command=_line(order), result=result, message=clip(message), at=at.now, revision=revision
    )
    return Answer(said, at.quarantine if quarantine is None else quarantine, draft)
