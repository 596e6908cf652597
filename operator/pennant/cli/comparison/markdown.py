"""A comparison as GitHub-flavoured Markdown, for a comment on a pull request."""

from collections.abc import Iterable, Sequence

from pennant.api.meta import printable
from pennant.cli.comparison.facts import Comparison, MetricRow, Result
from pennant.cli.comparison.text import NOTHING, measured_cells, metric_cells, served_cells, summary, values

LONGEST_CELL = 72


def markdown(found: Comparison) -> str:
    """Return a comparison as GitHub-flavoured Markdown."""
    before, after = found.before.version, found.after.version
    parts = [f"### {_plain(found.after.spec.model)}: {before} → {after}"]
    parts.append("\n".join(f"- **{_plain(label)}:** {_plain(value)}" for label, value in summary(found)))
    if found.metrics:
        rows = [[*map(_plain, cells[:6]), _result(each)] for each in found.metrics for cells in [metric_cells(each)]]
        parts.append(_grid(("Metric", "Data set", "Split", before, after, "Change", "Result"), rows))
    if found.changes:
        rows = [
            [each.section, *map(_code, (each.field, *values(each.before, each.after, LONGEST_CELL)))]
            for each in found.changes
        ]
        title = f"{len(rows)} field{'' if len(rows) == 1 else 's'} of the record differ{'s' if len(rows) == 1 else ''}"
        parts.append(_folded(title, _grid(("Section", "Field", before, after), rows)))
    if found.live:
        rows = [[*map(_plain, row)] for each in found.live for row in served_cells(each)]
        header = ("ModelDeployment", "Version", "Revision", "First pod", "Until", "Verified", "Outcome")
        parts.append(_folded("Served by", _grid(header, rows)))
    if measured := measured_cells(found.live):
        parts.append("**Live metrics**")
        parts.append(_grid(("ModelDeployment", "Metric", before, after), [[*map(_plain, row)] for row in measured]))
    return "\n\n".join(parts)


def _result(row: MetricRow) -> str:
    said = _plain(f"{row.result}: {row.why}" if row.why else str(row.result))
    return f"**{said}**" if row.result is Result.WORSE else said


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: str) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, and nobody is mentioned."""
    line = printable(" ".join(value.split())).replace("&", "&amp;").replace("<", "&lt;")
    for sign in "\\`*_[]|~#!$":
        line = line.replace(sign, f"\\{sign}")
    return line.replace("@", "@&#8203;")


def _code(value: str) -> str:
    """Return a value as code; what would end the code or the cell is replaced."""
    return value if value == NOTHING else f"`{value.replace('`', chr(39)).replace('|', chr(92) + '|')}`"
