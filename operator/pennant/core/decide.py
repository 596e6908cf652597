"""From what is seen to what is done: the first file to read.

`decide` is pure and total. Gates come first, and the first that speaks wins; then the revision in place is judged, the
one that should be in place is planned, and at most one step towards it is taken. Intent is written before effect: a
quarantine before the rollback that it causes, a ControllerRevision before its history entry, the entry before the
Deployment. So every place where the process can die leaves a state from which the same decision follows.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pennant.api.conditions import ConditionStatus, find
from pennant.api.model_deployment import (
    Desired,
    HistoryEntry,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
    QuarantineEntry,
    Serving,
    Stable,
)
from pennant.api.reasons import ConditionType, Reason
from pennant.core import analysis, checks, desired, history, plan, rollback, status
from pennant.core.decision import Action, ApplyWorkload, CreateRevision, Decision, Event, EventType, PruneRevision
from pennant.core.digest import short_hash
from pennant.core.judge import Judgement, good_at, judge
from pennant.core.observation import Invalid, Observation, Snapshot
from pennant.core.status import Facts, Said, stamped
from pennant.core.tags import Held, Holder, resolve


def decide(seen: Observation) -> Decision:
    """Return what to write now, in order, and the whole status."""
    for gate in GATES:
        if (decision := gate(seen)) is not None:
            return decision
    match seen.snapshot.spec:
        case Invalid(problem):
            return _halted(seen, Reason.INVALID_SPEC, problem)
        case spec:
            return advance(seen, spec)


def _deleting(seen: Observation) -> Decision | None:
    """Nothing is written to what is going away; its children go with it by their owner references."""
    return Decision(seen.snapshot.status) if seen.snapshot.deleting else None


def _foreign(seen: Observation) -> Decision | None:
    """A Deployment that is not ours is never touched."""
    workload = seen.snapshot.workload
    if workload is None or workload.owned or workload.deleting:
        return None
    name = seen.snapshot.key.name
    return _halted(seen, Reason.NAME_CONFLICT, f"a Deployment {name} exists that does not belong to this object")


GATES = (_deleting, _foreign)


def _halted(seen: Observation, reason: Reason, message: str) -> Decision:
    """Change nothing, and say why a person must act."""
    before = seen.snapshot.status
    said = {
        ConditionType.READY: Said(ConditionStatus.FALSE, reason, message),
        ConditionType.RECONCILING: Said(ConditionStatus.FALSE, reason, message),
        ConditionType.STALLED: Said(ConditionStatus.TRUE, reason, message),
    }
    spoken = stamped(said, seen.snapshot.generation, seen.now, before)
    others = tuple(each for each in before.conditions if each.type not in said)
    update = {"conditions": (*spoken, *others), "observed_generation": seen.snapshot.generation}
    after = before.model_copy(update=update)
    return Decision(after, events=_stall_events(before, after))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a pass has found out, before and after its step."""

    holder: Holder
    asked: Desired | None
    history: history.History
    found: Judgement
    target: HistoryEntry | None
    """The newest revision known good."""
    application: ApplyWorkload | None = None
    """The write that the Deployment still needs."""
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()


def advance(seen: Observation, spec: ModelDeploymentSpec) -> Decision:
    """Take at most one step from the revision that is in place to the one that should be."""
    before = seen.snapshot.status
    scene = _survey(seen, spec)
    if _is_recorded(scene.found, before):
        scene = _with_next_revision(seen, spec, scene)
    if not scene.actions:
        scene = replace(scene, application=_application(seen, spec, scene.found.active))
    refusal = _refusal(seen, scene.application)
    if scene.application is not None and not refusal:
        scene = replace(scene, actions=(scene.application,))
    scene = _tidied(seen, spec, scene)
    facts = _facts(seen, spec, scene, refusal)
    after = _status(seen, scene, facts)
    events = (*scene.events, *_release_events(before, after), *_stall_events(before, after))
    return Decision(after, scene.actions, events, _look_again_at(seen, spec, scene.found, facts))


