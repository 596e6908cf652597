"""The steps of a pass: answer a command, record the next revision, write the Deployment, and tidy up.

A pass takes at most one of them that writes. Each returns the pass with what it changed.
"""

from dataclasses import replace
from typing import assert_never

from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.analysis import assessment
from pennant.core.facts.decision import Action, CreateRevision, MarkRevision, PruneRevision
from pennant.core.facts.observation import WriteProblem
from pennant.core.rollout import (
    command_execution,
    history,
    promotion_gates,
    restoration,
    revision_draft,
    rollback,
    undo,
)
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.next_revision import next_revision
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision_draft import Draft
from pennant.core.status import events
from pennant.core.workload import manual_changes, pending_write, surge
from pennant.core.workload.pending_write import Wanted


def stepped(at: Pass) -> Pass:
    """Answer a command, record the next revision, or bring the Deployment to the current one."""
    at = _commanded(at)
    if not at.actions and not at.refusal and not at.spec.paused:
        draft = next_revision(at)
        at = at if draft is None else _with_revision(at, draft, at.quarantine)
    return at if at.actions else _written(at)


def _commanded(at: Pass) -> Pass:
    """Answer the command that the annotations give, if there is a new one."""
    quarantine_alone = restoration.is_blank(at.before) and bool(at.quarantine)
    is_rebuilt = not at.before.history and (bool(at.snapshot.revisions) or quarantine_alone)
    answer = command_execution.answer(at, is_rebuilt)
    if answer is None:
        return at
    if answer.draft is None:
        at = at.with_quarantine(answer.quarantine)
        return at.with_status(last_command=answer.last_command, commands=answer.commands)
    fresh = _with_revision(at, answer.draft, answer.quarantine)
    if fresh.refusal or fresh.active is None:
        # A command counts as answered when its revision can be recorded.
        return replace(at, refusal=fresh.refusal)
    answer = answer.carried_out_by(fresh.active.revision)
    return fresh.with_status(last_command=answer.last_command, commands=answer.commands)


def _with_revision(at: Pass, draft: Draft, quarantine: Quarantine) -> Pass:
    """Record the revision that takes the place of the current one."""
    fresh = revision_draft.recorded(draft, at.history, at.snapshot, at.now)
    if fresh is None:
        return replace(at, refusal=WriteProblem(Reason.DEPLOYMENT_REFUSED, revision_draft.NO_NUMBER_LEFT))
    creation = CreateRevision(fresh)
    if refusal := at.observation.refused(creation.write.content):
        return replace(at, refusal=refusal)
    advice = surge.advice(at.spec, draft.template)
    warning = (events.surge_needs_room(advice),) if advice and at.history else ()
    # What the stored status says failed ends as that, also where this very pass releases its content.
    past = revision_draft.succeeded_by(at.history, fresh.entry, (*quarantine, *at.before.quarantine))
    at = at.with_quarantine(quarantine).with_status(history=past, progress=None)
    at = replace(
        at,
        verdict=assessment.assess(at.spec.analysis, fresh.entry, None, {}, (), at.now),
        failed_as=None,
        rollback_blocked=None,
        pending=True,
        actions=(creation,),
        events=(*at.events, events.revision_created(fresh.entry), *warning),
    )
    return replace(at, gate=promotion_gates.blocked(at))


def _written(at: Pass) -> Pass:
    """Bring the Deployment to the current revision; what others did to it is recorded first."""
    wanted = pending_write.wanted(at)
    if wanted is None:
        return at
    if pending_write.is_pending(wanted, at.before.applied):
        # While paused a Deployment that exists follows, one that is gone stays away.
        needed = not at.spec.paused or at.workload is not None
        return _applied(at, wanted) if needed else at
    applied = at.status.applied
    if applied is None or at.active is None or at.spec.paused:
        return at
    change = manual_changes.manual_change(at, applied, wanted.paused)
    if isinstance(change, manual_changes.Drifted) and not change.is_new:
        return _applied(at, wanted)
    return at if change is None else _with_manual_change(at, at.active, change)


def _with_manual_change(at: Pass, active: HistoryEntry, change: manual_changes.ManualChange) -> Pass:
    """Record what somebody else did to the Deployment."""
    actor = at.workload.editor if at.workload else ""
    match change:
        case manual_changes.Undone(target):
            draft = undo.undo_draft(at, target, actor, "kubectl rollout undo")
            return _with_revision(at, draft, undo.held_back(at, target, draft))
        case manual_changes.Restarted(restart):
            draft = revision_draft.native_restart_draft(at, active, actor, restart)
            return _with_revision(at, draft, at.quarantine)
        case manual_changes.Drifted(drift):
            at = replace(at, pending=True, events=(*at.events, events.drift_corrected(drift)))
            return at.with_status(drift=drift)
        case _ as never:
            assert_never(never)


def _applied(at: Pass, wanted: Wanted) -> Pass:
    write = pending_write.write(wanted, at.workload, at.status.applied)
    refusal = at.observation.refused(write.write.content)
    return replace(at, pending=True, refusal=refusal or at.refusal, actions=() if refusal else (write,))


def tidied(at: Pass, released_from: Quarantine) -> Pass:
    """Trim the history; where nothing more urgent is to be written, write the copies of what the status says.

    `released_from` is the quarantine before this pass released anything.
    """
    kept = frozenset(each.revision for each in (at.active, at.rollback_target) if each is not None)
    past = rollback.noted(at.history, released_from, at.quarantine, at.now)
    past = history.trimmed(past, at.spec.history_limit, kept)
    at = at.with_status(history=past)
    if at.actions or at.quarantine != at.before.quarantine or at.status.drift != at.before.drift:
        return at
    tidying: tuple[Action, ...] = (
        *rollback.mirrors(at.snapshot, at.quarantine),
        # The status says it first: the progress annotation of a ControllerRevision is a copy.
        *_marks(at, tuple(each for each in past if each in at.before.history)),
        *_prunings(at, (*past, *at.before.history)),
    )
    return replace(at, actions=tidying)


def _marks(at: Pass, said: history.History) -> tuple[MarkRevision, ...]:
    """Return the notes that are missing on records: of revisions that became known good, or ended."""
    known = {each.entry.revision: each.latest for each in at.snapshot.revisions}
    return tuple(
        MarkRevision(entry)
        for entry in said
        if (entry.verified_at is not None or entry.ended_at is not None)
        and entry.revision in known
        and known[entry.revision] != entry
    )


def _prunings(at: Pass, told: history.History) -> tuple[PruneRevision, ...]:
    """Return the deletions of records that neither the status tells of nor is about to."""
    kept = {each.revision for each in told}
    newest = max(kept, default=0)
    # What does not follow the history is no part of it, and left for a person to look at.
    untrusted = (number for number, each in at.snapshot.untrusted.items() if number < newest and not each.orphaned)
    numbers = (*(each.entry.revision for each in at.snapshot.revisions), *untrusted)
    return tuple(PruneRevision(number) for number in sorted(numbers) if number not in kept)
