"""What becomes of the pods of a Deployment that Pennant takes over: they keep running, or a rollout replaces them."""

from dataclasses import dataclass

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.adoption.objects import Objects, controller_of, mapping, metadata, name_of
from pennant.cli.adoption.pair import Pair
from pennant.cli.adoption.workload import Workload, in_namespace
from pennant.core.rollout.injection import dropped
from pennant.core.rollout.revision import TEMPLATE_HASH_LABEL, render, template_hash
from pennant.kube.http.resources import Kind

TAKES = "Pennant takes over the Deployment of this name."
KEEPS = "No pod is restarted, because the pod template below is the one that runs."
KEEPS_OF_A_FILE = "No pod is restarted if the pod template below is the one that runs."
KEEPS_LATER = (
    "No pod is restarted if the pod template below is still its own then: status.adoption.replacesPods says so if it "
    "is not."
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the comment on `spec.adopt` says, and the warnings that go with it."""

    comment: str
    warnings: tuple[str, ...] = ()


def outlook(workload: Workload, pair: Pair, raw: Json, objects: Objects) -> Outlook:
    """Return the outlook of a Deployment that is taken over; `pair` was checked."""
    version, deployment = (mapping(each, "spec") for each in pair.values[:2])
    spec = ModelDeploymentSpec.model_validate(deployment)
    if lost := dropped(spec):
        why = (
            f"a container has an entry twice. Only the last one is kept, so the template differs from the one that "
            f"runs. Dropped: {', '.join(lost)}"
        )
        return _replaced(workload, why, "")
    rendered = render(workload.name, spec, ModelVersionSpec.model_validate(version))
    twin = _taken_over_before(raw, objects, template_hash(rendered))
    if twin is not None:
        command = in_namespace(f"kubectl delete replicaset {name_of(twin)}", workload.namespace)
        first = "when it has no pods any more, and " if mapping(twin, "spec").get("replicas") else ""
        why = f"ReplicaSet {name_of(twin)}, which was taken over before, has the same pod template"
        return _replaced(workload, why, f". To keep the pods, delete it {first}before you apply this: {command}")
    if workload.unrest:
        takes = TAKES.removesuffix(".")
        return Outlook(f"{takes} once it is at rest ({workload.unrest} at present). {KEEPS_LATER}")
    return Outlook(f"{TAKES} {KEEPS if objects.is_live else KEEPS_OF_A_FILE}")


def _replaced(workload: Workload, why: str, fix: str) -> Outlook:
    how = "all at once (strategy Recreate)" if "strategy" in workload.rollout else "by a rolling update"
    said = f"pods are replaced {how}, because {why}{fix}"
    return Outlook(f"{TAKES} Its {said}{'' if fix else '.'}", (f"the {said}",))


def _taken_over_before(raw: Json, objects: Objects, wanted: str) -> Json | None:
    """Return the ReplicaSet of this Deployment that Pennant's Deployment would use, from an earlier adoption."""
    for each in objects.all_of(Kind.REPLICA_SET):
        owner = controller_of(each)
        labels = mapping(each, "spec", "template", "metadata", "labels")
        is_own = owner is not None and owner.get("uid") == metadata(raw).get("uid")
        if is_own and labels.get(TEMPLATE_HASH_LABEL) == wanted:
            return each
    return None
