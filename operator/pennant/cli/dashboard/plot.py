"""A metric against its threshold over the revisions, as coordinates of a small SVG.

The status keeps the measured value of a breach only. Of a revision that passed it is known that the value was within
the threshold: such a revision is drawn as a band on the good side.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pennant.api.analysis import Threshold
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.cli.dashboard.state import Tone

MOST_COLUMNS = 6
COLUMN, LEFT, RIGHT, TOP, HEIGHT, BOTTOM = 44, 46, 10, 12, 92, 34
"""Pixels; the widest plot is 320 wide, so that it needs no scaling on a phone."""
LONGEST_VERSION = 7
BAND = 14


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

    width: float
    columns: tuple[Column, ...]
    limit: float | None
    """Where the threshold is; None: it is no fixed number."""
    limit_label: str
    beyond: tuple[float, float] | None
    """Top and height of the side that is a breach."""
    left: float = LEFT
    top: float = TOP
    floor: float = TOP + HEIGHT
    height: float = TOP + HEIGHT + BOTTOM


def plot(
    metric: str, threshold: Threshold | None, history: Sequence[HistoryEntry], current: MetricStatus | None
) -> Plot | None:
    """Return the plot of the newest revisions; None where neither a threshold nor a value is known."""
    entries = tuple(history)[-MOST_COLUMNS:]
    found = {each.revision: _evidence(each, metric) for each in entries}
    values = {number: value for number, each in found.items() if each and (value := _number(each.value)) is not None}
    bound = _bound(threshold)
    if not entries or (bound is None and not values):
        return None
    scale = _scale([*values.values(), *([bound] if bound is not None else [])])
    limit = None if bound is None else scale(bound)
    is_upper = threshold is not None and threshold.max is not None
    above, under = _sides(limit)
    good, beyond = (under, above) if is_upper else (above, under)
    columns = tuple(
        _column(position, entry, found[entry.revision], values.get(entry.revision), scale, good, limit, current)
        for position, entry in enumerate(entries)
    )
    label = "" if threshold is None else (threshold.max or threshold.min or "")
    return Plot(LEFT + COLUMN * len(entries) + RIGHT, columns, limit, label, beyond)


def limits(threshold: Threshold | None) -> str:
    """Return a threshold as the evidence has it, such as `min 0.9`; empty: there is none."""
    if threshold is None:
        return ""
    return f"max {threshold.max}" if threshold.max is not None else f"min {threshold.min}"


def _column(
    position: int,
    entry: HistoryEntry,
    evidence: Evidence | None,
    value: float | None,
    scale: "Scale",
    good: tuple[float, float] | None,
    limit: float | None,
    current: MetricStatus | None,
) -> Column:
    x = LEFT + COLUMN * (position + 0.5)
    what = f"Revision {entry.revision}, version {entry.version}"
    version = _short(entry.version)
    if evidence is not None:
        title = f"{what}: {evidence.value}, {evidence.threshold}, in {evidence.breaches} checks"
        y = None if value is None else scale(value)
        below = y is not None and limit is not None and y > limit
        return Column(x, entry.revision, version, title, Tone.BAD, y, evidence.value, below)
    state = current.state if current is not None and current.revision == entry.revision else None
    if state is MetricState.BREACHING:
        return Column(x, entry.revision, version, f"{what}: breaching", Tone.BAD)
    if state is MetricState.PASSING or (state is None and entry.verified_at is not None):
        return Column(x, entry.revision, version, f"{what}: passed", Tone.GOOD, band=good)
    return Column(x, entry.revision, version, f"{what}: no result is recorded", Tone.IDLE)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels: the largest value is at the top."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Return where a value is, in pixels from the top."""
        return round(TOP + HEIGHT * (self.high - value) / (self.high - self.low), 1)


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
