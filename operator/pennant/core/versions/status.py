"""The status of a ModelVersion: completeness, semantic version bump, record digest, and which deployments served it.

Rule: R79.
"""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.conditions import Condition, ConditionStatus, carried, find
from pennant.api.meta import Json, clip
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason, VersionConditionType
from pennant.api.version_status import Completeness, ComputedBump, ModelVersionStatus
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.digest import content_digest
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions import completeness
from pennant.core.versions.bump import computed_bump, unknown
from pennant.core.versions.record import record_digest
from pennant.core.versions.retention import Verdict
from pennant.core.versions.serving_periods import ServingPeriod, served_by, serving

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """One ModelVersion, and the other objects that its status depends on."""

    key: Key
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    spec: ModelVersionSpec | Invalid
    record: Json
    """The spec as it is stored; empty: it cannot be read."""
    status: ModelVersionStatus
    """The status as it is stored, without `quarantinedBy`, which ModelDeployments write."""
    parent: ModelVersionSpec | Invalid | None = None
    """The version that `spec.parent` names; None: it does not exist, or none is named."""
    periods: tuple[ServingPeriod, ...] = ()
    """The revisions that served a version of this name."""
    retention: Verdict | None = None
    """What retention says of it; None: it is within the limits, or there are none."""
    retention_known: bool = False
    """Whether retention was judged since this process started; before, the stored condition stays."""
    unreadable: str = ""
    """Why `servedBy`, which cannot be computed again, cannot be read; it is then not written. Empty: it was read."""


def judged(seen: VersionSeen, now: datetime) -> ModelVersionStatus:
    """Return the whole status of a version except `quarantinedBy`; equal to the stored one if no object changed."""
    before, spec = seen.status, seen.spec
    digest = None if isinstance(spec, Invalid) else content_digest(seen.record)
    told = served_by(seen.periods, before.served_by, digest, now)
    known = ModelVersionStatus(
        observed_generation=seen.generation,
        conditions=_conditions(seen, now),
        served_by=before.served_by if seen.unreadable else told,
        serving=serving(told),
    )
    if isinstance(spec, Invalid):
        return known
    computed = {
        "completeness": Completeness(
            present=len(completeness.present(spec)), missing=tuple(each.value for each in completeness.missing(spec))
        ),
        "record_digest": record_digest(seen.record),
        "computed_bump": _bump(seen, spec),
    }
    return known.model_copy(update=computed)


def can_wait(before: ModelVersionStatus, after: ModelVersionStatus) -> bool:
    """Return whether a status may be written up to `urgency.LONGEST_WAIT` later; `before` is the stored one.

    These changes can wait: the observed generation, a period that ended, and one that is verified.

    Rule: R176.
    """
    if before.observed_generation < 0 or (after.serving is not None and after.serving != before.serving):
        return False
    return _said(before) == _said(after)


def _said(status: ModelVersionStatus) -> ModelVersionStatus:
    """Return a status without what can wait."""
    said = tuple(each.model_copy(update={"observed_generation": 0}) for each in status.conditions)
    update = {"observed_generation": 0, "conditions": said, "served_by": (), "serving": None}
    return status.model_copy(update=update)


def unsaid(seen: VersionSeen) -> Event | None:
    """Return the Event for an invalid record or an unreadable status, which no status can report; None: neither."""
    if seen.unreadable:
        said = f"{seen.unreadable}. The status is not changed until this can be read or is removed"
        return Event(EventType.WARNING, Reason.STATUS_UNREADABLE, clip(said))
    if not isinstance(seen.spec, Invalid):
        return None
    return Event(EventType.WARNING, Reason.INVALID_SPEC, clip(seen.spec.problem))


def _bump(seen: VersionSeen, spec: ModelVersionSpec) -> ComputedBump | None:
    """Return the bump from the parent, Unknown if the parent cannot be used; None: no parent is named."""
    if spec.parent is None:
        return None
    match seen.parent:
        case None:
            return unknown(spec.parent, f"the parent {spec.model}-{spec.parent} does not exist")
        case Invalid(problem):
            return unknown(spec.parent, f"the parent {spec.model}-{spec.parent} cannot be read: {problem}")
        case ModelVersionSpec() as parent:
            if parent.version == spec.version:
                return unknown(spec.parent, f"spec.parent of {spec.version} is the version itself")
            return computed_bump(spec, parent)


def _conditions(seen: VersionSeen, now: datetime) -> tuple[Condition, ...]:
    said = {VersionConditionType.READY: _ready(seen.spec), VersionConditionType.COMPLETE: _complete(seen.spec)}
    if seen.retention is not None:
        status = TRUE if seen.retention.expired else FALSE
        said[VersionConditionType.EXPIRED] = (status, seen.retention.reason, seen.retention.message)
    fresh = (
        Condition(
            type=kind.value,
            status=status,
            reason=reason.value,
            message=clip(message),
            observed_generation=seen.generation,
            last_transition_time=now,
        )
        for kind, (status, reason, message) in said.items()
    )
    expired = find(seen.status.conditions, VersionConditionType.EXPIRED)
    kept = () if seen.retention_known or expired is None else (expired,)
    return (*carried(seen.status.conditions, fresh), *kept)


def _ready(spec: ModelVersionSpec | Invalid) -> tuple[ConditionStatus, Reason, str]:
    if isinstance(spec, Invalid):
        return FALSE, Reason.INVALID_SPEC, spec.problem
    return TRUE, Reason.RECORD_VALID, "the record is valid"


def _complete(spec: ModelVersionSpec | Invalid) -> tuple[ConditionStatus, Reason, str]:
    """Return the condition `Complete`: Unknown for an invalid record.

    Rule: R80.
    """
    if isinstance(spec, Invalid):
        return UNKNOWN, Reason.INVALID_SPEC, "the record is invalid, so its elements are not known"
    missing = completeness.missing(spec)
    if missing:
        return FALSE, Reason.RECORD_INCOMPLETE, f"missing: {completeness.described(missing)}"
    return TRUE, Reason.RECORD_COMPLETE, f"all {len(completeness.PRESENT)} elements are present"
