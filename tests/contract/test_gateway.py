"""What only a real API server can show of the gateway: lost and late events, refusals, and who may do what.

Rule: R95.
Rule: R96.
"""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from contract.backend import a_revision, an_application, seen
from contract.real import RealBackend, WallClock
from pennant.api.meta import Json
from pennant.api.reasons import Reason
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.decision import Event, EventType, MirrorQuarantine
from pennant.core.facts.observation import Key
from pennant.core.rollout.revision import chained, next_number
from pennant.kube.cache.listing import KINDS, relist, resync
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.cache.store import Store
from pennant.kube.cluster import KubernetesCluster
from pennant.kube.codec.encode import controller_revision
from pennant.kube.codec.revisions import revision_name
from pennant.kube.events import EventRecorder
from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Refused, Unavailable
from simulation.support.story import a_record, a_spec

BY_SOMEBODY: Json = {"metadata": {"annotations": {"by": "somebody else"}}}


@pytest.fixture
async def deployed(real: RealBackend) -> RealBackend:
    await real.publish(a_record("1.0.0"), ["production"])
    await real.deploy(a_spec(replicas=0))
    await real.catch_up()
    return real


@pytest.fixture
def requests(real: RealBackend, monkeypatch: pytest.MonkeyPatch) -> Counter[ApiVerb]:
    """Count the requests of the operator, by verb."""
    counted: Counter[ApiVerb] = Counter()
    monkeypatch.setattr(real.client, "_observed", lambda verb, *_: counted.update([verb]))
    return counted


async def test_a_snapshot_that_was_read_once_is_served_from_memory(
    deployed: RealBackend, requests: Counter[ApiVerb]
) -> None:
    await seen(deployed)
    requests.clear()
    await seen(deployed)
    assert not requests


async def test_nothing_is_served_from_memory_after_taking_over(deployed: RealBackend) -> None:
    await seen(deployed)
    await deployed.publish(a_record("1.0.0"), ["staging"])
    await deployed.publish(a_record("2.0.0"), ["production"])
    await deployed.deploy(a_spec(tag="staging"))
    deployed.store.mark_all_stale()
    snapshot = await seen(deployed)
    assert {each.version: set(each.tags) for each in snapshot.versions} == {
        "1.0.0": {"staging"},
        "2.0.0": {"production"},
    }
    assert getattr(snapshot.spec, "tag", None) == "staging"


async def test_an_event_from_before_the_own_write_is_not_news(deployed: RealBackend) -> None:
    late = await deployed.get(Kind.MODEL_DEPLOYMENT, "fraud")
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    history = (a_revision(snapshot).entry,)
    await deployed.cluster.write_status(snapshot, snapshot.status.model_copy(update={"history": history}))
    assert deployed.store.update("ModelDeployment", "MODIFIED", late) == frozenset()
    assert (await seen(deployed)).status.history == history


async def test_the_echo_of_an_own_write_concerns_nobody_and_raises_no_doubt(
    deployed: RealBackend, requests: Counter[ApiVerb]
) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    await deployed.cluster.write_status(snapshot, snapshot.status.model_copy(update={"replicas": 1}))
    echo = await deployed.get(Kind.MODEL_DEPLOYMENT, "fraud")
    assert deployed.store.update("ModelDeployment", "MODIFIED", echo) == frozenset()
    requests.clear()
    await seen(deployed)
    assert not requests


def another(deployed: RealBackend) -> KubernetesCluster:
    """Return the port of another operator, which knows nothing yet."""
    return KubernetesCluster(
        deployed.client,
        ReadThroughCache(deployed.client, Store(), deployed.namespace),
        EventRecorder(deployed.client, WallClock()),
    )


