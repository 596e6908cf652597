"""The contract of the `Cluster` port: every implementation keeps it, the one of the tests as the real one.

Rule: R16.
"""

from dataclasses import replace
from typing import Any

import pytest

from contract.backend import NOON, Backend, a_revision, an_application, seen, seen_when
from pennant.api.deployment_status import Applied
from pennant.api.history import Outcome
from pennant.api.service import Service
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.decision import ApplyService, MirrorQuarantine
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.core.facts.pods import ReplicaSet
from pennant.core.workload import service
from pennant.ports import Conflict
from simulation.support.story import a_record, a_spec

APPLIED = Applied(manifest_hash="abc", uid="u", revision=1, fields_hash="def", template_hash="123")
ANOTHER_UID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
async def deployed(backend: Backend) -> Backend:
    await backend.publish(a_record("1.0.0"), ["production"])
    await backend.deploy(a_spec(replicas=0))
    await backend.catch_up()
    return backend


async def test_what_does_not_exist_has_no_snapshot(backend: Backend) -> None:
    assert await backend.cluster.snapshot(Key(backend.namespace, "nobody")) is None


async def test_a_snapshot_holds_the_spec_and_the_versions_of_the_model_alone(deployed: Backend) -> None:
    await deployed.publish({**a_record("3.0.0"), "model": "churn"}, ["production"])
    await deployed.publish(a_record("2.0.0"))
    await deployed.catch_up()
    snapshot = await seen(deployed)
    assert not isinstance(snapshot.spec, Invalid)
    assert snapshot.spec.model == "fraud"
    assert {each.version: set(each.tags) for each in snapshot.versions} == {"1.0.0": {"production"}, "2.0.0": set()}
    assert (snapshot.revisions, snapshot.workload) == ((), None)


async def test_a_version_without_a_tag_is_read_where_a_model_deployment_names_it(deployed: Backend) -> None:
    await deployed.publish(a_record("2.0.0"))
    await deployed.catch_up()
    await deployed.deploy(a_spec(replicas=0, version="2.0.0"))
    await deployed.catch_up()
    (named,) = [each for each in (await seen(deployed)).versions if each.version == "2.0.0"]
    assert not isinstance(named.spec, Invalid)
    assert named.record["artifacts"] == a_record("2.0.0")["artifacts"]
    await deployed.publish(a_record("2.0.0"), ["staging"])
    await deployed.publish(a_record("2.0.0"))
    await deployed.catch_up()
    (named,) = [each for each in (await seen(deployed)).versions if each.version == "2.0.0"]
    assert not isinstance(named.spec, Invalid), "also when it changes afterwards"


async def test_a_moved_tag_is_seen_and_so_is_who_moved_it(deployed: Backend) -> None:
    await deployed.publish(a_record("1.0.0"), ["staging"])
    await deployed.catch_up()
    (version,) = (await seen(deployed)).versions
    assert version.tags == {"staging"}
    assert version.tagged_by == "kubectl"


async def test_a_deleted_model_deployment_has_no_snapshot(deployed: Backend) -> None:
    await deployed.withdraw()
    await deployed.catch_up()
    assert await deployed.cluster.snapshot(Key(deployed.namespace, "fraud")) is None


