"""From what is observation to what is done: the first file to read.

`decide` is pure and total. Gates come first, and the first that blocks wins; then the current revision is judged, the
next one is planned, and at most one step towards it is taken. Intent is written before effect: a quarantine before the
rollback that it causes, a ControllerRevision before its history entry, the entry before the Deployment. So every place
where the process can die leaves a state from which the same decision follows.
"""

from dataclasses import replace

from pennant.api.deployment_status import Desired
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core import halts, steps
from pennant.core.facts.current_revision import current
from pennant.core.facts.decision import Decision
from pennant.core.facts.observation import Invalid, Observation
from pennant.core.rollout import (
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
from pennant.core.rollout.judgement import judge
from pennant.core.rollout.pass_state import Pass
from pennant.core.status import build, events, next_look
from pennant.core.versions.selection import Selected, Selection, select
from pennant.core.workload import manual_changes


def decide(observation: Observation) -> Decision:
    """Return what to write now, in order, and the whole status.

    Rule: R9.
    """
    decision = _decided(replace(observation, snapshot=integrity.examined(observation.snapshot)))
    if integrity.is_whole(observation.snapshot):
        return decision
    again = observation.now + integrity.LOOK_AGAIN_AFTER
    return replace(decision, look_again_at=min(again, decision.look_again_at or again))


def _decided(observation: Observation) -> Decision:
    for halt in halts.HALTS:
        if (decision := halt(observation)) is not None:
            return decision
    match observation.snapshot.spec:
        case Invalid(problem):
            return halts.halted(observation, Reason.INVALID_SPEC, problem)
        case spec:
            return advance(observation, spec)


def advance(observation: Observation, spec: ModelDeploymentSpec) -> Decision:
    """Take at most one step from the current revision to the one that should take its place."""
    at, released_from = _surveyed(observation, spec)
    if _is_recorded(at):
        at = steps.stepped(at)
    at = steps.tidied(at, released_from)
    after = build.status(at)
    told = (*at.events, *events.of_changes(at.before, after, observation.snapshot.revisions, observation.now))
    return Decision(after, at.actions, told, next_look.look_again_at(at))


def _surveyed(observation: Observation, spec: ModelDeploymentSpec) -> tuple[Pass, Quarantine]:
    """Return the pass before its step: target, history, judgement of the current revision, rollback target, gate.

    The quarantine beside it is the one before this pass released anything.
    """
    snapshot, before = observation.snapshot, observation.snapshot.status
    selection = select(snapshot.versions, spec)
    desired = _desired(before.desired, selection, spec, observation)
    past = history.adopted(
        before.history, snapshot.revisions, restoration.restored(before, snapshot, ()), observation.now
    )
    standing = restoration.restored(before, snapshot, past)
    followed = spec.tag if spec.version is None else None
    quarantine = rollback.released(standing, followed, selection, current(past))
    found = judge(observation, spec, past, quarantine, desired.digest if desired is not None else None)
    if found.active is not None:
        past = history.with_entry(past, found.active)
    update = {
        "desired": desired,
        "history": past,
        "quarantine": found.quarantine,
        "applied": manual_changes.with_known_restart(before.applied, snapshot.workload, past),
        "progress": found.progress,
        "measured_since": found.measured_since,
    }
    at = Pass(
        observation,
        spec,
        selection,
        template=next_revision.rendered(snapshot, spec, selection),
        inputs_hash=revision.inputs_hash(spec),
        status=before.model_copy(update=update),
        verdict=found.verdict,
        failed_as=found.failed_as,
        rollback_blocked=found.rollback_blocked,
        was_verified=found.was_verified,
        events=found.events,
    )
    at = undo.carried_through(at.with_status(quarantine=_still_undone(at)))
    at = at.with_quarantine(at.quarantine)
    return replace(at, gate=promotion_gates.blocked(at)), standing


def _still_undone(at: Pass) -> Quarantine:
    """Return the quarantine without templates that were undone and are no longer the target."""
    if at.template is None:
        return at.quarantine
    targets = (None, at.inputs_hash)
    return tuple(each for each in at.quarantine if each.reason is not Reason.UNDONE or each.inputs_hash in targets)


def _desired(
    before: Desired | None, selection: Selection, spec: ModelDeploymentSpec, observation: Observation
) -> Desired | None:
    """Return the target; while the tag is being moved, the last one."""
    if not isinstance(selection, Selected):
        return before
    version, tag = selection.version, None if spec.version is not None else spec.tag
    if before is not None and (before.tag, before.version, before.digest) == (tag, version.version, version.digest):
        return before
    return Desired(tag=tag, version=version.version, digest=version.digest, since=observation.now)


def _is_recorded(at: Pass) -> bool:
    """Return whether the stored status holds what the next step rests on.

    Intent first: a rollback begins when its quarantine is written, so that a crash cannot forget why.

    Rule: R53.
    """
    return at.failed_as is None or at.failed_as in at.before.quarantine
