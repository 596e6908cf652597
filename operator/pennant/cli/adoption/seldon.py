"""A SeldonDeployment of Seldon Core 1: one predictor of it, by the Deployment that Seldon made or by its manifest.

Field names: the types of machinelearning.seldon.io/v1, version 1.18. Images and variables of prepackaged servers are in
the settings of Seldon's operator, so only its Deployment has them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption import autoscaler
from pennant.cli.adoption.defaults import without_defaults
from pennant.cli.adoption.deployment import rollout_of
from pennant.cli.adoption.objects import Objects, controller_of, items, mapping, metadata, name_of, namespace_of
from pennant.cli.adoption.workload import Artifact, Workload, in_namespace, kept_annotations, kept_labels, losses
from pennant.cli.errors import CliError
from pennant.kube.http.resources import Kind

OWN_PREFIX = "seldon-"
"""Labels by which Seldon's own Services select pods."""
PREDICTOR = "PREDICTOR_ID"
"""The variable with the name of the predictor, which Seldon sets in each of its containers."""
ENGINE, ENGINE_PORT, MODEL_PORT = "seldon-container-engine", 8000, 9000
FETCHER = "model-initializer"
FETCHER_IMAGE = "seldonio/rclone-storage-initializer:1.18.2"
PLACE = "/mnt/models"
ADVICE: Mapping[str, str] = {
    "explainer": "serve it by a Deployment of its own, which calls the model",
    "ssl": "end TLS in the route, or mount the Secret in the pod template",
    "kedaSpec": "write a ScaledObject of the ModelDeployment",
    "pdbSpec": "write a PodDisruptionBudget for the label pennant.dev/modeldeployment",
    "svcOrchSpec": "it is about Seldon's engine, which only pods of the cluster have",
    "engineResources": "it is about Seldon's engine, which only pods of the cluster have",
}
"""What to do instead of fields of a predictor and of a componentSpec."""
CARRIED_OF_PREDICTOR = frozenset({"name", "graph", "componentSpecs", "replicas", "labels", "traffic", "shadow"})
CARRIED_OF_COMPONENT = frozenset({"metadata", "spec", "replicas", "hpaSpec"})


def translated(raw: Json, objects: Objects, target: str) -> Workload:
    """Return what a SeldonDeployment serves.

    Raises `CliError` where it has no predictor, or its images are not known.
    """
    spec, name = mapping(raw, "spec"), name_of(raw)
    predictors = items(spec, "predictors")
    if not predictors:
        raise CliError(f"seldondeployment/{name} has no spec.predictors, so there is no model to serve")
    chosen = max(predictors, key=lambda each: (not each.get("shadow"), each.get("traffic") or 0))
    graph = mapping(chosen, "graph")
    made = _made(raw, chosen, objects)
    found = _of_deployment(raw, chosen, made, objects) if made is not None else _of_manifest(raw, chosen, objects)
    labels, lost_labels = kept_labels(metadata(raw).get("labels") or {})
    annotations, lost_annotations = kept_annotations(metadata(raw).get("annotations") or {})
    uri = str(graph.get("modelUri") or "")
    return replace(
        found,
        labels=labels,
        annotations=annotations,
        artifacts=(Artifact(uri, "modelUri of the graph"),) if uri else (),
        retired=(f"kubectl delete seldondeployment {name} # delete the SeldonDeployment",),
        warnings=(*lost_labels, *lost_annotations, *_lost(chosen, predictors), *found.warnings),
    )


def _made(raw: Json, predictor: Json, objects: Objects) -> Json | None:
    """Return the Deployment that Seldon made for the model of a predictor; None: there is none to read."""
    of_predictor = [
        each
        for each in objects.all_of(Kind.DEPLOYMENT)
        if ((owner := controller_of(each)) or {}).get("kind") == Kind.SELDON_DEPLOYMENT
        and owner is not None
        and owner.get("name") == name_of(raw)
        and _predictor_of(each) == predictor.get("name")
    ]
    model = mapping(predictor, "graph").get("name")
    with_model = [each for each in of_predictor if any(one.get("name") == model for one in _containers(each))]
    return next(iter(with_model), None)


