"""What the operator would do with these objects now, by its own `decide`: what blocks, what comes next, and when.

A command line has the objects, and not the answers of the metric sources. So metrics are what the status says of them,
as for an operator that has just started and waits for its first answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.conditions import ConditionStatus, find
from pennant.api.reasons import ConditionType, Reason
from pennant.cli import blockers
from pennant.cli.blockers import Blocker
from pennant.core.analysis import schedule
from pennant.core.analysis.assessment import Verdict
from pennant.core.decide import explained
from pennant.core.facts.decision import Action, ApplyWorkload, CreateRevision, Decision, DryRunWorkload, PruneRevision
from pennant.core.facts.in_place import current
from pennant.core.facts.measurement import Awaited, Measurement, Measurements
from pennant.core.facts.observation import Invalid, Observation, Snapshot
from pennant.core.facts.pods import Pods
from pennant.core.rollout import judgement, rollback_limits
from pennant.core.rollout.pass_state import Pass
from pennant.core.status.inputs import unresolved_since
from pennant.core.status.targeting import TAG_GRACE

MAX_PASSES = 4
"""A promotion takes two passes that write, a rollback one more for the quarantine."""
OPERATOR_ONLY = frozenset(
    {
        Reason.TEMPLATE_REFUSED,
        Reason.DEPLOYMENT_REFUSED,
        Reason.DEPLOYMENT_ALTERED,
        Reason.WRITE_FAILING,
        Reason.MASS_BREACH_SUSPECTED,
    }
)
"""Reasons of Stalled that follow from what only the operator knows: refused writes, and other ModelDeployments."""


IMAGE_OF_THE_OPERATOR = "pennant"
"""What stands for the image that fetches artefacts, which only the operator knows. Nothing of a forecast shows it."""
NOT_WRITTEN = (
    "The operator does this within seconds. If it does not, it is not running, does not watch this namespace, or "
    "cannot write: see its log."
)


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that ends, or happens, by time alone."""

    what: str
    at: datetime
    is_check: bool = False
    """Whether it is only the next check of the metrics."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the operator would do with a snapshot."""

    snapshot: Snapshot
    now: datetime
    decision: Decision
    at: Pass | None
    """The pass of the decision; None where it changes nothing whatever the version."""
    blockers: tuple[Blocker, ...]
    steps: tuple[str, ...]
    """The writes that would follow, in order; empty: none would."""
    limits: tuple[Limit, ...]
    """Times that the decision depends on, the next one first."""
    notes: tuple[str, ...]
    """What of this rests on the status, and not on a look at the thing itself."""

    @property
    def pending(self) -> str:
        """What the operator has not done yet, in sentences; empty: it has nothing to do."""
        if not self.steps:
            return ""
        return f"The operator has not reacted to the current state yet. It is to {self.steps[0]}. {NOT_WRITTEN}"


def forecast(snapshot: Snapshot, now: datetime, pods: Pods | None = None, notes: tuple[str, ...] = ()) -> Forecast:
    """Return what the operator would do with a snapshot.

    `pods` are those of the current revision, if they were read; `notes` say what the snapshot lacks.
    """
    seen = Observation(now, snapshot, measurements=as_told(snapshot, now), pods=pods, fetch_image=IMAGE_OF_THE_OPERATOR)
    decision, at = explained(seen)
    found = blockers.of(decision.status, at)
    told = find(snapshot.status.conditions, ConditionType.STALLED)
    if told is not None and told.status is ConditionStatus.TRUE and told.reason in OPERATOR_ONLY:
        reason = Reason.of(told.reason)
        found = (*(each for each in found if each.reason is not reason), Blocker("all writes", reason, told.message))
        notes = (*notes, f"{reason} is what the status says; only the operator knows whether it still applies.")
    if seen.measurements:
        said = "The metrics are what the status says: only the operator has the answers of the metric sources."
        notes = (*notes, said)
    limits = tuple(sorted(_limits(at), key=lambda each: each.at)) if at is not None else ()
    return Forecast(snapshot, now, decision, at, found, tuple(_steps(seen)), limits, notes)


def as_told(snapshot: Snapshot, now: datetime) -> Measurements:
    """Return the measurements of an operator that knows no answer yet: each metric is what the status says."""
    if isinstance(snapshot.spec, Invalid) or snapshot.deleting or snapshot.unreadable is not None:
        return {}
    due = schedule.due_measurements(snapshot.key, snapshot.spec, snapshot.status, now)
    return {question: Measurement(request, Awaited()) for question, request in due.items()}


