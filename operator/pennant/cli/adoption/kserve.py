"""An InferenceService of KServe: the pods that KServe makes of it and of its serving runtime.

Field names: the types of serving.kserve.io/v1beta1 and v1alpha1, version 0.20. What its controller makes of them:
`MergeRuntimeContainers`, `MergePodSpec`, `buildObjectMeta` and the injector of the storage initializer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption import autoscaler
from pennant.cli.adoption.deployment import rollout_of
from pennant.cli.adoption.kserve_runtime import (
    MODEL_CONTAINER,
    POD_FIELDS,
    TRANSFORMER,
    pod_of,
    runtime_name,
    runtime_of,
)
from pennant.cli.adoption.kserve_storage import INITIALIZER, stored
from pennant.cli.adoption.objects import Objects, items, mapping, metadata, name_of, namespace_of
from pennant.cli.adoption.workload import Workload, kept_annotations, kept_labels, losses
from pennant.cli.errors import CliError
from pennant.kube.http.resources import Kind

OWN_DOMAINS = ("serving.kserve.io/", "internal.serving.kserve.io/", "autoscaling.knative.dev/", "serving.knative.dev/")
"""Labels and annotations that KServe and Knative act on: with them, KServe would change the new pods too."""
FRAMEWORKS = (
    *("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx"),
    *("huggingface", "pmml", "lightgbm", "paddle"),
)
"""Older fields of a predictor, each of which stands for `model` with that format."""
HTTP_PORT = 8080
"""The port of a model server, where its container names none."""
ELSEWHERE = "serve it by a Deployment of its own, which calls the model"
ADVICE: Mapping[str, str] = {
    "transformer": ELSEWHERE,
    "explainer": ELSEWHERE,
    "canaryTrafficPercent": "Pennant rolls out by a rolling update, and rolls back by spec.analysis.metrics",
    "batcher": "KServe's agent batched the requests",
    "logger": "KServe's agent logged the requests",
    "workerSpec": "a Deployment has one kind of pods",
    "containerConcurrency": "only Knative limits requests",
    "timeout": "set it in the server or in the route",
}
"""What to do instead of fields of an InferenceService and of its predictor."""
CARRIED_OF_PREDICTOR = frozenset(
    {
        *(*POD_FIELDS, "containers", "model", "storageUris", "storageContainerName", "name", "labels", "annotations"),
        *("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "autoScaling", "deploymentStrategy"),
    }
)


def wanted(raw: Json) -> list[tuple[Kind, str]]:
    """Return the objects that an InferenceService refers to and that are needed."""
    name = runtime_name(raw)
    runtimes = [(Kind.SERVING_RUNTIME, name), (Kind.CLUSTER_SERVING_RUNTIME, name)] if name else []
    return [*runtimes, (Kind.DEPLOYMENT, f"{name_of(raw)}-predictor")]


def with_model(raw: Json) -> Json:
    """Return the InferenceService with `model` in place of the older field of a framework.

    Raises `CliError` where it has no predictor.
    """
    predictor = mapping(raw, "spec", "predictor")
    if not predictor:
        raise CliError(f"inferenceservice/{name_of(raw)} has no spec.predictor, so there is no model to serve")
    for each in FRAMEWORKS:
        if (old := mapping(predictor, each)) and "model" not in predictor:
            model = {**old, "modelFormat": {"name": each}}
            rest = {key: value for key, value in predictor.items() if key != each}
            return {**raw, "spec": {**mapping(raw, "spec"), "predictor": {**rest, "model": model}}}
    return raw


def translated(raw: Json, objects: Objects, target: str) -> Workload:
    """Return what an InferenceService serves; raises `CliError` where its runtime is not known."""
    raw = with_model(raw)
    predictor, name = mapping(raw, "spec", "predictor"), name_of(raw)
    runtime = runtime_of(raw, objects)
    pod = pod_of(raw, runtime, objects)
    pod, artifacts, lost_storage = stored(raw, pod)
    labels, annotations, lost_metadata = _pod_metadata(raw, runtime)
    made = objects.get(Kind.DEPLOYMENT, f"{name}-predictor", namespace_of(raw)) or {}
    scaler, least, lost_scaling = _scaling(raw)
    scaler = autoscaler.of(objects, Kind.DEPLOYMENT, name_of(made)) or scaler
    rollout, _ = rollout_of({"strategy": mapping(predictor, "deploymentStrategy")})
    served = next(each for each in pod["containers"] if each["name"] == MODEL_CONTAINER)
    known = {key: each for key, each in (("labels", labels), ("annotations", annotations)) if each}
    return Workload(
        kind=Kind.INFERENCE_SERVICE,
        name=name,
        namespace=namespace_of(raw),
        template={"metadata": known, "spec": pod} if known else {"spec": pod},
        labels=labels,
        replicas=mapping(made, "spec").get("replicas", least),
        rollout=rollout,
        container=MODEL_CONTAINER,
        artifacts=artifacts,
        fetcher=INITIALIZER if any(each["name"] == INITIALIZER for each in items(pod, "initContainers")) else "",
        autoscaler=scaler,
        retired=(f"kubectl delete inferenceservice {name} # delete the InferenceService",),
        port=next((int(each["containerPort"]) for each in items(served, "ports")), HTTP_PORT),
        warnings=(*lost_metadata, *_lost(raw, is_seen=bool(made)), *lost_scaling, *lost_storage),
    )


def _pod_metadata(raw: Json, runtime: Json) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return the labels and annotations of the pods: those of the predictor come before those of the others."""
    sources = (runtime, metadata(raw), mapping(raw, "spec", "predictor"))
    merged: dict[str, dict[str, str]] = {"labels": {}, "annotations": {}}
    for source in sources:
        for field, found in merged.items():
            found |= {k: v for k, v in (source.get(field) or {}).items() if not k.startswith(OWN_DOMAINS)}
    labels, lost = kept_labels(merged["labels"])
    annotations, also_lost = kept_annotations(merged["annotations"])
    return labels, annotations, [*lost, *also_lost]


