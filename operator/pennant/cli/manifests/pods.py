"""What is doubtful about the pods of a ModelDeployment with the versions in the same files: they are rendered here."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests import containers, delivered
from pennant.cli.manifests.documents import Path, Problem
from pennant.core.rollout import injection


def doubts(deployment: Json, versions: Iterable[Json]) -> Iterator[Problem]:
    """Yield what pods will lack, or take from another place than their author may think, each once.

    The objects are manifests; those that are not valid are left out.
    """
    spec = parsed(ModelDeploymentSpec, deployment)
    if spec is None:
        return
    if said := injection.duplicates(spec):
        yield Problem(("spec", "template"), said)
    yield from containers.doubts(spec)
    known = [found for each in versions if (found := parsed(ModelVersionSpec, each)) is not None]
    told = set[Path]()
    for version in known:
        for each in (*_of_version(spec, version), *delivered.doubts(spec, version)):
            if each.path not in told:
                told.add(each.path)
                yield each


def _of_version(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> Iterator[Problem]:
    if said := injection.overridden(spec, version):
        yield Problem(("spec", "template", "spec"), said)
    pod = injection.injected(spec, version)["spec"]
    for field in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(field) or ()):
            path: Path = ("spec", "template", "spec", field, number)
            if not container.get("image"):
                said = f"container {container['name']} has no image, and spec.serving of {version.version} has none"
                yield Problem(path, said)
            if lacking := _lacking(container, spec.inject.prefix):
                names = ", ".join(f"$({each})" for each in lacking)
                said = f"container {container['name']} has no variable for {names} with version {version.version}"
                yield Problem((*path, "name"), f"{said}, so the text is passed on as it is")


def _lacking(container: Json, prefix: str) -> list[str]:
    """Return the variables with the prefix of the record that a container refers to and does not have, in order."""
    own = {each["name"] for each in container.get("env") or ()}
    return [each for each in containers.references(container) if each.startswith(prefix) and each not in own]


def parsed(model: Any, manifest: Json) -> Any:
    """Return the spec of a manifest; None where it is not valid."""
    try:
        return model.model_validate(manifest.get("spec"))
    except ValidationError:
        return None
