"""What a scenario measures: a figure, its floor in the same run, and the goal that it is compared with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

HEAD = ("figure", "value", "floor", "ratio", "goal", "")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of the ratio of a figure to its floor; of the value, where a figure has no floor."""

    bound: float
    at_least: bool = False

    def is_met(self, number: float) -> bool:
        """Return whether a ratio or a value keeps the bound."""
        return number >= self.bound if self.at_least else number <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value of the operator."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    """The same of a client that does only what cannot be left out, in the same run."""
    goal: Goal | None = None
    span: tuple[float, float] | None = None
    """The least and the greatest number of several runs, where this figure is that of the run in the middle."""

    @property
    def number(self) -> float:
        """What runs are compared by: the ratio, or the value of a figure without one."""
        return self.value if self.ratio is None else self.ratio

    @property
    def ratio(self) -> float | None:
        """The value in units of its floor."""
        return self.value / self.floor if self.floor else None

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty without a goal, and where the floor is 0."""
        number = self.value if self.floor is None else self.ratio
        if self.goal is None or number is None:
            return ""
        return "met" if self.goal.is_met(number) else "missed"

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON, with its ratio and verdict."""
        found: dict[str, Any] = {"name": self.name, "value": self.value, "unit": self.unit}
        if self.floor is not None:
            found |= {"floor": self.floor, "ratio": self.ratio}
        if self.span is not None:
            found["span"] = list(self.span)
        if self.goal is not None:
            found["goal"] = {"bound": self.goal.bound, "atLeast": self.goal.at_least, "verdict": self.verdict}
        return found

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Figure":
        """Return the figure that `to_json` wrote."""
        goal = raw.get("goal")
        read = None if goal is None else Goal(goal["bound"], goal["atLeast"])
        span = (raw["span"][0], raw["span"][1]) if "span" in raw else None
        return cls(raw["name"], raw["value"], raw["unit"], raw.get("floor"), read, span)


def in_the_middle(runs: Sequence[Figure]) -> Figure:
    """Return one figure for those of several runs: the one in the middle, with the least and the greatest number."""
    ordered = sorted(runs, key=lambda each: each.number)
    return replace(ordered[(len(ordered) - 1) // 2], span=(ordered[0].number, ordered[-1].number))


def percentiles(what: str, times: Mapping[str, float], floor: Mapping[str, float], **goals: Goal) -> list[Figure]:
    """Return a figure for each percentile in milliseconds; goals are named by it."""
    return [Figure(f"{what}, {name}", each, "ms", floor[name], goals.get(name)) for name, each in times.items()]


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a row of a table, in the order of `HEAD`."""
    return (
        figure.name,
        f"{_short(figure.value)} {figure.unit}{_span(figure, _short) if figure.ratio is None else ''}",
        "" if figure.floor is None else _short(figure.floor),
        "" if figure.ratio is None else f"{figure.ratio:.2f}{_span(figure, '{:.2f}'.format)}",
        "" if figure.goal is None else str(figure.goal),
        figure.verdict,
    )


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of plain text."""
    rows = [HEAD, *map(cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _span(figure: Figure, shown: Callable[[float], str]) -> str:
    return "" if figure.span is None else f" ({shown(figure.span[0])} to {shown(figure.span[1])})"


def _short(number: float) -> str:
    """Return a number with at least three digits that count."""
    if number == int(number) or abs(number) >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.3g}"
