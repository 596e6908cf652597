"""The objects of the benchmarks: versions, ModelDeployments, and Deployments of a bare client."""

from typing import Any

Object = dict[str, Any]
OURS = "/apis/pennant.dev/v1alpha1/namespaces/default"
VERSIONS, MODEL_DEPLOYMENTS = f"{OURS}/modelversions", f"{OURS}/modeldeployments"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONTROLLER_REVISIONS = "/apis/apps/v1/namespaces/default/controllerrevisions"
BARE = "bare"
POD: Object = {"containers": [{"name": "server", "image": "registry.example/server:1"}]}
TAG = "production"
VERSION_LABEL = "pennant.dev/version"


def beside(path: str) -> str:
    """Return the path of the same collection in the namespace `bare`, which the operator does not see."""
    return path.replace("/namespaces/default/", f"/namespaces/{BARE}/")


def an_object(api_version: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def a_version(model: str, version: str, tags: list[str]) -> Object:
    artifact = {"name": "model", "uri": f"s3://models/{model}/{version}", "digest": f"sha256:{version[0] * 64}"}
    spec = {"model": model, "version": version, "tags": tags, "artifacts": [artifact]}
    return an_object("pennant.dev/v1alpha1", "ModelVersion", f"{model}-{version}", spec)


def two_versions(model: str) -> list[Object]:
    """Return 1.0.0, which has the tag, and 2.0.0."""
    return [a_version(model, "1.0.0", [TAG]), a_version(model, "2.0.0", [])]


def a_model_deployment(model: str, **spec: Any) -> Object:
    """Return a ModelDeployment with the name of its model, without pods unless `replicas` says otherwise."""
    whole = {"model": model, "replicas": 0, "template": {"spec": POD}, **spec}
    return an_object("pennant.dev/v1alpha1", "ModelDeployment", model, whole)


def a_bare_deployment(name: str) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return an_object("apps/v1", "Deployment", name, spec)


def shown(version: str) -> Object:
    """Return the change by which a bare client makes a Deployment show a version."""
    return {"spec": {"template": {"metadata": {"labels": {VERSION_LABEL: version}}}}}


def tagged(*tags: str) -> Object:
    """Return the change of a version that gives it these tags and no others."""
    return {"spec": {"tags": list(tags)}}