def _survey(seen: Observation, spec: ModelDeploymentSpec) -> _Scene:
    """Resolve the tag, complete the history, judge the revision in place, and find the way back."""
    snapshot, before = seen.snapshot, seen.snapshot.status
    holder = resolve(snapshot.versions, spec.tag)
    asked = _asked(before.desired, holder, spec.tag, seen.now)
    past = history.adopted(before.history, snapshot.revisions)
    quarantine = rollback.released(rollback.restored(before, snapshot), before.desired, asked)
    active = past[-1] if past else None
    found = judge(spec, active, snapshot.workload, seen.measurements, before.analysis, quarantine, seen.now)
    if found.active is not None:
        past = history.with_entry(past, found.active)
    target = rollback.known_good(past, found.quarantine, snapshot.revisions)
    return _Scene(holder, asked, past, found, target, events=found.events)


def _with_next_revision(seen: Observation, spec: ModelDeploymentSpec, scene: _Scene) -> _Scene:
    """Record the revision that should take the place of the one that is there, if another one should."""
    found = scene.found
    at = plan.Situation(
        seen.snapshot, spec, scene.holder, found.active, found.quarantine, found.condemned, scene.target, seen.now
    )
    draft = plan.next_revision(at)
    if draft is None:
        return scene
    fresh = plan.recorded(draft, scene.history, seen.snapshot, seen.now)
    told = f"revision {fresh.entry.revision} serves {fresh.entry.version}: {fresh.entry.reason}"
    verdict = analysis.assess(spec.analysis, fresh.entry, {}, (), seen.now)
    return replace(
        scene,
        history=plan.succeeded_by(scene.history, fresh.entry, found.condemned, seen.now),
        found=replace(found, active=fresh.entry, verdict=verdict, condemned=None),
        actions=(CreateRevision(fresh),),
        events=(*scene.events, Event(EventType.NORMAL, Reason.REVISION_CREATED, told)),
    )


def _tidied(seen: Observation, spec: ModelDeploymentSpec, scene: _Scene) -> _Scene:
    """Trim the history, and bring mirrors and records in line when nothing more urgent is to be written."""
    kept = frozenset(each.revision for each in (scene.found.active, scene.target) if each is not None)
    past = history.trimmed(scene.history, spec.history_limit, kept)
    scene = replace(scene, history=past)
    if scene.actions or scene.found.quarantine != seen.snapshot.status.quarantine:
        return scene
    return replace(
        scene, actions=(*rollback.mirrors(seen.snapshot, scene.found.quarantine), *_prunings(seen.snapshot, past))
    )


def _facts(seen: Observation, spec: ModelDeploymentSpec, scene: _Scene, refusal: str) -> Facts:
    return Facts(
        now=seen.now,
        generation=seen.snapshot.generation,
        tag=spec.tag,
        holder=scene.holder,
        unresolved_since=status.unresolved_since(seen.snapshot.status, scene.holder, seen.now),
        active=scene.found.active,
        workload=seen.snapshot.workload,
        verdict=scene.found.verdict,
        condemned=scene.found.condemned,
        blocked=_blocked(scene.holder, scene.found),
        has_target=scene.target is not None,
        pending=scene.application is not None,
        refusal=refusal,
    )


def _status(seen: Observation, scene: _Scene, facts: Facts) -> ModelDeploymentStatus:
    before, workload, target = seen.snapshot.status, seen.snapshot.workload, scene.target
    selector = desired.selector(seen.snapshot.key.name)
    return ModelDeploymentStatus(
        observed_generation=seen.snapshot.generation,
        conditions=status.conditions(facts, before),
        desired=scene.asked,
        serving=_serving(before.serving, scene.found.active),
        stable=Stable(version=target.version, revision=target.revision) if target else None,
        applied=before.applied,
        history=scene.history,
        quarantine=scene.found.quarantine,
        analysis=scene.found.verdict.metrics,
        replicas=workload.total if workload else 0,
        ready_replicas=workload.ready if workload else 0,
        selector=",".join(f"{key}={value}" for key, value in selector.items()),
    )


