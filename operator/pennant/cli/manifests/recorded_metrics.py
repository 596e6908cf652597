"""Metrics that a record has twice. The API server stores them, and nothing can compare them afterwards."""

from collections.abc import Iterator

from pydantic import ValidationError

from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests.documents import Document, Path, Problem
from pennant.core.versions.compare import Number


def doubts(document: Document) -> Iterator[Problem]:
    """Yield each metric of a ModelVersion that an earlier one equals in name, data set, split and slice."""
    try:
        record = ModelVersionSpec.model_validate(document.value.get("spec"))
    except ValidationError:
        return
    first: dict[Number, int] = {}
    for position, each in enumerate(record.metrics):
        number = Number(each.name, each.dataset, each.split, each.slice)
        other = first.setdefault(number, position)
        if other != position:
            line = document.mark(_path(other)).line
            said = f"{_named(number)} has two values: {record.metrics[other].value} (line {line}) and {each.value}"
            fix = "keep one, because a record is immutable and a metric with several values cannot be compared"
            yield Problem(_path(position), f"{said}; {fix}")


def _path(position: int) -> Path:
    return ("spec", "metrics", position)


def _named(number: Number) -> str:
    """Return a metric for a sentence, such as `recall on holdout/Test, slice cat`."""
    data = "/".join(each for each in (number.dataset, number.split and number.split.value) if each)
    on = f" on {data}" if data else ""
    return f"{number.metric}{on}" + (f", slice {number.slice}," if number.slice else "")
