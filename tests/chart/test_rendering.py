"""What Helm 3 and Helm 4 make of the chart: the same, every time, and nothing that two releases would share."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, KUBERNETES, HelmError, identity, only, rendered, rendered_text, run_helm
from pennant import __version__
from pennant.api.crd import crds

SHARED = {"CustomResourceDefinition"}
CLUSTER_SCOPED = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition")
EVERYTHING = CHART / "ci" / "everything-values.yaml"


def values_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_it_passes_the_strict_lint(major: int, values_file: Path) -> None:
    said = run_helm(major, "lint", "--strict", "--kube-version", KUBERNETES, str(CHART), values=values_of(values_file))
    assert "0 chart(s) failed" in said


def test_both_helms_render_the_same(values_file: Path) -> None:
    assert rendered(values_of(values_file), major=3) == rendered(values_of(values_file), major=4)


def test_rendering_twice_gives_the_same_text(major: int, values_file: Path) -> None:
    values = values_of(values_file)
    assert rendered_text(values, major=major) == rendered_text(values, major=major)


def test_the_matrix_touches_every_value() -> None:
    default, everything = yaml.safe_load((CHART / "values.yaml").read_text()), values_of(EVERYTHING)
    assert everything.keys() == default.keys()


def test_the_chart_names_the_version_of_the_operator() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__


def test_an_older_kubernetes_is_refused(major: int) -> None:
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.33\.0-0"):
        run_helm(major, "template", "pennant", str(CHART), "--kube-version", "1.32.9")


def test_every_object_is_labelled_and_in_its_place(values_file: Path) -> None:
    values = values_of(values_file)
    for each in rendered(values):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "pennant"
        assert labels["app.kubernetes.io/version"] == __version__
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"] == "pennant-0.1.0"
        hook = each["metadata"].get("annotations", {}).get("helm.sh/hook")
        assert hook == ("test" if each["kind"] == "Pod" else None)
        cluster_scoped = "Admission" in each["kind"] or each["kind"] in CLUSTER_SCOPED
        assert ("namespace" in each["metadata"]) != cluster_scoped


def test_selectors_find_the_pods_and_nothing_that_changes_with_a_version() -> None:
    manifests = rendered({"podLabels": {"team": "models"}})
    deployment = only(manifests, "Deployment")
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector.keys() == {f"app.kubernetes.io/{each}" for each in ("name", "instance", "component")}
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert only(manifests, "Service")["spec"]["selector"] == selector
    assert only(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == selector
    assert not selector.items() <= only(manifests, "Pod")["metadata"]["labels"].items(), "the test is no replica"


@pytest.mark.parametrize("values", [{}, {"namespace": "models"}], ids=["for all namespaces", "for one"])
def test_two_releases_have_only_the_crds_in_common(values: Any) -> None:
    one, other = (
        {identity(each) for each in rendered(values, release=release, namespace="tools")} for release in ("one", "two")
    )
    assert {kind for kind, _, _ in one & other} == SHARED


def test_names_are_the_releases_and_stay_within_what_kubernetes_allows() -> None:
    longest = only(rendered(release="r" * 53), "Service")["metadata"]
    assert len(longest["name"]) <= 63
    assert max(map(len, longest["labels"].values())) <= 63
    assert only(rendered(release="pennant-blue"), "Deployment")["metadata"]["name"] == "pennant-blue"
    assert only(rendered(release="blue"), "Deployment")["metadata"]["name"] == "blue-pennant"


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_are_those_of_the_operator(major: int, keep: bool) -> None:
    manifests = rendered({"crds": {"keep": keep}}, major=major)
    found = [each for each in manifests if each["kind"] == "CustomResourceDefinition"]
    assert {each["metadata"]["name"]: each["spec"] for each in found} == {
        each["metadata"]["name"]: each["spec"] for each in crds().values()
    }
    for each in found:
        annotations = each["metadata"].get("annotations", {})
        assert annotations == ({"helm.sh/resource-policy": "keep"} if keep else {})


def test_the_crds_can_be_left_out() -> None:
    assert not [each for each in rendered({"crds": {"install": False}}) if each["kind"] == "CustomResourceDefinition"]


@pytest.mark.parametrize(("replicas", "budgets"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_a_disruption_budget_needs_a_second_replica(replicas: int, budgets: int) -> None:
    manifests = rendered({"replicas": replicas})
    assert len([each for each in manifests if each["kind"] == "PodDisruptionBudget"]) == budgets
    assert only(manifests, "Deployment")["spec"]["replicas"] == replicas


def test_the_notes_say_that_no_metric_source_is_configured(major: int, rig: Any) -> None:
    def notes(values: Any) -> str:
        arguments = ("install", "pennant", str(CHART), "--dry-run=client")
        return run_helm(major, *arguments, values=values, kubeconfig=rig.kubeconfig)

    assert "No metric source is configured" in notes({})
    assert "No metric source" not in notes({"metricSources": {"default": {"url": "http://p:9090"}}})
    assert "manages the namespace models" in notes({"namespace": "models"})
    assert "CustomResourceDefinitions are not installed" in notes({"crds": {"install": False}})
