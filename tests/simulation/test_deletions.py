"""Users delete objects after each write: what serves keeps serving, and another deployment does not change.

Rule: R99.
Rule: R102.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from pennant.core.facts.observation import Key
from simulation.support import invariants
from simulation.support.scenario import ReferenceRun, Script, reference_run
from simulation.support.scenarios import deploy, promote, promote_what_never_becomes_ready
from simulation.support.steps import outcomes
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY, OTHER, World

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")

T = TypeVar("T")
Deletion = Callable[[Story], None]


def no_more(_: Story) -> None:
    """Delete nothing else."""


def deploy_two(story: Story) -> None:
    deploy(story)
    without_metrics = {"analysis": {"bakeSeconds": 2}, "rollout": {"progressDeadlineSeconds": 5}}
    story.world.apply_deployment(OTHER, a_spec(replicas=1, **without_metrics))


STORY = Script(
    {
        0: deploy_two,
        12: promote("1.0.0", "1.1.0", accuracy=0.2),
        24: promote("1.1.0", "1.2.0"),
        36: promote_what_never_becomes_ready("1.2.0", "1.3.0"),
    },
    seconds=52,
)
"""A version is served, the next one is found bad, a third one is good, and a fourth one never becomes ready.

Each good one has time to be known good, also where its Deployment is deleted in its bake time, which then begins anew.

