"""The contract of the `Versions` port: every implementation keeps it, the one of the tests as the real one.

Rule: R16.
"""

from dataclasses import replace

import pytest

from contract.backend import NOON, Backend, a_revision, seen
from pennant.api.conditions import Condition, ConditionStatus
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import Bump, Completeness, ComputedBump, ModelVersionStatus, QuarantinedBy, ServedBy
from pennant.core.facts.decision import MirrorQuarantine
from pennant.core.facts.observation import Key
from pennant.core.versions.serving_periods import ServingPeriod
from pennant.core.versions.status import VersionSeen
from pennant.ports import Conflict
from simulation.support.story import a_record, a_spec

READY = Condition(
    type="Ready",
    status=ConditionStatus.TRUE,
    reason="RecordValid",
    message="the record is valid",
    observed_generation=1,
    last_transition_time=NOON,
)
WHOLE = ModelVersionStatus(
    observed_generation=1,
    conditions=(READY,),
    completeness=Completeness(present=8, missing=("Author",)),
    record_digest="sha256:" + "1" * 64,
    computed_bump=ComputedBump(parent="1.0.0", bump=Bump.MINOR, reasons=("hyperparameters differ: depth",)),
    serving="fraud",
    served_by=(ServedBy(deployment="fraud", revision=1, from_=NOON),),
)


@pytest.fixture
async def published(backend: Backend) -> Backend:
    await backend.publish(a_record("1.0.0"), ["production"])
    await backend.publish({**a_record("1.1.0"), "parent": "1.0.0"})
    await backend.catch_up()
    return backend


async def version(backend: Backend, name: str = "fraud-1.1.0") -> VersionSeen:
    """Return what is seen of a version, which is there."""
    found = await backend.versions.version(Key(backend.namespace, name))
    assert found is not None
    return found


async def test_what_does_not_exist_is_not_seen(backend: Backend) -> None:
    assert await backend.versions.version(Key(backend.namespace, "nobody")) is None


async def test_a_version_is_seen_with_its_record_and_its_parent_tagged_or_not(published: Backend) -> None:
    found = await version(published)
    assert isinstance(found.spec, ModelVersionSpec)
    assert isinstance(found.parent, ModelVersionSpec)
    assert (found.spec.version, found.parent.version) == ("1.1.0", "1.0.0")
    assert found.record["artifacts"] == a_record("1.1.0")["artifacts"]
    assert (found.generation, found.deleting, found.status) == (1, False, ModelVersionStatus())
    assert (await version(published, "fraud-1.0.0")).parent is None


async def test_a_parent_that_comes_later_or_goes_is_seen(backend: Backend) -> None:
    await backend.publish({**a_record("1.1.0"), "parent": "1.0.0"})
    await backend.catch_up()
    assert (await version(backend)).parent is None
    await backend.publish(a_record("1.0.0"))
    await backend.catch_up()
    assert isinstance((await version(backend)).parent, ModelVersionSpec)
    await backend.retract("1.0.0")
    await backend.catch_up()
    assert (await version(backend)).parent is None


async def test_a_status_that_was_written_is_seen_and_so_is_the_next(published: Backend) -> None:
    await published.versions.write_status(await version(published), WHOLE)
    found = await version(published)
    assert found.status == WHOLE
    assert found.generation == 1
    less = WHOLE.model_copy(
        update={"completeness": None, "record_digest": None, "computed_bump": None, "serving": None, "served_by": ()}
    )
    await published.versions.write_status(found, less)
    assert (await version(published)).status == less, "what is not said any more is taken away"


async def test_a_status_is_not_written_over_what_was_not_seen(published: Backend) -> None:
    found = await version(published)
    with pytest.raises(Conflict):
        await published.versions.write_status(replace(found, resource_version="1"), WHOLE)
    assert (await version(published)).status == ModelVersionStatus()


async def test_a_status_is_not_written_to_another_version_of_the_same_name(published: Backend) -> None:
    found = await version(published)
    await published.retract("1.1.0")
    await published.publish(a_record("1.1.0"))
    with pytest.raises(Conflict):
        await published.versions.write_status(found, WHOLE)
    anew = await version(published)
    assert anew.uid != found.uid
    assert anew.status == ModelVersionStatus()


async def test_after_a_conflict_the_present_is_seen(published: Backend) -> None:
    found = await version(published)
    await published.publish(a_record("1.1.0"), ["staging"])
    with pytest.raises(Conflict):
        await published.versions.write_status(found, WHOLE)
    assert (await version(published)).generation == 2


async def test_a_version_that_is_gone_is_a_conflict_and_then_not_seen(published: Backend) -> None:
    found = await version(published)
    await published.retract("1.1.0")
    with pytest.raises(Conflict):
        await published.versions.write_status(found, WHOLE)
    assert await published.versions.version(found.key) is None


async def test_neither_of_the_two_that_write_a_version_touches_what_the_other_wrote(published: Backend) -> None:
    await published.deploy(a_spec(replicas=0))
    await published.catch_up()
    snapshot = await seen(published)
    marked = next(each for each in snapshot.versions if each.version == "1.1.0")
    mark = QuarantinedBy(
        deployment="fraud", digest=marked.digest, reason="MetricBreach", message="bad", since=NOON, revision=1
    )
    await published.cluster.mirror_quarantine(snapshot, MirrorQuarantine(marked, (mark,)))
    await published.versions.write_status(await version(published), WHOLE)
    (still,) = [each for each in (await seen(published)).versions if each.version == "1.1.0"]
    assert still.quarantined_by == (mark,)
    await published.cluster.mirror_quarantine(snapshot, MirrorQuarantine(still, ()))
    assert (await version(published)).status == WHOLE


async def test_who_serves_a_version_is_seen_as_soon_as_it_is_written(published: Backend) -> None:
    await published.deploy(a_spec(replicas=0))
    await published.catch_up()
    snapshot = await seen(published)
    entry = a_revision(snapshot).entry.model_copy(update={"version": "1.1.0", "available_at": NOON})
    await published.cluster.write_status(snapshot, ModelDeploymentStatus(history=(entry,)))
    found = await version(published)
    assert found.periods == (ServingPeriod("fraud", 1, "1.1.0", entry.digest, NOON, None),)
    assert (await version(published, "fraud-1.0.0")).periods == ()
    await published.withdraw()
    await published.catch_up()
    assert (await version(published)).periods == ()
