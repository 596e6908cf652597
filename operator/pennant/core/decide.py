"""From what is seen to what is done: the first file to read.

`decide` is pure and total. Gates come first, and the first that speaks wins; then the revision in place is judged, the
one that should be in place is planned, and at most one step towards it is taken. Intent is written before effect: a
quarantine before the rollback that it causes, a ControllerRevision before its history entry, the entry before the
Deployment. So every place where the process can die leaves a state from which the same decision follows.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from pennant.api.conditions import ConditionStatus
from pennant.api.deployment_status import (
    AnsweredCommand,
    Applied,
    Desired,
    Drift,
    HistoryEntry,
    LastCommand,
    ModelDeploymentStatus,
    QuarantineEntry,
    Serving,
    Stable,
)
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.api.reasons import ConditionType, Reason
from pennant.core.analysis import assessment
from pennant.core.facts.decision import (
    Action,
    AdoptRevision,
    AdoptWorkload,
    CreateRevision,
    Decision,
    Event,
    MarkRevision,
    PruneRevision,
)
from pennant.core.facts.observation import Invalid, Observation, WriteProblem
from pennant.core.rollout import (
    command_execution,
    history,
    integrity,
    next_revision,
    promotion_gates,
    restoration,
    revision,
    rollback,
    undo,
)
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.judgement import Judgement, judge
from pennant.core.rollout.next_revision import Draft, Situation
from pennant.core.rollout.promotion_gates import Blocked
from pennant.core.status import conditions, events, next_look
from pennant.core.status.conditions import stall, stamped
from pennant.core.status.inputs import ConditionValue, Facts
from pennant.core.versions.selection import Selected, Selection, holder
from pennant.core.workload import deployment_manifest, manual_changes, pending_write, surge
from pennant.core.workload.pending_write import Wanted


def decide(seen: Observation) -> Decision:
    """Return what to write now, in order, and the whole status.

    Rule: R9.
    """
    decision = _decided(replace(seen, snapshot=integrity.examined(seen.snapshot)))
    if integrity.is_whole(seen.snapshot):
        return decision
    again = seen.now + integrity.LOOK_AGAIN_AFTER
    return replace(decision, look_again_at=min(again, decision.look_again_at or again))


def _decided(seen: Observation) -> Decision:
    for gate in GATES:
        if (decision := gate(seen)) is not None:
            return decision
    match seen.snapshot.spec:
        case Invalid(problem):
            return _halted(seen, Reason.INVALID_SPEC, problem)
        case spec:
            return advance(seen, spec)


def _deleting(seen: Observation) -> Decision | None:
    """Nothing is written to what is going away; its children go with it by their owner references.

    Rule: R99.
    """
    return Decision(seen.snapshot.status) if seen.snapshot.deleting else None


def _left_behind(seen: Observation) -> Decision | None:
    """Rule: R74."""
    snapshot = seen.snapshot
    adoptions = [AdoptRevision(each.entry.revision) for each in snapshot.revisions if each.orphaned]
    refusal = next((said for each in adoptions if (said := seen.refused(each.write.content))), None)
    if refusal:
        return _halted(seen, refusal.reason, refusal.message)
    if not adoptions:
        return None
    listed = ", ".join(str(each.revision) for each in adoptions)
    return Decision(snapshot.status, tuple(adoptions), (events.adopted(f"the record of revision {listed}"),))


def _foreign(seen: Observation) -> Decision | None:
    """A Deployment that is not ours is never touched; one that lost its owner is ours again."""
    snapshot, workload = seen.snapshot, seen.snapshot.workload
    if workload is None or workload.owned or workload.deleting:
        return None
    message = f"a Deployment {snapshot.key.name} exists that does not belong to this object"
    if restoration.is_ours_again(workload, snapshot):
        adoption = AdoptWorkload(workload)
        if not (refusal := seen.refused(adoption.write.content)):
            applied = snapshot.status.applied
            known = applied if applied is not None and applied.uid == workload.uid else None
            status = snapshot.status.model_copy(update={"applied": known})
            return Decision(status, (adoption,), (events.adopted(f"the Deployment {snapshot.key.name}"),))
        message = f"{message}, and cannot be taken up again: {refusal.message}"
    return _halted(seen, Reason.NAME_CONFLICT, message)


def _unreadable(seen: Observation) -> Decision | None:
    """Rule: R73."""
    snapshot = seen.snapshot
    if snapshot.unreadable is None:
        return None
    where = f"{snapshot.key.name} --namespace {snapshot.key.namespace}"
    message = f"{snapshot.unreadable.problem}; nothing is changed, and what serves keeps serving"
    to_do = (
        "If a newer release of the operator wrote this, run that release; otherwise remove the status, and it is "
        f"rebuilt from the ControllerRevisions: kubectl patch modeldeployment {where} --subresource=status "
        """--type=merge --patch '{"status":null}'"""
    )
    return _halted(seen, Reason.STATUS_UNREADABLE, message, to_do)


def _contradicted(seen: Observation) -> Decision | None:
    """Without a status nothing tells which of the records that contradict each other is the right one.

    Rule: R77.
    """
    snapshot = seen.snapshot
    if snapshot.status.history or not snapshot.untrusted:
        return None
    names = " ".join(f"{snapshot.key.name}-{number}" for number in sorted(snapshot.untrusted))
    says = "; ".join(each.says for _, each in sorted(snapshot.untrusted.items()))
    message = (
        f"{says}. There is no status that tells what was recorded, so nothing is changed, and what serves keeps serving"
    )
    to_do = (
        "Restore the status, or delete what was changed: "
        f"kubectl delete controllerrevision --namespace {snapshot.key.namespace} {names}"
    )
    return _halted(seen, Reason.HISTORY_TAMPERED, message, to_do)


GATES = (_deleting, _unreadable, _contradicted, _left_behind, _foreign)


def _halted(seen: Observation, reason: Reason, message: str, to_do: str = "") -> Decision:
    """Change nothing, and say why a person must act and what to do, as `stall` does."""
    before, message = seen.snapshot.status, stall(reason, message, to_do).message
    said = {
        ConditionType.READY: ConditionValue(ConditionStatus.FALSE, reason, message),
        ConditionType.RECONCILING: ConditionValue(ConditionStatus.FALSE, reason, message),
        ConditionType.STALLED: ConditionValue(ConditionStatus.TRUE, reason, message),
    }
    spoken = stamped(said, seen.snapshot.generation, seen.now, before)
    others = tuple(each for each in before.conditions if each.type not in said)
    update = {"conditions": (*spoken, *others), "observed_generation": seen.snapshot.generation}
    after = before.model_copy(update=update)
    return Decision(after, events=events.of_stall(before, after))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a pass has found out, before and after its step."""

    seen: Observation
    at: Situation
    asked: Desired | None
    found: Judgement
    gate: Blocked | None
    standing: Quarantine
    """What was quarantined before this pass."""
    last_command: LastCommand | None
    commands: tuple[AnsweredCommand, ...]
    applied: Applied | None
    drift: Drift | None
    pending: bool = False
    """Whether the Deployment still needs a write, now or in the next pass."""
    refusal: WriteProblem | None = None
    """Which write cannot be made, and why."""
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()


