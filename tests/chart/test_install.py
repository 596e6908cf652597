"""The chart on a real API server, installed, brought up to date and taken away by the real Helm."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, HelmError, Manifest, only, pod_template, rendered, run_helm
from rig import Rig

CRDS = ("modeldeployments.pennant.dev", "modelversions.pennant.dev")
FOREIGN = sorted((Path(__file__).parents[1] / "crds").glob("*.monitoring.coreos.com.yaml"))
# Pods are refused; of what makes pods there is a warning.
RESTRICTED = ("pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
VERSION = {
    "apiVersion": "pennant.dev/v1alpha1",
    "kind": "ModelVersion",
    "metadata": {"name": "fraud-1.0.0"},
    "spec": {"model": "fraud", "version": "1.0.0", "artifacts": [{"name": "model", "uri": "file:///models/fraud"}]},
}
# In which order two Helms have a release: the last one is what people do when they take up Helm 4.
SEQUENCES = [(3, 3), (4, 4), (3, 4)]


class Release:
    """A release in a namespace of its own, whichever Helm is asked."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.name = rig, f"r{uuid.uuid4().hex[:6]}"
        self.namespace = f"{self.name}-system"

    def helm(self, major: int, *arguments: str, values: Any = None) -> str:
        return run_helm(major, *arguments, "--namespace", self.namespace, values=values, kubeconfig=self.rig.kubeconfig)

    def install(self, major: int, chart: Path = CHART, **values: Any) -> str:
        return self.helm(major, "install", self.name, str(chart), "--create-namespace", values=values)

    def upgrade(self, major: int, **values: Any) -> str:
        return self.helm(major, "upgrade", self.name, str(CHART), values=values)

    def uninstall(self, major: int) -> str:
        return self.helm(major, "uninstall", self.name)

    def objects(self, **values: Any) -> list[Manifest]:
        """Return what the release consists of, as it is rendered; the pod of `helm test` is no part of it."""
        return [each for each in self._rendered(values) if each["kind"] != "Pod"]

    def test_pod(self, **values: Any) -> Manifest:
        """Return the pod that `helm test` starts."""
        return only(self._rendered(values), "Pod")

    def _rendered(self, values: Any) -> list[Manifest]:
        return rendered(values, release=self.name, namespace=self.namespace)

    def there(self, *manifests: Manifest) -> list[str]:
        """Return which of these objects exist, as kubectl names them."""
        return self.rig.kubectl(
            "get", "-f", "-", "--ignore-not-found", "-o", "name", stdin=a_list(*manifests)
        ).stdout.split()

    def deployment(self) -> Any:
        name = only(self.objects(), "Deployment")["metadata"]["name"]
        found = self.rig.kubectl("get", "deployment", name, "--namespace", self.namespace, "-o", "json").stdout
        return json.loads(found)


@pytest.fixture
def release(rig: Rig) -> Iterator[Release]:
    made = Release(rig)
    yield made
    if made.name in made.helm(4, "list", "--short"):
        made.uninstall(4)
    rig.kubectl("delete", "crd", *CRDS, "--ignore-not-found", "--wait=false")
    until(lambda: crds_are_gone(rig), "the end of the CRDs")
    rig.kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")


@pytest.fixture
def restricted(rig: Rig, release: Release) -> str:
    """Return a namespace that takes no pod with more than the restricted rights."""
    rig.kubectl("create", "namespace", release.namespace)
    rig.kubectl("label", "namespace", release.namespace, *RESTRICTED)
    return release.namespace


@pytest.fixture
def monitoring(rig: Rig) -> Iterator[None]:
    """Install the kinds of the Prometheus operator."""
    files = [argument for path in FOREIGN for argument in ("-f", str(path))]
    rig.kubectl("apply", "--server-side", *files)
    rig.kubectl("wait", "--for=condition=Established", *files, "--timeout=30s")
    yield
    rig.kubectl("delete", *files)


def a_list(*items: Manifest) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def until(holds: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.2)


def crds_are_gone(rig: Rig) -> bool:
    # Now and then the API server forgets a CRD that changed while it was taken away, until it changes once more.
    rig.kubectl("annotate", "--overwrite", "crd", *CRDS, f"asked-at={time.monotonic()}", check=False)
    return not rig.kubectl("get", "crd", *CRDS, "--ignore-not-found").stdout


