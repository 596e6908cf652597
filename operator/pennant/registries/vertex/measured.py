"""The data sets and the metrics of a version of Vertex AI."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pennant.api.meta import Json
from pennant.record.metrics import SPLITS
from pennant.record.secrecy import without_credentials
from pennant.registries import fields, flat
from pennant.registries.fields import mapping
from pennant.registries.notes import Notes

MAX_DATASETS = 32
ROLES: Mapping[str, str] = {"Train": "Training", "Validation": "Validation", "Test": "Test"}
"""The use of a data set by its split."""
COUNTS: Mapping[str, str] = {
    "trainingDataItemsCount": "Training",
    "validationDataItemsCount": "Validation",
    "testDataItemsCount": "Test",
}
"""The use of data by the field of `dataStats` that counts it."""
PATHS = ("evaluation_dataset_path", "evaluationDatasetPath")
"""Where the metadata of an evaluation names its data."""
Evaluations = Sequence[tuple[Json, Sequence[Json]]]


def split_of(name: str) -> str | None:
    """Return the split of the data that the first word of a name says, such as `val_accuracy` or `Test set`."""
    return SPLITS.get(re.split(r"[^a-z]", name.lower(), maxsplit=1)[0])


def datasets(model: Json, dataset: Json, evaluations: Evaluations, inputs: Iterable[Json], notes: Notes) -> list[Any]:
    """Return the data sets: of the training pipeline, of its lineage, and of the evaluations, each name once."""
    found: dict[str, dict[str, Any]] = {}
    listed = (*_counted(model, dataset), *map(_input, inputs), *_evaluated(evaluations))
    for each in listed:
        name = notes.line(each["name"] or "dataset", 253, "the name of a data set")
        if len(found) == MAX_DATASETS and name not in found:
            notes.add(f"the record has the first {MAX_DATASETS} data sets")
            break
        known = {key: value for key, value in each.items() if value is not None}
        found.setdefault(name, {**known, "name": name})
    return list(found.values())


def _counted(model: Json, dataset: Json) -> Iterator[dict[str, Any]]:
    """Yield the data set of the training pipeline, once for each use that Vertex AI counts."""
    stats = mapping(model.get("dataStats"))
    base, uri = str(dataset.get("displayName") or "").strip(), _place(dataset)
    counted: list[tuple[str, int | None]] = [
        (role, count) for field, role in COUNTS.items() if (count := _count(stats.get(field)))
    ]
    if dataset and not counted:
        counted = [("Training", _count(dataset.get("dataItemCount")))]
    for role, rows in counted:
        name = (base if role == "Training" else f"{base} ({role})") if base else role.lower()
        yield {"name": name, "role": role, "uri": uri, "version": None, "rows": rows or None}


def _place(dataset: Json) -> str | None:
    """Return where the data of a data set is, or else its resource name."""
    config = mapping(mapping(dataset.get("metadata")).get("inputConfig"))
    for source, field in (("gcsSource", "uri"), ("bigquerySource", "uri"), ("gcsSource", "uris")):
        place = mapping(config.get(source)).get(field)
        place = place[0] if isinstance(place, list) and place else place
        if place and isinstance(place, str):
            return without_credentials(place)[:2048]
    return str(dataset["name"])[:2048] if dataset.get("name") else None


def _input(artifact: Json) -> dict[str, Any]:
    """Return a data set that the execution read which made the model: for training, unless its name says otherwise."""
    name = str(artifact.get("displayName") or artifact.get("name") or "").rpartition("/")[2]
    uri = without_credentials(str(artifact.get("uri") or artifact.get("name") or ""))[:2048]
    return {"name": name, "role": ROLES[split_of(name) or "Train"], "uri": uri or None}


def _evaluated(evaluations: Evaluations) -> Iterator[dict[str, Any]]:
    for evaluation, _ in evaluations:
        if path := _data_of(evaluation):
            split = split_of(str(evaluation.get("displayName") or "")) or "Test"
            yield {"name": path, "role": ROLES[split], "uri": path[:2048]}


def _data_of(evaluation: Json) -> str:
    """Return where the data of an evaluation is; empty: it does not say it."""
    metadata = mapping(evaluation.get("metadata"))
    path = next((metadata[each] for each in PATHS if metadata.get(each)), "")
    path = path[0] if isinstance(path, list) and path else path
    return without_credentials(path) if isinstance(path, str) else ""


def metrics(evaluations: Evaluations, outputs: Iterable[Json], run: Json, notes: Notes) -> list[dict[str, Any]]:
    """Return the metrics of the run, of the artefacts of its lineage, and of the evaluations with their slices.

    An evaluation is of test data by its definition, unless its name says otherwise. The newest one counts if two have
    the same metric of the same data.
    """
    listed: list[dict[str, Any]] = []
    for place, values in [
        ("the run", mapping(run.get("metadata")).get("_metrics")),
        *(("a metrics artefact", each.get("metadata")) for each in outputs),
    ]:
        listed += _numbers(mapping(values), place, {}, notes)
    for evaluation, slices in sorted(evaluations, key=lambda each: str(each[0].get("createTime"))):
        name = str(evaluation.get("displayName") or str(evaluation.get("name")).rpartition("/")[2])
        base = {"split": split_of(name) or "Test", "dataset": _data_of(evaluation)[:253] or None}
        listed += _numbers(evaluation.get("metrics"), f"evaluation {name}", base, notes)
        for each in slices:
            what = notes.line(_slice(each), 256, "the name of a slice")
            listed += _numbers(each.get("metrics"), f"slice {what}", {**base, "slice": what}, notes)
    return fields.metrics(listed, notes)


def _numbers(values: Any, place: str, base: Mapping[str, Any], notes: Notes) -> Iterator[dict[str, Any]]:
    known = {key: value for key, value in base.items() if value is not None}
    for name, value in flat.pairs(values):
        if isinstance(value, list | dict):
            notes.add(f"metric {name} of {place} is a list, such as a curve or a matrix, and not one number")
        else:
            yield {**known, "name": name, "value": value}


def _slice(each: Json) -> str:
    """Return the name of a slice, such as `country=US`."""
    known = mapping(each.get("slice"))
    value = known.get("value")
    text = value if isinstance(value, str) and value else flat.text(known.get("sliceSpec") or {})
    return f"{known.get('dimension') or 'slice'}={text}"


def _count(value: Any) -> int | None:
    """Return a count, which JSON has as a text; None: it is none."""
    return int(value) if re.fullmatch(r"\d{1,18}", str(value)) else None
