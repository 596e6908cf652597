"""docs/performance.md and its plots, from the results of a run."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import HEAD, cells
from bench.results import Result, Results
from bench.run import ROOT
from bench.scenarios import SCENARIOS

DOCS = ROOT / "docs"
INTRODUCTION = """\
# Performance

What the operator costs and how fast it is, on a real API server, etcd and kube-controller-manager. `python -m bench`
measures it again, and `python -m bench --write` writes this page.

Most figures have a *floor*: the same of a client that does only what cannot be left out, against the same API server in
the same run. Their ratio depends less on the machine than the figures do, so goals are ratios where there is a floor.
The plots show these ratios, with the goals and, of several runs, the range.
"""


BEFORE = "- [Known limits](critiques.md)"
LINK = "- [Performance](performance.md): what the operator costs and how fast it is, measured"


def write_page(results: Results, docs: Path = DOCS) -> list[Path]:
    """Write the page, a plot of each scenario with floors, and the link in the index; return the paths of all."""
    written = [path for each in results.results if (path := plotted(each, docs)) is not None]
    page, index = docs / "performance.md", docs / "index.md"
    page.write_text("\n".join(_lines(results, {path.stem for path in written})) + "\n")
    index.write_text(linked(index.read_text()))
    return [page, index, *written]


def linked(index: str) -> str:
    """Return the text of the index with a link to the page; raises `RuntimeError` where there is no place for it."""
    if LINK in index:
        return index
    if BEFORE not in index:
        raise RuntimeError(
            f"docs/index.md has no line that begins with {BEFORE}: add the link to performance.md by hand"
        )
    return index.replace(BEFORE, f"{LINK}\n{BEFORE}")


def _lines(results: Results, plots: set[str]) -> Iterator[str]:
    yield INTRODUCTION
    yield "## The machine"
    yield ""
    yield from _table(("", ""), list(results.machine.items()))
    for each in results.results:
        yield ""
        yield f"## {each.name}"
        yield ""
        yield f"{each.about[0].upper()}{each.about[1:]}. Sizes: {_sizes(each)}.{_runs(each)}"
        if each.ended:
            yield ""
            yield f"This run ended early: {each.ended}"
        yield ""
        yield from _table((*HEAD[:-1], "result"), [cells(figure) for figure in each.figures])
        reason = SCENARIOS[each.name].missed if each.name in SCENARIOS else ""
        if reason and any(figure.verdict == "missed" for figure in each.figures):
            yield ""
            yield f"**Why a goal is missed.** {reason}"
        if f"performance-{each.name}" in plots:
            yield ""
            yield f"![{each.about}, beside the floor](_static/performance-{each.name}.svg)"


def _runs(result: Result) -> str:
    if result.runs == 1:
        return ""
    return (
        f" Each row is from the one in the middle of {result.runs} runs by its ratio (by its value, where there is no "
        "floor), with the least and the greatest in brackets."
    )


def _sizes(result: Result) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in result.sizes.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def plotted(result: Result, docs: Path) -> Path | None:
    """Draw the ratios of the figures that have a floor, and return the path; None: there are none."""
    figures = [(each, each.ratio) for each in result.figures if each.ratio is not None]
    if not figures:
        return None
    import matplotlib
    from matplotlib.figure import Figure as Picture

    path = docs / "_static" / f"performance-{result.name}.svg"
    # The same results make the same file.
    with matplotlib.rc_context({"svg.hashsalt": "pennant", "font.size": 9, "svg.fonttype": "none"}):
        picture = Picture(figsize=(7.5, 1.1 + 0.3 * len(figures)), layout="constrained")
        axes = picture.add_subplot()
        for place, (each, ratio) in enumerate(figures):
            least, greatest = each.span or (ratio, ratio)
            axes.barh(place, ratio, 0.6, color="tab:blue", label="ratio, least to greatest" if place == 0 else None)
            axes.plot([least, greatest], [place, place], color="black", linewidth=1)
        goals = [(each.goal.bound, place) for place, (each, _) in enumerate(figures) if each.goal is not None]
        if goals:
            axes.plot(*zip(*goals, strict=True), "|", color="tab:red", markersize=14, markeredgewidth=2, label="goal")
        axes.axvline(1, color="gray", linewidth=1, linestyle="--", label="floor")
        axes.set_yticks(list(range(len(figures))), [each.name for each, _ in figures])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("times the floor")
        picture.legend(loc="outside upper right", ncols=3, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        picture.savefig(path, metadata={"Date": None})
    return path