def older(directory: Path) -> Path:
    """Return a chart whose CRDs are those of an earlier version: one column less."""
    chart = directory / "pennant"
    shutil.copytree(CHART, chart)
    path = chart / "files" / "crds" / "modelversions.yaml"
    crd = yaml.safe_load(path.read_text())
    columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    columns[:] = [each for each in columns if each["name"] != "Tags"]
    path.write_text(yaml.safe_dump(crd, sort_keys=False))
    return chart


@pytest.mark.parametrize(("first", "then"), SEQUENCES, ids=lambda major: f"helm {major}")
def test_a_release_lives_and_leaves_what_is_users(
    rig: Rig, release: Release, tmp_path: Path, first: int, then: int
) -> None:
    release.install(first, older(tmp_path))
    assert len(release.there(*release.objects())) == len(release.objects())
    rig.kubectl("wait", "--for=condition=Established", "crd", *CRDS, "--timeout=30s")
    rig.kubectl("apply", "-f", "-", stdin=json.dumps(VERSION))
    assert "TAGS" not in rig.kubectl("get", "modelversions").stdout

    release.upgrade(then, replicas=3, metricSources={"default": {"url": "http://prometheus:9090"}})
    until(lambda: "TAGS" in rig.kubectl("get", "modelversions").stdout, "the column of the new CRD")
    assert release.deployment()["spec"]["replicas"] == 3
    until(lambda: release.deployment()["status"].get("replicas", 0) >= 3, "the pods of the new Deployment")

    release.uninstall(then)
    crds = [f"customresourcedefinition.apiextensions.k8s.io/{each}" for each in CRDS]
    until(lambda: release.there(*release.objects()) == crds, "the end of everything but the CRDs")
    assert "fraud-1.0.0" in rig.kubectl("get", "modelversions").stdout

    release.install(then)
    assert len(release.there(*release.objects())) == len(release.objects()), "with the CRDs that it left"


def test_without_keep_the_crds_go_with_the_release(rig: Rig, release: Release, major: int) -> None:
    release.install(major, crds={"keep": False})
    release.uninstall(major)
    until(lambda: crds_are_gone(rig), "the end of the CRDs")


def test_two_operators_live_side_by_side(rig: Rig, release: Release, major: int) -> None:
    release.install(major)
    other = Release(rig)
    for namespace in (other.namespace, f"{other.name}-team"):
        rig.kubectl("create", "namespace", namespace)
    values: Any = {"namespace": f"{other.name}-team", "crds": {"install": False}}
    other.install(major, **values)
    assert len(other.there(*other.objects(**values))) == len(other.objects(**values))
    other.uninstall(major)
    until(lambda: other.there(*other.objects(**values)) == [], "the end of the other release")
    assert len(release.there(*release.objects())) == len(release.objects())
    rig.kubectl("delete", "namespace", other.namespace, f"{other.name}-team", "--wait=false")