def advance(seen: Observation, spec: ModelDeploymentSpec) -> Decision:
    """Take at most one step from the revision that is in place to the one that should be."""
    before = seen.snapshot.status
    scene = _survey(seen, spec)
    if _is_recorded(scene.found, before):
        scene = _stepped(scene, before)
    scene = _tidied(scene, before)
    facts = _facts(seen, scene)
    after = _status(seen, scene, facts)
    told = (*scene.events, *events.of_changes(before, after, seen.snapshot.revisions, seen.now))
    return Decision(after, scene.actions, told, next_look.look_again_at(seen, scene.at, scene.found, facts))


def _stepped(scene: _Scene, before: ModelDeploymentStatus) -> _Scene:
    """Answer a command, record the next revision, or bring the Deployment to the one in place."""
    scene = _commanded(scene, before)
    if not scene.actions and not scene.refusal and not scene.at.spec.paused:
        draft = next_revision.next_revision(scene.at, scene.gate is not None)
        scene = scene if draft is None else _with_revision(scene, draft, scene.at.quarantine)
    return scene if scene.actions else _written(scene, before)


def _survey(seen: Observation, spec: ModelDeploymentSpec) -> _Scene:
    """Resolve what is asked for, complete the history, judge the revision in place, and find the way back."""
    snapshot, before = seen.snapshot, seen.snapshot.status
    held = holder(snapshot.versions, spec)
    asked = _asked(before.desired, held, spec, seen)
    past = history.adopted(before.history, snapshot.revisions, restoration.restored(before, snapshot, ()), seen.now)
    standing = restoration.restored(before, snapshot, past)
    followed = spec.tag if spec.version is None else None
    quarantine = rollback.released(standing, followed, held, past[-1] if past else None)
    found = judge(seen, spec, past, quarantine, asked.digest if asked is not None else None)
    if found.active is not None:
        past = history.with_entry(past, found.active)
    template = next_revision.rendered(snapshot, spec, held)
    at = Situation(
        snapshot,
        spec,
        held,
        past,
        found.active,
        found.quarantine,
        found.condemned,
        None,
        template,
        revision.inputs_hash(spec),
        seen.now,
    )
    at = undo.carried_through(replace(at, quarantine=_still_undone(at)), before)
    at = _with_quarantine(at, at.quarantine)
    gate = promotion_gates.blocked(at)
    applied = manual_changes.with_known_restart(before.applied, snapshot.workload, past)
    said, commands = before.last_command, before.commands
    return _Scene(seen, at, asked, found, gate, standing, said, commands, applied, before.drift, events=found.events)


