"""The report of the demo: a chart and tables, from the status of the objects and from Prometheus."""

import json
import math
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Samples:
    """Live accuracy of one version over time."""

    version: str
    at: list[datetime]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Story:
    """The content of the report."""

    threshold: float
    samples: list[Samples]
    history: History
    versions: list[Mapping[str, Any]]
    """The ModelVersions, as the API server returns them."""
    tag_moved_at: datetime
    recovered_at: datetime
    offline_live_accuracy: Mapping[str, float]

    @property
    def bad(self) -> Mapping[str, Any]:
        """The revision that was rolled back."""
        return self.history[-2]

    @property
    def rollback(self) -> Mapping[str, Any]:
        """The revision that replaced it."""
        return self.history[-1]

    @property
    def breach_visible_at(self) -> datetime:
        """Time when the accuracy of the failed version was below the threshold in Prometheus for the first time."""
        series = next(each for each in self.samples if each.version == self.bad["version"])
        return next(at for at, value in zip(series.at, series.values, strict=True) if value < self.threshold)

    def times(self) -> list[tuple[str, float]]:
        """Return the measured times, in seconds."""
        served = moment(self.bad["rolledOutAt"]) if "rolledOutAt" in self.bad else None
        found = moment(self.bad["evidence"][0]["at"])
        written, back = moment(self.rollback["startedAt"]), moment(self.rollback["rolledOutAt"])
        rows = [("tag moved → revision recorded", self.tag_moved_at, moment(self.bad["startedAt"]))]
        if served is not None:
            rows.append(("tag moved → all pods of the new version", self.tag_moved_at, served))
        rows += [
            ("first sample below the threshold → third breach", self.breach_visible_at, found),
            ("third breach in Prometheus → rollback recorded", found, written),
            ("rollback recorded → all pods of the old version", written, back),
            ("first sample below the threshold → accuracy recovered", self.breach_visible_at, self.recovered_at),
        ]
        return [(what, (end - begin).total_seconds()) for what, begin, end in rows]


def moment(text: str) -> datetime:
    """Return the time of a status field."""
    return datetime.fromisoformat(text)


def live_accuracy(prometheus_url: str, query: str, versions: Mapping[str, str], begin: datetime) -> list[Samples]:
    """Return the live accuracy of each version, by template hash, as Prometheus has it; one sample a second."""
    found = []
    for version, template_hash in versions.items():
        filled = query.replace("${templateHash}", template_hash)
        form = {"query": filled, "start": begin.timestamp(), "end": datetime.now(UTC).timestamp(), "step": 1}
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{prometheus_url}/api/v1/query_range", body, timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
        pairs = [(at, float(value)) for series in result for at, value in series["values"] if value != "NaN"]
        times = [datetime.fromtimestamp(at, UTC) for at, _ in pairs]
        found.append(Samples(version, times, [value for _, value in pairs]))
    return found


def write(story: Story, directory: Path) -> Path:
    """Write `report.md` and `report.png`, and return the former."""
    directory.mkdir(parents=True, exist_ok=True)
    draw(story, directory / "report.png")
    path = directory / "report.md"
    path.write_text(markdown(story))
    return path


