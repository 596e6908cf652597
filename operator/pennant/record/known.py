"""The versions of a model that exist already, from manifests in Git or from objects of the API server."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.observation import Invalid
from pennant.kube.codec.decode import field, version_spec
from pennant.record.errors import RegisterError
from pennant.record.numbering import Known
from pennant.record.texts import documents_of

SUFFIXES = (".yaml", ".yml", ".json")
KIND = "ModelVersion"


def of_objects(objects: Iterable[Json], model: str, namespace: str | None = None) -> Known:
    """Return the versions of a model among objects; with a namespace, not those of others."""
    records, others = dict[str, ModelVersionSpec](), dict[str, str]()
    for raw in objects:
        spec, metadata = field(raw, "spec"), field(raw, "metadata")
        if spec.get("model") != model or (namespace and metadata.get("namespace") not in (None, namespace)):
            continue
        version = str(spec.get("version", ""))
        read = version_spec(str(metadata.get("name") or f"{model}-{version}"), spec)
        if isinstance(read, Invalid):
            others[version] = read.problem
        else:
            records[version] = read
    return Known(tuple(records.values()), others)


def objects_in(places: Iterable[Path]) -> Iterator[Json]:
    """Yield the ModelVersions of manifest files, and of all manifests below directories.

    A file below a directory that is no YAML, such as a template of a chart, is left out unless it has a ModelVersion.
    """
    for place in places:
        if not place.exists():
            raise RegisterError(f"the path {place} does not exist")
        for path in _below(place) if place.is_dir() else [place]:
            if path == place or KIND in path.read_text(encoding="utf-8", errors="replace"):
                yield from _versions(path)


def _below(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.suffix in SUFFIXES and path.is_file() and not is_hidden:
            yield path


def _versions(path: Path) -> Iterator[Json]:
    for each in documents_of(path):
        for one in _items(each):
            if isinstance(one, Mapping) and one.get("kind") == KIND and str(one.get("apiVersion")).startswith(GROUP):
                yield one


def _items(document: Any) -> list[Any]:
    is_list = isinstance(document, Mapping) and str(document.get("kind", "")).endswith("List")
    items = document.get("items") if is_list else None
    return items if isinstance(items, list) else [document]
