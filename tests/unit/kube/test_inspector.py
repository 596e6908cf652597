"""Single reads for a command line: which requests there are, what is joined, and the error where one is forbidden.

That a snapshot equals the operator's own is tested on a real API server (tests/contract).
"""

import re
from typing import Any

import pytest

from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.kube.codec import decode
from pennant.kube.codec.encode import controller_revision
from pennant.kube.http.client import Client
from pennant.kube.http.errors import Forbidden
from pennant.kube.inspector import Inspector
from pennant.ports import Unavailable
from unit.core.builders import a_revision
from unit.kube.api_server import Routes
from unit.kube.raw import raw_deployment, raw_version, raw_workload

FRAUD = Key("default", "fraud")
OURS = "/apis/pennant.dev/v1alpha1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
DEPLOYMENT = f"{OURS}/modeldeployments/fraud"
VERSIONS = f"{OURS}/modelversions"
REVISIONS = f"{APPS}/controllerrevisions"
WORKLOAD = f"{APPS}/deployments/fraud"


def a_page(*items: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "20"}, "items": list(items)}


def a_controller_revision(number: int, owner: str = "uid-fraud", **fields: Any) -> dict[str, Any]:
    owned = decode.model_deployment(raw_deployment(uid=owner))
    stored = controller_revision(owned, a_revision(number))
    stored["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": "9"}
    return {**stored, **fields}


@pytest.fixture
def routes(routes: Routes) -> Routes:
    """Serve a ModelDeployment, two versions, two revisions and its Deployment."""
    routes.json(DEPLOYMENT, raw_deployment())
    routes.json(VERSIONS, a_page(raw_version("1.0.0", "production"), raw_version("0.9.0")))
    routes.json(REVISIONS, a_page(a_controller_revision(2), a_controller_revision(1)))
    routes.json(WORKLOAD, raw_workload())
    return routes


async def inspected(client: Client) -> Snapshot:
    found = await Inspector(client).snapshot(FRAUD)
    assert found is not None
    return found


async def test_a_snapshot_joins_what_four_requests_return(routed: Client, routes: Routes) -> None:
    found = await inspected(routed)
    assert found.uid == "uid-fraud"
    assert [(each.version, set(each.tags)) for each in found.versions] == [("1.0.0", {"production"}), ("0.9.0", set())]
    assert [each.entry.revision for each in found.revisions] == [1, 2]
    assert found.workload is not None
    assert found.workload.owned
    assert {path: dict(query) for path, query in routes.asked} == {
        DEPLOYMENT: {},
        VERSIONS: {"fieldSelector": "spec.model=fraud", "limit": "16"},
        REVISIONS: {"labelSelector": "pennant.dev/modeldeployment=fraud", "limit": "16"},
        WORKLOAD: {},
    }


async def test_a_model_deployment_that_does_not_exist_has_no_snapshot(routed: Client, routes: Routes) -> None:
    routes.status(DEPLOYMENT, 404, 'modeldeployments.pennant.dev "fraud" not found')
    assert await Inspector(routed).snapshot(FRAUD) is None
    assert [path for path, _ in routes.asked] == [DEPLOYMENT]


async def test_without_a_deployment_and_revisions_there_are_none(routed: Client, routes: Routes) -> None:
    routes.json(REVISIONS, a_page())
    routes.status(WORKLOAD, 404, 'deployments.apps "fraud" not found')
    found = await inspected(routed)
    assert (found.revisions, found.workload) == ((), None)


async def test_a_controller_revision_of_another_owner_is_left_out_and_an_unreadable_one_takes_its_number(
    routed: Client, routes: Routes
) -> None:
    other = a_controller_revision(1)
    other["metadata"]["ownerReferences"][0] |= {"kind": "StatefulSet", "uid": "other"}
    routes.json(REVISIONS, a_page(other, a_controller_revision(2), a_controller_revision(3, data={})))
    found = await inspected(routed)
    assert [each.entry.revision for each in found.revisions] == [2]
    assert found.taken == {3}