def draw(story: Story, path: Path) -> None:
    """Draw live accuracy over time against the threshold, with the versions that served."""
    begin = min(each.at[0] for each in story.samples if each.at)
    figure, (axes, band) = plt.subplots(
        2, 1, figsize=(11, 5.6), sharex=True, height_ratios=(6, 1), layout="constrained"
    )
    colours = {each.version: COLOURS[number % len(COLOURS)] for number, each in enumerate(story.samples)}
    for each in story.samples:
        seconds, values = _with_gaps(begin, each)
        axes.plot(seconds, values, color=colours[each.version], linewidth=2, label=f"live accuracy of {each.version}")
    axes.axhline(story.threshold, color="black", linestyle="--", linewidth=1.2, label=f"threshold {story.threshold:g}")
    marks = (
        (story.tag_moved_at, "tag moved"),
        (moment(story.bad["evidence"][0]["at"]), "third breach"),
        (moment(story.rollback["rolledOutAt"]), "rolled back"),
    )
    for number, (at, text) in enumerate(marks):
        for each in (axes, band):
            each.axvline(_seconds(begin, at), color="0.45", linewidth=1, linestyle=":")
        axes.annotate(
            text,
            (_seconds(begin, at), 1.0),
            xytext=(4, -12 - 14 * (number % 2)),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color="0.25",
        )
    axes.set_ylabel("share of correct predictions, 5 s window")
    axes.set_ylim(min(0.6, *(value for each in story.samples for value in each.values)) - 0.02, 1.04)
    axes.legend(loc="lower left", frameon=False)
    bad, good = story.bad, story.rollback
    figure.suptitle(
        f"{bad['version']} has better recorded metrics; it was rolled back to {good['version']} by its live accuracy"
    )
    _draw_band(band, story, begin, colours)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_band(band: Axes, story: Story, begin: datetime, colours: Mapping[str, str]) -> None:
    end = max(each.at[-1] for each in story.samples if each.at)
    for number, entry in enumerate(story.history):
        after = story.history[number + 1] if number + 1 < len(story.history) else None
        start = _seconds(begin, moment(entry["startedAt"]))
        stop = _seconds(begin, moment(after["startedAt"]) if after else end)
        start = max(start, 0.0)
        band.barh(0, stop - start, left=start, height=0.8, color=colours[entry["version"]], alpha=0.85)
        text = f"revision {entry['revision']}: {entry['version']}"
        band.text((start + stop) / 2, 0, text, ha="center", va="center", color="white", fontsize=9)
    band.set_yticks([])
    band.set_xlabel("seconds since the first sample")
    for side in ("top", "right", "left"):
        band.spines[side].set_visible(False)


def markdown(story: Story) -> str:
    """Return the report as Markdown."""
    bad, good = story.bad, story.rollback
    evidence = bad["evidence"][0]
    parts = [
        "# A promotion that was rolled back",
        f"The tag moved to **{bad['version']}**, whose recorded metrics are better than those of {good['version']}. "
        f"In live traffic its {evidence['metric']} fell to **{float(evidence['value']):.3f}**, against a threshold of "
        f"{evidence['threshold']}, in {evidence['breaches']} checks. The operator rolled back "
        f"to **{good['version']}** automatically and quarantined {bad['version']}.",
        "![Live accuracy over time, with the versions that served](report.png)",
        "## Recorded and live accuracy",
        _table(
            ("version", "recorded on validation", "recorded on test", "on the live images, offline", "artefact"),
            [_version_row(each["spec"], story) for each in story.versions],
        ),
        "## History",
        _table(
            ("revision", "version", "trigger", "outcome", "reason"),
            [[e[key] for key in ("revision", "version", "trigger", "outcome", "reason")] for e in story.history],
        ),
        "## Evidence",
        _table(
            ("metric", "value", "threshold", "breaches", "at", "query"),
            [
                [e[key] for key in ("metric", "value", "threshold", "breaches", "at", "queryHash")]
                for e in bad["evidence"]
            ],
        ),
        "## Measured times",
        _table(("from → to", "seconds"), [[what, f"{seconds:.2f}"] for what, seconds in story.times()]),
    ]
    return "\n\n".join(parts) + "\n"


def _version_row(spec: Mapping[str, Any], story: Story) -> list[str]:
    recorded = {each["split"]: float(each["value"]) for each in spec["metrics"] if each["name"] == "accuracy"}
    live = story.offline_live_accuracy[spec["version"]]
    numbers = [f"{value:.4f}" for value in (recorded["Validation"], recorded["Test"], live)]
    return [spec["version"], *numbers, f"`{spec['artifacts'][0]['digest'][:19]}…`"]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _with_gaps(begin: datetime, samples: Samples) -> tuple[list[float], list[float]]:
    """Return the samples with a break wherever a version got no traffic, so that no line is drawn across it."""
    seconds: list[float] = []
    values: list[float] = []
    for at, value in zip(samples.at, samples.values, strict=True):
        if seconds and _seconds(begin, at) - seconds[-1] > 2:
            seconds.append(seconds[-1] + 1)
            values.append(math.nan)
        seconds.append(_seconds(begin, at))
        values.append(value)
    return seconds, values


def _seconds(begin: datetime, at: datetime) -> float:
    return (at - begin).total_seconds()
