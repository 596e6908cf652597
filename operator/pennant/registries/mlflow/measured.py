"""The data sets and metrics of an MLflow run and of a logged model."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.record.secrecy import without_credentials
from pennant.registries import fields
from pennant.registries.fields import object_of
from pennant.registries.notes import Notes

MAX_DATASETS = 32
CONTEXT = "mlflow.data.context"
ROLES: Mapping[str, str] = {
    "train": "Training",
    "training": "Training",
    "val": "Validation",
    "valid": "Validation",
    "validation": "Validation",
    "test": "Test",
    "testing": "Test",
}
"""The use of a data set by its context in MLflow."""

Names = Mapping[tuple[str, str], str]
"""The name of a data set in the record, by its name and its digest in MLflow."""


def datasets(run: Json, notes: Notes) -> tuple[list[dict[str, Any]], Names]:
    """Return the data sets of a run, and their names in the record, where each name occurs once."""
    found: dict[str, dict[str, Any]] = {}
    names: dict[tuple[str, str], str] = {}
    for each in run.get("inputs", {}).get("dataset_inputs") or ():
        known = each.get("dataset") or {}
        context = next((str(tag.get("value")) for tag in each.get("tags") or () if tag.get("key") == CONTEXT), "")
        role = ROLES.get(context.lower(), "Reference")
        name, digest = str(known.get("name") or "dataset")[:200], str(known.get("digest") or "")
        if role == "Reference":
            notes.add(f"data set {name} has the context {context!r}, which is none of {', '.join(ROLES)}: Reference")
        label = name
        if label in found:
            label = next(
                word for n in range(2, 1000) if (word := f"{name} ({role}{'' if n == 2 else f' {n}'})") not in found
            )
        if len(found) == MAX_DATASETS:
            notes.add(f"the record has the first {MAX_DATASETS} data sets of the run")
            break
        found[label] = _dataset(known, label, role, notes)
        names.setdefault((name, digest), label)
    return list(found.values()), names


def _dataset(known: Json, label: str, role: str, notes: Notes) -> dict[str, Any]:
    found: dict[str, Any] = {"name": label, "role": role}
    digest = str(known.get("digest") or "")
    if re.fullmatch("[A-Fa-f0-9]{8,64}", digest):
        found["digest"] = f"mlflow:{digest}"
    elif digest:
        # Of a versioned table, for example, MLflow has a decimal number of 19 digits or a word here.
        found["version"] = notes.line(digest, 256, f"the digest of data set {label}")
    source = object_of(known.get("source"))
    uri = next((str(source[key]) for key in ("uri", "url", "path") if source.get(key)), None)
    if uri is not None:
        found["uri"] = notes.line(without_credentials(uri), 2048, f"the URI of data set {label}")
    rows = object_of(known.get("profile")).get("num_rows")
    if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0:
        found["rows"] = rows
    return found


def metrics(run: Json, logged: Json, names: Names, notes: Notes) -> list[dict[str, Any]]:
    """Return the metrics of the logged model, and those of the run that it does not have.

    The run has the last value of each metric only, whatever its data set, so it says nothing of a metric that the
    logged model has, except that it is not finite. A metric of another logged model of the same run is left out.
    """
    identity = logged.get("info", {}).get("model_id")
    of_run = [each for each in run.get("data", {}).get("metrics") or () if each.get("model_id") in (None, "", identity)]
    own = [_finite_or_not(each, of_run) for each in logged.get("data", {}).get("metrics") or ()]
    known = {each.get("key") for each in own}
    rest = [each for each in of_run if each.get("key") not in known]
    return fields.metrics(_listed((*own, *rest), names), notes)


def _finite_or_not(metric: Json, of_run: Iterable[Json]) -> Json:
    """Return a metric of the logged model, with the value of the run where that is not finite.

    MLflow gives 0 for the NaN of a logged model, and NaN for that of its run. A value other than 0 is a real one, of
    another data set.
    """
    value = next((each.get("value") for each in of_run if each.get("key") == metric.get("key")), 0)
    return {**metric, "value": value} if not metric.get("value") and not _is_finite(value) else metric


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _listed(metrics: Iterable[Json], names: Names) -> Iterable[dict[str, Any]]:
    # A metric that was logged in several steps counts with the last one.
    for each in sorted(metrics, key=lambda each: (int(each.get("step") or 0), int(each.get("timestamp") or 0))):
        metric = {"name": each.get("key"), "value": each.get("value")}
        if dataset := each.get("dataset_name"):
            digest = str(each.get("dataset_digest") or "")
            metric["dataset"] = names.get((str(dataset)[:200], digest), str(dataset)[:200])
        yield metric
