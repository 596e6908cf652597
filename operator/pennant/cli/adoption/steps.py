"""What a user does with the output, step by step, with the commands."""

import json
from collections.abc import Iterator

from pennant.api.meta import Json
from pennant.cli.adoption.argo_rollout import HASH
from pennant.cli.adoption.objects import Objects, controller_of, mapping, name_of, namespace_of
from pennant.cli.adoption.workload import Workload, in_namespace
from pennant.core.rollout.revision import DEPLOYMENT_LABEL
from pennant.kube.http.resources import Kind


def steps(workload: Workload, target: str, objects: Objects, scaler: str) -> list[str]:
    """Return the steps from the output to a model that Pennant serves; ` # ` separates a command from what it does."""
    apply = [
        "kubectl apply --dry-run=server -f FILE # check the output, which you saved as FILE",
        "kubectl apply -f FILE # apply it; Pennant takes the Deployment over"
        if workload.adopts
        else f"kubectl apply -f FILE # apply it: new pods start beside those of {workload.kind} {workload.name}",
        f"kubectl pennant status {target} --timeout=15m # wait until it serves",
    ]
    after = [] if workload.adopts else list(_switch(workload, target, objects, scaler))
    return [_in_namespace(each, workload.namespace) for each in (*apply, *after)]


def _in_namespace(step: str, namespace: str | None) -> str:
    """Return a step with `-n` in its command; a file names its namespace itself."""
    command, mark, does = step.partition(" # ")
    return step if " -f FILE" in command else f"{in_namespace(command, namespace)}{mark}{does}"


def _switch(workload: Workload, target: str, objects: Objects, scaler: str) -> Iterator[str]:
    yield from workload.released
    if workload.port is not None:
        service = f"{target}-model"
        yield (
            f"kubectl expose deployment {target} --name={service} --port=80 --target-port={workload.port} "
            f"--selector={DEPLOYMENT_LABEL}={target} # make a Service for the new pods"
        )
        yield f"kubectl get service {service} # let clients and routes use it, and wait until they do"
    else:
        found = selecting(workload, objects)
        for each in found:
            selector = {DEPLOYMENT_LABEL: target} | ({HASH: None} if workload.kind is Kind.ROLLOUT else {})
            patch = json.dumps({"spec": {"selector": selector}}, separators=(",", ":"))
            yield f"kubectl patch service {name_of(each)} -p '{patch}' # send all its traffic to the new pods"
        for name in workload.services:
            if name not in map(name_of, found):
                yield f"kubectl get service {name} -o yaml # see that its selector fits the new pods, without {HASH}"
    yield from workload.retired
    if workload.autoscaler is not None and scaler != (old := name_of(workload.autoscaler)) and workload.port is None:
        yield f"kubectl delete horizontalpodautoscaler {old} # delete the old autoscaler"


def selecting(workload: Workload, objects: Objects) -> list[Json]:
    """Return the Services that select the pods of the old object, and those of the new one by the same labels."""
    labels = mapping(workload.template, "metadata").get("labels") or {}
    found = []
    for each in objects.all_of(Kind.SERVICE):
        selector = {k: v for k, v in (mapping(each, "spec").get("selector") or {}).items() if k != HASH}
        same = workload.namespace in (None, namespace_of(each)) or namespace_of(each) is None
        if same and selector and controller_of(each) is None and selector.items() <= labels.items():
            found.append(each)
    return found


def about_services(workload: Workload, objects: Objects) -> list[str]:
    """Return what happens to the traffic of each Service that selects the old pods."""
    found = selecting(workload, objects)
    if workload.adopts:
        return [f"service {name_of(each)} keeps selecting these pods" for each in found]
    split = "selects old and new pods while both run, so its traffic is split between them"
    pinned = f"selects only pods of the Rollout, by {HASH}, until the steps below"
    return [
        f"service {name_of(each)} {pinned if HASH in mapping(each, 'spec')['selector'] else split}" for each in found
    ]