def is_standard(raw: Json) -> bool:
    """Return whether KServe serves by a Deployment, and not by Knative."""
    annotated = (metadata(raw).get("annotations") or {}).get("serving.kserve.io/deploymentMode", "")
    return str(mapping(raw, "status").get("deploymentMode") or annotated) in ("Standard", "RawDeployment")


def _scaling(raw: Json) -> tuple[Json | None, int | None, list[str]]:
    """Return the autoscaler that KServe makes in its Standard mode, the least number of pods, and what is lost."""
    predictor = mapping(raw, "spec", "predictor")
    least, most = predictor.get("minReplicas", 1), predictor.get("maxReplicas") or 0
    lost = ["minReplicas: 0 is not carried over: Pennant does not scale to zero; replicas is 1"] if least == 0 else []
    least = max(least, 1)
    scaled_by = (metadata(raw).get("annotations") or {}).get("serving.kserve.io/autoscalerClass", "hpa")
    if most <= least or scaled_by != "hpa":
        lost += ["KEDA is not carried over: write a ScaledObject of the ModelDeployment"] if scaled_by == "keda" else []
        return None, least, lost
    metric, target = predictor.get("scaleMetric", "cpu"), predictor.get("scaleTarget")
    own = [each for each in items(mapping(predictor, "autoScaling"), "metrics") if each.get("type") == "Resource"]
    metrics: list[Json] = [{"type": "Resource", "resource": each.get("resource")} for each in own]
    if not metrics and metric in ("cpu", "memory") and ("scaleMetric" in predictor or is_standard(raw)):
        usage: dict[str, Any] = {"type": "Utilization", "averageUtilization": target or 80}
        metrics = [{"type": "Resource", "resource": {"name": metric, "target": usage}}]
    if not metrics:
        said = "Knative scaled by requests" if metric == "cpu" else f"scaleMetric {metric} is Knative's"
        lost.append(
            f"maxReplicas: {most} is not carried over: {said}. Write a HorizontalPodAutoscaler of the ModelDeployment"
        )
        return None, least, lost
    behaviour = mapping(predictor, "autoScaling", "behavior")
    return autoscaler.new(name_of(raw), least, most, metrics, behaviour), least, lost


def _lost(raw: Json, *, is_seen: bool) -> Iterator[str]:
    """Yield what is not carried over; `is_seen` says that the image is that of the Deployment which KServe made."""
    spec = mapping(raw, "spec")
    if mapping(spec, "predictor", "model") and not is_seen:
        yield f"KServe may choose another form of the image for GPUs or CPUs: compare that of {MODEL_CONTAINER}"
    yield from losses(spec, ADVICE, ("predictor",))
    yield from losses(mapping(spec, "predictor"), ADVICE, CARRIED_OF_PREDICTOR)
    if any(each.get("name") == TRANSFORMER for each in items(mapping(spec, "predictor"), "containers")):
        yield f"container {TRANSFORMER} is carried over, and the new Service leads to the container {MODEL_CONTAINER}"
    yield "the host and the routes of KServe end with the InferenceService: let clients use a Service of your own"
