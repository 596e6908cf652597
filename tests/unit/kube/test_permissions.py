"""The table of permissions, and the check that they are granted.

That the operator needs exactly these is tested on a real control plane (tests/cluster).
"""

import pytest

from pennant.kube.http.client import Client
from pennant.kube.permissions import ELECTION, SERVED, Right, described, missing, to_be_elected, to_serve
from pennant.ports import Refused
from unit.kube.api_server import Answers

STATUS = Right("team", "modelversions/status", "pennant.dev", "patch")
EVERYTHING = {**SERVED, **ELECTION}


def test_no_permission_is_a_wildcard() -> None:
    words = {word for (group, resource), verbs in EVERYTHING.items() for word in (group, resource, *verbs)}
    assert not any("*" in word for word in words)


def test_secrets_are_none_of_our_business() -> None:
    forbidden = {"secrets", "pods/exec", "pods/log", "serviceaccounts/token"}
    assert not {resource for _, resource in EVERYTHING} & forbidden


def test_pods_and_replica_sets_are_never_watched_and_written_only_to_label_what_is_taken_over() -> None:
    """That they are patched nowhere else is checked after every scenario."""
    assert SERVED["", "pods"] == SERVED["apps", "replicasets"] == {"list", "patch"}


def test_what_users_declare_is_never_written() -> None:
    written = {"create", "update", "patch", "delete", "deletecollection"}
    for resource in ("modeldeployments", "modelversions"):
        assert not SERVED["pennant.dev", resource] & written


def test_only_records_and_services_may_be_deleted_and_deployments_that_are_taken_over() -> None:
    """Admission asks for it as well; that no other Deployment is ever deleted is checked after every scenario."""
    deletable = {resource for (_, resource), verbs in EVERYTHING.items() if "delete" in verbs}
    assert deletable == {"controllerrevisions", "deployments", "services"}


def test_a_lease_is_read_and_replaced_by_its_name_alone() -> None:
    names = {right.verb: right.name for right in to_be_elected("pennant-system", "pennant")}
    assert names == {"create": "", "get": "pennant", "watch": "pennant", "update": "pennant"}


def test_what_is_missing_is_listed_by_resource() -> None:
    versions = [right for right in to_serve("") if right.resource == "modelversions"]
    status = Right("team", "modeldeployments/status", "pennant.dev", "update")
    assert described([status, *versions]) == (
        "get, list, watch modelversions.pennant.dev in all namespaces; "
        "update modeldeployments.pennant.dev/status in namespace team"
    )


@pytest.mark.parametrize(("allowed", "expected"), [(True, []), (False, [STATUS])])
async def test_a_right_that_is_not_granted_is_missing(
    client: Client, answers: Answers, allowed: bool, expected: list[Right]
) -> None:
    answers.json({"status": {"allowed": allowed}})
    assert await missing(client, [STATUS]) == expected
    (asked,) = answers.asked
    assert asked.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    attributes = (await asked.json())["spec"]["resourceAttributes"]
    assert (attributes["resource"], attributes["subresource"]) == ("modelversions", "status")
    assert (attributes["namespace"], attributes["verb"]) == ("team", "patch")


async def test_a_forbidden_access_review_is_an_error(client: Client, answers: Answers) -> None:
    answers.status(403, "selfsubjectaccessreviews.authorization.k8s.io is forbidden")
    with pytest.raises(Refused, match="forbidden"):
        await missing(client, [STATUS])