async def test_a_revision_is_in_the_next_snapshot_as_it_was_written(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    revision = a_revision(snapshot)
    await deployed.cluster.create_revision(snapshot, revision)
    assert (await seen(deployed)).revisions == (revision,)


async def test_a_revision_number_is_given_once(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    with pytest.raises(Conflict):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    assert len((await seen(deployed)).revisions) == 1


async def test_progress_is_noted_on_a_revision_whatever_it_holds(deployed: Backend) -> None:
    """A record is immutable byte by byte, so it must come through a change of its annotations as it was written."""
    awkward = {"name": "server", "image": "registry.example/server:1", "args": ["<a>&b", "é…\u2028\t\b\x7f", '"\\']}
    await deployed.deploy(a_spec(replicas=0, template={"spec": {"containers": [awkward]}}))
    await deployed.catch_up()
    snapshot = await seen(deployed)
    revision = a_revision(snapshot)
    await deployed.cluster.create_revision(snapshot, revision)
    for outcome in (Outcome.VERIFIED, Outcome.SUPERSEDED):
        entry = revision.entry.model_copy(update={"outcome": outcome, "verified_at": NOON})
        await deployed.cluster.mark_revision(snapshot, entry)
        assert (await seen(deployed)).revisions == (replace(revision, mirrored=entry),)


async def test_a_deleted_revision_is_gone_and_may_be_deleted_again(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    for number in (1, 2):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot, number))
    await deployed.cluster.delete_revision(snapshot, 1)
    await deployed.cluster.delete_revision(snapshot, 1)
    assert [each.entry.revision for each in (await seen(deployed)).revisions] == [2]


async def test_a_status_is_in_the_next_snapshot_as_it_was_written(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    entry = a_revision(snapshot).entry
    status = snapshot.status.model_copy(update={"applied": APPLIED, "history": (entry,)})
    await deployed.cluster.write_status(snapshot, status)
    after = await seen(deployed)
    assert after.status == status
    assert after.spec == snapshot.spec


async def test_a_status_is_not_written_over_a_change_that_was_not_seen(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.deploy(a_spec(replicas=1))
    with pytest.raises(Conflict):
        await deployed.cluster.write_status(snapshot, snapshot.status.model_copy(update={"applied": APPLIED}))
    assert (await seen(deployed)).status.applied is None


async def test_a_status_is_not_written_to_another_object_of_the_same_name(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    with pytest.raises(Conflict):
        await deployed.cluster.write_status(replace(snapshot, uid=ANOTHER_UID), snapshot.status)


async def test_a_status_is_not_written_to_what_is_deleted(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.withdraw()
    with pytest.raises(Conflict):
        await deployed.cluster.write_status(snapshot, snapshot.status)
    assert await deployed.cluster.snapshot(snapshot.key) is None


async def test_an_applied_deployment_is_returned_owned_and_in_the_next_snapshot(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.create_revision(snapshot, a_revision(snapshot))
    workload = await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    assert workload.owned
    assert workload.generation == 1
    assert workload.template_hash == a_revision(snapshot).entry.template_hash
    assert (await seen(deployed)).workload == workload


async def test_applying_the_same_again_changes_nothing(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    settled = await seen_when(deployed, lambda each: each.workload is not None and each.workload.settled)
    again = await deployed.cluster.apply_workload(settled, an_application(settled, settled.workload))
    assert again == settled.workload


async def test_another_manifest_makes_another_generation(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    settled = await seen_when(deployed, lambda each: each.workload is not None and each.workload.settled)
    application = an_application(settled, settled.workload, image="registry.example/server:2")
    workload = await deployed.cluster.apply_workload(settled, application)
    assert workload.generation == 2
    assert await deployed.workload_image() == "registry.example/server:2"


async def test_the_replica_set_of_a_pod_template_is_found_and_of_no_other(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    assert (await deployed.cluster.pods(snapshot, "any")).replica_set is None, "there is no Deployment"
    applied = await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    for _ in range(100):
        await deployed.catch_up()
        found = (await deployed.cluster.pods(await seen(deployed), applied.template_hash)).replica_set
        if found is not None and found.is_observed:
            break
    assert found is not None
    assert found.pod_template_hash
    told = replace(found, pod_template_hash="")
    assert told == ReplicaSet("", wanted=0, is_observed=True, total=0, ready=0, available=0)
    assert (await deployed.cluster.pods(await seen(deployed), "another")).replica_set is None


async def test_a_deployment_that_was_not_seen_is_not_applied_over(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))


async def test_a_deployment_is_not_applied_over_a_change_that_was_not_seen(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    workload = await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    await deployed.touch_workload()
    application = an_application(snapshot, workload, image="registry.example/server:2")
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, application)
    assert await deployed.workload_image() == "registry.example/server:1"


def a_service(snapshot: Snapshot, **fields: Any) -> ApplyService:
    """Return the write of the Service that a spec with these fields asks for."""
    assert not isinstance(snapshot.spec, Invalid)
    wanted = Service.model_validate({"name": "fraud", "ports": [{"port": 80, "targetPort": 8080}], **fields})
    manifest = service.manifest(snapshot, snapshot.spec.model_copy(update={"service": wanted}))
    assert manifest is not None
    known = {each.name: each for each in snapshot.services or ()}
    return ApplyService(manifest, known.get(manifest["metadata"]["name"]))


async def test_a_service_is_applied_changed_and_deleted(deployed: Backend) -> None:
    """Rule: R106."""
    snapshot = await seen(deployed)
    assert snapshot.services == ()
    first = a_service(snapshot, labels={"team": "payments"})
    await deployed.cluster.apply_service(snapshot, first)
    snapshot = await seen(deployed)
    (found,) = snapshot.services or ()
    assert found.owned
    assert found.spec["ports"][0]["targetPort"] == 8080
    assert found.manifest_hash == first.manifest["metadata"]["annotations"]["pennant.dev/manifest-hash"]
    with pytest.raises(Conflict):
        await deployed.cluster.apply_service(snapshot, replace(first, expected=None))
    await deployed.cluster.apply_service(snapshot, a_service(snapshot, ports=[{"port": 81}]))
    await deployed.catch_up()
    snapshot = await seen(deployed)
    (found,) = snapshot.services or ()
    assert [each["port"] for each in found.spec["ports"]] == [81]
    await deployed.cluster.delete_service(snapshot, found)
    await deployed.catch_up()
    assert (await seen(deployed)).services == ()
    await deployed.cluster.delete_service(snapshot, found)


async def test_a_dry_run_stores_nothing(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.cluster.dry_run_workload(snapshot, an_application(snapshot, None))
    await deployed.catch_up()
    assert (await seen(deployed)).workload is None
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    settled = await seen_when(deployed, lambda each: each.workload is not None and each.workload.settled)
    application = an_application(settled, settled.workload, image="registry.example/server:2")
    await deployed.cluster.dry_run_workload(settled, application)
    assert await deployed.workload_image() == "registry.example/server:1"
    await deployed.touch_workload()
    with pytest.raises(Conflict):
        await deployed.cluster.dry_run_workload(settled, application)


async def test_a_foreign_deployment_is_not_taken_over_and_is_seen_after_the_conflict(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    await deployed.occupy()
    with pytest.raises(Conflict):
        await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    assert await deployed.workload_image() == "registry.example/foreign:1"
    workload = (await seen(deployed)).workload
    assert workload is not None
    assert not workload.owned


@pytest.fixture
async def left_behind(deployed: Backend) -> Snapshot:
    """Return what is seen after a ModelDeployment let go of what it owned, and was created again."""
    snapshot = await seen(deployed)
    for number in (1, 2):
        await deployed.cluster.create_revision(snapshot, a_revision(snapshot, number))
    await deployed.cluster.apply_workload(snapshot, an_application(snapshot, None))
    await deployed.let_go()
    await deployed.deploy(a_spec(replicas=0))
    await deployed.catch_up()
    return await seen(deployed)


async def test_what_belongs_to_nobody_is_seen_as_that(left_behind: Snapshot) -> None:
    assert [(each.entry.revision, each.orphaned) for each in left_behind.revisions] == [(1, True), (2, True)]
    assert left_behind.workload is not None
    assert (left_behind.workload.owned, left_behind.workload.orphaned) == (False, True)


async def test_a_revision_that_belongs_to_nobody_is_taken_up_as_it_is(backend: Backend, left_behind: Snapshot) -> None:
    first, second = left_behind.revisions
    await backend.cluster.adopt_revision(left_behind, 1)
    assert (await seen(backend)).revisions == (replace(first, orphaned=False), second)
    entry = first.entry.model_copy(update={"outcome": Outcome.VERIFIED, "verified_at": NOON})
    await backend.cluster.mark_revision(left_behind, entry)
    assert (await seen(backend)).revisions == (replace(first, orphaned=False, mirrored=entry), second)


async def test_a_deployment_without_an_owner_is_adopted_as_it_is(backend: Backend, left_behind: Snapshot) -> None:
    before = left_behind.workload
    assert before is not None
    await backend.cluster.adopt_workload(left_behind, before)
    snapshot = await seen(backend)
    after = snapshot.workload
    assert after is not None
    assert (after.owned, after.orphaned, after.generation, after.uid) == (True, False, before.generation, before.uid)
    assert (after.fields_hash, after.stored_template) == (before.fields_hash, before.stored_template)
    again = await backend.cluster.apply_workload(snapshot, an_application(snapshot, after))
    assert again.generation == before.generation, "and is applied as before"


async def test_a_deployment_is_not_taken_up_over_a_change_that_was_not_seen(
    backend: Backend, left_behind: Snapshot
) -> None:
    assert left_behind.workload is not None
    await backend.touch_workload()
    with pytest.raises(Conflict):
        await backend.cluster.adopt_workload(left_behind, left_behind.workload)
    workload = (await seen(backend)).workload
    assert workload is not None
    assert not workload.owned


async def test_a_quarantine_is_mirrored_and_then_taken_back(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    (version,) = snapshot.versions
    mark = QuarantinedBy(
        deployment="fraud",
        digest=version.digest,
        reason="MetricBreach",
        message="accuracy is 0.5, below 0.9, in 3 of 3 checks",
        since=NOON,
        revision=1,
    )
    await deployed.cluster.mirror_quarantine(snapshot, MirrorQuarantine(version, (mark,)))
    (marked,) = (await seen(deployed)).versions
    assert marked.quarantined_by == (mark,)
    assert marked.tags == {"production"}
    await deployed.cluster.mirror_quarantine(snapshot, MirrorQuarantine(marked, ()))
    (released,) = (await seen(deployed)).versions
    assert released.quarantined_by == ()


async def test_a_quarantine_is_not_mirrored_over_a_change_that_was_not_seen(deployed: Backend) -> None:
    snapshot = await seen(deployed)
    (version,) = snapshot.versions
    await deployed.publish(a_record("1.0.0"), ["staging"])
    with pytest.raises(Conflict):
        await deployed.cluster.mirror_quarantine(snapshot, MirrorQuarantine(version, ()))
    (current,) = (await seen(deployed)).versions
    assert current.tags == {"staging"}