def _still_undone(at: Situation) -> Quarantine:
    """Return the quarantine without templates that were undone and are no longer asked for."""
    if at.template is None:
        return at.quarantine
    asked = (None, at.inputs_hash)
    return tuple(each for each in at.quarantine if each.reason is not Reason.UNDONE or each.inputs_hash in asked)


def _commanded(scene: _Scene, before: ModelDeploymentStatus) -> _Scene:
    """Answer the command that the annotations give, if there is a new one."""
    condemned = restoration.is_blank(before) and bool(scene.at.quarantine)
    is_rebuilt = not before.history and (bool(scene.at.snapshot.revisions) or condemned)
    answer = command_execution.answer(scene.at, before, is_rebuilt)
    if answer is None:
        return scene
    if answer.draft is None:
        at = _with_quarantine(scene.at, answer.quarantine)
        return replace(scene, last_command=answer.last_command, commands=answer.commands, at=at)
    fresh = _with_revision(scene, answer.draft, answer.quarantine)
    if fresh.refusal or fresh.at.active is None:
        # A command counts as answered when its revision can be recorded.
        return replace(scene, refusal=fresh.refusal)
    answer = answer.carried_out_by(fresh.at.active.revision)
    return replace(fresh, last_command=answer.last_command, commands=answer.commands)


def _with_quarantine(at: Situation, quarantine: Quarantine) -> Situation:
    condemned = None if at.active is None else history.quarantine_entry_of(at.active, quarantine)
    content = at.active.digest if at.active is not None else ""
    target = rollback.known_good(at.history, quarantine, at.snapshot.revisions, content)
    return replace(at, quarantine=quarantine, condemned=condemned, target=target)


def _with_revision(scene: _Scene, draft: Draft, quarantine: Quarantine) -> _Scene:
    """Record the revision that takes the place of the one that is there."""
    at = scene.at
    fresh = next_revision.recorded(draft, at.history, at.snapshot, at.now)
    if fresh is None:
        return replace(scene, refusal=WriteProblem(Reason.DEPLOYMENT_REFUSED, next_revision.NO_NUMBER_LEFT))
    creation = CreateRevision(fresh)
    if refusal := scene.seen.refused(creation.write.content):
        return replace(scene, refusal=refusal)
    advice = surge.advice(at.spec, draft.template)
    warning = (events.surge_needs_room(advice),) if advice and at.history else ()
    # What the status says was found bad ends as that, also where this very pass releases its content.
    past = next_revision.succeeded_by(at.history, fresh.entry, (*quarantine, *at.snapshot.status.quarantine))
    verdict = assessment.assess(at.spec.analysis, fresh.entry, None, {}, (), at.now)
    at = replace(_with_quarantine(at, quarantine), history=past, active=fresh.entry, condemned=None)
    return replace(
        scene,
        at=at,
        found=replace(scene.found, active=fresh.entry, verdict=verdict, condemned=None, withheld=None, progress=None),
        gate=promotion_gates.blocked(at),
        pending=True,
        actions=(creation,),
        events=(*scene.events, events.revision_created(fresh.entry), *warning),
    )


