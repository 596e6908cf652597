"""The inspector sees on a real API server what the port `Cluster` sees."""

import re
from dataclasses import replace

import pytest

from contract.backend import NOON, a_revision, an_application, seen
from contract.real import RealBackend
from pennant.api.deployment_status import Applied
from pennant.core.facts.observation import Snapshot
from pennant.core.rollout.revision import chained
from pennant.kube.http.client import ApiVerb
from pennant.kube.http.errors import Forbidden
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.inspector import Inspector
from simulation.support.story import a_record, a_spec


@pytest.fixture
async def deployed(real: RealBackend) -> RealBackend:
    """Create a ModelDeployment with two versions, two revisions and a Deployment, and a version of another model."""
    await real.publish(a_record("1.0.0"), ["production"])
    await real.publish(a_record("2.0.0"))
    await real.publish({**a_record("3.0.0"), "model": "churn"}, ["production"])
    await real.deploy(a_spec(replicas=0))
    await real.catch_up()
    snapshot = await seen(real)
    first = a_revision(snapshot)
    second = replace(first, entry=chained(first.entry.model_copy(update={"revision": 2}), first.entry))
    for each in (first, second):
        await real.cluster.create_revision(snapshot, each)
    # 1.0.0 is the version that revisions and the manifest are made of.
    await real.cluster.apply_workload(snapshot, an_application(snapshot, None))
    ended = second.entry.model_copy(update={"available_at": NOON})
    await real.cluster.mark_revision(snapshot, ended)
    await real.cluster.write_status(snapshot, snapshot.status.model_copy(update={"history": (first.entry, ended)}))
    return real


async def inspected(backend: RealBackend) -> Snapshot:
    found = await Inspector(backend.client).snapshot(backend.key)
    assert found is not None
    return in_order(found)


def in_order(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with its versions by name, and without Services: a command line reads none."""
    return replace(snapshot, services=None, versions=tuple(sorted(snapshot.versions, key=lambda each: each.name)))


async def agreed(deployed: RealBackend) -> Snapshot:
    """Return the snapshot that both give; controllers may change the Deployment between the two reads."""
    for _ in range(10):
        found, expected = await inspected(deployed), in_order(await seen(deployed))
        if found == expected:
            break
        await deployed.catch_up()
    assert found == expected
    return found


async def test_its_snapshot_equals_that_of_the_port(deployed: RealBackend) -> None:
    await deployed.catch_up()
    found = await agreed(deployed)
    assert [each.version for each in found.versions] == ["1.0.0", "2.0.0"]
    assert [each.latest.available_at for each in found.revisions] == [None, NOON]
    assert found.workload is not None


async def test_its_snapshot_equals_that_of_the_port_where_the_version_is_pinned(deployed: RealBackend) -> None:
    await deployed.deploy(a_spec(replicas=0, version="2.0.0"))
    await deployed.catch_up()
    found = await agreed(deployed)
    assert found.versions[1].record


async def test_its_snapshot_equals_that_of_the_port_where_a_template_was_put_back(deployed: RealBackend) -> None:
    path = RESOURCES[Kind.DEPLOYMENT].path(deployed.namespace, "fraud")
    for image in ("registry.example/other:1", "registry.example/server:1"):
        change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        await deployed.admin.request(
            ApiVerb.PATCH, Kind.DEPLOYMENT, path, body=change, content_type="application/json-patch+json"
        )
        await deployed.catch_up()
    snapshot = await seen(deployed)
    assert snapshot.workload is not None
    another = snapshot.status.history[-1].model_copy(update={"template_hash": "another"})
    applied = Applied(manifest_hash="m", uid="u", revision=2, fields_hash="f", template_hash="another")
    history = (*snapshot.status.history[:-1], another)
    status = snapshot.status.model_copy(update={"history": history, "applied": applied})
    await deployed.cluster.write_status(snapshot, status)
    found = await agreed(deployed)
    assert found.workload is not None
    assert found.workload.as_recorded


async def test_its_snapshot_equals_that_of_the_port_where_objects_were_orphaned(deployed: RealBackend) -> None:
    before = await seen(deployed)
    await deployed.let_go()
    await deployed.deploy(a_spec(replicas=0))
    await deployed.catch_up()
    found = await agreed(deployed)
    assert found.uid != before.uid
    assert [each.orphaned for each in found.revisions] == [True, True]
    assert found.workload is not None
    assert found.workload.orphaned


async def test_a_list_has_the_model_deployments_with_a_label(deployed: RealBackend) -> None:
    inspector = Inspector(deployed.client)
    await deployed.merge(Kind.MODEL_DEPLOYMENT, "fraud", {"metadata": {"labels": {"team": "risk"}}})
    await deployed.put(Kind.MODEL_DEPLOYMENT, "churn", a_spec(replicas=0, model="churn"))
    assert [each.key.name for each in await inspector.snapshots(deployed.namespace)] == ["churn", "fraud"]
    (found,) = await inspector.snapshots(deployed.namespace, "team=risk")
    assert found == replace(await inspected(deployed), versions=(), revisions=(), workload=None)


async def test_a_list_that_is_forbidden_names_the_missing_permission(deployed: RealBackend) -> None:
    missing = (
        "permission is missing: list modeldeployments.pennant.dev in all namespaces (modeldeployments.pennant.dev is"
    )
    with pytest.raises(Forbidden, match=re.escape(missing)):
        await Inspector(deployed.client).snapshots()
