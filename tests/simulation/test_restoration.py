"""All objects are created again from a backup, with new uids and without owners: history and quarantine are restored.

A backup tool takes away uids, resourceVersions and owner references, and most take away the status. It creates kind
after kind, while the operator runs or before.

Rule: R74.
Rule: R65.
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.core.rollout.revision import chained
from simulation.support import invariants
from simulation.support.steps import move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.world import KEY, Orphan, Record, World

Step = Callable[[World, World], None]
STEPS = ("records", "deployment", "object", "versions")
ORDERS = list(itertools.permutations(STEPS))
LATE = [each for each in ORDERS if each.index("records") > max(each.index("object"), each.index("versions"))]
"""In these the operator has been asked to serve a version before it could know what became of it."""


def delete_all(world: World) -> None:
    world.delete_deployment(KEY)
    for namespace, name in list(world.versions):
        world.delete_version(name, namespace)
    world.version_statuses.clear()


def create(world: World, backup: World, what: str, with_status: bool) -> None:
    """Create the objects of a kind that are not there yet, as a backup tool does."""
    record = backup.records[KEY]
    match what:
        case "records":
            taken = world.records[KEY].revisions if KEY in world.records else {}
            left = {number: Orphan(each) for number, each in record.revisions.items() if number not in taken}
            world.orphans[KEY] = left
        case "deployment" if KEY not in world.deployments:
            found = backup.deployments[KEY].copy()
            found.uid, found.owner, found.resource_version = f"deployment-{world.serial()}", "", world.serial()
            world.deployments[KEY] = found
        case "object":
            status = record.stored if with_status else ModelDeploymentStatus()
            world.records[KEY] = Record(
                f"owner-{world.serial()}", world.serial(), 1, record.spec, status, dict(record.annotations)
            )
        case "versions":
            for where, each in backup.versions.items():
                marks = each.quarantined_by if with_status else ()
                world.versions[where] = replace(
                    each, uid=f"version-{world.serial()}", resource_version=str(world.serial()), quarantined_by=marks
                )
                world.version_generations[where] = 1


async def a_rollback() -> Story:
    return await rolled_back("1.0.0", "1.1.0")


async def a_rollback_of_what_never_became_ready() -> Story:
    story = await serving("1.0.0")
    story.world.never_ready.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    return story


async def an_undo() -> Story:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.world.annotate(KEY, rollback_to="1.0.0", requested_at="t1", requested_by="ada")
    await story.until(lambda: story.history[-1].trigger.value == "Undo" and story.history[-1].verified_at is not None)
    return story


async def an_undo_of_a_template() -> Story:
    story = await serving("1.0.0")
    story.deployment(template={"spec": {"containers": [{"name": "server", "image": "registry.example/server:2"}]}})
    await story.until(lambda: len(story.history) == 2 and story.history[-1].verified_at is not None)
    story.world.annotate(KEY, rollback_to="1", requested_at="t1")
    await story.until(lambda: story.history[-1].trigger.value == "Undo" and story.history[-1].verified_at is not None)
    return story


async def a_rollback_and_a_restart() -> Story:
    story = await rolled_back("1.0.0", "1.1.0")
    story.world.annotate(KEY, restart="", requested_at="t1")
    await story.until(lambda: len(story.history) == 4 and story.history[-1].verified_at is not None)
    return story


async def a_long_way() -> Story:
    """A version fails, another one is good, a third one fails, and the history no longer has the first one."""
    story = await rolled_back("1.0.0", "1.1.0", historyLimit=4)
    await promoted(story, "1.1.0", "1.2.0")
    await promoted(story, "1.2.0", "1.3.0")
    story.accuracy.values["1.4.0"] = 0.2
    await move_tag(story, "1.3.0", "1.4.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    return story


STORIES = (
    *(a_rollback, a_rollback_of_what_never_became_ready, a_rollback_and_a_restart),
    *(an_undo, an_undo_of_a_template, a_long_way),
)


async def restored(begun: Story, order: tuple[str, ...], *, with_status: bool, running: bool) -> Story:
    """Return a story that continues after all objects were deleted and created again in this order."""
    story, backup = Story(), begun.world
    story.begin_in(backup.copy(), begun.accuracy.values, begun.accuracy.samples)
    delete_all(story.world)
    await story.passes(1)
    for what in order:
        create(story.world, backup, what, with_status)
        if running:
            await story.passes(1)
    story.start_operator()
    # Nobody tells of a record that comes late, so it may take a minute.
    await story.passes(70)
    return story


def quarantined(story: Story) -> list[tuple[str, str | None, str]]:
    return [(each.digest, each.inputs_hash, each.reason) for each in story.status.quarantine]


@pytest.mark.parametrize("with_status", [True, False], ids=["with the status", "without the status"])
@pytest.mark.parametrize("begin", STORIES)
async def test_nothing_is_lost_and_nothing_bad_comes_back(
    begin: Callable[[], Awaitable[Story]], with_status: bool
) -> None:
    begun = await begin()
    await begun.passes(10)
    served = begun.world.deployments[KEY].template_hash
    ways = [(order, True) for order in ORDERS if with_status or order not in LATE]
    for order, running in [*ways, (STEPS, False)]:
        story = await restored(begun, order, with_status=with_status, running=running)
        assert outcomes(story) == outcomes(begun), order
        assert story.world.deployments[KEY].template_hash == served, order
        if order.index("deployment") < order.index("object"):
            assert story.pods() == begun.pods(), order
        assert quarantined(story) == quarantined(begun), order
        assert story.condition("RolledBack")[0] == "True", order
        assert story.condition("HistoryIntact") == ("True", "HistoryConsistent"), order
        assert story.status.stable == begun.status.stable, order
        invariants.check_converged(story.world)
        written = story.world.writes
        # What was refused is tried again after a minute; one order shows that nothing was.
        await story.passes(10 if running else 70)
        assert story.world.writes == written, order


async def test_records_that_come_after_a_revision_was_made_anew_are_left_and_named() -> None:
    """The operator had to serve a version before the records of it were there."""
    begun = await a_rollback()
    begun.accuracy.values["1.1.0"] = 0.95
    story = await restored(begun, ("object", "versions", "records", "deployment"), with_status=False, running=True)
    assert outcomes(story)[:1] == [("1.1.0", "TagMoved", "Verified")]
    assert sorted(story.world.orphans[KEY]) == [2, 3], "they are not ours to delete either"
    named = next(each.message for each in story.status.conditions if each.type == "HistoryIntact")
    assert named == "; ".join(
        f"the ControllerRevision of revision {number} does not have the hash of the previous revision"
        for number in (2, 3)
    )
    await promoted(story, "1.1.0", "1.2.0")
    assert story.history[-1].revision == 4, "their numbers are passed over"


async def test_a_record_of_another_model_deployment_is_none_of_ours() -> None:
    """With another name and label its pods would be those of another ModelDeployment."""
    story = await serving("1.0.0")
    record = story.world.records[KEY]
    foreign = {**record.revisions[1].template["metadata"]["labels"], "pennant.dev/modeldeployment": "other"}
    template = {**record.revisions[1].template, "metadata": {"labels": foreign}}
    entry = record.revisions[1].entry.model_copy(update={"revision": 2})
    follows = chained(entry, record.revisions[1].entry)
    stranger = replace(record.revisions[1], entry=follows, template=template, mirrored=None)
    story.world.orphans[KEY] = {2: Orphan(stranger)}
    await story.passes(70)
    assert [each.revision for each in story.history] == [1]
    named = next(each.message for each in story.status.conditions if each.type == "HistoryIntact")
    assert named == "the ControllerRevision of revision 2 belongs to ModelDeployment other"


async def test_a_deployment_of_which_nothing_tells_is_not_taken_up() -> None:
    story = await serving("1.0.0")
    story.world.delete_deployment_alone(KEY, orphan=True)
    story.world.orphans.clear()
    story.deployment()
    await story.passes(5)
    assert story.condition("Stalled") == ("True", "NameConflict")
    assert story.world.deployments[KEY].owner == ""


async def test_what_an_undo_held_back_is_not_guessed_where_it_is_known() -> None:
    """The tag went to what a rollback had put in place, so that no revision tells that it was asked for.

    Rule: R63.
    """
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    await move_tag(story, "1.2.0", "1.1.0")
    story.world.annotate(KEY, rollback_to="1.0.0", requested_at="t1", requested_by="ada")
    await story.until(lambda: story.history[-1].trigger.value == "Undo" and story.history[-1].verified_at is not None)
    story.version("1.1.0")
    await story.passes(5)
    assert [each.version for each in story.status.quarantine] == ["1.1.0"]
    story.accuracy.values["1.2.0"] = 0.95
    story.version("1.2.0", "production")
    await story.until(lambda: story.served() == "1.2.0")


async def test_a_good_version_is_not_taken_for_undone_where_the_limit_took_away_what_was() -> None:
    """The way back stays in the history, and right after it stands an undo of what came between."""
    story = await serving("0.9.0", historyLimit=4)
    await promoted(story, "0.9.0", "1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.world.annotate(KEY, rollback_to="0.9.0", requested_at="t1", requested_by="ada")
    await story.until(lambda: story.history[-1].trigger.value == "Undo" and story.history[-1].verified_at is not None)
    await promoted(story, "1.1.0", "1.2.0")
    await move_tag(story, "1.2.0", "1.0.0")
    assert [each.revision for each in story.history] == [2, 4, 5, 6]
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert not story.status.quarantine
    assert story.condition("Ready") == ("True", "Serving")
