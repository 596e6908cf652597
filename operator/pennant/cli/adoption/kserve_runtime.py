"""The serving runtime of an InferenceService, and the pod that KServe makes of both."""

import re
from collections.abc import Callable
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption.objects import Objects, items, mapping, metadata, name_of, namespace_of
from pennant.cli.errors import CliError
from pennant.kube.http.resources import Kind

MODEL_CONTAINER, TRANSFORMER = "kserve-container", "transformer-container"
OF_MODEL = ("modelFormat", "protocolVersion", "runtime", "runtimeVersion", "storageUri", "storage", "name")
"""Fields of `model` that are no fields of a container."""
POD_FIELDS = (
    *("nodeSelector", "affinity", "tolerations", "volumes", "imagePullSecrets", "schedulerName", "serviceAccountName"),
    *("securityContext", "hostIPC", "runtimeClassName", "priorityClassName", "terminationGracePeriodSeconds"),
    *("topologySpreadConstraints", "dnsPolicy", "dnsConfig", "hostAliases", "initContainers", "enableServiceLinks"),
    *("automountServiceAccountToken", "shareProcessNamespace", "hostNetwork", "resourceClaims"),
)
KEYS = {
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
    "imagePullSecrets": "name",
}
"""The lists that are merged by an item's key; others are replaced."""
PLACEHOLDER = re.compile(r"\{\{\s*(\S+?)\s*\}\}")
TAG = re.compile(r":[\w.-]*$")
RUNTIMES = (Kind.SERVING_RUNTIME, Kind.CLUSTER_SERVING_RUNTIME)


def runtime_name(raw: Json) -> str:
    """Return the name of the runtime that the spec or the status says; empty: neither does."""
    status = mapping(raw, "status")
    named = mapping(raw, "spec", "predictor", "model").get("runtime")
    return str(named or status.get("servingRuntimeName") or status.get("clusterServingRuntimeName") or "")


def runtime_of(raw: Json, objects: Objects) -> Json:
    """Return the spec of the runtime, or an empty one for a predictor with containers of its own.

    Raises `CliError` where it is not known, or not there.
    """
    me = f"inferenceservice/{name_of(raw)}"
    if not mapping(raw, "spec", "predictor", "model"):
        if not items(mapping(raw, "spec", "predictor"), "containers"):
            raise CliError(f"{me} has neither spec.predictor.model nor spec.predictor.containers: nothing to serve")
        return {}
    name = runtime_name(raw)
    if not name:
        form = mapping(raw, "spec", "predictor", "model", "modelFormat").get("name")
        raise CliError(
            f"{me} names no runtime, so KServe chooses one for the format {form}. Set spec.predictor.model.runtime: "
            "`kubectl get clusterservingruntimes` lists them"
        )
    for kind in RUNTIMES:
        if (found := objects.get(kind, name, namespace_of(raw))) is not None:
            return mapping(found, "spec")
    where = (
        "neither a ServingRuntime nor a ClusterServingRuntime of that name can be read"
        if objects.is_live
        else (
            f"no file has it. Write it to a file and add that with -f: kubectl get clusterservingruntime {name} -o yaml"
        )
    )
    raise CliError(f"{me} needs the runtime {name}, and {where}")


def pod_of(raw: Json, runtime: Json, objects: Objects) -> dict[str, Any]:
    """Return the pod spec of the predictor, without what fetches the model."""
    predictor = mapping(raw, "spec", "predictor")
    model = mapping(predictor, "model")
    own = {key: each for key, each in model.items() if key not in OF_MODEL}
    merged = _merged(
        {key: runtime[key] for key in POD_FIELDS if key in runtime},
        {key: predictor[key] for key in POD_FIELDS if key in predictor},
    )
    of_runtime = {str(each["name"]): each for each in items(runtime, "containers")}
    containers = {str(each["name"]): each for each in items(predictor, "containers")}
    if model:
        served = _container(of_runtime.pop(MODEL_CONTAINER, {}), {**own, "name": MODEL_CONTAINER}, raw)
        served["image"] = _image(served, model, raw, objects)
        containers = {MODEL_CONTAINER: served, **of_runtime, **_transformers(of_runtime, containers, raw)}
    elif MODEL_CONTAINER not in containers:
        # KServe gives the only container of a custom predictor this name.
        first, *others = containers.values()
        containers = {MODEL_CONTAINER: {**first, "name": MODEL_CONTAINER}, **{each["name"]: each for each in others}}
    return {**merged, "containers": list(containers.values())}


def _transformers(of_runtime: dict[str, Json], own: dict[str, Json], raw: Json) -> dict[str, Json]:
    return {name: _container(of_runtime.get(name, {}), each, raw) for name, each in own.items()}


def _container(base: Json, own: Json, raw: Json) -> dict[str, Any]:
    """Return a container of a runtime with the fields of the predictor: arguments are appended, others replaced."""
    found = _merged(base, own)
    if arguments := [*(base.get("args") or ()), *(own.get("args") or ())]:
        found["args"] = arguments
    filled: dict[str, Any] = _filled(found, lambda text: _substituted(text, raw))
    first = {key: filled[key] for key in ("name", "image", "command", "args") if key in filled}
    return first | filled


def _merged(base: Json, own: Json) -> dict[str, Any]:
    found = dict(base)
    for name, value in own.items():
        known = found.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            found[name] = _merged(known, value)
        elif name in KEYS and isinstance(known, list) and isinstance(value, list):
            by_key = {each.get(KEYS[name]): each for each in known}
            found[name] = list((by_key | {each.get(KEYS[name]): each for each in value}).values())
        else:
            found[name] = value
    return found


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    match value:
        case str():
            return fill(value)
        case dict():
            return {key: _filled(each, fill) for key, each in value.items()}
        case list():
            return [_filled(each, fill) for each in value]
    return value


def _substituted(text: str, raw: Json) -> str:
    """Return a text of a runtime with the placeholders of KServe filled in from the metadata of the object."""
    known = {".Name": name_of(raw), ".Namespace": namespace_of(raw) or "default"}
    for prefix, field in ((".Labels.", "labels"), (".Annotations.", "annotations")):
        known |= {f"{prefix}{key}": str(each) for key, each in (metadata(raw).get(field) or {}).items()}

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise CliError(f"the runtime of inferenceservice/{name_of(raw)} has {found[0]}, which cannot be filled in")
        return known[found[1]]

    return PLACEHOLDER.sub(value, text)


def _image(served: Json, model: Json, raw: Json, objects: Objects) -> str:
    """Return the image that runs, or that of the runtime with the tag `runtimeVersion`.

    KServe chooses images for GPUs and CPUs by rules that change from release to release, so the Deployment that it made
    has precedence.
    """
    made = objects.get(Kind.DEPLOYMENT, f"{name_of(raw)}-predictor", namespace_of(raw)) if objects.is_live else None
    for each in items(mapping(made or {}, "spec", "template", "spec"), "containers"):
        if each.get("name") == MODEL_CONTAINER and each.get("image"):
            return str(each["image"])
    image = str(served.get("image", ""))
    version = model.get("runtimeVersion")
    if version is None or "@sha256:" in image:
        return image
    return TAG.sub(f":{version}", image) if TAG.search(image) else f"{image}:{version}"
