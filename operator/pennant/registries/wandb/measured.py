"""The configuration and the summary of a run of W&B, as parameters and metrics of a record."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.record.metrics import SPLITS
from pennant.record.texts import flattened
from pennant.registries import fields, flat
from pennant.registries.fields import object_of
from pennant.registries.notes import Notes
from pennant.registries.wandb.known import Run

OWN = frozenset({"_wandb", "wandb_version"})
"""What W&B adds to each configuration."""
NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
"""How W&B writes a number that JSON does not have."""
GOALS: Mapping[int, str] = {1: "Minimize", 2: "Maximize"}
"""The direction of a metric by the goal that `define_metric` of clients before 0.31 set."""
_NAME, _GOAL = "1", "8"
"""Numbers of the fields of a definition of a metric in a configuration."""


def config(text: Any) -> Json:
    """Return the values of a configuration in JSON, as a server has it: each with a description."""
    found = object_of(text)
    return {
        name: each["value"] if isinstance(each, dict) and "value" in each else each
        for name, each in found.items()
        if name not in OWN
    }


def directions(text: Any) -> dict[str, str]:
    """Return the direction of each metric of which a goal is known."""
    own = object_of(text).get("_wandb")
    value = own.get("value") if isinstance(own, dict) else None
    defined = value.get("m") if isinstance(value, dict) else None
    listed = [each for each in defined if isinstance(each, dict)] if isinstance(defined, list) else []
    return {str(each[_NAME]): GOALS[each[_GOAL]] for each in listed if _NAME in each and each.get(_GOAL) in (1, 2)}


def parameters(run: Run, notes: Notes) -> list[dict[str, Any]]:
    """Return the hyperparameters: each value of the configuration, nested ones with dots in their names."""
    # A value that is not set is one as well, such as a maximum depth.
    values = {name: "null" if each is None else each for name, each in flattened(run.config)}
    return fields.parameters(flat.plain(values, notes), notes)


def metrics(run: Run, notes: Notes) -> list[dict[str, Any]]:
    """Return the metrics: each number of the summary. What begins with an underscore is W&B's own."""
    return fields.metrics(_metrics(run), notes)


def _metrics(run: Run) -> Iterator[dict[str, Any]]:
    # W&B writes them in another order each time.
    for name, value in sorted(_numbers(run.summary), key=lambda each: each[0]):
        metric: dict[str, Any] = {"name": name, "value": value}
        if (split := split_of(name)) is not None:
            metric["split"] = split
        if direction := next((run.directions[each] for each in _starts(name) if each in run.directions), None):
            metric["direction"] = direction
        yield metric


def split_of(name: str) -> str | None:
    """Return the split that a part of the path of a metric names, such as `val` in `metrics/val/acc`."""
    parts = re.split(r"[/.]", name.lower())[:-1]
    return next((SPLITS[each] for each in parts if each in SPLITS), None)


def _starts(name: str) -> Iterator[str]:
    """Yield a name, and what is before each of its dots: `loss.min` is a summary of `loss`."""
    yield name
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _numbers(summary: Json) -> Iterator[tuple[str, Any]]:
    for name, value in _values(summary):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number or (isinstance(value, str) and value in NOT_FINITE):
            yield name, value
        elif value is None:
            # What W&B makes of a NaN that a program put into the summary.
            yield name, "null"


def others(run: Run) -> dict[str, Any]:
    """Return the values of the summary that are no numbers and no media."""
    numbers = {name for name, _ in _numbers(run.summary)}
    return {name: value for name, value in _values(run.summary) if name not in numbers and not isinstance(value, dict)}


def media(run: Run) -> list[str]:
    """Return the names of tables, pictures and histograms in the summary."""
    return sorted(name for name, value in _values(run.summary) if isinstance(value, dict))


def _values(summary: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a summary; what W&B keeps in a file or in parts stays an object."""
    for name, value in summary.items():
        if not prefix and str(name).startswith("_"):
            continue
        if isinstance(value, dict) and "_type" not in value:
            yield from _values(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
