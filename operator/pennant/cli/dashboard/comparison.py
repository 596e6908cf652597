"""How the current version compares with the one before: recorded metrics, and what differs in the records."""

from dataclasses import dataclass
from decimal import Decimal

from pydantic import ValidationError

from pennant.api.history import HistoryEntry
from pennant.api.model_version import ModelVersionSpec
from pennant.api.number import decimal_text
from pennant.cli.dashboard.state import Tone, words
from pennant.cli.outcomes import outcome
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.versions.bump import computed_bump
from pennant.core.versions.compare import Compared, Number, Values, compare_records, values


@dataclass(frozen=True, slots=True)
class Line:
    """One recorded metric of both versions."""

    metric: str
    newer: str
    older: str
    change: str
    """`better by 0.02`, `worse by 0.1`, `equal`, or why the two cannot be compared."""
    tone: Tone


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side."""

    newer: str
    older: str
    ended: str
    """What became of the older one here, such as `rolled back`."""
    lines: tuple[Line, ...]
    differences: tuple[str, ...]
    problem: str = ""
    """Why there is nothing to compare; empty: there is."""


def comparison(snapshot: Snapshot) -> Comparison | None:
    """Return the comparison of the current version with the one that served before it; None: there was none."""
    pair = versions_of(snapshot)
    if pair is None:
        return None
    newer, older = pair
    ended = words(outcome(older, snapshot.status.history)).lower()
    records = record(snapshot, newer), record(snapshot, older)
    if None in records:
        lost = " and ".join(each.version for each, found in zip(pair, records, strict=True) if found is None)
        problem = f"There is no readable record of {lost}: neither its ControllerRevision nor its ModelVersion."
        return Comparison(newer.version, older.version, ended, (), (), problem)
    new, old = (each for each in records if each is not None)
    differences = computed_bump(new, old).reasons
    return Comparison(newer.version, older.version, ended, _lines(new, old), differences)


def versions_of(snapshot: Snapshot) -> tuple[HistoryEntry, HistoryEntry] | None:
    """Return the current revision, and the newest one before it that served another content."""
    history = snapshot.status.history
    current = in_place(history).current
    if current is None:
        return None
    others = (each for each in reversed(history) if each.digest != current.digest and each.available_at is not None)
    older = next(others, None)
    return None if older is None else (current, older)


def record(snapshot: Snapshot, entry: HistoryEntry) -> ModelVersionSpec | None:
    """Return the record of a revision's version: as it was rolled out, or as its ModelVersion has it now."""
    raw = next((each.record for each in snapshot.revisions if each.entry.revision == entry.revision), None)
    if raw is not None:
        try:
            return ModelVersionSpec.model_validate(raw)
        except ValidationError:
            pass
    found = next((each.spec for each in snapshot.versions if each.digest == entry.digest), None)
    return None if found is None or isinstance(found, Invalid) else found


def _lines(new: ModelVersionSpec, old: ModelVersionSpec) -> tuple[Line, ...]:
    made, later, earlier = [], values(new), values(old)
    for number, found in compare_records(new, old).items():
        change, tone = _change(found.regression) if isinstance(found, Compared) else (found.why, Tone.IDLE)
        made.append(Line(str(number), _value(later, number), _value(earlier, number), change, tone))
    return tuple(made)


def _change(regression: Decimal) -> tuple[str, Tone]:
    if regression == 0:
        return "equal", Tone.IDLE
    word, tone = ("worse", Tone.BAD) if regression > 0 else ("better", Tone.GOOD)
    return f"{word} by {decimal_text(abs(regression))}", tone


def _value(recorded: Values, number: Number) -> str:
    found = recorded.get(number, ())
    return found[0].value if len(found) == 1 else "–"
