"""A Deployment of Kubernetes: the fields of its spec are those of a ModelDeployment, in other places."""

from collections.abc import Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption import autoscaler
from pennant.cli.adoption.defaults import as_written
from pennant.cli.adoption.objects import Objects, controller_of, mapping, metadata, name_of, namespace_of
from pennant.cli.adoption.words import SHORT, full_name, singular
from pennant.cli.adoption.workload import Workload, in_namespace, kept_annotations, kept_labels
from pennant.cli.errors import CliError
from pennant.kube.codec import managers
from pennant.kube.http.resources import Kind

DEFAULT_LIMIT, DEFAULT_DEADLINE, DEFAULT_HISTORY = "25%", 600, 10
LONGEST_DEADLINE, LONGEST_READY, LONGEST_HISTORY = 86_400, 3600, 100
KEEP: dict[str, tuple[str, str]] = {
    "Argo CD": ("argocd.argoproj.io/sync-options", "Prune=false"),
    "Flux": ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    "Helm": ("helm.sh/resource-policy", "keep"),
}
"""The annotation by which each tool leaves an object in the cluster that is gone from its manifests."""

PAUSED = "it is paused"


def translated(raw: Json, objects: Objects, target: str) -> Workload:
    """Return what a Deployment serves, for a ModelDeployment of the name `target`.

    Raises `CliError` where another object owns it.
    """
    _refuse_owned(raw)
    spec, name = mapping(raw, "spec"), name_of(raw)
    labels, lost_labels = kept_labels(metadata(raw).get("labels") or {})
    annotations, lost_annotations = kept_annotations(metadata(raw).get("annotations") or {})
    rollout, lost_rollout = rollout_of(spec)
    limit, lost_limit = history_limit(spec)
    adopts = target == name
    keeping = _keeping(raw) if adopts else {}
    unrest = _unrest(raw, spec)
    return Workload(
        kind=Kind.DEPLOYMENT,
        name=name,
        namespace=namespace_of(raw),
        template=as_written(mapping(spec, "template"), raw, objects),
        labels=labels,
        # Pennant creates the Deployment again, and Helm looks at the annotation of the one that is there.
        annotations=annotations | keeping,
        replicas=spec.get("replicas"),
        rollout=rollout,
        revision_history_limit=limit,
        autoscaler=autoscaler.of(objects, Kind.DEPLOYMENT, name),
        adopts=adopts,
        retired=() if adopts else (f"kubectl delete deployment {name} # delete the old Deployment",),
        warnings=(
            *lost_labels,
            *lost_annotations,
            *lost_rollout,
            *lost_limit,
            *_at_rest_first(raw, unrest),
            *_tracked(raw, keeping),
        ),
        unrest=unrest,
    )


def _refuse_owned(raw: Json) -> None:
    owner = controller_of(raw)
    if owner is None:
        return
    kind, name = str(owner.get("kind")), str(owner.get("name"))
    said = f'deployments.apps "{name_of(raw)}"'
    if kind == Kind.MODEL_DEPLOYMENT:
        look = in_namespace(f"kubectl pennant get {name}", namespace_of(raw))
        raise CliError(f"{said} is already managed by ModelDeployment {name}; see `{look}`")
    known = next((each for each in SHORT if each == kind), None)
    advice = (
        in_namespace(f"adopt that: kubectl pennant adopt {singular(known)}/{name}", namespace_of(raw))
        if known is not None
        else f"its controller would change it back. Adopt a manifest of it with -f, under another name (--name), "
        f"and delete {kind} {name} afterwards"
    )
    raise CliError(f"{said} is owned by {kind} {name}; {advice}")


def rollout_of(spec: Json) -> tuple[dict[str, Any], list[str]]:
    """Return `spec.rollout` for the spec of a Deployment, without defaults, and what is lost."""
    found: dict[str, Any] = {}
    lost: list[str] = []
    strategy = mapping(spec, "strategy")
    if strategy.get("type") == "Recreate":
        found["strategy"] = "Recreate"
    for name in ("maxSurge", "maxUnavailable"):
        value = mapping(strategy, "rollingUpdate").get(name)
        if value not in (None, DEFAULT_LIMIT):
            found[name] = value
    return found | timing(spec, lost), lost


def timing(spec: Json, lost: list[str]) -> dict[str, Any]:
    """Return the times of a rollout, without defaults; those that are too long are added to `lost`."""
    found: dict[str, Any] = {}
    for name, default, longest in (
        ("minReadySeconds", 0, LONGEST_READY),
        ("progressDeadlineSeconds", DEFAULT_DEADLINE, LONGEST_DEADLINE),
    ):
        value = spec.get(name)
        if value in (None, default):
            continue
        if value > longest:
            lost.append(f"{name}: {value} is not carried over: spec.rollout.{name} is at most {longest}")
        else:
            found[name] = value
    return found


def history_limit(spec: Json) -> tuple[int | None, list[str]]:
    """Return `revisionHistoryLimit` where it is not the default, and what is lost."""
    limit = spec.get("revisionHistoryLimit")
    if limit in (None, DEFAULT_HISTORY):
        return None, []
    if limit > LONGEST_HISTORY:
        return LONGEST_HISTORY, [f"revisionHistoryLimit: {limit} becomes {LONGEST_HISTORY}, the largest that there is"]
    return int(limit), []


def _unrest(raw: Json, spec: Json) -> str:
    """Return why the Deployment is not at rest; empty: it is, or its manifest has no status."""
    if spec.get("paused"):
        return PAUSED
    status = mapping(raw, "status")
    if status and (
        status.get("observedGeneration", 0) < metadata(raw).get("generation", 0)
        or status.get("updatedReplicas", 0) < spec.get("replicas", 1)
        or status.get("unavailableReplicas", 0)
    ):
        return "its rollout is not complete"
    return ""


def _at_rest_first(raw: Json, unrest: str) -> list[str]:
    """Return what should be over before the Deployment is taken over."""
    name, namespace = name_of(raw), namespace_of(raw)
    if unrest == PAUSED:
        resume = in_namespace(f"kubectl rollout resume deployment/{name}", namespace)
        return [f"paused is not carried over: resume it first: {resume}"]
    if unrest:
        waiting = in_namespace(f"kubectl rollout status deployment/{name}", namespace)
        return [f"{full_name(Kind.DEPLOYMENT, name)} is not rolled out. Wait before you apply: {waiting}"]
    return []


def _keeping(raw: Json) -> dict[str, str]:
    """Return the annotation by which the tool that applies the Deployment leaves it alone; empty: there is no tool."""
    tool = managers.tracked_by(raw)
    if not tool:
        return {}
    key, value = next(each for word, each in KEEP.items() if tool.startswith(word))
    known = (metadata(raw).get("annotations") or {}).get(key, value)
    return {key: known if value in known else f"{known},{value}"}


def _tracked(raw: Json, keeping: Mapping[str, str]) -> list[str]:
    """Return what to do where a tool applies the Deployment from manifests."""
    tool = managers.tracked_by(raw)
    if not tool:
        return []
    name = name_of(raw)
    said = f"{tool} manages deployment/{name}: put the output into its manifests, in place of the Deployment"
    first = [
        in_namespace(f"kubectl annotate --overwrite deployment/{name} {key}={value}", namespace_of(raw))
        for key, value in keeping.items()
        if (metadata(raw).get("annotations") or {}).get(key) != value
    ]
    return [said, *(f"before that, so that it does not delete the Deployment then: {each}" for each in first)]