async def test_records_are_the_controller_revisions_as_they_are_stored_its_own_and_those_to_adopt(
    routed: Client, routes: Routes
) -> None:
    own, left, other, renamed = (a_controller_revision(number) for number in (1, 2, 3, 4))
    own["data"]["entry"]["field"] = "of a newer release"
    left["metadata"]["ownerReferences"] = []
    other["metadata"]["ownerReferences"][0] |= {"kind": "StatefulSet", "uid": "other"}
    renamed["metadata"]["name"] = "another-4"
    routes.json(REVISIONS, a_page(own, left, other, renamed))
    assert await Inspector(routed).records(await inspected(routed)) == (own, left)


async def test_a_targeted_version_without_a_tag_has_its_record(routed: Client, routes: Routes) -> None:
    routes.json(DEPLOYMENT, raw_deployment(spec={"version": "0.9.0"}))
    found = await inspected(routed)
    assert not isinstance(found.spec, Invalid)
    assert {each.version: bool(each.record) for each in found.versions} == {"1.0.0": True, "0.9.0": True}


async def test_an_invalid_spec_needs_no_versions(routed: Client, routes: Routes) -> None:
    routes.json(DEPLOYMENT, raw_deployment(spec={"replicas": -1}))
    found = await inspected(routed)
    assert isinstance(found.spec, Invalid)
    assert found.versions == ()
    assert VERSIONS not in [path for path, _ in routes.asked]


async def test_a_deployment_that_cannot_be_read_counts_as_absent(
    routed: Client, routes: Routes, caplog: pytest.LogCaptureFixture
) -> None:
    routes.json(WORKLOAD, {**raw_workload(), "spec": None})
    assert (await inspected(routed)).workload is None
    assert "Deployment default/fraud cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (DEPLOYMENT, "get modeldeployments.pennant.dev in namespace default"),
        (VERSIONS, "list modelversions.pennant.dev in namespace default"),
        (REVISIONS, "list controllerrevisions.apps in namespace default"),
        (WORKLOAD, "get deployments.apps in namespace default"),
    ],
)
async def test_a_forbidden_read_names_the_missing_permission(
    routed: Client, routes: Routes, path: str, permission: str
) -> None:
    routes.status(path, 403, 'User "ada" cannot do that')
    message = re.escape(f'permission is missing: {permission} (User "ada" cannot do that)')
    with pytest.raises(Forbidden, match=f"^{message}$"):
        await Inspector(routed).snapshot(FRAUD)


async def test_a_list_of_all_namespaces_that_is_forbidden_says_so(routed: Client, routes: Routes) -> None:
    routes.status("/apis/pennant.dev/v1alpha1/modeldeployments", 403, "no")
    with pytest.raises(Forbidden, match=re.escape("list modeldeployments.pennant.dev in all namespaces (no)")):
        await Inspector(routed).snapshots()


async def test_another_error_is_passed_on(routed: Client, routes: Routes) -> None:
    routes.status(WORKLOAD, 503, "etcd is away")
    with pytest.raises(Unavailable, match="etcd is away"):
        await Inspector(routed).snapshot(FRAUD)


async def test_model_deployments_are_listed_by_namespace_and_selector_without_children(
    routed: Client, routes: Routes
) -> None:
    routes.json(f"{OURS}/modeldeployments", a_page(raw_deployment("fraud"), raw_deployment("churn")))
    found = await Inspector(routed).snapshots("default", "team=risk")
    assert [each.key.name for each in found] == ["churn", "fraud"]
    assert all((each.versions, each.revisions, each.workload) == ((), (), None) for each in found)
    ((_, query),) = routes.asked
    assert query == {"labelSelector": "team=risk", "limit": "16"}


async def test_model_deployments_of_all_namespaces_are_listed(routed: Client, routes: Routes) -> None:
    items = (raw_deployment("fraud", namespace="team-b"), raw_deployment("fraud", namespace="team-a"))
    routes.json("/apis/pennant.dev/v1alpha1/modeldeployments", a_page(*items))
    found = await Inspector(routed).snapshots()
    assert [str(each.key) for each in found] == ["team-a/fraud", "team-b/fraud"]
    ((_, query),) = routes.asked
    assert query == {"limit": "16"}
