"""A metric against its threshold over the revisions, as coordinates of a small SVG.

The status has the value of the last check of the current revision, and those by which earlier revisions failed. Of
another earlier revision only that its values were within the threshold is known: it is a band on the good side.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pennant.api.analysis import Threshold
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.cli.dashboard.state import Tone

MAX_COLUMNS = 6
WIDTH, LEFT, TOP, HEIGHT, BOTTOM = 284, 42, 12, 92, 34
"""Pixels; so wide is a card on a phone, and nothing is scaled."""
WIDEST_COLUMN = 56
LONGEST_VERSION = 6
TONES = {MetricState.PASSING: Tone.GOOD, MetricState.BREACHING: Tone.BAD}


@dataclass(frozen=True, slots=True)
class Column:
    """One revision of a plot."""

    x: float
    revision: int
    version: str
    title: str
    """What a screen reader and the pointer get."""
    tone: Tone
    y: float | None = None
    """Where the measured value is; None: the value is not known."""
    value: str = ""
    below: bool = False
    """Whether the label of the value goes below its point."""
    band: tuple[float, float] | None = None
    """Top and height of the good side, where the revision passed; None: it did not, or there is no threshold."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A whole plot."""

    columns: tuple[Column, ...]
    limit: float | None
    """Where the threshold is; None: it is no fixed number."""
    limit_label: str
    beyond: tuple[float, float] | None
    """Top and height of the side that is a breach."""
    width: float = WIDTH
    left: float = LEFT
    top: float = TOP
    floor: float = TOP + HEIGHT
    height: float = TOP + HEIGHT + BOTTOM


def plot(
    metric: str, threshold: Threshold | None, history: Sequence[HistoryEntry], current: MetricStatus | None
) -> Plot | None:
    """Return the plot of the newest revisions; None where neither a threshold nor a value is known."""
    entries = tuple(history)[-MAX_COLUMNS:]
    found = {each.revision: _evidence(each, metric) for each in entries}
    values = {number: value for number, each in found.items() if each and (value := _number(each.value)) is not None}
    if current is not None and (now := _number(current.value or "")) is not None:
        values.setdefault(current.revision, now)
    bound = _bound(threshold)
    if not entries or (bound is None and not values):
        return None
    scale = _scale([*values.values(), *([bound] if bound is not None else [])])
    limit = None if bound is None else scale(bound)
    above, under = _sides(limit)
    good, beyond = (under, above) if threshold is not None and threshold.max is not None else (above, under)
    frame = Frame(scale, limit, good, current)
    step = min((WIDTH - LEFT) / len(entries), WIDEST_COLUMN)
    columns = tuple(
        _column(round(LEFT + step * (position + 0.5), 1), entry, found[entry.revision], frame)
        for position, entry in enumerate(entries)
    )
    label = "" if threshold is None else (threshold.max or threshold.min or "")
    return Plot(columns, limit, label, beyond)


def limits(threshold: Threshold | None) -> str:
    """Return a threshold as the evidence has it, such as `min 0.9`; empty: there is none."""
    if threshold is None:
        return ""
    return f"max {threshold.max}" if threshold.max is not None else f"min {threshold.min}"


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels: the largest value is at the top."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Return where a value is, in pixels from the top."""
        return round(TOP + HEIGHT * (self.high - value) / (self.high - self.low), 1)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all columns of a plot share."""

    scale: Scale
    limit: float | None
    good: tuple[float, float] | None
    current: MetricStatus | None


def _column(x: float, entry: HistoryEntry, evidence: Evidence | None, frame: Frame) -> Column:
    what, version = f"Revision {entry.revision}, version {entry.version}", _short(entry.version)
    if evidence is not None:
        title = f"{what}: {evidence.value}, {evidence.threshold}, in {evidence.breaches} checks"
        value = _number(evidence.value)
        y = None if value is None else frame.scale(value)
        below = y is not None and frame.limit is not None and y > frame.limit
        return Column(x, entry.revision, version, title, Tone.BAD, y, evidence.value, below)
    current = frame.current if frame.current is not None and frame.current.revision == entry.revision else None
    if current is not None and (value := _number(current.value or "")) is not None:
        tone = TONES.get(current.state, Tone.IDLE)
        y = frame.scale(value)
        below = frame.limit is not None and y > frame.limit
        return Column(x, entry.revision, version, f"{what}: {value:g}, {current.state}", tone, y, f"{value:g}", below)
    state = current.state if current is not None else None
    if state is MetricState.PASSING or (state is None and entry.verified_at is not None):
        return Column(x, entry.revision, version, f"{what}: passed", Tone.GOOD, band=frame.good)
    return Column(x, entry.revision, version, f"{what}: no result is recorded", Tone.IDLE)


def _scale(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    room = (high - low) * 0.35 or abs(high) * 0.25 or 1.0
    return Scale(low - room, high + room)


def _sides(limit: float | None) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return top and height of what is above the threshold, and of what is below it."""
    if limit is None:
        return None, None
    return (TOP, round(limit - TOP, 1)), (limit, round(TOP + HEIGHT - limit, 1))


def _evidence(entry: HistoryEntry, metric: str) -> Evidence | None:
    return next((each for each in entry.evidence if each.metric == metric), None)


def _bound(threshold: Threshold | None) -> float | None:
    return None if threshold is None else _number(threshold.max or threshold.min or "")


def _number(text: str) -> float | None:
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _short(version: str) -> str:
    return version if len(version) <= LONGEST_VERSION else f"{version[: LONGEST_VERSION - 1]}…"
