"""What a pod template gets of the record of a version: environment variables, image, arguments, labels, annotations."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.rollout import delivery

CONTAINERS, INIT_CONTAINERS = "containers", "initContainers"


def injected(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> dict[str, Any]:
    """Return `spec.template` with the values of the version, without labels of the operator.

    The model's container gets the variables, and what `serving` says. Others get the variables only: those that
    `inject.containers` names, by default the init containers.
    """
    pod = {**spec.template["spec"]}
    served = _model_container(spec)
    for field in (INIT_CONTAINERS, CONTAINERS):
        if field in pod:
            pod[field] = [_equipped(each, field, served, spec, version) for each in pod[field]]
    template = {**spec.template, "spec": pod}
    metadata = {**(spec.template.get("metadata") or {})}
    for field in ("labels", "annotations"):
        if metadata.get(field):
            metadata[field] = {key: _filled(value, version) for key, value in metadata[field].items()}
    return {**template, "metadata": metadata}


def variables(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> dict[str, str]:
    """Return the variables of the record, by name, unescaped. Those without a suffix are of the first artefact."""
    first, prefix = version.artifacts[0], spec.inject.prefix
    found = {"NAME": version.model, "VERSION": version.version, "URI": first.uri, "DIGEST": first.digest or ""}
    if version.source is not None and version.source.version:
        found["SOURCE_VERSION"] = version.source.version
    if len(version.artifacts) > 1:
        for each in version.artifacts:
            name = _in_variable(each.name)
            found |= {f"URI_{name}": each.uri, f"DIGEST_{name}": each.digest or ""}
    if places := delivery.paths(spec, version):
        found["PATH"] = places[first.name]
        if len(places) > 1:
            found |= {f"PATH_{_in_variable(name)}": place for name, place in places.items()}
    return {f"{prefix}{name}": value for name, value in found.items()}


def _in_variable(artifact: str) -> str:
    """Return the name of an artefact as the name of a variable ends with it."""
    return artifact.upper().replace("-", "_")


def receiving(spec: ModelDeploymentSpec) -> frozenset[str]:
    """Return the names of the containers that get the variables."""
    served, pod = _model_container(spec), spec.template["spec"]
    listed = [(each, field) for field in (INIT_CONTAINERS, CONTAINERS) for each in pod.get(field) or ()]
    return frozenset(each["name"] for each, field in listed if _gets_variables(each, field, served, spec))


def overridden(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> str:
    """Return which variables of the record the template sets itself, as a sentence; empty: none."""
    served, known = _model_container(spec), variables(spec, version).keys()
    found = [
        f"{each['name']} sets {', '.join(sorted(own))}"
        for field in (INIT_CONTAINERS, CONTAINERS)
        for each in spec.template["spec"].get(field) or ()
        if _gets_variables(each, field, served, spec) and (own := _names(each) & known)
    ]
    if not found:
        return ""
    return f"container {'; container '.join(found)}: the values of spec.template are used, not those of the record"


def duplicates(spec: ModelDeploymentSpec) -> str:
    """Return which variables and ports a container of the template has twice, as a sentence; empty: none."""
    found = [f"container {each['name']} has {twice} twice" for each in _all(spec) for twice in _twice(each)]
    return f"{'; '.join(found)}: the last one is used" if found else ""


def dropped(spec: ModelDeploymentSpec) -> list[str]:
    """Return each variable and port of the template that a later one replaces, such as `port 80/TCP of server`."""
    found = []
    for container in _all(spec):
        for field, (key, word) in _KEYED.items():
            items = container.get(field) or ()
            kept = {id(each) for each in _last(items, key)}
            found += [
                f"{word} {key(each)}{_port_name(each, field)} of container {container['name']}"
                for each in items
                if id(each) not in kept
            ]
    return found


def _all(spec: ModelDeploymentSpec) -> Iterator[Json]:
    pod = spec.template["spec"]
    for field in (INIT_CONTAINERS, CONTAINERS):
        yield from pod.get(field) or ()


def _twice(container: Json) -> Iterator[str]:
    for field, (key, word) in _KEYED.items():
        keys = [key(each) for each in container.get(field) or ()]
        yield from (f"{word} {each}" for each in dict.fromkeys(keys) if keys.count(each) > 1)


def _variable(item: Json) -> str:
    return str(item["name"])


def _port(item: Json) -> str:
    return f"{item.get('containerPort')}/{item.get('protocol') or 'TCP'}"


def _port_name(item: Json, field: str) -> str:
    """Return the name of a port, which a Service or a probe may refer to."""
    return f" ({item['name']})" if field == "ports" and item.get("name") else ""


_KEYED: dict[str, tuple[Callable[[Json], str], str]] = {"env": (_variable, "variable"), "ports": (_port, "port")}
"""The lists of a container in which Kubernetes takes an item twice, by what makes two items the same."""


def _last(items: Sequence[Json], key: Callable[[Json], str]) -> list[Json]:
    """Return the items without those that a later one replaces: a server-side apply refuses an item twice."""
    last = {key(each): number for number, each in enumerate(items)}
    return [each for number, each in enumerate(items) if last[key(each)] == number]


def _model_container(spec: ModelDeploymentSpec) -> str:
    """Return the name of the container that serves the model: that of `spec.container`, or the first."""
    return spec.container or str(spec.template["spec"][CONTAINERS][0]["name"])


def _gets_variables(container: Json, field: str, served: str, spec: ModelDeploymentSpec) -> bool:
    if spec.inject.containers is not None:
        return container["name"] in spec.inject.containers
    return field == INIT_CONTAINERS or container["name"] == served


def _equipped(
    container: Json, field: str, served: str, spec: ModelDeploymentSpec, version: ModelVersionSpec
) -> dict[str, Any]:
    """Return the container with its variables: those of the record first, then `serving.env`, then its own others.

    Later variables can refer to earlier ones. Those of `serving.env` are not escaped: `$(NAME)` is a reference there.

    Rule: R18.
    """
    is_served = field == CONTAINERS and container["name"] == served
    serving = version.serving if is_served else None
    asked = [] if serving is None else [each.to_json() for each in serving.env]
    model = variables(spec, version) if _gets_variables(container, field, served, spec) else {}
    named = {each["name"] for each in asked}
    recorded = [{"name": k, "value": literal(v)} for k, v in model.items() if k not in _names(container) | named]
    found = dict(container)
    found |= {field: _last(found[field], key) for field, (key, _) in _KEYED.items() if found.get(field)}
    kept = [each for each in found.get("env") or () if each["name"] not in named]
    if environment := [*recorded, *asked, *kept]:
        found["env"] = environment
    if serving is not None and serving.image:
        found["image"] = serving.image
    if serving is not None and serving.args is not None:
        found["args"] = list(serving.args)
    if serving is not None and serving.resources:
        found["resources"] = serving.resources.to_json()
    return found


def _names(container: Json) -> set[str]:
    return {each["name"] for each in container.get("env") or ()}


def literal(text: str) -> str:
    """Return the text escaped as the value of an environment variable: Kubernetes expands `$(NAME)` and `$$`."""
    return text.replace("$", "$$")


def _filled(text: str, version: ModelVersionSpec) -> str:
    """Return the value of a label or an annotation with `${model}` and `${version}` filled in."""
    return text.replace("${model}", version.model).replace("${version}", version.version)