def _containers(deployment: Json) -> list[Json]:
    return items(mapping(deployment, "spec", "template", "spec"), "containers")


def _predictor_of(deployment: Json) -> str | None:
    variables = (each for container in _containers(deployment) for each in items(container, "env"))
    return next((each.get("value") for each in variables if each.get("name") == PREDICTOR), None)


def _of_deployment(raw: Json, predictor: Json, made: Json, objects: Objects) -> Workload:
    """Return what the Deployment of Seldon serves: the same pods, without the labels of its Services."""
    spec = mapping(made, "spec")
    template = without_defaults(mapping(spec, "template"))
    labels = {k: v for k, v in (mapping(template, "metadata").get("labels") or {}).items() if _is_kept(k)}
    rest = {key: each for key, each in mapping(template, "metadata").items() if key != "labels"}
    rollout, lost = rollout_of(spec)
    containers = {each["name"]: each for each in _containers(made)}
    port, others = (
        (ENGINE_PORT, [each for each in containers if each != ENGINE])
        if ENGINE in containers
        else (
            MODEL_PORT,
            list(containers),
        )
    )
    served = containers[ENGINE] if ENGINE in containers else next(iter(containers.values()))
    return Workload(
        kind=Kind.SELDON_DEPLOYMENT,
        name=name_of(raw),
        namespace=namespace_of(raw),
        template={**template, "metadata": {**rest, **({"labels": labels} if labels else {})}},
        replicas=spec.get("replicas"),
        rollout=rollout,
        container=others[0] if len(others) == 1 else "",
        autoscaler=autoscaler.of(objects, Kind.DEPLOYMENT, name_of(made)),
        port=next((int(each["containerPort"]) for each in items(served, "ports")), port),
        warnings=(*lost, *losses(predictor, ADVICE, CARRIED_OF_PREDICTOR | {"svcOrchSpec", "engineResources"})),
    )


def _is_kept(label: str) -> bool:
    return not label.startswith(OWN_PREFIX) and label not in ("app", "fluentd")


def _of_manifest(raw: Json, predictor: Json, objects: Objects) -> Workload:
    """Return what the pod of a predictor's manifest serves."""
    graph, name = mapping(predictor, "graph"), name_of(raw)
    model = str(graph.get("name") or "")
    components = items(predictor, "componentSpecs")
    served = next((each for each in components if _container_of(each, model)), None)
    if served is None or not _container_of(served, model).get("image"):
        kind = graph.get("implementation")
        settings = f"; it is in Seldon's settings for {kind}" if kind else ""
        look, there = (
            in_namespace(each, namespace_of(raw))
            for each in (
                f"kubectl get deployments -l seldon-deployment-id={name}",
                f"kubectl pennant adopt seldondeployment/{name}",
            )
        )
        where = (
            f"Its Deployment cannot be found: does `{look}` show it?"
            if objects.is_live
            else f"The Deployment in the cluster has it: {there}"
        )
        raise CliError(f"seldondeployment/{name} says no image for {model or 'its graph'}{settings}. {where}")
    pod = dict(mapping(served, "spec"))
    warnings = [*losses(predictor, ADVICE, CARRIED_OF_PREDICTOR), *losses(served, ADVICE, CARRIED_OF_COMPONENT)]
    warnings.append("variables PREDICTIVE_UNIT_* are not carried over from a manifest: adopt from the cluster has them")
    if graph.get("modelUri"):
        pod = _fetching(pod, graph, model)
        warnings.append(
            f"the image of the init container {FETCHER} is {_fetcher_image(graph)}: set the one of your Seldon"
        )
    labels, _ = kept_labels({**(predictor.get("labels") or {}), **(mapping(served, "metadata").get("labels") or {})})
    replicas = served.get("replicas", predictor.get("replicas", mapping(raw, "spec").get("replicas")))
    return Workload(
        kind=Kind.SELDON_DEPLOYMENT,
        name=name,
        namespace=namespace_of(raw),
        template={**({"metadata": {"labels": labels}} if labels else {}), "spec": pod},
        replicas=replicas,
        container=model,
        fetcher=FETCHER if graph.get("modelUri") else "",
        autoscaler=_scaler(name, mapping(served, "hpaSpec")),
        port=next((int(each["containerPort"]) for each in items(_container_of(served, model), "ports")), MODEL_PORT),
        warnings=tuple(warnings),
    )


