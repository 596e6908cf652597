"""What is wrong with several manifests together: names that are there twice, tags that no version or several have."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pennant.api import DEFAULT_TAG
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.cli.manifests import drift_paths, pods, recorded_metrics
from pennant.cli.manifests.checks import DEPLOYMENT, VERSION
from pennant.cli.manifests.documents import Document, Path
from pennant.cli.manifests.openapi import Kubernetes
from pennant.core.rollout import serving_permission


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is wrong at a place of one document, because of others."""

    document: Document
    path: Path
    message: str
    is_error: bool = False


def doubts(found: Iterable[Document], kubernetes: Callable[[], Kubernetes]) -> Iterator[Doubt]:
    """Yield what is wrong with manifests that are applied together; `kubernetes` returns the schema of pods."""
    documents = tuple(found)
    yield from _twice(documents)
    versions = [each for each in documents if each.value["kind"] == VERSION]
    yield from _shared_tags(versions)
    for each in versions:
        yield from (Doubt(each, problem.path, problem.message) for problem in recorded_metrics.doubts(each))
    for each in documents:
        if each.value["kind"] == DEPLOYMENT:
            same = _of_model(each, versions)
            yield from _target(each, same)
            yield from _permitted(each, same)
            of_pods = pods.doubts(each.value, (version.value for version in same))
            for problem in (*of_pods, *drift_paths.doubts(each.value, kubernetes)):
                yield Doubt(each, problem.path, problem.message)


def _twice(documents: Iterable[Document]) -> Iterator[Doubt]:
    first: dict[tuple[str, str, str], Document] = {}
    for each in documents:
        name = _metadata(each, "name")
        other = first.setdefault((each.value["kind"], _metadata(each, "namespace"), name), each)
        if other is not each and name:
            said = f"{each.value['kind']} {name} is in {_place(other)} as well; each object has one manifest"
            yield Doubt(each, ("metadata", "name"), said, is_error=True)


def _shared_tags(versions: Iterable[Document]) -> Iterator[Doubt]:
    first: dict[tuple[str, str, str], Document] = {}
    for each in versions:
        for number, tag in enumerate(_tags(each)):
            other = first.setdefault((_metadata(each, "namespace"), _spec(each, "model"), tag), each)
            if _metadata(other, "name") != _metadata(each, "name"):
                said = (
                    f"{_metadata(other, 'name')} has the tag {tag} as well ({_place(other)}); "
                    "while two versions have a tag, the current version keeps serving"
                )
                yield Doubt(each, ("spec", "tags", number), said)


def _of_model(deployment: Document, versions: Iterable[Document]) -> list[Document]:
    """Return the versions of the model of a ModelDeployment, in its namespace."""
    model, where = _spec(deployment, "model"), _metadata(deployment, "namespace")
    return [each for each in versions if _spec(each, "model") == model and _metadata(each, "namespace") == where]


def _target(deployment: Document, same: list[Document]) -> Iterator[Doubt]:
    """Yield that a ModelDeployment has no target version among these manifests of versions of its model."""
    model, pinned = _spec(deployment, "model"), _spec(deployment, "version")
    tag = _spec(deployment, "tag") or DEFAULT_TAG
    if not model or any(_is_target(deployment, each) for each in same):
        return
    what = f"is the version {pinned}" if pinned else f"has the tag {tag}"
    there = f"; there are {', '.join(sorted(_metadata(each, 'name') for each in same))}" if same else ""
    name = "version" if pinned else "tag" if _spec(deployment, "tag") else "model"
    yield Doubt(deployment, ("spec", name), f"no ModelVersion of {model} in these files {what}{there}")


def _is_target(deployment: Document, version: Document) -> bool:
    """Return whether a ModelDeployment serves a version of its model, by these manifests."""
    if pinned := _spec(deployment, "version"):
        return pinned == _spec(version, "version")
    return (_spec(deployment, "tag") or DEFAULT_TAG) in _tags(version)


def _permitted(deployment: Document, same: list[Document]) -> Iterator[Doubt]:
    """Yield what versions set and the ModelDeployment does not permit: of its target version it is an error.

    Rule: R181.
    """
    spec = pods.parsed(ModelDeploymentSpec, deployment.value)
    for each in same if spec is not None else ():
        record = pods.parsed(ModelVersionSpec, each.value)
        if record is not None and (said := serving_permission.problem(spec, record)):
            said = f"{said}: it is not rolled out. {Reason.SERVING_NOT_ALLOWED.to_do}"
            yield Doubt(deployment, ("spec", "allowServing"), said, _is_target(deployment, each))


def _place(document: Document) -> str:
    return f"{document.file}:{document.mark(()).line}"


def _metadata(document: Document, name: str) -> str:
    return _text(document.value.get("metadata"), name)


def _spec(document: Document, name: str) -> str:
    return _text(document.value.get("spec"), name)


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _tags(document: Document) -> tuple[str, ...]:
    spec = document.value.get("spec")
    tags = spec.get("tags") if isinstance(spec, dict) else None
    return tuple(str(each) for each in tags) if isinstance(tags, list) else ()
