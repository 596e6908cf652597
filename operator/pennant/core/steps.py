"""The steps of a pass: answer a command, create the next revision, write the Deployment, and tidy up.

Each takes the pass and returns a changed copy. A pass has at most one `CreateRevision` and then one `ApplyWorkload`.
With neither, it may have copies of the status (`MirrorQuarantine`, `MarkRevision`, `PruneRevision`) and writes of the
Service.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import assert_never

from pennant.api.adoption import AdoptionPhase
from pennant.api.history import HistoryEntry, Trigger
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.core.analysis import assessment
from pennant.core.facts.decision import (
    Action,
    CreateRevision,
    Event,
    LabelReplicaSets,
    MarkRevision,
    PruneRevision,
)
from pennant.core.facts.observation import WriteProblem
from pennant.core.rollout import (
    archiving,
    command_execution,
    history,
    injection,
    promotion_gates,
    restoration,
    revision_draft,
    rollback,
    short_history,
    undo,
)
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.next_revision import next_revision
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision_draft import Draft
from pennant.core.status import events
from pennant.core.versions.selection import Selected
from pennant.core.workload import adoption, dry_run, manual_changes, pending_write, service, surge
from pennant.core.workload.pending_write import Wanted


def stepped(at: Pass) -> Pass:
    """Return the pass after its step: a dry run, an answered command, a new revision, or a write of the Deployment."""
    before, at = at, _commanded(at)
    if at.awaits_dry_run:
        # A command that asks for a revision waits for one pass. A refusal does not hold it back.
        return dry_run.made(before if at.actions else at)
    if not at.actions and not at.refusal and not at.spec.paused:
        draft = next_revision(at)
        at = at if draft is None else _with_revision(at, draft, at.quarantine)
    return _followed(at) if at.actions else _written(at)


def _commanded(at: Pass) -> Pass:
    """Return the pass with the answer to the command of the annotations, and with its revision if it asks for one.

    Without a new command the pass is unchanged. If the revision cannot be created, the command stays unanswered.
    """
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
    """Return the pass with a new revision from this draft as the current one, and with the write that creates it.

    `quarantine` is the one after this step. Where no revision number is left, or the API server refuses the
    ControllerRevision, only `refusal` is set.
    """
    fresh = revision_draft.recorded(draft, at.history, at.snapshot, at.now)
    if fresh is None:
        return replace(at, refusal=WriteProblem(Reason.DEPLOYMENT_REFUSED, revision_draft.NO_NUMBER_LEFT))
    creation = CreateRevision(fresh)
    if refusal := at.observation.refused(creation.write.content):
        return replace(at, refusal=refusal)
    # If the stored status says that a revision failed, it ends as failed, even if this pass releases its content.
    past = revision_draft.succeeded_by(at.history, fresh.entry, (*quarantine, *at.before.quarantine))
    at = at.with_quarantine(quarantine).with_status(history=past, progress=None)
    at = replace(
        at,
        verdict=assessment.assess(at.spec.analysis, fresh.entry, None, {}, (), at.now),
        failed_as=None,
        rollback_blocked=None,
        pending=True,
        actions=(creation,),
        events=(*at.events, events.revision_created(fresh.entry), *_warnings(at, draft)),
    )
    return replace(at, gate=promotion_gates.blocked(at))


def _warnings(at: Pass, draft: Draft) -> Iterator[Event]:
    """Yield the warnings about the pod template of a new revision."""
    advice = surge.advice(at.spec, draft.template)
    if advice and at.history:
        yield events.warning(Reason.SURGE_NEEDS_ROOM, advice)
    if draft.trigger not in (Trigger.TAG_MOVED, Trigger.SPEC_CHANGED) or not isinstance(at.selection, Selected):
        return
    version = at.selection.version.spec
    if isinstance(version, ModelVersionSpec) and (said := injection.overridden(at.spec, version)):
        yield events.warning(Reason.VARIABLE_OVERRIDDEN, said)
    if said := injection.duplicates(at.spec):
        yield events.warning(Reason.DUPLICATE_IGNORED, said)


def _written(at: Pass) -> Pass:
    """Return the pass with the write that the Deployment needs, if any.

    A manual change is recorded first: as a revision (undo, restart), or in `status.drift` before it is corrected.
    """
    wanted = pending_write.wanted(at)
    if wanted is None:
        return at
    if adoption.is_due(at):
        return _taking_over(at, wanted, adoption.next_step(at, wanted))
    if pending_write.is_pending(wanted, at.before.applied):
        # While paused, an existing Deployment is written (`replicas`), and a deleted one is not created again.
        needed = not at.spec.paused or at.workload is not None
        return _applied(at, wanted) if needed else at
    applied = at.status.applied
    if applied is None or at.active is None or at.spec.paused:
        return at
    change = manual_changes.manual_change(at, applied, wanted.paused)
    if isinstance(change, manual_changes.Drifted) and not change.is_new:
        return _applied(at, wanted)
    return at if change is None else _with_manual_change(at, at.active, change)


def _followed(at: Pass) -> Pass:
    """Return the pass with the write of the Deployment for the revision that it creates.

    The ControllerRevision is the intent, so the status follows once, after both. While paused, taken over or refused,
    the Deployment waits for a later pass.
    """
    creates = any(isinstance(each, CreateRevision) for each in at.actions)
    wanted = pending_write.wanted(at) if creates and not at.spec.paused else None
    if wanted is None or adoption.is_due(at):
        return at
    after = _applied(at, wanted)
    return replace(after, actions=(*at.actions, *after.actions)) if after.actions else at


def _taking_over(at: Pass, wanted: Wanted, step: adoption.Step | None) -> Pass:
    """Return the pass with the next step of an adoption; where the API server refuses it, with `refusal` instead.

    It begins only while `spec.paused` is false, and is completed in any case. Without a step it waits.

    Rule: R126.
    """
    ends = isinstance(step, LabelReplicaSets)
    if step is None or (at.spec.paused and not ends):
        return replace(at, pending=not at.spec.paused)
    if refusal := at.observation.refused(step.write.content):
        return replace(at, pending=True, refusal=refusal)
    after = adoption.moved_on(at.before.adoption, step, at.now)
    if ends and at.workload is None:
        # In one pass, so that the pods have no Deployment for as short as possible.
        at = _applied(at, wanted)
        if not at.actions:
            return at
    at = replace(at.with_status(adoption=after), pending=True, actions=(step, *at.actions))
    if after is None or after.phase is not AdoptionPhase.RELEASED:
        return at
    return replace(at, events=(*at.events, events.adopting(at.snapshot.key.name, after)))


def _with_manual_change(at: Pass, active: HistoryEntry, change: manual_changes.ManualChange) -> Pass:
    """Return the pass with a manual change of the Deployment recorded; no Deployment is written in this pass."""
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
    """Return the pass with the write of the Deployment; where the API server refuses it, with `refusal` instead."""
    write = pending_write.write(wanted, at.workload, at.status.applied)
    refusal = at.observation.refused(write.write.content)
    return replace(at, pending=True, refusal=refusal or at.refusal, actions=() if refusal else (write,))


def tidied(at: Pass) -> Pass:
    """Return the pass with a history within its limit, and with the copies of the status to write.

    Copies are written only in a pass that writes nothing else and does not change the quarantine.
    """
    kept = frozenset(each.revision for each in (at.active, at.rollback_target) if each is not None)
    past = rollback.with_released_at(at.history, at.unreleased, at.quarantine, at.now)
    at = at.with_status(history=past)
    # A revision whose ControllerRevision is missing counts as any other.
    missing = short_history.missing(at.status, at.spec.history_limit, kept)
    past = archiving.within_limit(past, at.observation, at.spec.history_limit - len(missing), kept)
    at = at.with_status(history=past, older_revisions=short_history.confirmed(at.before.older_revisions, past, missing))
    if at.actions or at.quarantine != at.before.quarantine or at.status.drift != at.before.drift:
        return at
    tidying: tuple[Action, ...] = (
        *service.writes(at),
        *rollback.mirrors(at.snapshot, at.quarantine),
        # The status is written first: the progress annotation of a ControllerRevision is a copy.
        *_progress_writes(at, past),
        *_deletions(at),
    )
    return replace(at, actions=tidying)


def _progress_writes(at: Pass, past: history.History) -> Iterator[MarkRevision]:
    """Yield the writes of progress annotations that differ from the history, as far as it is stored.

    Only revisions that are verified or have ended get the annotation. An end that follows from the next revision is not
    written, because a history that is rebuilt has it as well. It is written where the entry is to leave the status,
    during a rollout, which writes the status again.
    """
    is_rollout = at.active is not None and at.active.verified_at is None
    newest = {each.revision for each in (past[-at.spec.status_history_limit :] if is_rollout else past)}
    known = {each.entry.revision: each.latest for each in at.snapshot.revisions}
    for entry, successor in zip_longest(past, past[1:]):
        latest = known.get(entry.revision)
        if latest is None or entry not in at.before.history or (entry.verified_at is None and entry.ended_at is None):
            continue
        is_derived = latest.ended_at is None and entry.revision in newest
        if is_derived and successor is not None and successor.revision in known:
            latest = history.succeeded(latest, successor, ())
        if latest != entry:
            yield MarkRevision(entry)


def _deletions(at: Pass) -> tuple[PruneRevision, ...]:
    """Return the deletions of ControllerRevisions that neither the status nor the stored one has."""
    kept = at.status.revisions.keys() | at.before.revisions.keys()
    newest = max(kept, default=0)
    # One that does not follow the history is not part of it, and is kept for a user to look at.
    untrusted = (number for number, each in at.snapshot.untrusted.items() if number < newest and not each.orphaned)
    numbers = (*(each.entry.revision for each in at.snapshot.revisions), *untrusted)
    return tuple(PruneRevision(number) for number in sorted(numbers) if number not in kept)