def _asked(before: Desired | None, holder: Holder, tag: str, now: datetime) -> Desired | None:
    """Return what the tag asks for; while it is being moved, what it last asked for."""
    if not isinstance(holder, Held):
        return before
    version = holder.version
    if before is not None and (before.tag, before.version, before.digest) == (tag, version.version, version.digest):
        return before
    return Desired(tag=tag, version=version.version, digest=version.digest, since=now)


def _is_recorded(found: Judgement, before: ModelDeploymentStatus) -> bool:
    """Return whether the status holds what the next step rests on.

    Intent first: a rollback begins when its quarantine is written, so that a crash cannot forget why.
    """
    return found.condemned is None or found.condemned in before.quarantine


def _application(seen: Observation, spec: ModelDeploymentSpec, active: HistoryEntry | None) -> ApplyWorkload | None:
    """Return the write that makes the Deployment serve the revision in place; None: it does, or must not yet."""
    snapshot, before = seen.snapshot, seen.snapshot.status
    # Intent first: a crash after the history entry leaves a revision without effect, never an effect without one.
    if active is None or all(each.revision != active.revision for each in before.history):
        return None
    record = next((each for each in snapshot.revisions if each.entry.revision == active.revision), None)
    workload = snapshot.workload
    if record is None or (workload is not None and workload.deleting):
        return None
    manifest = desired.deployment(snapshot, spec, active, record.template)
    manifest_hash = short_hash(manifest)
    applied = before.applied
    is_applied = applied is not None and applied.manifest_hash == manifest_hash
    if workload is not None and applied is not None and is_applied and workload.generation == applied.generation:
        return None
    return ApplyWorkload(manifest, manifest_hash, workload)


def _refusal(seen: Observation, application: ApplyWorkload | None) -> str:
    refusal = seen.refusal
    if refusal is None or application is None or refusal.manifest_hash != application.manifest_hash:
        return ""
    return refusal.message if seen.now < refusal.retry_at else ""


def _blocked(holder: Holder, found: Judgement) -> QuarantineEntry | None:
    if not isinstance(holder, Held):
        return None
    digest = holder.version.digest
    if found.active is not None and found.active.digest == digest:
        return None
    return next((each for each in found.quarantine if each.digest == digest), None)


def _serving(before: Serving | None, active: HistoryEntry | None) -> Serving | None:
    if active is None or active.rolled_out_at is None:
        return before
    return Serving(version=active.version, digest=active.digest, revision=active.revision, since=active.rolled_out_at)


def _prunings(snapshot: Snapshot, past: history.History) -> tuple[PruneRevision, ...]:
    kept = {each.revision for each in past}
    return tuple(PruneRevision(each.entry.revision) for each in snapshot.revisions if each.entry.revision not in kept)


def _look_again_at(seen: Observation, spec: ModelDeploymentSpec, found: Judgement, facts: Facts) -> datetime | None:
    """Return when time alone can change the decision."""
    times: list[datetime | None] = [good_at(spec.analysis, found.active, found.verdict)]
    watched = found.active is not None and checks.is_watched(spec.analysis, found.active)
    if found.active is not None and watched and spec.analysis.metrics:
        times.append(checks.next_check_at(spec.analysis, found.active, seen.now))
    if facts.unresolved_since is not None:
        times.append(facts.unresolved_since + status.TAG_GRACE)
    if facts.refusal and seen.refusal is not None:
        times.append(seen.refusal.retry_at)
    return min((each for each in times if each is not None and each > seen.now), default=None)


def _release_events(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    still = {each.digest for each in after.quarantine}
    return tuple(
        Event(EventType.NORMAL, Reason.RELEASED, f"{each.version} is no longer quarantined")
        for each in before.quarantine
        if each.digest not in still
    )


def _stall_events(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    """Return a warning where a person must act for another reason than before."""
    old, new = (find(each.conditions, ConditionType.STALLED) for each in (before, after))
    if new is None or new.status is not ConditionStatus.TRUE:
        return ()
    if old is not None and (old.status, old.reason) == (new.status, new.reason):
        return ()
    return (Event(EventType.WARNING, Reason.of(new.reason), new.message),)
