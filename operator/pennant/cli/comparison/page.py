"""A comparison as one HTML page that needs nothing else: no network, no script, no font."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pennant.cli import output
from pennant.cli.comparison import plots
from pennant.cli.comparison.facts import Comparison, Result, Section
from pennant.cli.comparison.text import measured_cells, metric_cells, served_cells, shown, summary

TEMPLATE = "compare.html"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    mark: str = ""
    """Class of the style sheet: `better`, `worse`, `number`, `code`; empty: none."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


Draw = Callable[[Comparison, datetime], tuple[str, str]]


def drawn(found: Comparison, now: datetime) -> tuple[str, str]:
    """Return the two plots: changes of metrics, and serving times; each empty where there is nothing to draw."""
    return plots.changes(found.metrics), plots.periods(found.live, found.before.version, now)


def page(found: Comparison, now: datetime, draw: Draw = drawn) -> str:
    """Return the page. `now` ends the serving times that go on, and is the date of the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader("pennant.cli", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    changes, periods = draw(found, now)
    return environment.get_template(TEMPLATE).render(
        model=found.after.spec.model,
        before=found.before,
        after=found.after,
        summary=summary(found),
        too_small=found.step_is_too_small,
        metrics=metrics(found),
        differences=[each for section in Section if (each := differences(found, section)).rows],
        served=served(found),
        measured=measured(found),
        # The only markup that is not escaped: Matplotlib has escaped the texts in it.
        changes_plot=Markup(changes),
        periods_plot=Markup(periods),
        made_at=output.moment(now),
    )


def metrics(found: Comparison) -> Table:
    """Return the table of recorded metrics."""
    header = ("Metric", "Data set", "Split", found.before.version, found.after.version, "Change", "Result")
    rows = []
    for each in found.metrics:
        name, dataset, split, old, new, change, result = metric_cells(each)
        mark = each.result.value if each.result in (Result.BETTER, Result.WORSE) else ""
        numbers = [Cell(one, "number") for one in (old, new, change)]
        rows.append([Cell(name), Cell(dataset), Cell(split), *numbers, Cell(result, mark)])
    return Table("Recorded metrics", header, rows)


def differences(found: Comparison, section: Section) -> Table:
    """Return the fields of one section that differ, with their whole values."""
    header = ("Field", found.before.version, found.after.version)
    rows = [
        [Cell(shown(one), "code") for one in (each.field, each.before, each.after)]
        for each in found.changes
        if each.section is section
    ]
    return Table(section.value, header, rows)


def served(found: Comparison) -> Table:
    """Return the table of serving times."""
    header = ("ModelDeployment", "Version", "Revision", "First pod", "Until", "Verified", "Outcome")
    return Table("Served by", header, _plain(row for each in found.live for row in served_cells(each)))


def measured(found: Comparison) -> Table:
    """Return the table of live metrics."""
    header = ("ModelDeployment", "Metric", found.before.version, found.after.version)
    return Table("Live metrics", header, _plain(measured_cells(found.live)))


def _plain(rows: Iterable[Sequence[str]]) -> Sequence[Sequence[Cell]]:
    return [[Cell(each) for each in row] for row in rows]
