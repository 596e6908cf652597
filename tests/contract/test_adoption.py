"""The part of the `Cluster` port that takes over a Deployment: the simulation keeps the same contract as the real one.

Rule: R126.
Rule: R127.
"""

from dataclasses import replace

import pytest

from contract.backend import NOON, Backend, an_application, seen, seen_when
from pennant.api.adoption import Adoption, AdoptionPhase
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload, PrepareAdoption
from pennant.core.facts.observation import Snapshot, Workload
from pennant.core.rollout.revision import template_hash
from pennant.ports import Conflict
from simulation.support.story import a_record, a_spec


def a_template(**container: str) -> Json:
    spec = a_spec()["template"]["spec"]
    containers = [{**spec["containers"][0], **container}]
    return {"metadata": {"labels": {"app": "fraud"}}, "spec": {**spec, "containers": containers}}


@pytest.fixture
async def existing(backend: Backend) -> Backend:
    """Return a backend with a Deployment of one pod, and a ModelDeployment whose pod template is equal to its own."""
    await backend.publish(a_record("1.0.0"), ["production"])
    await backend.deploy_by_hand(a_template(), replicas=1)
    await backend.deploy(a_spec(replicas=1, adopt=True, template=a_template(), inject={"containers": []}))
    await seen_when(backend, lambda snapshot: the_foreign(snapshot).settled and the_foreign(snapshot).total == 1)
    return backend


def the_foreign(snapshot: Snapshot) -> Workload:
    """Return the Deployment that belongs to nobody."""
    assert snapshot.workload is not None
    assert not snapshot.workload.owned
    return snapshot.workload


async def prepared(backend: Backend, **container: str) -> tuple[Snapshot, ApplyWorkload, Adoption]:
    """Prepare the adoption, by a pod template whose container has these fields besides those of the existing one."""
    for _ in range(20):
        snapshot = await seen(backend)
        action = an_application(snapshot, None, **container)
        try:
            adoption = await backend.cluster.prepare_adoption(
                snapshot, PrepareAdoption(the_foreign(snapshot), action.manifest, NOON)
            )
        except Conflict:
            # Its status changes as its pod starts.
            continue
        return snapshot, action, adoption
    raise AssertionError("the Deployment does not come to rest")


async def release(backend: Backend) -> None:
    for _ in range(20):
        snapshot = await seen(backend)
        try:
            return await backend.cluster.release_replica_sets(snapshot, the_foreign(snapshot))
        except Conflict:
            continue
    raise AssertionError("the Deployment does not come to rest")


async def test_equal_templates_keep_the_pods_and_nothing_is_changed_yet(existing: Backend) -> None:
    before, action, adoption = await prepared(existing)
    assert (adoption.phase, adoption.uid) == (AdoptionPhase.PREPARED, the_foreign(before).uid)
    assert (adoption.replaces_pods, adoption.since, adoption.manifest) == ("", NOON, "fraud-adopted")
    assert adoption.template_hash == template_hash(action.manifest["spec"]["template"])
    assert (adoption.serving is not None, adoption.earlier) == (True, ())
    after = await seen(existing)
    assert (the_foreign(after).uid, the_foreign(after).generation) == (adoption.uid, adoption.generation)
    assert after.revisions == (), "the kept manifest is no revision"


async def test_another_template_is_named_as_what_replaces_the_pods(existing: Backend) -> None:
    _, _, adoption = await prepared(existing, image="registry.example/server:2")
    assert "containers[name=server].image" in adoption.replaces_pods
    _, _, again = await prepared(existing)
    assert again.replaces_pods == "", "it can be prepared again"


async def test_a_deployment_that_has_changed_is_neither_prepared_nor_released(existing: Backend) -> None:
    snapshot = await seen(existing)
    seen_before = replace(the_foreign(snapshot), resource_version="7")
    manifest = an_application(snapshot, None).manifest
    with pytest.raises(Conflict):
        await existing.cluster.prepare_adoption(snapshot, PrepareAdoption(seen_before, manifest, NOON))
    with pytest.raises(Conflict):
        await existing.cluster.release_replica_sets(await seen(existing), seen_before)
    assert not the_foreign(await seen(existing)).deleting


@pytest.mark.parametrize("image", ["registry.example/server:1", "registry.example/server:2"], ids=["equal", "another"])
async def test_replica_sets_that_were_released_go_to_the_new_deployment(existing: Backend, image: str) -> None:
    snapshot, action, adoption = await prepared(existing, image=image)
    await release(existing)
    gone = await seen_when(existing, lambda snapshot: snapshot.workload is None)
    await existing.cluster.release_replica_sets(gone, the_foreign(snapshot))
    for _ in range(2):
        await existing.cluster.label_replica_sets(await seen(existing), adoption, action.manifest)
    await existing.cluster.apply_workload(await seen(existing), action)

    def is_taken_over(snapshot: Snapshot) -> bool:
        found = snapshot.workload
        if found is None or not found.settled:
            return False
        # While the pods of another template do not become ready, those of the existing one stay.
        return (found.total, found.updated) == ((1, 1) if image.endswith(":1") else (2, 1))

    after = await seen_when(existing, is_taken_over)
    assert after.workload is not None
    assert after.workload.owned
    found = await existing.cluster.pods(after, adoption.template_hash)
    assert found.replica_set is not None
    assert len(found.pods) == 1, "the pods of this template have its labels, and no others have them"


async def test_labels_are_not_written_while_the_deployment_is_there(existing: Backend) -> None:
    snapshot, action, adoption = await prepared(existing)
    with pytest.raises(Conflict):
        await existing.cluster.label_replica_sets(await seen(existing), adoption, action.manifest)
    found = await existing.cluster.pods(replace(snapshot, workload=the_foreign(snapshot)), adoption.template_hash)
    assert (found.replica_set, found.pods) == (None, ())
