"""The policies and roles of the chart's `governance`, for one namespace of a rig, and the people who have the roles."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chart.rendering import Manifest, rendered
from cluster.api import Api
from rig import Rig

ROLES = {
    "rita": "registrar",
    "paul": "promoter",
    "olga": "operator-on-duty",
    "dora": "deployer",
    "anna": "auditor",
}
ADMIN = "admin"
"""The user of the rig's kubeconfig, who may do everything."""
ARGO_CD = "system:serviceaccount:argocd:argocd-application-controller"
READY_SECONDS = 30
GOVERNANCE: Mapping[str, Any] = {"stamp": True, "promote": {"enabled": True}, "roles": True}


@dataclass(frozen=True)
class Governed:
    """A namespace in which the policies hold."""

    rig: Rig
    namespace: str
    policies: tuple[Manifest, ...]

    def says(self, user: str, *arguments: str, stdin: Manifest | None = None) -> str:
        """Return what the API server says against a request of this user; empty if it is carried out."""
        text = None if stdin is None else json.dumps(stdin)
        known = () if user == ADMIN else ("--as", user)
        done = self.rig.kubectl(*arguments, "--namespace", self.namespace, *known, stdin=text, check=False)
        return f"{done.stdout}{done.stderr}" if done.returncode else ""

    def apply(self, user: str, *manifests: Manifest) -> str:
        """Apply as `kubectl apply --server-side --force-conflicts` does; return what is said against it."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        return self.says(user, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=items)

    def merge(self, user: str, kind: str, name: str, change: Manifest) -> str:
        """Merge a change into an object; return what is said against it."""
        return self.says(user, "patch", kind, name, "--type=merge", "--patch", json.dumps(change))

    def tag(self, user: str, name: str, *tags: str) -> str:
        """Set the tags of a version; return what is said against it."""
        return self.merge(user, "modelversion", name, {"spec": {"tags": list(tags)}})

    def users(self, kind: str, name: str = "fraud") -> dict[str, str]:
        """Return the annotations that name users."""
        found = self.rig.kubectl("get", kind, name, "--namespace", self.namespace, "-o", "json").stdout
        annotations = json.loads(found)["metadata"].get("annotations", {})
        ours = {f"pennant.dev/{each}-by" for each in ("created", "changed", "version", "paused", "commanded")}
        return {each: user for each, user in annotations.items() if each in ours or each.startswith("tagged-by.")}

    def end(self) -> None:
        """Take the policies and roles away."""
        self.rig.kubectl("delete", "-f", "-", stdin=_list(*self.policies))


def govern(rig: Rig, namespace: str, **values: Any) -> Governed:
    """Install the policies for a namespace, give each of the people a role in it, and wait until the policies hold."""
    known = {"fullnameOverride": namespace, "namespace": namespace, "governance": {**GOVERNANCE, **values}}
    names = {f"{namespace}-{role}" for role in ROLES.values()}
    manifests = tuple(
        each
        for each in rendered(known)
        if "AdmissionPolicy" in each["kind"] or (each["kind"] == "ClusterRole" and each["metadata"]["name"] in names)
    )
    rig.kubectl("apply", "--server-side", "-f", "-", stdin=_list(*manifests))
    governed = Governed(rig, namespace, manifests)
    for user, role in ROLES.items():
        bind(governed, user, role, f"--user={user}")
    _until_held(governed)
    return governed


def bind(governed: Governed, name: str, role: str, subject: str) -> None:
    """Give a role of the chart to somebody, such as `--user=ada`."""
    role = f"{governed.namespace}-{role}"
    governed.rig.kubectl(
        "create", "rolebinding", name, "--namespace", governed.namespace, f"--clusterrole={role}", subject
    )


def kubernetes_role(governed: Governed, name: str, role: str, subject: str = "") -> None:
    """Give a role of Kubernetes itself to the user of this name, or to somebody else."""
    arguments = (f"--clusterrole={role}", subject or f"--user={name}")
    governed.rig.kubectl("create", "rolebinding", f"{name}-{role}", "--namespace", governed.namespace, *arguments)


def a_version(version: str, *tags: str, **more: Any) -> Manifest:
    artifact = {"name": "model", "uri": f"file:///models/fraud/{version}"}
    spec = {"model": "fraud", "version": version, "tags": list(tags), "artifacts": [artifact], **more}
    head = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": f"fraud-{version}"}}
    return {**head, "spec": spec}


def a_deployment(**more: Any) -> Manifest:
    template = {"spec": {"containers": [{"name": "server", "image": "registry.example/server:1"}]}}
    head = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}}
    return {**head, "spec": {"model": "fraud", "template": template, **more}}


def written(directory: Path, manifest: Manifest) -> str:
    """Return the path of a file with the manifest."""
    path = directory / f"{manifest['metadata']['name']}.json"
    path.write_text(json.dumps(manifest))
    return str(path)


@contextmanager
def a_namespace(rig: Rig) -> Iterator[str]:
    name = f"governed-{uuid.uuid4().hex[:6]}"
    Api(rig).create_namespace(name)
    yield name
    Api(rig).delete_namespace(name)


@contextmanager
def in_production(rig: Rig, namespace: str) -> Iterator[Governed]:
    """Yield a namespace with two versions, of which 1.0.0 is in production, and a ModelDeployment."""
    made = govern(rig, namespace)
    assert made.apply("rita", a_version("1.0.0", "staging"), a_version("1.1.0")) == ""
    assert made.tag("paul", "fraud-1.0.0", "staging", "production") == ""
    assert made.apply("admin", a_deployment()) == ""
    yield made
    made.end()


def _until_held(governed: Governed) -> None:
    """Wait until the API server has taken in each policy, which it does a moment after they are written."""
    deadline = time.monotonic() + READY_SECONDS
    dry = ("create", "--dry-run=server", "-o", "json", "-f", "-")
    wanted = [(a_version("0.0.0"), "pennant.dev/created-by"), (a_deployment(), "pennant.dev/changed-by")]
    for manifest, annotation in wanted:
        while annotation not in _told(governed, *dry, stdin=manifest):
            assert time.monotonic() < deadline, f"nothing writes {annotation}"
            time.sleep(0.1)
    refused = [("rita", a_version("0.0.0", "production"), "a promotion"), ("dora", a_deployment(), "a pod template")]
    for user, manifest, what in refused:
        while not governed.says(user, *dry, stdin=manifest):
            assert time.monotonic() < deadline, f"nothing refuses {what}"
            time.sleep(0.1)


def _told(governed: Governed, *arguments: str, stdin: Manifest) -> str:
    text = json.dumps(stdin)
    return governed.rig.kubectl(*arguments, "--namespace", governed.namespace, stdin=text, check=False).stdout


def _list(*items: Manifest) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
