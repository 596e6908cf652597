"""What a promotion would do to a ModelDeployment: its gates, the two records, and what the operator would do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import ValidationError

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec, PromotionGate
from pennant.api.model_version import ModelVersionSpec
from pennant.api.number import decimal_text
from pennant.api.reasons import Reason
from pennant.cli import output
from pennant.cli.forecast import Forecast
from pennant.cli.session import FIELD_MANAGER
from pennant.cli.why import outcome
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.rollout import promotion_gates
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.rollback import verified_contents
from pennant.core.versions.bump import computed_bump
from pennant.core.versions.compare import Compared, Incomparable, compare, compare_records, of_gate
from pennant.core.versions.selection import Selected
from pennant.kube.codec import decode


def moved(snapshot: Snapshot, new: Json, tag: str) -> Snapshot:
    """Return the snapshot as it is once the version `new`, and no other, has the tag."""
    spec = decode.field(new, "spec")
    tags = [*(each for each in spec.get("tags") or [] if each != tag), tag]
    version = decode.model_version({**new, "spec": {**spec, "tags": tags}}, is_targeted=True)
    version = replace(version, tagged_by=FIELD_MANAGER)
    others = (replace(each, tags=each.tags - {tag}) for each in snapshot.versions if each.uid != version.uid)
    return replace(snapshot, versions=(*others, version))


def preview(found: Forecast) -> str:
    """Return the gates, the comparison and the outcome of a promotion as text."""
    name, at = found.snapshot.key.name, found.at
    lines = [output.full_name(name)]
    if at is not None and isinstance(at.selection, Selected) and not isinstance(at.selection.version.spec, Invalid):
        record, present = at.selection.version.spec, present_record(found.snapshot)
        serves = f"{present.version} is the current version" if present is not None else "nothing is deployed yet"
        lines += [f"  The target version would be {record.version}; {serves}.", "  Gates:"]
        lines += [f"    {each}" for each in _gates(at, at.selection.version.digest, record, present)]
        lines += [f"  {each}" for each in _comparison(record, present)]
    lines += [f"  {each}" for each in outcome(found)]
    lines += [f"  Note: {each}" for each in found.notes]
    return "\n".join(lines)


def present_record(snapshot: Snapshot) -> ModelVersionSpec | None:
    """Return the record of the current version by its ControllerRevision; None: there is none that can be read."""
    active = current(snapshot.status.history)
    number = active.revision if active is not None else 0
    raw = next((each.record for each in snapshot.revisions if each.entry.revision == number), None)
    try:
        return ModelVersionSpec.model_validate(raw) if raw is not None else None
    except ValidationError:
        return None


def _gates(at: Pass, digest: str, record: ModelVersionSpec, present: ModelVersionSpec | None) -> Iterator[str]:
    promotion = at.spec.promotion
    if problem := _verdict(at, (), False, Reason.SERVING_NOT_ALLOWED):
        yield f"✖ allowServing: {problem}"
    if not promotion.gates and not promotion.require_complete:
        yield "none is set (promotion.gates, promotion.requireComplete)"
    elif digest in verified_contents(at.before.history, at.quarantine):
        yield f"✔ {record.version} was verified here before, so no gate applies (R12)"
        return
    if promotion.require_complete:
        problem = _verdict(at, (), True, Reason.RECORD_INCOMPLETE)
        yield f"✖ requireComplete: {problem}" if problem else "✔ requireComplete: the record has all nine elements"
    for gate in promotion.gates:
        problem = _verdict(at, (gate,), False, Reason.GATE_FAILED)
        if problem:
            yield f"✖ {problem}"
        else:
            yield f"✔ gate {of_gate(gate)}: {_values(gate, record, present)}"
    if problem := _verdict(at, (), False, Reason.ROLLBACK_BUDGET_EXHAUSTED):
        yield f"✖ rollback.budget: {problem}"


def _verdict(at: Pass, gates: Sequence[PromotionGate], require_complete: bool, reason: Reason) -> str:
    """Return what the operator's gate would say if it were the only one; empty: it passes."""
    alone = {"gates": tuple(gates), "require_complete": require_complete}
    promotion = at.spec.promotion.model_copy(update=alone)
    spec: ModelDeploymentSpec = at.spec.model_copy(update={"promotion": promotion})
    found = promotion_gates.blocked(replace(at, spec=spec))
    return found.message if found is not None and found.reason is reason else ""


def _values(gate: PromotionGate, record: ModelVersionSpec, present: ModelVersionSpec | None) -> str:
    if present is None:
        return "there is no current version to compare with"
    match compare(of_gate(gate), record, present):
        case Compared() as both:
            return f"{both.candidate} of {record.version}, {both.present} of {present.version}"
        case Incomparable(why):
            return f"{why}, and the gate is not required"


def _comparison(record: ModelVersionSpec, present: ModelVersionSpec | None) -> list[str]:
    if present is None or present == record:
        return []
    bump = computed_bump(record, present)
    lines = [f"Differences from {present.version}: {bump.bump}", *(f"  - {each}" for each in bump.reasons)]
    rows = [(str(number), *_row(found)) for number, found in compare_records(record, present).items()]
    if rows:
        header = ("METRIC", present.version, record.version, "CHANGE")
        lines += ["Recorded metrics:", *(f"  {line}" for line in output.table(header, rows).splitlines())]
    return lines


def _row(found: Compared | Incomparable) -> Sequence[str]:
    match found:
        case Incomparable(why):
            return ("-", "-", why)
        case Compared():
            change = found.regression
            word = "equal" if not change else f"{'worse' if change > 0 else 'better'} by {decimal_text(abs(change))}"
            return (str(found.present), str(found.candidate), word)
