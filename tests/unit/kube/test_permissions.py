"""That the table suffices is shown by the contract: there the gateway has these permissions and no others."""

from pennant.kube.permissions import CLUSTER, ELECTION, SERVED

EVERYTHING = {**SERVED, **ELECTION, **CLUSTER}


def test_no_permission_is_a_wildcard() -> None:
    words = {word for (group, resource), verbs in EVERYTHING.items() for word in (group, resource, *verbs)}
    assert not any("*" in word for word in words)


def test_secrets_and_pods_are_none_of_our_business() -> None:
    assert not {resource for _, resource in EVERYTHING} & {"secrets", "pods", "pods/exec", "serviceaccounts/token"}


def test_what_users_declare_is_never_written() -> None:
    written = {"create", "update", "patch", "delete", "deletecollection"}
    for resource in ("modeldeployments", "modelversions"):
        assert not SERVED["pennant.dev", resource] & written


def test_the_deployment_is_never_deleted_by_us() -> None:
    assert "delete" not in SERVED["apps", "deployments"]
