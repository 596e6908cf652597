"""A Rollout of Argo Rollouts. Its spec is that of a Deployment, but for the strategy.

Field names: the types of argoproj.io/v1alpha1, version 1.10.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption import autoscaler
from pennant.cli.adoption.defaults import as_written
from pennant.cli.adoption.deployment import DEFAULT_LIMIT, history_limit, timing
from pennant.cli.adoption.objects import Objects, items, mapping, metadata, name_of, namespace_of
from pennant.cli.adoption.workload import Workload, kept_annotations, kept_labels, losses
from pennant.cli.errors import CliError
from pennant.core.rollout.revision import with_restart
from pennant.kube.http.resources import Kind

HASH = "rollouts-pod-template-hash"
"""The label by which Argo Rollouts tells the pods of revisions apart."""
ANALYSES = ("prePromotionAnalysis", "postPromotionAnalysis", "analysis")
OF_PODS = ("canaryMetadata", "stableMetadata", "previewMetadata", "activeMetadata")
SERVICES = ("stableService", "activeService")
ROLLING = "Pennant rolls out by the rolling update of a Deployment"
ADVICE: Mapping[str, str] = {
    "steps": f"{ROLLING}, watches spec.analysis.metrics meanwhile, and rolls back",
    "trafficRouting": "Pennant shifts no traffic, so let the route lead to the Service of all pods",
    "previewService": "there is no preview. Serve a candidate by a second ModelDeployment with its own tag",
    "autoPromotionEnabled": "a promotion is the move of the tag",
    "antiAffinity": "write it as the affinity of the pod template",
    "rollbackWindow": "Pennant rolls a failed version back at once (spec.rollback)",
    "progressDeadlineAbort": "Pennant rolls a failed version back at once (spec.rollback)",
    "paused": "kubectl pennant pause pauses a ModelDeployment",
}
"""What to do instead of fields of a Rollout and of its strategy."""
CARRIED = frozenset(
    {
        *("replicas", "selector", "template", "workloadRef", "minReadySeconds", "strategy", "revisionHistoryLimit"),
        *("progressDeadlineSeconds", "restartAt", "analysis"),
    }
)
CARRIED_OF_STRATEGY = frozenset({"maxSurge", "maxUnavailable", "canaryService", *SERVICES, *ANALYSES, *OF_PODS})
"""Fields that have their place, end with the Rollout, or are told apart."""


def wanted(raw: Json) -> list[tuple[Kind, str]]:
    """Return the objects that a Rollout refers to and that are needed."""
    reference = mapping(raw, "spec", "workloadRef")
    return [(Kind.DEPLOYMENT, str(reference.get("name")))] if reference.get("kind") == Kind.DEPLOYMENT else []


def translated(raw: Json, objects: Objects, target: str) -> Workload:
    """Return what a Rollout serves; raises `CliError` where its pod template is elsewhere and cannot be found."""
    spec, name = mapping(raw, "spec"), name_of(raw)
    strategy = mapping(spec, "strategy", "canary") or mapping(spec, "strategy", "blueGreen")
    labels, lost_labels = kept_labels(metadata(raw).get("labels") or {})
    annotations, lost_annotations = kept_annotations(metadata(raw).get("annotations") or {})
    lost: list[str] = []
    limits = {each: strategy[each] for each in ("maxSurge", "maxUnavailable") if each in strategy}
    rollout: dict[str, Any] = {key: each for key, each in limits.items() if each != DEFAULT_LIMIT}
    rollout |= timing(spec, lost)
    limit, lost_limit = history_limit(spec)
    template = _template(raw, objects)
    return Workload(
        kind=Kind.ROLLOUT,
        name=name,
        namespace=namespace_of(raw),
        # A restart of the old pods says nothing about new ones.
        template=with_restart(template, ""),
        labels=labels,
        annotations=annotations,
        replicas=spec.get("replicas"),
        rollout=rollout,
        revision_history_limit=limit,
        autoscaler=autoscaler.of(objects, Kind.ROLLOUT, name),
        services=tuple(str(strategy[each]) for each in SERVICES if strategy.get(each)),
        # While the Rollout exists, its controller writes the hash into the selectors of its Services again.
        released=(f"kubectl delete rollout {name} --cascade=orphan # delete the Rollout; its pods keep serving",),
        retired=_retired(template, mapping(spec, "workloadRef")),
        warnings=(*lost_labels, *lost_annotations, *lost, *lost_limit, *_lost(spec, strategy)),
    )


def _template(raw: Json, objects: Objects) -> Json:
    reference = mapping(raw, "spec", "workloadRef")
    if not reference:
        return as_written(mapping(raw, "spec", "template"), raw, objects)
    kind, name = str(reference.get("kind")), str(reference.get("name"))
    if kind != Kind.DEPLOYMENT:
        raise CliError(f"rollout/{name_of(raw)} has its pod template in {kind} {name}; only a Deployment can be read")
    found = objects.get(Kind.DEPLOYMENT, name, namespace_of(raw))
    if found is None:
        where = "does not exist" if objects.is_live else "is not in the files; add its file with -f"
        raise CliError(f"rollout/{name_of(raw)} has its pod template in Deployment {name}, which {where}")
    return as_written(mapping(found, "spec", "template"), found, objects)


def _lost(spec: Json, strategy: Json) -> Iterator[str]:
    yield from losses(spec, ADVICE, CARRIED)
    yield from losses(strategy, ADVICE, CARRIED_OF_STRATEGY)
    if mapping(spec, "strategy", "blueGreen"):
        keeps = "spec.rollout.maxUnavailable: 0 keeps all old pods until new ones serve"
        yield f"the strategy blueGreen is not carried over: {ROLLING}; {keeps}"
    names = sorted({each for field in (strategy, *items(strategy, "steps")) for each in _templates(field)})
    if names:
        listed = ", ".join(names)
        yield f"analysis templates are not carried over ({listed}): write their queries as spec.analysis.metrics"
    if any(name in strategy for name in OF_PODS):
        yield "metadata of canary and stable pods is not carried over: pods have the label pennant.dev/version"


def _templates(field: Json) -> Iterator[str]:
    """Yield the names of the analysis templates that a strategy or a step refers to."""
    for name in ANALYSES:
        for each in items(mapping(field, name), "templates"):
            yield str(each.get("templateName"))


def _retired(template: Json, reference: Json) -> tuple[str, ...]:
    labels = mapping(template, "metadata").get("labels") or {}
    of = ",".join((*(f"{key}={each}" for key, each in labels.items()), HASH))
    found = (f"kubectl delete replicaset -l {of} # delete its pods",)
    if not reference:
        return found
    return (*found, f"kubectl delete deployment {reference.get('name')} # delete the Deployment of its pod template")
