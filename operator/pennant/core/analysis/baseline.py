"""What a number is held against.

In: the threshold of a metric, and the numbers of the stable revision. Out: the `AcceptableRange` of its value.
"""

import math
from dataclasses import dataclass

from pennant.api.analysis import Metric, Threshold
from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.facts.measurement import Series


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper or lower limit of a value, with the words for messages."""

    limit: float
    is_upper: bool
    reason: Reason
    bound: str
    """As in `min 0.9`."""
    says: str
    """As in `below 0.9`."""

    def is_broken_by(self, value: float) -> bool:
        """Return whether the value lies beyond; the bound itself is good."""
        return value > self.limit if self.is_upper else value < self.limit


@dataclass(frozen=True, slots=True)
class AcceptableRange:
    """All bounds of a metric, and the reason and the words for a value within them."""

    bounds: tuple[Bound, ...]
    passing: Reason
    kept: str
    missing: str = ""
    """Why a value within all bounds may still be bad, such as a missing baseline; empty: it is good."""

    def broken_by(self, value: float) -> Bound | None:
        """Return the first bound that a value breaks."""
        return next((each for each in self.bounds if each.is_broken_by(value)), None)


def acceptable_range(metric: Metric, baseline: Series, stable: HistoryEntry | None) -> AcceptableRange:
    """Return the range of a metric. `baseline` has the numbers of `stable`; without `stable` only the threshold counts.

    Rule: R41.
    """
    own = _of_threshold(metric.threshold)
    if metric.compare_to is None:
        return _kept(own)
    if stable is None:
        kept = _kept(own) if own else AcceptableRange((), Reason.NOTHING_TO_COMPARE, "")
        says = "has no other verified version to compare with"
        return AcceptableRange(kept.bounds, kept.passing, f"{kept.kept}; it {says}" if own else says)
    values = [each for series in baseline.series for each in series.values() if math.isfinite(each)]
    if len(baseline.series) > 1 or not values:
        what = "more than one series" if len(baseline.series) > 1 else "no value"
        missing = f"cannot be compared: the query returned {what} for {stable.version} while it served"
        return AcceptableRange(own, Reason.WITHIN_THRESHOLD, "", missing)
    return _kept((*own, *_of_comparison(metric, sum(values) / len(values), stable.version)))


def _kept(bounds: tuple[Bound, ...]) -> AcceptableRange:
    return AcceptableRange(bounds, Reason.WITHIN_THRESHOLD, f"is within {' and '.join(each.bound for each in bounds)}")


def _of_threshold(threshold: Threshold | None) -> tuple[Bound, ...]:
    if threshold is None:
        return ()
    is_upper = threshold.max is not None
    number = threshold.max or threshold.min or ""
    word, beyond = ("max", "above") if is_upper else ("min", "below")
    bound, says = f"{word} {number}", f"{beyond} {number}"
    return (Bound(float(number), is_upper, Reason.THRESHOLD_BREACHED, bound, says),)


def _of_comparison(metric: Metric, stable: float, version: str) -> tuple[Bound, ...]:
    """Return the bounds around the mean of what the stable version had; percentages are of its absolute value."""

    def bound(percent: str | None, is_upper: bool) -> tuple[Bound, ...]:
        if percent is None:
            return ()
        share = abs(stable) * float(percent) / 100
        what = f"{percent} % {'above' if is_upper else 'below'} {stable:.6g} of {version}"
        limit = stable + share if is_upper else stable - share
        return (Bound(limit, is_upper, Reason.WORSE_THAN_STABLE, f"at most {what}", f"more than {what}"),)

    return (*bound(metric.max_increase_percent, True), *bound(metric.max_decrease_percent, False))