def _container_of(component: Json, name: str) -> Json:
    named = (each for each in items(mapping(component, "spec"), "containers") if each.get("name") == name)
    return next(named, {})


def _fetcher_image(graph: Json) -> str:
    return str(graph.get("storageInitializerImage") or FETCHER_IMAGE)


def _fetching(pod: dict[str, Any], graph: Json, model: str) -> dict[str, Any]:
    """Return the pod with an init container that downloads the model of a graph, as Seldon adds it."""
    mount = {"name": "model-download", "mountPath": PLACE}
    fetcher: dict[str, Any] = {
        "name": FETCHER,
        "image": _fetcher_image(graph),
        "args": ["$(MODEL_URI)", PLACE],
        "volumeMounts": [mount],
    }
    if graph.get("envSecretRefName"):
        fetcher["envFrom"] = [{"secretRef": {"name": graph["envSecretRefName"]}}]
    containers = [
        {**each, "volumeMounts": [*items(each, "volumeMounts"), {**mount, "readOnly": True}]}
        if each.get("name") == model
        else each
        for each in items(pod, "containers")
    ]
    account = {"serviceAccountName": graph["serviceAccountName"]} if graph.get("serviceAccountName") else {}
    volumes = [*items(pod, "volumes"), {"name": mount["name"], "emptyDir": {}}]
    initial = [*items(pod, "initContainers"), fetcher]
    own = {key: each for key, each in pod.items() if key not in ("initContainers", "containers", "volumes")}
    return {**own, **account, "initContainers": initial, "containers": containers, "volumes": volumes}


def _scaler(name: str, spec: Json) -> Json | None:
    if not spec:
        return None
    metrics = [_metric(each) for each in [*items(spec, "metricsv2"), *items(spec, "metrics")]]
    return autoscaler.new(name, int(spec.get("minReplicas") or 1), int(spec.get("maxReplicas") or 1), metrics)


def _metric(metric: Json) -> Json:
    """Return a metric as autoscaling/v2 has it; Seldon's older form has the target beside the name."""
    resource = mapping(metric, "resource")
    if "targetAverageUtilization" not in resource:
        return metric
    target = {"type": "Utilization", "averageUtilization": resource["targetAverageUtilization"]}
    return {"type": "Resource", "resource": {"name": resource.get("name"), "target": target}}


def _lost(chosen: Json, predictors: list[Json]) -> Iterator[str]:
    for each in predictors:
        if each is not chosen:
            how = "shadow" if each.get("shadow") else f"traffic {each.get('traffic', 0)}"
            yield (
                f"predictor {each.get('name')} ({how}) is not carried over; {chosen.get('name')} is. Serve a candidate "
                "by a second ModelDeployment with its own tag"
            )
    graph = mapping(chosen, "graph")
    if items(graph, "children"):
        yield "the children of the graph are not carried over: a version is one model"
    if graph.get("logger"):
        yield "logger is not carried over: Seldon's engine logged the requests"
    if len(items(chosen, "componentSpecs")) > 1:
        yield f"only the componentSpec with the container {graph.get('name')} is carried over: each is a Deployment"
    yield "the routes of Seldon end with the SeldonDeployment: let clients use a Service of your own"