def verified_at(snapshot: Snapshot) -> datetime | None:
    """Return when the current revision is verified if nothing changes; None where it is, or something must change."""
    active = current(snapshot.status.history)
    if isinstance(snapshot.spec, Invalid) or active is None:
        return None
    # The status says since when all checks have passed; the verdict itself is the operator's.
    return judgement.verification_due_at(snapshot.spec.analysis, active, Verdict(clean_since=active.clean_since))


def _steps(seen: Observation) -> Iterator[str]:
    """Yield the writes of this pass and of those that follow at once, up to the write of the Deployment."""
    for _ in range(MAX_PASSES):
        decision, _ = explained(seen)
        yield from _said(seen.snapshot, decision)
        quarantines = decision.status.quarantine != seen.snapshot.status.quarantine
        if any(isinstance(each, ApplyWorkload) for each in decision.actions):
            return
        goes_on = any(isinstance(each, CreateRevision | DryRunWorkload) for each in decision.actions)
        if not quarantines and not goes_on:
            return
        seen = replace(seen, snapshot=_written(seen.snapshot, decision))


def _said(snapshot: Snapshot, decision: Decision) -> Iterator[str]:
    before, after = snapshot.status, decision.status
    if after.last_command is not None and after.last_command != before.last_command:
        answer = after.last_command
        yield f"answer the command `{answer.command}`: {answer.result}, {answer.message}"
    known = {(each.digest, each.inputs_hash, each.revision) for each in before.quarantine}
    for each in after.quarantine:
        if (each.digest, each.inputs_hash, each.revision) not in known:
            yield f"quarantine {each.version}: {each.message}"
    names = {each.revision: each.version for each in after.history}
    yield from (words(action, names) for action in decision.actions)


def words(action: Action, versions: dict[int, str]) -> str:
    """Return a write in words; `versions` are the versions of the revisions."""
    match action:
        case CreateRevision(revision):
            entry = revision.entry
            what = f"create the ControllerRevision of revision {entry.revision}"
            return f"{what} ({entry.version}, {entry.trigger}): {entry.reason}"
        case ApplyWorkload(revision=number):
            return f"apply the Deployment with revision {number} ({versions.get(number, 'unknown')})"
        case DryRunWorkload():
            return "ask the API server whether it accepts the Deployment of this spec (a dry run)"
        case PruneRevision(number):
            return f"delete the ControllerRevision of revision {number}, which is beyond historyLimit"
        case _:
            return f"write {action.write.what}"


def _written(snapshot: Snapshot, decision: Decision) -> Snapshot:
    """Return the snapshot after the writes of a decision to the status and of ControllerRevisions."""
    created = tuple(each.revision for each in decision.actions if isinstance(each, CreateRevision))
    return replace(snapshot, status=decision.status, revisions=(*snapshot.revisions, *created))


def _limits(at: Pass) -> Iterator[Limit]:
    analysis, active, now = at.spec.analysis, at.active, at.now
    gate, limit = at.gate, rollback_limits.too_soon(at.spec, at.history, now)
    if gate is not None and gate.until is not None:
        yield Limit(f"{gate.version} may be rolled out", gate.until)
    if limit is not None and limit.until is not None and (gate is None or gate.until != limit.until):
        yield Limit(f"automatic rollbacks are possible again ({limit.message})", limit.until)
    if (since := unresolved_since(at)) is not None and since + TAG_GRACE > now:
        yield Limit("the tag counts as lost, and Stalled reports it", since + TAG_GRACE)
    if active is None or active.ended_at is not None:
        return
    what, progress = f"{active.version} (revision {active.revision})", at.status.progress
    if progress is not None and not progress.stopped:
        deadline = progress.since + timedelta(seconds=at.spec.progress_deadline_seconds)
        yield Limit(f"the progress deadline of {what} is over if no further pod becomes available", deadline)
    if (good := verified_at(replace(at.snapshot, status=at.status))) is not None and at.failed_as is None:
        yield Limit(f"{what} is verified if all metrics pass until then", good)
    if analysis.metrics and schedule.is_watched(analysis, active):
        check = schedule.next_check_at(analysis, active, now)
        if check is not None:
            yield Limit(f"the metrics of {what} are checked", check, is_check=True)