async def test_a_revision_that_only_the_deployment_shows_is_read_with_all_that_belongs_to_it(
    deployed: RealBackend, requests: Counter[ApiVerb]
) -> None:
    """Another operator creates the ControllerRevision and writes the Deployment before the status."""
    snapshot, other = await seen(deployed), another(deployed)
    await other.create_revision(snapshot, a_revision(snapshot))
    await other.apply_workload(snapshot, an_application(snapshot, None))
    deployed.store.update("Deployment", "ADDED", await deployed.get(Kind.DEPLOYMENT, "fraud"))
    assert [each.entry.revision for each in (await seen(deployed)).revisions] == [1]
    requests.clear()
    await seen(deployed)
    assert not requests


async def test_what_another_operator_knew_when_it_wrote_a_status_is_read_anew(deployed: RealBackend) -> None:
    """A watch is late: of all that the other one did, only the status is heard of."""
    snapshot, other = await seen(deployed), another(deployed)
    await deployed.publish(a_record("2.0.0"), ["production"])
    theirs = await other.snapshot(deployed.key)
    assert theirs is not None
    await other.create_revision(theirs, a_revision(theirs))
    workload = await other.apply_workload(theirs, an_application(theirs, None))
    history = (a_revision(theirs).entry,)
    await other.write_status(theirs, theirs.status.model_copy(update={"history": history}))
    assert await seen(deployed) == snapshot, "nothing was heard of yet"

    deployed.store.update("ModelDeployment", "MODIFIED", await deployed.get(Kind.MODEL_DEPLOYMENT, "fraud"))
    now = await seen(deployed)
    assert [each.entry for each in now.revisions] == list(now.status.history) == list(history)
    assert sorted(each.version for each in now.versions) == ["1.0.0", "2.0.0"]
    assert now.workload is not None
    assert now.workload.uid == workload.uid


async def test_a_relist_removes_what_was_deleted_unheard_and_says_whom_it_concerns(deployed: RealBackend) -> None:
    await deployed.publish(a_record("2.0.0"))
    await deployed.catch_up()
    await deployed.delete(Kind.MODEL_VERSION, "fraud-1.0.0")
    assert await relist(deployed.client, deployed.store, deployed.namespace) == {deployed.key}
    assert [each.version for each in (await seen(deployed)).versions] == ["2.0.0"]
    await deployed.withdraw()
    assert await relist(deployed.client, deployed.store, deployed.namespace) == {deployed.key}
    assert await deployed.cluster.snapshot(deployed.key) is None


async def test_a_resync_reads_only_what_no_watch_told(deployed: RealBackend, requests: Counter[ApiVerb]) -> None:
    """Rule: R220."""
    for version in ("2.0.0", "3.0.0"):
        await deployed.publish(a_record(version))
    await deployed.catch_up()
    requests.clear()
    assert await resync(deployed.client, deployed.store, deployed.namespace) == frozenset()
    assert requests == {ApiVerb.LIST: len(KINDS)}, "lists of metadata, and no object was read"
    await deployed.delete(Kind.MODEL_VERSION, "fraud-1.0.0")
    await deployed.publish(a_record("2.0.0"), ["staging"])
    requests.clear()
    affected = set[Key]()
    async with asyncio.timeout(10):
        # The watch cache of the API server is late by some milliseconds.
        while deployed.store.count(Kind.MODEL_VERSION) > 2 or not requests[ApiVerb.GET]:
            affected |= await resync(deployed.client, deployed.store, deployed.namespace)
    assert affected == {deployed.key}
    assert requests[ApiVerb.GET] == 1, "the version whose tags changed"
    versions = {each.version: each.tags for each in (await seen(deployed)).versions}
    assert versions == {"2.0.0": {"staging"}, "3.0.0": frozenset()}


async def test_a_resync_reads_everything_again_where_resource_versions_went_back(deployed: RealBackend) -> None:
    """Rule: R220."""
    await deployed.catch_up()
    version = await deployed.get(Kind.MODEL_VERSION, "fraud-1.0.0")
    of_the_future = {**version, "metadata": {**version["metadata"], "resourceVersion": str(10**9)}}
    deployed.store.update("ModelVersion", "MODIFIED", of_the_future)
    await resync(deployed.client, deployed.store, deployed.namespace)
    (known,) = deployed.store.keys(Kind.MODEL_VERSION)
    assert deployed.store.resource_version(Kind.MODEL_VERSION, known) == int(version["metadata"]["resourceVersion"])
    assert deployed.key not in deployed.store.freshness