def _written(scene: _Scene, before: ModelDeploymentStatus) -> _Scene:
    """Bring the Deployment to the revision in place; what others did to it is put on record first."""
    at = scene.at
    wanted = pending_write.wanted(at, before, _is_frozen(at))
    if wanted is None:
        return scene
    if pending_write.is_pending(wanted, before.applied):
        # While paused a Deployment that is there follows, one that is gone stays away.
        needed = not at.spec.paused or at.snapshot.workload is not None
        return _applied(scene, wanted) if needed else scene
    if scene.applied is None or at.active is None or at.spec.paused:
        return scene
    done = manual_changes.by_hand(at, scene.applied, before.drift, wanted.paused)
    if isinstance(done, manual_changes.Drifted) and not done.is_new:
        return _applied(scene, wanted)
    return scene if done is None else _recorded_by_hand(scene, at.active, done)


def _recorded_by_hand(scene: _Scene, active: HistoryEntry, done: manual_changes.ByHand) -> _Scene:
    """Put on record what somebody else did to the Deployment."""
    at = scene.at
    actor = at.snapshot.workload.editor if at.snapshot.workload else ""
    match done:
        case manual_changes.Undone(target):
            draft = undo.draft(at, target, actor, "kubectl rollout undo")
            return _with_revision(scene, draft, undo.held_back(at, target, draft))
        case manual_changes.Restarted(restart):
            return _with_revision(scene, next_revision.restarted_by_hand(at, active, actor, restart), at.quarantine)
        case manual_changes.Drifted(drift):
            return replace(scene, drift=drift, pending=True, events=(*scene.events, events.drift_corrected(drift)))
        case _ as never:
            assert_never(never)


def _applied(scene: _Scene, wanted: Wanted) -> _Scene:
    write = pending_write.write(wanted, scene.at.snapshot.workload, scene.applied)
    refusal = scene.seen.refused(write.write.content)
    return replace(scene, pending=True, refusal=refusal or scene.refusal, actions=() if refusal else (write,))


def _is_frozen(at: Situation) -> bool:
    """Return whether a bad version is left where it is until a person decides.

    Rule: R62.
    """
    return at.condemned is not None and at.spec.rollback.action is RollbackAction.PAUSE


def _tidied(scene: _Scene, before: ModelDeploymentStatus) -> _Scene:
    """Trim the history, and bring mirrors and records in line when nothing more urgent is to be written."""
    at = scene.at
    kept = frozenset(each.revision for each in (at.active, at.target) if each is not None)
    past = rollback.noted(at.history, scene.standing, at.quarantine, at.now)
    past = history.trimmed(past, at.spec.history_limit, kept)
    scene = replace(scene, at=replace(at, history=past))
    if scene.actions or at.quarantine != before.quarantine or scene.drift != before.drift:
        return scene
    tidying: tuple[Action, ...] = (
        *rollback.mirrors(at.snapshot, at.quarantine),
        # The status says it first: what is noted on a record is a copy.
        *_marks(at, tuple(each for each in past if each in before.history)),
        *_prunings(at, (*past, *before.history)),
    )
    return replace(scene, actions=tidying)


def _marks(at: Situation, said: history.History) -> tuple[MarkRevision, ...]:
    """Return the notes that are missing on records: of revisions that became known good, or ended."""
    known = {each.entry.revision: each.latest for each in at.snapshot.revisions}
    return tuple(
        MarkRevision(entry)
        for entry in said
        if (entry.verified_at is not None or entry.ended_at is not None)
        and entry.revision in known
        and known[entry.revision] != entry
    )


def _prunings(at: Situation, told: history.History) -> tuple[PruneRevision, ...]:
    """Return the deletions of records that neither the status tells of nor is about to."""
    kept = {each.revision for each in told}
    newest = max(kept, default=0)
    # What does not follow the history is no part of it, and left for a person to look at.
    untrusted = (number for number, each in at.snapshot.untrusted.items() if number < newest and not each.orphaned)
    numbers = (*(each.entry.revision for each in at.snapshot.revisions), *untrusted)
    return tuple(PruneRevision(number) for number in sorted(numbers) if number not in kept)


