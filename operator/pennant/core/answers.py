"""What becomes of a command: the revision that it asks for, or the reason why not.

A command is carried out once. A crash after its revision was recorded and before the status was written is no second
time: the revision carries the command's token.
"""

from dataclasses import dataclass
from typing import assert_never

from pennant.api.deployment_status import CommandResult, HistoryEntry, LastCommand
from pennant.api.meta import clip
from pennant.core import plan, undo
from pennant.core.commands import Command, Malformed, Verb
from pennant.core.history import Quarantine
from pennant.core.plan import Draft, Situation
from pennant.core.revision import pair
from pennant.core.rollback import BAD, barring, is_quarantined
from pennant.core.tags import Held


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a command, and what follows from it."""

    last_command: LastCommand
    quarantine: Quarantine
    draft: Draft | None = None
    """The revision to record now; None: there is none, or it is recorded already."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    problem: str


def answer(at: Situation, before: LastCommand | None, is_rebuilt: bool) -> Answer | None:
    """Return the answer to the command that the annotations give; None where it was answered before.

    Rule: A command is carried out once and answered.
    """
    order = at.snapshot.order
    if order is None or (before is not None and before.token == order.token):
        return None
    if isinstance(order, Malformed):
        return _said(at, order, CommandResult.REFUSED, order.problem)
    if at.spec.paused:
        problem = "the ModelDeployment is paused; set spec.paused to false first"
        return _said(at, order, CommandResult.REFUSED, problem)
    if is_rebuilt:
        problem = "the status was lost and is rebuilt; set a new pennant.dev/requested-at if it is still wanted"
        return _said(at, order, CommandResult.IGNORED, problem)
    return _carried_out(at, order)


def _carried_out(at: Situation, order: Command) -> Answer:
    match order.verb:
        case Verb.ROLLBACK_TO:
            return _rolled_back_to(at, order)
        case Verb.RETRY:
            return _retried(at, order)
        case Verb.RESTART:
            return _restarted(at, order)
        case _ as never:
            assert_never(never)


def _rolled_back_to(at: Situation, order: Command) -> Answer:
    if (done := _entry_of(at, order)) is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(at, order, CommandResult.ACCEPTED, said)
    target = _target(at, order.value)
    if isinstance(target, _Refusal):
        return _said(at, order, CommandResult.REFUSED, target.problem)
    draft = undo.draft(at, target, order.by, order.reason, order.token)
    said = f"back to {target.version} of revision {target.revision}"
    return _said(at, order, CommandResult.ACCEPTED, said, undo.held_back(at, target, draft), draft)


def _target(at: Situation, value: str) -> HistoryEntry | _Refusal:
    """Return the revision that is meant: by number, by version, or the last good one before the one in place."""
    recorded = {each.entry.revision for each in at.snapshot.revisions}
    there = [each for each in at.history if each.revision in recorded]
    if value in ("", "0"):
        return _previous(at, there)
    if value.isdecimal():
        found = [each for each in there if each.revision == int(value)]
        listed = ", ".join(str(each.revision) for each in there) or "none"
        problem = f"there is no revision {value}; there are {listed}"
    else:
        found = [each for each in there if each.version == value]
        listed = ", ".join(dict.fromkeys(each.version for each in there)) or "none"
        problem = f"no revision of version {value} is there; there are {listed}"
    if not found:
        return _Refusal(problem)
    target = found[-1]
    if (by := barring(*pair(target), at.quarantine)) is not None:
        return _Refusal(f"{target.version} is quarantined: {by.message}; give pennant.dev/retry to release it")
    if at.active is not None and target.template_hash == at.active.template_hash:
        return _Refusal(f"revision {at.active.revision} serves what revision {target.revision} did; nothing to undo")
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


def _retried(at: Situation, order: Command) -> Answer:
    if (done := _entry_of(at, order)) is not None:
        said = f"revision {done.revision} serves {done.version}"
        return _said(at, order, CommandResult.ACCEPTED, said, _without(at.quarantine, done.version))
    asked = at.holder.version if isinstance(at.holder, Held) else None
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
        plan.retry(at, asked, at.template, order),
    )


def _restarted(at: Situation, order: Command) -> Answer:
    if (done := _entry_of(at, order)) is not None:
        return _said(at, order, CommandResult.ACCEPTED, f"revision {done.revision} starts all pods anew")
    recorded = {each.entry.revision for each in at.snapshot.revisions}
    if at.active is None or at.active.revision not in recorded:
        return _said(at, order, CommandResult.REFUSED, "nothing is served yet that could be restarted")
    draft = plan.restart(at, at.active, order)
    return _said(at, order, CommandResult.ACCEPTED, "all pods are started anew", None, draft)


def _entry_of(at: Situation, order: Command) -> HistoryEntry | None:
    return next((each for each in at.history if each.command_token == order.token), None)


def _without(quarantine: Quarantine, version: str) -> Quarantine:
    return tuple(each for each in quarantine if each.version != version)


def _said(
    at: Situation,
    order: Command | Malformed,
    result: CommandResult,
    message: str,
    quarantine: Quarantine | None = None,
    draft: Draft | None = None,
) -> Answer:
    said = LastCommand(
        token=order.token, command=clip(str(order), 256), result=result, message=clip(message), at=at.now
    )
    return Answer(said, at.quarantine if quarantine is None else quarantine, draft)
