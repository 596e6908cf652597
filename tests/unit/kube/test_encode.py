"""The objects that the operator creates: who owns them, and that they copy no metadata of users' objects."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pennant.api.meta import Json
from pennant.core.decide import decide
from pennant.core.facts.decision import ApplyWorkload, CreateRevision
from pennant.core.facts.observation import Key, Observation
from pennant.kube.cache.store import Store
from pennant.kube.codec.encode import controller_revision
from unit.core.builders import NOON
from unit.kube.raw import raw_deployment, raw_version

# What Argo CD, Flux, Helm, Kustomize and kubectl write into the metadata of what they apply.
OF_TOOLS: dict[str, Any] = {
    "labels": {
        "app.kubernetes.io/instance": "copied",
        "app.kubernetes.io/managed-by": "Helm",
        "argocd.argoproj.io/instance": "copied",
        "helm.toolkit.fluxcd.io/name": "copied",
        "kustomize.toolkit.fluxcd.io/name": "copied",
    },
    "annotations": {
        "argocd.argoproj.io/sync-wave": "copied",
        "argocd.argoproj.io/tracking-id": "copied",
        "config.kubernetes.io/origin": "copied",
        "kubectl.kubernetes.io/last-applied-configuration": "copied",
        "meta.helm.sh/release-name": "copied",
    },
    "finalizers": ["example.com/copied"],
}
KEY = Key("default", "fraud")
OURS = {"app.kubernetes.io/managed-by": "pennant", "pennant.dev/modeldeployment": "fraud"}


def created() -> Iterator[Json]:
    """Yield the first ControllerRevision and the first Deployment of a ModelDeployment that tools applied."""
    store = Store()
    store.update("ModelDeployment", None, raw_deployment(**OF_TOOLS))
    store.update("ModelVersion", None, raw_version("1.0.0", "production", **OF_TOOLS))
    seen = store.snapshot(KEY)
    assert seen is not None
    tried = decide(Observation(NOON, seen))
    seen = replace(seen, status=tried.status)
    create, apply = decide(Observation(NOON, seen)).actions
    assert isinstance(create, CreateRevision)
    yield controller_revision(seen, create.revision)
    assert isinstance(apply, ApplyWorkload)
    yield apply.manifest


def test_what_is_created_belongs_to_the_model_deployment_and_copies_no_metadata_of_tools() -> None:
    revision, deployment = created()
    for each in (revision, deployment):
        (owner,) = each["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("ModelDeployment", "uid-fraud", True)
        assert "copied" not in json.dumps(each)
        assert "finalizers" not in each["metadata"]
    assert revision["metadata"]["labels"] == OURS
    assert deployment["metadata"]["labels"] == {**OURS, "pennant.dev/model": "fraud"}
    assert deployment["metadata"]["annotations"].keys() == {"pennant.dev/revision", "kubernetes.io/change-cause"}
    pods = deployment["spec"]["template"]["metadata"]
    assert all(name.startswith("pennant.dev/") for name in {**pods["labels"], **pods.get("annotations", {})})
