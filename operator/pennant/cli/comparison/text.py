"""A comparison as text for people, and the cells of its tables."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from pennant.api.meta import printable
from pennant.api.number import decimal_text
from pennant.api.recorded_metric import RecordedMetric
from pennant.cli import output
from pennant.cli.comparison.facts import Comparison, MetricRow, Result, missing
from pennant.cli.comparison.live import Live
from pennant.core.versions.completeness import PRESENT

LONGEST_CELL = 40
NOTHING = "-"


def text(found: Comparison, width: int | None = None) -> str:
    """Return a comparison as tables for people, for a terminal of this width."""
    before, after = found.before.version, found.after.version
    parts = [f"{found.after.spec.model}: {before} -> {after}", output.pairs(summary(found), width)]
    if found.metrics:
        header = ("METRIC", "DATA SET", "SPLIT", before, after, "CHANGE", "RESULT")
        parts.append(_titled("Recorded metrics", header, [metric_cells(each) for each in found.metrics], width))
    if found.changes:
        differing = [
            (each.section, each.field, *values(each.before, each.after, LONGEST_CELL)) for each in found.changes
        ]
        parts.append(_titled("Differences", ("SECTION", "FIELD", before, after), differing, width))
    if found.live:
        header = ("MODELDEPLOYMENT", "VERSION", "REVISION", "FIRST POD", "UNTIL", "VERIFIED", "OUTCOME")
        parts.append(_titled("Served by", header, [row for each in found.live for row in served_cells(each)], width))
    if measured := measured_cells(found.live):
        parts.append(_titled("Live metrics", ("MODELDEPLOYMENT", "METRIC", before, after), measured, width))
    return "\n\n".join(parts)


def summary(found: Comparison) -> Sequence[tuple[str, str]]:
    """Return the bump and the completeness, each with a label."""
    bump = f"{found.bump.bump}: {'; '.join(found.bump.reasons)}" if found.bump.reasons else str(found.bump.bump)
    numbers = f"{found.step}, too small for these differences" if found.step_is_too_small else str(found.step)
    return (
        ("Computed bump", bump),
        ("Bump of the version numbers", numbers),
        *((f"Complete record of {each.version}", _complete(missing(each))) for each in (found.before, found.after)),
        ("Recorded metrics", _counted(found.metrics)),
    )


def _complete(lacking: Sequence[str]) -> str:
    number = f"{len(PRESENT) - len(lacking)} of {len(PRESENT)}"
    return f"{number}, missing: {', '.join(lacking)}" if lacking else number


def _counted(rows: Sequence[MetricRow]) -> str:
    counts = ((each, sum(row.result is each for row in rows)) for each in Result)
    return ", ".join(f"{number} {each}" for each, number in counts if number) or "none"


def metric_cells(row: MetricRow) -> Sequence[str]:
    """Return the cells of one metric: name, data set, split, both values, change and result."""
    number = row.number
    name = f"{number.metric} ({number.slice})" if number.slice else number.metric
    result = f"{row.result}: {row.why}" if row.why else str(row.result)
    recorded = (_recorded(row.before), _recorded(row.after))
    return (name, number.dataset or NOTHING, str(number.split or NOTHING), *recorded, change(row), result)


def _recorded(metric: RecordedMetric | None) -> str:
    if metric is None:
        return NOTHING
    return metric.value if metric.unit in (None, "1") else f"{metric.value} {metric.unit}"


def change(row: MetricRow) -> str:
    """Return the change of a metric, such as `+0.012 (+1.3 %)`."""
    if row.delta is None:
        return NOTHING
    if not row.delta:
        return "0"
    percent = f" ({signed(row.percent)} %)" if row.percent is not None else ""
    return f"{'+' if row.delta > 0 else ''}{decimal_text(row.delta)}{percent}"


def signed(percent: Decimal) -> str:
    """Return a percentage with its sign and one digit."""
    return f"{percent:+.1f}"


def values(before: str | None, after: str | None, longest: int) -> Sequence[str]:
    """Return both values of a field for cells of this length."""
    return tuple(clipped(shown(each), longest) for each in (before, after))


def shown(value: str | None) -> str:
    """Return a value of a record; an empty one in quotes, and a dash where there is none."""
    return NOTHING if value is None else value or '""'


def clipped(value: str, longest: int) -> str:
    """Return a value in one line of printable signs, cut to a length with an ellipsis."""
    line = printable(" ".join(value.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def served_cells(each: Live) -> Iterable[Sequence[str]]:
    """Yield the cells of each revision of a ModelDeployment that served one of the versions."""
    for one in each.served:
        times = (output.moment(one.since), output.moment(one.until) if one.until else "now")
        verified = output.moment(one.verified_at) if one.verified_at else NOTHING
        yield (each.deployment, one.version, str(one.revision), *times, verified, one.outcome or NOTHING)


def measured_cells(found: Iterable[Live]) -> Sequence[Sequence[str]]:
    """Return the cells of each live metric of the ModelDeployments that served both versions."""
    return [
        (each.deployment, one.metric, one.before or NOTHING, one.after or NOTHING)
        for each in found
        for one in each.measured
    ]


def _titled(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    return f"{title}\n{output.table(header, rows, width)}"
