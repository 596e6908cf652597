"""A pod template as its author may have written it: without the defaults that the API server filled in.

Leaving out a default changes nothing: the API server fills it in again, in the same way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption.objects import Objects, items, mapping, metadata

POD: Json = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {},
}
CONTAINER: Json = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
PROBE: Json = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
MODES = ("configMap", "secret", "downwardAPI", "projected")
"""Sources of a volume with a `defaultMode`."""
FIRST = ("name", "image", "command", "args", "env", "envFrom", "ports")
"""Fields of a container in the order in which people write them; the others follow."""


def as_written(template: Json, raw: Json, objects: Objects) -> Json:
    """Return the pod template of an object: without defaults if the API server returned it, otherwise as it is."""
    is_returned = objects.is_live or "uid" in metadata(raw)
    return without_defaults(template) if is_returned else template


def without_defaults(template: Json) -> dict[str, Any]:
    """Return a pod template that was read from a cluster without defaults, empty fields and creation times."""
    pod = _less(mapping(template, "spec"), POD)
    if pod.get("serviceAccount") == pod.get("serviceAccountName"):
        # The older name of the same field, which the API server fills in.
        pod.pop("serviceAccount", None)
    for field in ("initContainers", "containers"):
        if field in pod:
            pod[field] = [_container(each) for each in items(pod, field)]
    if "volumes" in pod:
        pod["volumes"] = [_volume(each) for each in items(pod, "volumes")]
    kept = {key: each for key, each in mapping(template, "metadata").items() if each and key != "creationTimestamp"}
    return {"metadata": kept, "spec": pod} if kept else {"spec": pod}


def _less(value: Json, defaults: Json) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key not in defaults or defaults[key] != each}


def _container(container: Json) -> dict[str, Any]:
    found = _less(container, CONTAINER)
    if found.get("imagePullPolicy") == _pull_policy(str(found.get("image", ""))):
        del found["imagePullPolicy"]
    if "ports" in found:
        found["ports"] = [_less(each, {"protocol": "TCP"}) for each in items(found, "ports")]
    if "env" in found:
        found["env"] = [_variable(each) for each in items(found, "env")]
    found |= {name: _probe(found[name]) for name in PROBES if name in found}
    first = {name: found[name] for name in FIRST if name in found}
    return first | found


def _pull_policy(image: str) -> str:
    """Return the default of Kubernetes: images of the tag latest, or without a tag and a digest, are pulled always."""
    named, digest, _ = image.partition("@")
    tag = named.rpartition("/")[2].partition(":")[2] or ("" if digest else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def _probe(probe: Json) -> dict[str, Any]:
    found = _less(probe, PROBE)
    for name, defaults in (("httpGet", {"scheme": "HTTP"}), ("grpc", {"service": ""})):
        if name in found:
            found[name] = _less(found[name], defaults)
    return found


def _variable(variable: Json) -> dict[str, Any]:
    found = dict(variable)
    if field := mapping(found, "valueFrom", "fieldRef"):
        found["valueFrom"] = {"fieldRef": _less(field, {"apiVersion": "v1"})}
    return found


def _volume(volume: Json) -> dict[str, Any]:
    found = dict(volume)
    for name in MODES:
        if isinstance(found.get(name), Mapping):
            found[name] = _less(found[name], {"defaultMode": 420})
    if isinstance(found.get("hostPath"), Mapping):
        found["hostPath"] = _less(found["hostPath"], {"type": ""})
    if isinstance(sources := mapping(found, "projected").get("sources"), Sequence):
        found["projected"] = {**found["projected"], "sources": [_source(each) for each in sources]}
    return found


def _source(source: Json) -> dict[str, Any]:
    return {
        name: _less(each, {"expirationSeconds": 3600}) if name == "serviceAccountToken" else each
        for name, each in source.items()
    }