async def test_the_revisions_of_all_model_deployments_are_listed_together(
    deployed: RealBackend, requests: Counter[ApiVerb], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: R221."""
    monkeypatch.setattr("pennant.kube.cache.listing.MOST_SINGLE_READS", 0)
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    deployed.store.mark_all_stale()
    await resync(deployed.client, deployed.store, deployed.namespace)
    requests.clear()
    assert (await seen(deployed)).revisions == (a_revision(snapshot),)
    assert not requests[ApiVerb.LIST]


async def test_a_late_event_does_not_raise_the_dead(deployed: RealBackend) -> None:
    late = await deployed.get(Kind.MODEL_DEPLOYMENT, "fraud")
    await deployed.withdraw()
    await deployed.catch_up()
    assert deployed.store.update("ModelDeployment", "MODIFIED", late) == frozenset()
    assert await deployed.cluster.snapshot(deployed.key) is None


async def test_a_relist_of_an_unchanged_world_concerns_nobody(deployed: RealBackend) -> None:
    assert await relist(deployed.client, deployed.store, deployed.namespace) == frozenset()


async def test_a_list_of_several_pages_is_read_whole(deployed: RealBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    for minor in range(5):
        await deployed.publish(a_record(f"1.{minor}.1"))
    monkeypatch.setattr("pennant.kube.http.client.PAGE", 2)
    await deployed.catch_up()
    assert len((await seen(deployed)).versions) == 6


@pytest.fixture
async def second(deployed: RealBackend) -> Key:
    """A second ModelDeployment of the same model; of both nothing is to be told."""
    await deployed.put(Kind.MODEL_DEPLOYMENT, "second", a_spec(replicas=0))
    await deployed.catch_up()
    await seen(deployed)
    deployed.told.clear()
    return Key(deployed.namespace, "second")


async def test_a_tag_that_moves_while_a_status_of_its_version_is_written_is_told(
    deployed: RealBackend, second: Key
) -> None:
    version = await deployed.versions.version(Key(deployed.namespace, "fraud-1.0.0"))
    assert version is not None
    await deployed.publish(a_record("1.0.0"), ["staging"])
    with pytest.raises(Conflict):
        await deployed.versions.write_status(version, ModelVersionStatus())
    assert sorted(deployed.told) == [deployed.key, second]


async def test_what_is_read_of_all_versions_for_one_pass_is_told_to_the_others(
    deployed: RealBackend, second: Key
) -> None:
    await deployed.publish(a_record("2.0.0"), ["staging"])
    deployed.store.mark_all_stale()
    await seen(deployed)
    assert second in deployed.told


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_what_is_read_of_a_version_for_one_pass_is_told_to_the_others(
    deployed: RealBackend, second: Key, is_deleted: bool
) -> None:
    await deployed.publish(a_record("2.0.0"))
    await deployed.catch_up()
    await deployed.deploy({"tag": None, "version": "2.0.0"})
    await deployed.catch_up()
    if is_deleted:
        await deployed.retract("2.0.0")
    deployed.told.clear()
    await seen(deployed)
    assert deployed.told == [second], "the pass that reads it goes on with it"


async def test_what_a_refused_mirror_of_a_quarantine_learns_is_told_to_the_others(
    deployed: RealBackend, second: Key
) -> None:
    snapshot = await seen(deployed)
    await deployed.publish(a_record("1.0.0"), ["staging"])
    with pytest.raises(Conflict):
        await deployed.cluster.mirror_quarantine(snapshot, MirrorQuarantine(snapshot.versions[0], ()))
    assert deployed.told == [second], "the pass that was refused is tried again"


async def test_a_foreign_deployment_with_our_very_content_is_not_taken_over(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    application = an_application(snapshot, None)
    await deployed.put(Kind.DEPLOYMENT, "fraud", application.manifest["spec"])
    before = await deployed.get(Kind.DEPLOYMENT, "fraud")
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, application)
    after = await deployed.get(Kind.DEPLOYMENT, "fraud")
    assert "ownerReferences" not in after["metadata"]
    assert before["metadata"].get("labels") == after["metadata"].get("labels")


async def test_a_deployment_that_was_deleted_and_made_anew_is_not_applied_over(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    application = an_application(snapshot, None)
    workload = await deployed.cluster.apply_workload(snapshot, application)
    await deployed.delete(Kind.DEPLOYMENT, "fraud")
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, an_application(snapshot, workload))
    await deployed.occupy()
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, an_application(snapshot, workload))
    assert await deployed.workload_image() == "registry.example/foreign:1"


async def test_our_deployment_that_lost_its_label_is_seen_still(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    change = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    unlabelled = await deployed.merge(Kind.DEPLOYMENT, "fraud", change)
    # A watch with a label selector reports the loss of the label as a deletion.
    assert deployed.store.update("Deployment", "DELETED", unlabelled) == {deployed.key}
    workload = (await seen(deployed)).workload
    assert workload is not None
    assert workload.owned
    await deployed.catch_up()
    assert (await seen(deployed)).workload is not None


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (
            {"imagePullPolicy": "Sometimes"},
            'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": '
            'supported values: "Always", "IfNotPresent", "Never"',
        ),
        ({"memory": "1Gi"}, 'spec.template.spec.containers[name="server"].memory: unknown field'),
        ({"image": ""}, "spec.template.spec.containers[0].image: is required"),
        (
            {"env": [{"name": "PORT", "value": 8080}]},
            'spec.template.spec.containers[name="server"].env[name="PORT"].value: must be a string; '
            "write 8080 in quotes",
        ),
        (
            {"args": "--port"},
            'spec.template.spec.containers[name="server"].args: must be a list, not --port',
        ),
    ],
    ids=["a bad value", "an unknown field", "a field that is missing", "a wrong type", "no list"],
)
async def test_a_manifest_is_refused_in_the_fields_of_the_spec(
    deployed: RealBackend, container: dict[str, object], message: str
) -> None:
    snapshot = await seen(deployed)
    action = an_application(snapshot, None, **container)
    for write in (deployed.cluster.dry_run_workload, deployed.cluster.apply_workload):
        with pytest.raises(Refused) as raised:
            await write(snapshot, action)
        assert str(raised.value) == message
    assert (await seen(deployed)).workload is None


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"memory": "1Gi"}, "spec.template.spec.containers[0].memory: unknown field"),
        (
            {"env": [{"name": "PORT", "value": 8080}]},
            "spec.template.spec.containers.env.value: must be a string, not a number",
        ),
    ],
    ids=["an unknown field", "a wrong type"],
)
async def test_a_template_that_is_replaced_is_refused_in_the_same_words(
    deployed: RealBackend, container: dict[str, object], message: str
) -> None:
    snapshot = await seen(deployed)
    first = an_application(snapshot, None)
    workload = await deployed.cluster.apply_workload(snapshot, first)
    action = an_application(snapshot, workload, **container)
    action = replace(action, template=action.manifest["spec"]["template"])
    with pytest.raises(Refused) as raised:
        await deployed.cluster.dry_run_workload(snapshot, action)
    assert str(raised.value) == message


async def test_fields_outside_the_pod_template_are_named_where_the_spec_has_them(deployed: RealBackend) -> None:
    await deployed.deploy(
        a_spec(
            replicas=0,
            metadata={"annotations": {"no key": "1"}},
            rollout={"minReadySeconds": 5},
        )
    )
    await deployed.catch_up()
    snapshot = await seen(deployed)
    with pytest.raises(Refused) as raised:
        await deployed.cluster.dry_run_workload(snapshot, an_application(snapshot, None))
    assert str(raised.value).startswith("spec.metadata.annotations: Invalid value")


async def test_a_revision_that_somebody_else_recorded_is_seen_after_the_conflict(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    deployed.store.revisions.put(snapshot.uid, ())
    other = a_revision(snapshot)
    await deployed.cluster.create_revision(snapshot, other)
    deployed.store.revisions.put(snapshot.uid, ())
    with pytest.raises(Conflict):
        await deployed.cluster.create_revision(snapshot, other)
    assert (await seen(deployed)).revisions == (other,)


async def a_record_of_somebody_else(deployed: RealBackend, change: Json) -> Json:
    """Return a record by the name of the first revision that is none of the ModelDeployment's."""
    snapshot = await seen(deployed)
    record = controller_revision(snapshot, a_revision(snapshot))
    owner = await deployed.get(Kind.MODEL_VERSION, "fraud-1.0.0")
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": "fraud-1.0.0"}
    references = [reference | {"uid": owner["metadata"]["uid"], "controller": True}]
    metadata = {**record["metadata"], "ownerReferences": references, **change.get("metadata", {})}
    return {**record, **change, "metadata": metadata}


async def create(deployed: RealBackend, record: Json) -> None:
    kind = Kind.CONTROLLER_REVISION
    await deployed.admin.request(ApiVerb.CREATE, kind, RESOURCES[kind].path(deployed.namespace), body=record)


@pytest.mark.parametrize(
    "change",
    [{}, {"metadata": {"labels": {}, "ownerReferences": []}}, {"metadata": {"ownerReferences": []}, "data": {"x": 1}}],
    ids=["of another owner", "of nobody without our label", "of nobody with another content"],
)
async def test_a_name_that_no_record_of_ours_has_is_passed_over(deployed: RealBackend, change: Json) -> None:
    snapshot = await seen(deployed)
    await create(deployed, await a_record_of_somebody_else(deployed, change))
    with pytest.raises(Conflict):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    found = await seen(deployed)
    assert found.revisions == ()
    assert next_number((), found.taken) == 2


async def test_a_record_that_belongs_to_nobody_and_came_late_is_found_when_its_name_is_needed(
    deployed: RealBackend,
) -> None:
    """As from a backup: until then nobody told of it."""
    snapshot = await seen(deployed)
    await create(deployed, await a_record_of_somebody_else(deployed, {"metadata": {"ownerReferences": []}}))
    with pytest.raises(Conflict):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    found = await seen(deployed)
    assert [(each.entry.revision, each.orphaned) for each in found.revisions] == [(1, True)]
    assert found.taken == frozenset()


async def test_a_record_that_is_amiss_is_read_again_and_one_that_is_not_is_served_from_memory(
    deployed: RealBackend, requests: Counter[ApiVerb]
) -> None:
    """Nobody tells of a record that is put right."""
    snapshot = await seen(deployed)
    first, second = a_revision(snapshot), a_revision(snapshot, 2)
    second = replace(second, entry=chained(second.entry, first.entry))
    await deployed.cluster.create_revision(snapshot, first)
    history = (first.entry, second.entry)
    await deployed.cluster.write_status(snapshot, snapshot.status.model_copy(update={"history": history}))
    for listed in (1, 1):
        requests.clear()
        await seen(deployed)
        assert requests[ApiVerb.LIST] == listed, "revision 2 is missing"
    await deployed.cluster.create_revision(await seen(deployed), second)
    requests.clear()
    await seen(deployed)
    assert not requests


async def test_a_record_that_is_changed_on_its_way_is_refused(
    deployed: RealBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy may add to what it lets pass, or take away; records that are none would be created without end."""
    snapshot, ask = await seen(deployed), deployed.client.request

    async def changed(verb: ApiVerb, *args: Any, body: Json, **kwargs: Any) -> Json:
        data = {"data": {"entry": body["data"]["entry"]}} if verb is ApiVerb.CREATE else {}
        return await ask(verb, *args, body={**body, **data}, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(deployed.client, "request", changed)
        with pytest.raises(Refused, match="fraud-1 was changed by admission"):
            await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    assert [each.entry.revision for each in (await seen(deployed)).revisions] == [1], "its number is free again"


async def test_the_hash_of_each_revision_is_logged(deployed: RealBackend, caplog: pytest.LogCaptureFixture) -> None:
    """It is evidence of all that was recorded before it, where nobody can change it any more."""
    snapshot = await seen(deployed)
    with caplog.at_level(logging.INFO):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    (told,) = [each.__dict__ for each in caplog.records if each.message == "Revision recorded"]
    assert (told["key"], told["revision"], told["hash"]) == (deployed.key, 1, a_revision(snapshot).entry.hash)


async def test_a_record_is_not_noted_on_over_a_change_that_was_not_seen(deployed: RealBackend) -> None:
    """Rule: R16."""
    snapshot = await seen(deployed)
    revision = a_revision(snapshot)
    await deployed.cluster.create_revision(snapshot, revision)
    await deployed.merge(Kind.CONTROLLER_REVISION, revision_name(deployed.key, 1), BY_SOMEBODY)
    with pytest.raises(Conflict):
        await deployed.cluster.mark_revision(snapshot, revision.entry)
    assert (await seen(deployed)).revisions == (revision,), "it is read anew"
    await deployed.cluster.mark_revision(snapshot, revision.entry)


async def test_a_record_is_not_deleted_over_a_change_that_was_not_seen(deployed: RealBackend) -> None:
    """Rule: R16."""
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    await deployed.merge(Kind.CONTROLLER_REVISION, revision_name(deployed.key, 1), BY_SOMEBODY)
    with pytest.raises(Conflict):
        await deployed.cluster.delete_revision(snapshot, 1)
    assert len((await seen(deployed)).revisions) == 1, "it is read anew"
    await deployed.cluster.delete_revision(snapshot, 1)
    assert (await seen(deployed)).revisions == ()


async def test_the_names_of_a_predecessor_are_waited_for(deployed: RealBackend) -> None:
    old = await seen(deployed)
    await deployed.cluster.create_revision(old, a_revision(old))
    await deployed.withdraw()
    await deployed.deploy(a_spec(replicas=0))
    await deployed.catch_up()
    snapshot = await seen(deployed)
    # The garbage collector may or may not have been there before us.
    with suppress(Conflict):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    assert (await seen(deployed)).taken == frozenset()


async def test_a_revision_is_deleted_with_its_model_deployment(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    raw = await deployed.get(Kind.CONTROLLER_REVISION, revision_name(deployed.key, 1))
    (reference,) = raw["metadata"]["ownerReferences"]
    assert (reference["uid"], reference["controller"], reference["blockOwnerDeletion"]) == (snapshot.uid, True, True)
    assert raw["revision"] == 1


async def test_an_event_is_recorded_on_the_model_deployment(deployed: RealBackend) -> None:
    snapshot = await seen(deployed)
    event = Event(EventType.WARNING, Reason.ROLLED_BACK, "é" * 1000)
    await deployed.cluster.record_event(snapshot, event)
    pages = deployed.admin.pages(Kind.EVENT, deployed.namespace)
    events = [each async for page in pages for each in page["items"] if each["reason"] == "RolledBack"]
    (recorded,) = events
    assert recorded["regarding"]["uid"] == snapshot.uid
    assert recorded["type"] == "Warning"
    assert recorded["note"] == "é" * 512


async def test_an_event_that_cannot_be_recorded_is_no_error(
    deployed: RealBackend, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = await seen(deployed)
    await deployed.client.close()
    event = Event(EventType.NORMAL, Reason.VERIFIED, "verified")
    await deployed.cluster.record_event(snapshot, event)
    assert "Verified" in caplog.text


async def test_only_the_leader_writes(deployed: RealBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = await seen(deployed)
    monkeypatch.setattr(deployed.client, "_permit", lambda: False)
    with pytest.raises(Unavailable, match="not leading"):
        await deployed.cluster.write_status(snapshot, snapshot.status)
    assert await seen(deployed) == snapshot


async def test_a_kind_without_crd_is_unavailable_and_not_empty(real: RealBackend) -> None:
    with pytest.raises(Unavailable, match="is its CRD installed"):
        await anext(real.admin.pages(Kind.EVENT, "no/such/path"))
