"""What `governance` renders: nothing by default, and policies that hold where the release manages objects."""

from typing import Any

import pytest

from chart.rendering import APIS, CHART, HelmError, Manifest, environment, grants, only, rendered, run_helm
from pennant.kube.permissions import SERVED

POLICIES = ("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")
ALL: Any = {"governance": {"stamp": True, "promote": {"enabled": True}, "roles": True}}
ROLES = ("registrar", "promoter", "operator-on-duty", "deployer", "auditor")


def policies(values: Any) -> list[Manifest]:
    return [each for each in rendered(values) if "AdmissionPolicy" in each["kind"]]


def test_by_default_pod_templates_and_holds_are_guarded_and_the_roles_wait_to_be_bound() -> None:
    """Rule: R180.

    Rule: R157.
    """
    assert {each["metadata"]["name"] for each in policies({})} == {"pennant-workloads", "pennant-holds"}
    assert "PENNANT_STAMPED" not in environment(rendered())
    found = {each["metadata"]["name"] for each in rendered() if each["metadata"]["name"].endswith(ROLES)}
    assert found == {f"pennant-{role}" for role in ROLES}


def test_it_can_be_left_out() -> None:
    without: Any = {"governance": {"workloads": False, "holds": False, "roles": False}}
    assert policies(without) == []
    assert not [each for each in rendered(without) if each["metadata"]["name"].endswith(ROLES)]


def test_the_operator_believes_the_names_exactly_if_the_policies_are_installed() -> None:
    """Rule: R150."""
    assert environment(rendered({"governance": {"stamp": True}}))["PENNANT_STAMPED"] == "true"
    found = {
        each["metadata"]["name"]
        for each in policies({"governance": {"stamp": True, "workloads": False, "holds": False}})
    }
    assert found == {"pennant-stamp-modelversions", "pennant-stamp-modeldeployments"}
    assert "PENNANT_STAMPED" not in environment(rendered({"governance": {"promote": {"enabled": True}}}))


def test_the_operator_holds_four_eyes_exactly_if_they_are_asked_for() -> None:
    """Rule: R156."""
    four_eyes: Any = {"governance": {"stamp": True, "promote": {"enabled": True, "fourEyes": True}}}
    assert environment(rendered(four_eyes))["PENNANT_FOUR_EYES"] == "true"
    assert "PENNANT_FOUR_EYES" not in environment(rendered(ALL))


def test_every_policy_is_bound_and_refuses_what_it_cannot_judge() -> None:
    made = policies(ALL)
    for kind in POLICIES:
        names = {each["metadata"]["name"] for each in made if each["kind"] == kind}
        bindings = [each for each in made if each["kind"] == f"{kind}Binding"]
        assert {each["spec"]["policyName"] for each in bindings} == names != set()
    for each in made:
        if each["kind"] == "ValidatingAdmissionPolicy":
            assert each["spec"]["failurePolicy"] == "Fail"
        if each["kind"] == "ValidatingAdmissionPolicyBinding":
            assert each["spec"]["validationActions"] == ["Deny"]


def test_the_policies_hold_in_the_namespace_of_the_release_only() -> None:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "team"}}
    for each in policies({**ALL, "namespace": "team"}):
        if not each["kind"].endswith("Binding"):
            assert each["spec"]["matchConstraints"]["namespaceSelector"] == selector
    for each in policies(ALL):
        assert "namespaceSelector" not in each["spec"].get("matchConstraints", {})


def test_an_older_cluster_is_named_with_what_it_lacks(major: int) -> None:
    arguments = ("template", "pennant", str(CHART), "--kube-version", "1.35.0", *APIS[:2])
    with pytest.raises(HelmError, match=r"governance\.stamp: the cluster does not have the kind MutatingAdmission"):
        run_helm(major, *arguments, values={"governance": {"stamp": True}})
    assert "promote-modelversions" in run_helm(major, *arguments, values={"governance": {"promote": {"enabled": True}}})


def test_the_roles_grant_no_status_and_only_one_of_them_promotes() -> None:
    """Rule: R153."""
    tags: Any = {**ALL, "governance": {**ALL["governance"], "promote": {"tags": ["production", "canary"]}}}
    roles = {role: grants(only(rendered(tags), "ClusterRole", f"-{role}")) for role in ROLES}
    written = {verb for verbs in SERVED.values() for verb in verbs} - {"get", "list", "watch"} | {"deletecollection"}
    for role, found in roles.items():
        assert not [resource for (_, resource), verbs in found.items() if "status" in resource and verbs & written]
        expected = {"promote/production", "promote/canary"} if role == "promoter" else frozenset()
        assert found.get(("pennant.dev", "tags"), frozenset()) == expected
    assert {verb for verbs in roles["auditor"].values() for verb in verbs} == {"get", "list", "watch"}
    deleting = {"delete", "deletecollection"}
    assert {role for role, found in roles.items() for each in found if found[each] & deleting} == {"deployer"}


def test_no_role_is_bound_or_aggregated() -> None:
    manifests = rendered(ALL)
    bound = {each["roleRef"]["name"] for each in manifests if each["kind"].endswith("RoleBinding")}
    for role in ROLES:
        found = only(manifests, "ClusterRole", f"-{role}")["metadata"]
        assert found["name"] not in bound
        assert not [label for label in found["labels"] if "aggregate" in label]
