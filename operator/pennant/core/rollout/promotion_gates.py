"""The gates of a promotion, in order: the first that blocks the target version decides.

A content that was verified here before passes all of them but those about permission (`NOT_BY_RETRY`) and
`spec.delivery`, so that the tag can always be moved back.

Rule: R12.
"""

from collections.abc import Callable
from decimal import Decimal

from pydantic import ValidationError

from pennant.api.meta import Json
from pennant.api.model_deployment import PromotionGate
from pennant.api.model_version import ModelVersionSpec
from pennant.api.number import decimal_text
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Invalid, Version
from pennant.core.rollout import delivery, four_eyes, replaced_version, revision, rollback_limits, serving_permission
from pennant.core.rollout.pass_state import Blocked, Pass
from pennant.core.rollout.rollback import verified_contents
from pennant.core.versions.compare import Compared, Incomparable, compare, of_gate
from pennant.core.versions.completeness import described, missing
from pennant.core.versions.selection import Selected

NOT_BY_RETRY = frozenset({Reason.VERSION_REPLACED, Reason.FOUR_EYES, Reason.SERVING_NOT_ALLOWED})
"""Reasons of gates about permission, which a retry does not pass."""


def blocked(at: Pass) -> Blocked | None:
    """Return the gate that blocks the target version; None: no gate does, or there is nothing to promote.

    Rule: R10.
    """
    if not isinstance(at.selection, Selected) or isinstance(at.selection.version.spec, Invalid):
        return None
    version, record = at.selection.version, at.selection.version.spec
    if (said := _unpermitted(at, version, record)) is not None:
        return said
    if (undeliverable := _undeliverable(at, version, record)) is not None:
        return undeliverable
    if at.active is not None and at.active.digest == version.digest:
        return None
    if version.digest in verified_contents(at.history, at.quarantine):
        return None
    return next((said for gate in GATES if (said := gate(at, version, record)) is not None), None)


def _unpermitted(at: Pass, version: Version, record: ModelVersionSpec) -> Blocked | None:
    """Block a version that no permitted user chose, or that sets more than is permitted; a retry does not help."""
    return (
        replaced_version.blocked(at, version)
        or four_eyes.blocked(at, version)
        or serving_permission.blocked(at, version, record)
    )


def _undeliverable(at: Pass, version: Version, record: ModelVersionSpec) -> Blocked | None:
    """Block a version whose artefacts `spec.delivery` cannot bring to the pods, even if it was verified before.

    Rule: R161.
    """
    problem = delivery.problem(at.spec, record, at.observation.fetch_image)
    is_deployed = at.active is not None and revision.pair(at.active) == (version.digest, at.inputs_hash)
    if not problem or is_deployed:
        return None
    said = f"{version.version} cannot be delivered: {problem}"
    return Blocked(version.version, Reason.ARTIFACT_UNDELIVERABLE, said)


def _complete(at: Pass, version: Version, record: ModelVersionSpec) -> Blocked | None:
    """Block an incomplete record, if `promotion.requireComplete` is true."""
    if not at.spec.promotion.require_complete or not (absent := missing(record)):
        return None
    said = f"{version.version} has an incomplete record, and promotion.requireComplete is true"
    message = f"{said}. Missing: {described(absent)}"
    return Blocked(version.version, Reason.RECORD_INCOMPLETE, message)


def _compared(at: Pass, version: Version, record: ModelVersionSpec) -> Blocked | None:
    """Block a record with a metric of `promotion.gates` that is worse than that of the current version."""
    present = _current_record(at)
    if present is None:
        return None
    for gate in at.spec.promotion.gates:
        if (problem := _worse(gate, record, present)) is not None:
            return Blocked(
                version.version,
                Reason.GATE_FAILED,
                f"promotion gate {of_gate(gate)} blocks {version.version}: {problem}",
            )
    return None


def _budgeted(at: Pass, version: Version, _: ModelVersionSpec) -> Blocked | None:
    """Block every version while the rollback budget is used up: it could not be rolled back."""
    if (limit := rollback_limits.exhausted(at.spec, at.history, at.now)) is None:
        return None
    return Blocked(version.version, limit.reason, f"{version.version} is blocked: {limit.message}", limit.until)


Gate = Callable[[Pass, Version, ModelVersionSpec], Blocked | None]
GATES: tuple[Gate, ...] = (_complete, _compared, _budgeted)


def _current_record(at: Pass) -> ModelVersionSpec | None:
    """Return the record of the current revision, from its ControllerRevision; None: it has none that is valid."""
    number = at.active.revision if at.active is not None else 0
    raw: Json | None = next((each.record for each in at.snapshot.revisions if each.entry.revision == number), None)
    try:
        return ModelVersionSpec.model_validate(raw) if raw is not None else None
    except ValidationError:
        # It was written under an older schema.
        return None


def _worse(gate: PromotionGate, record: ModelVersionSpec, present: ModelVersionSpec) -> str | None:
    """Return why a gate blocks this record; None: it does not. `present` is the record of the current revision."""
    match compare(of_gate(gate), record, present):
        case Incomparable(why):
            return why if gate.required else None
        case Compared() as both:
            allowed = _allowed(gate, both)
            if both.regression <= allowed:
                return None
            return (
                f"{both.candidate} is worse than {both.present} of {present.version} "
                f"by {decimal_text(both.regression)}, maximum {decimal_text(allowed)}"
            )


def _allowed(gate: PromotionGate, both: Compared) -> Decimal:
    """Return the largest permitted regression, in the unit of the metric."""
    if gate.max_regression_percent is not None:
        return abs(both.present) * Decimal(gate.max_regression_percent) / 100
    return Decimal(gate.max_regression or "0")
