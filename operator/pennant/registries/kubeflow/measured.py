"""The data sets, metrics, parameters and documents of a version, which Kubeflow keeps as artefacts of other types."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pennant.api.meta import DIGEST_PATTERN, Json
from pennant.record.secrecy import without_credentials
from pennant.registries.fields import role_of, split_of
from pennant.registries.kubeflow.values import properties
from pennant.registries.notes import Notes

MODEL, DOCUMENT, DATASET, METRIC, PARAMETER = (
    "model-artifact",
    "doc-artifact",
    "dataset-artifact",
    "metric",
    "parameter",
)
ROLE = "role"
"""The custom property of a data set that says its use."""
MAX_DATASETS = 32
MAX_REPORTS = 32


def of_type(artifacts: Iterable[Json], kind: str) -> list[Json]:
    """Return the artefacts of a type."""
    return [each for each in artifacts if each.get("artifactType") == kind]


def label(name: Any, default: str, taken: Iterable[str]) -> str:
    """Return a name as an artefact or a document of a record can have it, which none of the others has."""
    plain = re.sub("[^a-z0-9]+", "-", str(name or "").lower()).strip("-")[:55].strip("-") or default
    known = set(taken)
    return next(word for n in range(1, 1000) if (word := plain if n == 1 else f"{plain}-{n}") not in known)


def datasets(artifacts: Iterable[Json], notes: Notes) -> list[dict[str, Any]]:
    """Return the data sets. The use is that of the property `role`, or the one that the name says."""
    found: dict[str, dict[str, Any]] = {}
    for each in of_type(artifacts, DATASET):
        name = str(each.get("name") or "data")[:253]
        role = role_of(properties(each).get(ROLE, "")) or _title(split_of(name))
        if role is None:
            notes.add(f"neither the name nor the property {ROLE} of data set {name} says its use: Reference")
        dataset: dict[str, Any] = {"name": name, "role": role or "Reference"}
        if uri := each.get("uri") or _address(each.get("source")):
            dataset["uri"] = notes.line(without_credentials(str(uri)), 2048, f"the URI of data set {name}")
        if digest := str(each.get("digest") or ""):
            # Without its algorithm it still names the content.
            field = "digest" if re.fullmatch(DIGEST_PATTERN, digest) else "version"
            dataset[field] = notes.line(digest, 256, f"the digest of data set {name}")
        found[name] = dataset
    if len(found) > MAX_DATASETS:
        notes.add(f"the record has the first {MAX_DATASETS} of {len(found)} data sets")
    return [*found.values()][:MAX_DATASETS]


def metrics(artifacts: Iterable[Json]) -> Iterator[dict[str, Any]]:
    """Yield the metrics by step and time, so that the last one of a name counts."""
    listed = of_type(artifacts, METRIC)
    for each in sorted(listed, key=lambda each: (_number(each.get("step")), _number(each.get("timestamp")))):
        yield {"name": str(each.get("name") or "metric"), "value": each.get("value")}


def parameters(artifacts: Iterable[Json]) -> dict[str, Any]:
    """Return the parameters by name."""
    listed = of_type(artifacts, PARAMETER)
    return {
        str(each["name"]): each.get("value") for each in listed if each.get("name") and each.get("value") is not None
    }


def documents(artifacts: Iterable[Json], notes: Notes) -> list[dict[str, Any]]:
    """Return the documents. Kubeflow has no digest of them."""
    found: dict[str, dict[str, Any]] = {}
    for each in of_type(artifacts, DOCUMENT):
        if uri := each.get("uri"):
            name = label(each.get("name"), "document", found)
            found[name] = {"name": name, "uri": without_credentials(str(uri))[:2048]}
    if len(found) > MAX_REPORTS:
        notes.add(f"the record has the first {MAX_REPORTS} of {len(found)} documents")
    return [*found.values()][:MAX_REPORTS]


def _title(split: str | None) -> str | None:
    return "Training" if split == "Train" else split


def _address(source: Any) -> str | None:
    return source if isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source) else None


def _number(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0
