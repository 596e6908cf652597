"""Plots of a comparison as SVG for an HTML page: text stays text, colours are variables of the page's style sheet."""

import io
import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from pennant.cli.comparison.facts import MetricRow, Result
from pennant.cli.comparison.live import Live
from pennant.cli.comparison.text import clipped

MAX_BARS, MAX_PERIODS = 30, 40
LONGEST_LABEL, LONGEST_VALUE = 48, 12
INCHES_WIDE, SIZE = 5.0, 10
# Matplotlib knows no variables: each of these colours is replaced by one.
INK, GRID, BETTER, WORSE, BEFORE, AFTER = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
VARIABLES = {INK: "ink", GRID: "line", BETTER: "better", WORSE: "worse", BEFORE: "before", AFTER: "after"}


def changes(rows: Sequence[MetricRow]) -> str:
    """Return how much each metric improved in percent, the largest changes first; empty where none is known."""
    known = [each for each in rows if each.percent is not None]
    chosen = sorted(known, key=lambda each: abs(each.percent or Decimal()), reverse=True)[:MAX_BARS]
    if not chosen:
        return ""
    figure, axes = _figure(len(chosen))
    widths = [float(each.improvement or 0) for each in chosen]
    colours = [{Result.WORSE: WORSE, Result.BETTER: BETTER}.get(each.result, GRID) for each in chosen]
    places = range(len(chosen))
    axes.barh(places, widths, color=colours, height=0.36)
    _labelled(axes, [clipped(str(each.number), LONGEST_LABEL) for each in chosen])
    reach = max(*(abs(each) for each in widths), 0.1) * 1.5
    axes.set_xlim(-reach, reach)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlabel("\u2190 worse by %\u2003\u2003better by % \u2192", color=INK, fontsize=SIZE)
    for place, each, width in zip(places, chosen, widths, strict=True):
        side, gap = ("right", -4) if width < 0 else ("left", 4)
        text = " \u2192 ".join(
            clipped(one.value, LONGEST_VALUE) for one in (each.before, each.after) if one is not None
        )
        at: Any = {"xytext": (gap, 0), "textcoords": "offset points", "va": "center", "ha": side}
        axes.annotate(text, (width, place), color=INK, fontsize=SIZE, **at)
    said = f"Bar chart: relative change of {len(chosen)} recorded metrics. The table has all values."
    return _svg(figure, "changes", said)


def periods(found: Sequence[Live], before: str, now: datetime) -> str:
    """Return when each ModelDeployment served which version, as bars over time; empty where none did."""
    rows = [(each, version) for each in found for version in dict.fromkeys(one.version for one in each.served)]
    rows = rows[:MAX_PERIODS]
    if not rows:
        return ""
    figure, axes = _figure(len(rows))
    for place, (each, version) in enumerate(rows):
        spans = [(one.since, (one.until or now) - one.since) for one in each.served if one.version == version]
        axes.broken_barh(spans, (place - 0.18, 0.36), color=BEFORE if version == before else AFTER)
    _labelled(axes, [clipped(f"{each.deployment} {version}", LONGEST_LABEL) for each, version in rows])
    from matplotlib import dates

    # Matplotlib has no types for these.
    untyped: Any = dates
    locator = untyped.AutoDateLocator(minticks=3, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    axes.set_xlabel("time in UTC", color=INK, fontsize=SIZE)
    return _svg(figure, "periods", "Timeline: when each ModelDeployment served which version. The table has all times.")


def _figure(rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES_WIDE, 0.7 + 0.48 * rows), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.tick_params(colors=INK, labelsize=SIZE, length=0)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure, axes


def _labelled(axes: Any, labels: Sequence[str]) -> None:
    """Write a label above each bar, so that the bars have the whole width."""
    axes.set_yticks([])
    axes.set_ylim(len(labels) - 0.6, -0.85)
    for place, each in enumerate(labels):
        # A name may contain a dollar sign, which begins a formula otherwise.
        where = axes.get_yaxis_transform()
        axes.text(0, place - 0.22, each, transform=where, va="bottom", color=INK, fontsize=SIZE, parse_math=False)


def _svg(figure: Any, name: str, description: str) -> str:
    """Return a figure as an SVG element that a page can hold: without prolog, with ids of its own."""
    from matplotlib import rc_context

    text = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "pennant"}
    with rc_context(settings), warnings.catch_warnings():
        # A browser has the signs that this machine's fonts lack.
        warnings.simplefilter("ignore")
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return themed(text.getvalue(), name, description)


def themed(svg: str, name: str, description: str) -> str:
    """Return Matplotlib's SVG with the variables of the page in the place of fonts and colours."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px var(--sans)", body)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", body)
    opened, end, rest = body.partition(">")
    opened = re.sub(r'(?<=\s)(?:width|height)="[^"]*"\s?', "", opened)
    return f'{opened} role="img" aria-label="{escape(description)}"{end}{rest}'.strip()