def _facts(seen: Observation, scene: _Scene) -> Facts:
    at = scene.at
    created = (each.revision for each in scene.actions if isinstance(each, CreateRevision))
    return Facts(
        now=seen.now,
        generation=seen.snapshot.generation,
        tag=None if at.spec.version is not None else at.spec.tag,
        holder=at.holder,
        unresolved_since=conditions.unresolved_since(seen.snapshot.status, at.holder, seen.now),
        active=at.active,
        workload=seen.snapshot.workload,
        progress=scene.found.progress,
        known_good=scene.found.is_known_good,
        deadline_seconds=at.spec.progress_deadline_seconds,
        advice=surge.advice(at.spec, at.template or at.spec.template),
        verdict=scene.found.verdict,
        condemned=at.condemned,
        withheld=scene.found.withheld,
        blocked=_blocked(at),
        gate=scene.gate,
        paused=at.spec.paused,
        frozen=_is_frozen(at),
        broken=history.broken(at.history, (*seen.snapshot.revisions, *created), seen.snapshot.untrusted),
        unrecorded=_unrecorded(scene),
        has_target=at.target is not None,
        pending=scene.pending,
        refusal=scene.refusal,
        failing=seen.failing,
    )


def _unrecorded(scene: _Scene) -> str:
    """Return why the revision in place cannot be applied, where nothing is under way that can be; empty: it can."""
    at = scene.at
    if at.active is None or scene.actions or at.spec.paused:
        return ""
    number = at.active.revision
    if any(each.entry.revision == number for each in at.snapshot.revisions):
        return ""
    doubt = at.snapshot.untrusted.get(number)
    return doubt.says if doubt is not None and doubt.says else f"the record of revision {number} is gone"


def _status(seen: Observation, scene: _Scene, facts: Facts) -> ModelDeploymentStatus:
    before, workload, at = seen.snapshot.status, seen.snapshot.workload, scene.at
    selector = deployment_manifest.selector(seen.snapshot.key.name)
    return ModelDeploymentStatus(
        observed_generation=seen.snapshot.generation,
        conditions=conditions.conditions(facts, before),
        desired=scene.asked,
        serving=_serving(before.serving, at.active),
        stable=Stable(version=at.target.version, revision=at.target.revision) if at.target else None,
        applied=scene.applied,
        progress=scene.found.progress,
        measured_since=scene.found.measured_since,
        drift=scene.drift,
        last_command=scene.last_command,
        commands=scene.commands,
        history=history.thinned(at.history),
        quarantine=at.quarantine,
        analysis=scene.found.verdict.metrics,
        replicas=workload.total if workload else 0,
        ready_replicas=workload.ready if workload else 0,
        selector=",".join(f"{key}={value}" for key, value in selector.items()),
    )


def _asked(before: Desired | None, held: Selection, spec: ModelDeploymentSpec, seen: Observation) -> Desired | None:
    """Return what is asked for; while the tag is being moved, what it last asked for."""
    if not isinstance(held, Selected):
        return before
    version, tag = held.version, None if spec.version is not None else spec.tag
    if before is not None and (before.tag, before.version, before.digest) == (tag, version.version, version.digest):
        return before
    return Desired(tag=tag, version=version.version, digest=version.digest, since=seen.now)


def _is_recorded(found: Judgement, before: ModelDeploymentStatus) -> bool:
    """Return whether the status holds what the next step rests on.

    Intent first: a rollback begins when its quarantine is written, so that a crash cannot forget why.

    Rule: R53.
    """
    return found.condemned is None or found.condemned in before.quarantine


def _blocked(at: Situation) -> QuarantineEntry | None:
    """Return why what is asked for is not what is in place, where that is because it was found bad or undone."""
    if not isinstance(at.holder, Selected):
        return None
    version, active = at.holder.version, at.active
    by = rollback.quarantine_entry(version.digest, at.inputs_hash, at.quarantine)
    if by is None or active is None or active.digest != version.digest:
        return by
    # What is in place itself is not blocked: where there is no way back it keeps serving.
    in_place = by.inputs_hash is None or revision.pair(active) == (version.digest, at.inputs_hash)
    return None if in_place else by


def _serving(before: Serving | None, active: HistoryEntry | None) -> Serving | None:
    if active is None or active.rolled_out_at is None:
        return before
    return Serving(version=active.version, digest=active.digest, revision=active.revision, since=active.rolled_out_at)
