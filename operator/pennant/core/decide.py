"""The pipeline of one pass, from an `Observation` to a `Decision`: the first file to read.

`decide` is a pure function that raises nothing. The first halt that applies makes the whole decision. Otherwise the
current revision is judged, the gates are checked, and at most one step towards the next revision is taken.

Intent is written before its effect: the quarantine entry before the rollback that it causes, a ControllerRevision
before the Deployment, and the history entry after both. If the process stops between two writes, the next pass
decides the same.
"""

from dataclasses import replace

from pennant.api.deployment_status import Desired
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.core import halts, steps
from pennant.core.facts.decision import Decision
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Observation
from pennant.core.rollout import (
    archiving,
    history,
    integrity,
    next_revision,
    promotion_gates,
    restoration,
    revision,
    rollback,
    steady,
    undo,
)
from pennant.core.rollout.history import Quarantine
from pennant.core.rollout.judgement import judge
from pennant.core.rollout.pass_state import Pass
from pennant.core.status import build, events, next_look
from pennant.core.versions.selection import Selected, Selection, select
from pennant.core.workload import adoption, dry_run, manual_changes


def decide(observation: Observation) -> Decision:
    """Return the writes of this pass in order, the whole status, the Events and the time of the next pass.

    While a ControllerRevision is missing or must not be used, the next pass is due within a minute, because
    ControllerRevisions are not watched.

    Rule: R9.
    """
    return explained(observation)[0]


def explained(observation: Observation) -> tuple[Decision, Pass | None]:
    """Return the decision, and the pass that it was made from.

    The pass is None where one of `halts.HALTS` applies, or the spec is invalid: the conditions of the decision say all.
    """
    decision, at = _decided(replace(observation, snapshot=integrity.examined(observation.snapshot)))
    if integrity.is_whole(observation.snapshot):
        return decision, at
    again = observation.now + integrity.LOOK_AGAIN_AFTER
    return replace(decision, look_again_at=min(again, decision.look_again_at or again), is_steady=False), at


def _decided(observation: Observation) -> tuple[Decision, Pass | None]:
    for halt in halts.HALTS:
        if (decision := halt(observation)) is not None:
            return decision, None
    match observation.snapshot.spec:
        case Invalid(problem):
            return halts.halted(observation, Reason.INVALID_SPEC, problem), None
        case spec:
            return _advanced(observation, spec)


def _advanced(observation: Observation, spec: ModelDeploymentSpec) -> tuple[Decision, Pass]:
    """Return the decision for a valid spec where no halt applies.

    Takes at most one step from the current revision to the next one, and none while the quarantine entry of the current
    revision is not stored. A dry run that the spec needs comes before that step.
    """
    at = _judged(adoption.set_aside(observation, spec), spec)
    if _is_failure_written(at):
        at = steps.stepped(at)
    elif at.awaits_dry_run:
        at = dry_run.made(at)
    at = steps.tidied(at)
    after = build.status(at)
    changes = events.of_changes(at.before, after, observation.snapshot.revisions, observation.now)
    until = next_look.steady_until(at)
    decision = Decision(
        after,
        at.actions,
        (*at.events, *changes),
        look_again_at=next_look.look_again_at(at, until),
        is_steady=steady.is_steady(at),
        steady_until=until,
    )
    return decision, at


def _judged(observation: Observation, spec: ModelDeploymentSpec) -> Pass:
    """Return the pass before its step: target, history, judgement of the current revision, rollback target, gate."""
    snapshot, before = observation.snapshot, observation.snapshot.status
    selection = select(snapshot.versions, spec)
    desired = _desired(before.desired, selection, spec, observation)
    # Twice: the outcomes of the history depend on the quarantine that the ModelVersions restore, and the history then
    # restores the rest of the quarantine.
    from_versions = restoration.restored(before, snapshot, ())
    past = history.adopted(before.history, snapshot.revisions, from_versions, observation.now)
    unreleased = restoration.restored(before, snapshot, past)
    followed = spec.tag if spec.version is None else None
    quarantine = rollback.released(unreleased, followed, selection, current(past))
    judgement = judge(observation, spec, past, quarantine, desired.digest if desired is not None else None)
    if judgement.active is not None:
        past = history.with_entry(past, judgement.active)
    update = {
        "desired": desired,
        "history": past,
        "archived": None if (known := observation.archived) is None else archiving.joined(before.archived, known),
        "quarantine": judgement.quarantine,
        "applied": manual_changes.with_known_restart(before.applied, snapshot.workload, past),
        "progress": judgement.progress,
        "measured_since": judgement.measured_since,
    }
    at = Pass(
        observation,
        spec,
        selection,
        template=next_revision.rendered(observation, spec, selection),
        inputs_hash=revision.inputs_hash(spec, _record(selection)),
        status=before.model_copy(update=update),
        verdict=judgement.verdict,
        failed_as=judgement.failed_as,
        unreleased=unreleased,
        rollback_blocked=judgement.rollback_blocked,
        was_verified=judgement.was_verified,
        events=judgement.events,
    )
    at = undo.carried_through(at.with_status(quarantine=_still_undone(at)))
    at = at.with_quarantine(at.quarantine)
    return dry_run.considered(replace(at, gate=promotion_gates.blocked(at)))


def _still_undone(at: Pass) -> Quarantine:
    """Return the quarantine without the pod templates that were undone, where the target version has another one now.

    An entry of an undo without `inputs_hash` is about a content with every template, and stays.
    """
    if at.template is None:
        return at.quarantine
    targets = (None, at.inputs_hash)
    return tuple(each for each in at.quarantine if each.reason is not Reason.UNDONE or each.inputs_hash in targets)


def _record(selection: Selection) -> ModelVersionSpec | None:
    """Return the record of the target version; None: there is no target version, or its record is invalid."""
    if not isinstance(selection, Selected) or isinstance(selection.version.spec, Invalid):
        return None
    return selection.version.spec


def _desired(
    before: Desired | None, selection: Selection, spec: ModelDeploymentSpec, observation: Observation
) -> Desired | None:
    """Return the target version; while no or several versions are selected: the previous one; None: no previous one."""
    if not isinstance(selection, Selected):
        return before
    version, tag = selection.version, None if spec.version is not None else spec.tag
    if before is not None and (before.tag, before.version, before.digest) == (tag, version.version, version.digest):
        return before
    return Desired(tag=tag, version=version.version, digest=version.digest, since=observation.now)


def _is_failure_written(at: Pass) -> bool:
    """Return whether the quarantine entry of the current revision is stored; True where the revision did not fail.

    A rollback begins only after that, so that a restart of the operator cannot lose its cause.

    Rule: R53.
    """
    return at.failed_as is None or at.failed_as in at.before.quarantine