The other deployment has no metrics, so it finds nothing bad but the last one.
"""


@pytest.fixture
async def reference() -> ReferenceRun:
    return await reference_run(STORY)


class Deleting:
    """Deletes an object right after a write, which is in the middle of a pass."""

    def __init__(self, story: Story, write: int, delete: Deletion) -> None:
        self.story, self.left, self.delete, self.done = story, write, delete, False
        story.world.after_write = self

    def __call__(self, _: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.delete(self.story)
            self.done = True

    def has_happened(self) -> bool:
        return self.done


async def with_deletion(reference: ReferenceRun, write: int, delete: Deletion, afterwards: Deletion = no_more) -> Story:
    """Run the script to its end with a deletion right after a write; fail where it does not come to rest."""
    begun = reference.before(write)
    story = Story()
    deleting = Deleting(story, write - (begun.writes if begun else 0), delete)
    await reference.script.play(story, begun)
    assert deleting.done
    afterwards(story)
    await story.passes(10)
    invariants.check(story.world)
    written = story.world.writes
    story.start_operator()
    await story.passes(5)
    assert story.world.writes == written, story.world.trace[-5:]
    return story


def what_became_of(key: Key, story: Story) -> object:
    """Return what became of a deployment, and when."""
    status = story.world.records[key].status
    entries = [(e.revision, e.version, e.trigger, e.outcome, e.started_at, e.verified_at) for e in status.history]
    return entries, [(each.version, each.reason, each.since) for each in status.quarantine]


FIRST = 2
"""The first write is the status after the dry run: nothing is on record before it."""


def at_each(writes: int, every: int, *deletions: T) -> Iterator[tuple[int, T]]:
    """Yield the writes at which something is deleted, with the next one of these deletions each."""
    return zip(range(FIRST, writes + 1, every), itertools.cycle(deletions), strict=False)


def version_goes(version: str, *, comes_back: bool) -> Deletion:
    def delete(story: Story) -> None:
        if (found := story.world.versions.get(("default", f"fraud-{version}"))) is not None:
            story.world.delete_version(f"fraud-{version}")
            if comes_back:
                story.version(version, *found.tags)

    return delete


async def test_a_version_that_is_deleted_and_created_again_changes_nothing(reference: ReferenceRun) -> None:
    come_back = [version_goes(version, comes_back=True) for version in VERSIONS]
    for write, delete in at_each(reference.writes, 1, *come_back):
        story, begun = Story(), reference.before(write)
        deleting = Deleting(story, write - (begun.writes if begun else 0), delete)
        await reference.repeat(story, write, deleting.has_happened)


async def test_a_version_that_is_deleted_takes_nothing_with_it(reference: ReferenceRun) -> None:
    """Rule: R8."""
    end = await as_told(reference)
    for write, delete in at_each(reference.writes, 5, *(version_goes(each, comes_back=False) for each in VERSIONS)):
        story = await with_deletion(reference, write, delete)
        # The other one may not have seen it before it went.
        assert what_became_of(KEY, story) == what_became_of(KEY, end), f"after write {write}"


async def as_told(reference: ReferenceRun) -> Story:
    """Return the end of the script without deletions."""
    story = Story()
    await reference.script.play(story)
    await story.passes(10)
    return story


def workload_goes(story: Story) -> None:
    if KEY in story.world.deployments:
        story.world.delete_workload(KEY)


def workload_goes_in_the_foreground(story: Story) -> None:
    if KEY in story.world.deployments:
        story.world.delete_workload(KEY, in_the_foreground=True)


async def test_a_deployment_that_is_deleted_comes_back_and_the_history_goes_on(reference: ReferenceRun) -> None:
    end = await as_told(reference)
    for write, delete in at_each(reference.writes, 5, workload_goes, workload_goes_in_the_foreground):
        story = await with_deletion(reference, write, delete)
        assert outcomes(story) == outcomes(end), f"after write {write}"
        assert story.served() == end.served() == "1.2.0"
        assert what_became_of(OTHER, story) == what_became_of(OTHER, end)


def record_goes(choose: Callable[[list[int]], list[int]]) -> Deletion:
    def delete(story: Story) -> None:
        if KEY in story.world.records:
            for number in choose(sorted(story.world.records[KEY].revisions)):
                story.world.delete_revision(KEY, number)

    return delete


async def test_records_that_are_deleted_are_missed_and_nothing_bad_is_served_for_it(reference: ReferenceRun) -> None:
    """What serves keeps serving or is recorded again; without a record it is no rollback target."""
    end = await as_told(reference)
    some = [record_goes(lambda numbers: numbers[:1]), record_goes(lambda numbers: numbers[-1:])]
    for write, delete in at_each(reference.writes, 5, *some):
        story = await with_deletion(reference, write, delete)
        ended = story.status.history[-1]
        assert ended.version == "1.2.0" or story.condition("Stalled") == ("True", "NoRollbackTarget")
        assert story.served() == ended.version, f"after write {write}"
        assert what_became_of(OTHER, story) == what_became_of(OTHER, end)


async def test_without_any_record_what_cannot_be_done_is_said(reference: ReferenceRun) -> None:
    end = await as_told(reference)
    for write, delete in at_each(reference.writes, 7, record_goes(lambda numbers: numbers)):
        story = await with_deletion(reference, write, delete)
        ended = story.status.history[-1]
        if story.served() != ended.version:
            assert story.condition("HistoryIntact") == ("False", "HistoryTampered")
            assert story.condition("Stalled")[0] == "True"
        assert what_became_of(OTHER, story) == what_became_of(OTHER, end)


async def test_a_rollback_whose_record_is_deleted_at_once_is_put_on_record_again_and_carried_out(
    reference: ReferenceRun,
) -> None:
    """The earlier record of the same template is enough; what is bad does not stay."""
    newest = record_goes(lambda numbers: numbers[-1:])
    for write in range(reference.writes * 2 // 3, reference.writes + 1):
        story = await with_deletion(reference, write, newest)
        if story.status.history[-1].reason == "the ControllerRevision of revision 6 is missing":
            assert story.served() == "1.2.0"
            return
    raise AssertionError("no write was one after which the record of the rollback was missed")


def goes_and_comes_back(delete: Callable[[World], None]) -> Deletion:
    """Delete a ModelDeployment, and apply it again while what it owned is still there."""

    def act(story: Story) -> None:
        if KEY in story.world.records:
            spec = story.world.records[KEY].spec
            delete(story.world)
            if KEY not in story.world.records:
                story.world.apply_deployment(KEY, spec)

    return act


def at_once(world: World) -> None:
    world.delete_deployment(KEY)


def in_the_background(world: World) -> None:
    world.delete_deployment_alone(KEY)


def as_orphans(world: World) -> None:
    world.delete_deployment_alone(KEY, orphan=True)


def in_the_foreground(world: World) -> None:
    world.begin_to_delete(KEY)


WAYS = (at_once, in_the_background, as_orphans, in_the_foreground)


def collect_all(story: Story) -> None:
    """Have the collector come, and a person take away what was orphaned; apply again what is gone."""
    story.world.collect_garbage()
    if KEY in story.world.deployments and not story.world.deployments[KEY].owner:
        story.world.delete_workload(KEY)
    if KEY not in story.world.records:
        deploy_spec = a_spec(replicas=1)
        story.world.apply_deployment(KEY, deploy_spec)


async def test_a_model_deployment_that_is_deleted_and_created_again_serves_what_the_tag_asks_for(
    reference: ReferenceRun,
) -> None:
    """Or nothing, where that was found bad and nothing is left to go back to."""
    end = await as_told(reference)
    for write, delete in at_each(reference.writes, 3, *(goes_and_comes_back(way) for way in WAYS)):
        story = await with_deletion(reference, write, delete, collect_all)
        stalled = story.condition("Stalled")[1]
        if KEY in story.world.deployments:
            assert story.served() == story.history[-1].version, f"after write {write}"
            assert story.served() == "1.2.0" or stalled in ("NoRollbackTarget", "NotStalled"), f"after write {write}"
        else:
            assert stalled == "Quarantined", f"after write {write}"
        assert what_became_of(OTHER, story) == what_became_of(OTHER, end)


async def test_a_model_deployment_that_is_deleted_for_good_leaves_nothing_and_nothing_is_written_for_it(
    reference: ReferenceRun,
) -> None:
    end = await as_told(reference)
    goes = [lambda story, way=way: way(story.world) if KEY in story.world.records else None for way in WAYS]
    for write, delete in at_each(reference.writes, 5, *goes):
        story = await with_deletion(reference, write, delete, lambda story: story.world.collect_garbage())
        assert KEY not in story.world.records
        kept = story.world.deployments.get(KEY)
        assert kept is None or kept.owner == "", "only an orphan stays"
        assert what_became_of(OTHER, story) == what_became_of(OTHER, end)