@pytest.mark.usefixtures("monitoring")
def test_a_restricted_namespace_takes_everything(
    rig: Rig, release: Release, restricted: str, values_file: Path
) -> None:
    values = yaml.safe_load(values_file.read_text())
    manifests = release.objects(**values)
    others = {each["metadata"].get("namespace", restricted) for each in manifests} - {restricted}
    for each in others:
        rig.kubectl("create", "namespace", each)
    pod = pod_template(manifests)
    account = pod["spec"]["serviceAccountName"]
    rig.kubectl("create", "serviceaccount", account, "--namespace", restricted)
    dry = ("--dry-run=server", "--validate=strict", "-f", "-")
    try:
        told = rig.kubectl("apply", *dry, stdin=a_list(*manifests))
        assert "would violate PodSecurity" not in told.stderr
        # Of a Deployment only warnings would come; its pods would be refused.
        metadata = {**pod["metadata"], "name": "operator", "namespace": restricted}
        operator = {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": metadata}
        rig.kubectl("create", *dry, stdin=a_list(operator, release.test_pod(**values)))
    finally:
        for each in others:
            rig.kubectl("delete", "namespace", each)


def test_a_pod_with_more_rights_would_be_refused_there(rig: Rig, release: Release, restricted: str) -> None:
    rig.kubectl("create", "serviceaccount", "operator", "--namespace", restricted)
    pod = pod_template(release.objects())
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]
    pod["spec"]["serviceAccountName"] = "operator"
    manifest = {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": {"name": "operator"}}
    refused = rig.kubectl(
        "create", "-n", restricted, "--dry-run=server", "-f", "-", stdin=json.dumps(manifest), check=False
    )
    assert "must set securityContext.capabilities.drop" in refused.stderr


def test_a_service_monitor_needs_its_kind(rig: Rig, release: Release, major: int) -> None:
    values: Any = {"serviceMonitor": {"enabled": True}}
    with pytest.raises(
        HelmError, match=r"serviceMonitor: the cluster does not have the API monitoring\.coreos\.com/v1"
    ):
        release.install(major, **values)


@pytest.mark.usefixtures("monitoring")
def test_a_service_monitor_is_installed_where_there_is_its_kind(release: Release, major: int) -> None:
    values: Any = {"serviceMonitor": {"enabled": True, "interval": "30s"}, "dashboards": {"enabled": True}}
    release.install(major, **values)
    assert len(release.there(*release.objects(**values))) == len(release.objects(**values))


def test_governance_is_installed_as_the_cluster_has_its_kinds(rig: Rig, release: Release, major: int) -> None:
    """The API server takes each expression, and Helm finds the kind by itself; the names stay when an upgrade comes."""
    values: Any = {
        "namespace": release.namespace,
        "governance": {"stamp": True, "promote": {"enabled": True, "fourEyes": True}, "roles": True},
    }
    release.install(major, **values)
    assert len(release.there(*release.objects(**values))) == len(release.objects(**values))
    create = ("create", "--dry-run=server", "-o", "json", "--namespace", release.namespace, "-f", "-")
    rig.kubectl("wait", "--for=condition=Established", "crd", *CRDS, "--timeout=30s")

    def is_stamped() -> bool:
        told = rig.kubectl(*create, stdin=json.dumps(VERSION), check=False).stdout
        return '"pennant.dev/created-by": "admin"' in told

    until(is_stamped, "the name of the user")
    release.upgrade(major, **values, replicas=3)
    assert is_stamped()
    policies = rig.kubectl("get", "validatingadmissionpolicies", "-o", "json").stdout
    assert "expressionWarnings" not in policies


def test_people_may_do_what_their_role_says_and_write_no_status(rig: Rig, release: Release) -> None:
    """The roles of Kubernetes get something only where that is asked for.

    Rule: R183.
    """
    release.install(4)
    for role, user in (("view", "vera"), ("edit", "edith")):
        rig.kubectl(
            *("create", "rolebinding", user, "--namespace", release.namespace),
            *(f"--clusterrole={role}", f"--user={user}"),
        )

    def may(user: str, verb: str, resource: str, *more: str) -> bool:
        question = ("auth", "can-i", verb, f"{resource}.pennant.dev", *more)
        told = rig.kubectl(*question, "--namespace", release.namespace, "--as", user, check=False)
        return told.stdout.strip() == "yes"

    # The cluster's own roles are put together by a controller.
    time.sleep(2)
    assert not may("vera", "list", "modelversions")
    assert not may("edith", "create", "modeldeployments")
    release.upgrade(4, rbac={"aggregate": True})
    until(lambda: may("vera", "list", "modelversions"), "the right to look")
    until(lambda: may("edith", "create", "modeldeployments"), "the right to edit")
    assert may("edith", "patch", "modeldeployments", "--subresource=scale")
    assert may("vera", "get", "modeldeployments", "--subresource=status")
    assert not may("vera", "create", "modeldeployments")
    for verb in ("update", "patch"):
        for kind in ("modeldeployments", "modelversions"):
            assert not may("edith", verb, kind, "--subresource=status")

    def does(user: str, *arguments: str, stdin: str | None = None) -> str:
        """Return what the API server says against a request of this user; empty if nothing."""
        asked = (*arguments, "--namespace", release.namespace, "--as", user)
        return rig.kubectl(*asked, stdin=stdin, check=False).stderr

    version, status = json.dumps(VERSION), '{"status": {"completeness": null}}'
    patch = ("patch", "modelversion", "fraud-1.0.0", "--type=merge")
    assert "Forbidden" in does("vera", "create", "-f", "-", stdin=version)
    assert does("edith", "create", "-f", "-", stdin=version) == ""
    assert does("edith", *patch, "--patch", '{"spec": {"tags": ["production"]}}') == ""
    assert "Forbidden" in does("edith", *patch, "--subresource=status", "--patch", status)
    assert does("vera", "get", "modelversion", "fraud-1.0.0") == ""
    assert does("edith", "delete", "modelversion", "fraud-1.0.0") == ""
