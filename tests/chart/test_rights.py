"""What the chart's roles grant: the operator's table of rights, to the letter, and to people no status to write."""

from typing import Any

import pytest

from chart.rendering import NAMESPACE, Manifest, grants, identity, only, rendered
from pennant.kube.permissions import DELETION, ELECTION, SERVED

NO_PEOPLE: Any = {"governance": {"roles": False}}


def roles_of(manifests: list[Manifest]) -> set[tuple[str, str, str]]:
    return {identity(each) for each in manifests if each["kind"].startswith(("Role", "ClusterRole"))}


def test_it_may_serve_all_namespaces_by_the_table_and_no_more() -> None:
    assert grants(only(rendered(), "ClusterRole", "pennant")) == SERVED


ARCHIVE = {"archive": {"persistentVolumeClaim": "disk"}}


@pytest.mark.parametrize(("values", "kind"), [({}, "ClusterRole"), ({"namespace": "team"}, "Role")])
def test_only_where_retention_deletes_it_may_delete_versions(values: Any, kind: str) -> None:
    """Rule: R193."""
    kept = only(rendered(values | ARCHIVE), kind, "pennant")
    assert "delete" not in grants(kept)["pennant.dev", "modelversions"]
    deletes = only(rendered(values | ARCHIVE | {"retention": {"delete": True}}), kind, "pennant")
    joined = {resource: grants(deletes)[resource] | verbs for resource, verbs in SERVED.items()}
    assert grants(deletes) == joined
    more = {resource: verbs - SERVED[resource] for resource, verbs in grants(deletes).items()}
    assert {resource: verbs for resource, verbs in more.items() if verbs} == DELETION


def test_it_may_serve_one_namespace_by_the_table_and_no_more() -> None:
    role = only([each for each in rendered({"namespace": "team"}) if each["kind"] == "Role"], "Role", "pennant")
    assert role["metadata"]["namespace"] == "team"
    assert grants(role) == SERVED


def test_in_its_own_namespace_it_may_do_with_one_lease_what_the_table_says() -> None:
    role = only(rendered(), "Role", "-leader-election")
    assert role["metadata"]["namespace"] == NAMESPACE
    verbs = grants(role)
    assert verbs.keys() == ELECTION.keys()
    # A creation has no name yet that it could be restricted to.
    named = {verb if verb == "create" else f"{verb}/pennant" for verb in ELECTION["coordination.k8s.io", "leases"]}
    assert verbs["coordination.k8s.io", "leases"] == named


@pytest.mark.parametrize("values", [{}, {"namespace": "team"}], ids=["for all namespaces", "for one"])
def test_every_role_of_the_operator_is_bound_to_its_account_alone(values: Any) -> None:
    manifests = rendered(values | NO_PEOPLE)
    account = only(manifests, "ServiceAccount")["metadata"]
    roles = {identity(each) for each in manifests if each["kind"].endswith("Role")}
    bindings = [each for each in manifests if each["kind"].endswith("RoleBinding")]
    bound = {
        (each["roleRef"]["kind"], each["metadata"].get("namespace", ""), each["roleRef"]["name"]) for each in bindings
    }
    assert bound == roles
    for each in bindings:
        assert each["subjects"] == [{"kind": "ServiceAccount", "name": account["name"], "namespace": NAMESPACE}]


def test_with_one_namespace_nothing_is_granted_for_the_whole_cluster() -> None:
    kinds = {kind for kind, _, _ in roles_of(rendered({"namespace": "team", **NO_PEOPLE}))}
    assert kinds == {"Role", "RoleBinding"}


def test_the_roles_can_be_left_out() -> None:
    assert roles_of(rendered({"rbac": {"create": False}, **NO_PEOPLE})) == set()


@pytest.mark.parametrize("values", [{}, NO_PEOPLE], ids=["with the roles for people", "alone"])
def test_the_roles_of_kubernetes_get_more_only_if_asked_for(values: Any) -> None:
    """Rule: R183."""
    assert aggregated(rendered(values)) == {}
    found = aggregated(rendered({**values, "rbac": {"aggregate": True}}))
    assert found == {"pennant-auditor": {"view", "edit", "admin"}, "pennant-deployer": {"edit", "admin"}}


def aggregated(manifests: list[Manifest]) -> dict[str, set[str]]:
    """Return the roles that are added to others, with these."""
    found = dict[str, set[str]]()
    for each in manifests:
        labels = each["metadata"].get("labels", {})
        to = {label.rpartition("-")[2] for label in labels if label.startswith("rbac.authorization.k8s.io/aggregate")}
        found |= {each["metadata"]["name"]: to} if to else {}
    return found


def test_no_role_holds_a_wildcard() -> None:
    for each in rendered():
        for (group, resource), verbs in grants(each).items() if "rules" in each else ():
            assert not any("*" in word for word in (group, resource, *verbs))
