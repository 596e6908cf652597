"""Whole rollouts with an archive: each revision is in it once, whatever fails and whenever the process dies.

Rule: R195.
Rule: R196.
Rule: R197.
"""

import asyncio
import json

import pytest

from pennant.api.deployment_status import Archived
from pennant.archive.writer import PlaceArchive
from pennant.cli.auditing import archived, joint
from pennant.cli.auditing.chain import State, checked
from pennant.cli.auditing.joint import Cluster
from pennant.ports import Unavailable
from simulation.support.process import Process
from simulation.support.steps import move_tag
from simulation.support.story import Crash, Story
from simulation.support.world import KEY, World, WorldCluster
from unit.archive.places import MemoryPlace

GOOD, BAD = 0.95, 0.2


class ArchivedStory(Story):
    """A story whose operator has an archive. A write at which the process dies is its last one."""

    def __init__(self, world: World | None = None) -> None:
        self.place, self.is_dead, self.deaths = MemoryPlace(), False, 0
        super().__init__(world)

    def a_process(self, cluster: WorldCluster) -> Process:
        archive = PlaceArchive(self.place, "https://api.example", self.world)
        return Process(cluster, {"default": self.accuracy}, archive=archive)

    def die(self) -> None:
        self.is_dead = True
        # The task ends like one of a process that is killed; nothing of it goes on.
        raise asyncio.CancelledError

    async def settle(self) -> None:
        for _ in range(20):
            try:
                await super().settle()
            except Crash:
                self.is_dead = True
            if not self.is_dead:
                return
            self.is_dead, self.deaths = False, self.deaths + 1
            self.start_operator()
        raise AssertionError("the process dies again and again")

    @property
    def events(self) -> list[str]:
        """The revisions and events in the archive, in the order of their revisions."""
        found = [name.rpartition("/")[2].removesuffix(".jsonl").split("-") for name in sorted(self.place.files)]
        return [f"{int(number)} {event}" for number, _, event in found]

    def read(self) -> archived.Archived:
        return archived.checked_files(self.place.files.items(), self.world.time)

    def found(self) -> tuple[archived.Found, ...]:
        return archived.revisions(self.read())


async def a_week(story: ArchivedStory, **spec: object) -> ArchivedStory:
    """A promotion, a version that fails, the rollback, and another promotion."""
    story.accuracy.values = {"1.0.0": GOOD, "1.1.0": BAD, "1.2.0": GOOD}
    story.version("1.0.0", "production")
    story.deployment(**spec)
    await story.until(lambda: bool(story.status.stable))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: len(story.history) > 2 or story.history[-1].revision > 2)
    await story.until(lambda: story.history[-1].verified_at is not None)
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.history[-1].version == "1.2.0" and story.history[-1].verified_at is not None)
    await story.passes(3)
    return story


WHOLE = ["1 ended", "1 recorded", "2 ended", "2 recorded", "3 ended", "3 recorded", "4 recorded"]


async def test_each_revision_is_archived_when_it_is_recorded_and_when_it_ends() -> None:
    story = await a_week(ArchivedStory())
    assert story.events == WHOLE
    assert story.status.archived == Archived(recorded=4, ended=3)
    found = story.found()
    # When a quarantine is released, the end of the revision is in the archive already.
    unreleased = [each.model_copy(update={"released_at": None}) for each in story.history]
    assert [each.entry for each in found[:3]] == unreleased[:3]
    failed = found[1].entry
    assert failed.evidence, "the evidence of the failure is in it"
    assert failed.outcome == "RolledBack"
    written = story.place.creations
    story.start_operator()
    await story.passes(30)
    assert story.place.creations == written, "a restart writes nothing again"


async def test_the_chain_is_whole_over_the_archive_and_the_cluster() -> None:
    """Rule: R199."""
    story = await a_week(ArchivedStory(), historyLimit=2, rollback={"budget": {"count": 1, "windowSeconds": 1}})
    assert [each.revision for each in story.history] == [3, 4]
    snapshot = story.cluster.view(KEY)
    assert snapshot is not None
    result = joint.checked(
        Cluster(checked(snapshot, story.world.time), story.history, story.status.archived), story.read()
    )
    assert result.intact
    assert [each.revision for each in result.links] == [1, 2, 3, 4]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_dies_at_a_write_to_the_archive_loses_nothing(when: str) -> None:
    reference = await a_week(ArchivedStory())
    for fatal in range(1, reference.place.creations + 1):
        story = ArchivedStory()

        def at(name: str, story: ArchivedStory = story, fatal: int = fatal) -> None:
            if story.is_dead or (story.place.creations == fatal and not story.deaths):
                story.die()

        setattr(story.place, f"{when}_create", at)
        await a_week(story)
        assert story.deaths == 1, f"it did not die at write {fatal}"
        assert story.events == WHOLE, f"death at write {fatal}"
        assert [each.entry.hash for each in story.found()] == [each.hash for each in story.history]


async def test_a_process_that_dies_at_any_write_to_the_api_server_loses_nothing() -> None:
    for fatal in range(1, 60, 2):
        story, writes = ArchivedStory(), list[str]()

        def at(what: str, fatal: int = fatal, writes: list[str] = writes) -> None:
            writes.append(what)
            if len(writes) == fatal:
                raise Crash(what)

        story.world.after_write = at
        await a_week(story)
        if not story.deaths:
            break
        assert story.events == WHOLE, f"death after {writes[fatal - 1]}"
    assert fatal > 20, "there are more writes than that"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry soon: these are seconds of the test, not of the simulation."""
    monkeypatch.setattr("pennant.controller.archiver.FIRST_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("pennant.controller.archiver.LAST_RETRY_SECONDS", 0.1)


@pytest.mark.usefixtures("soon")
async def test_while_the_archive_is_down_nothing_is_delayed_and_nothing_leaves_the_history() -> None:
    reference = await a_week(ArchivedStory(), historyLimit=2, rollback={"budget": {"count": 1, "windowSeconds": 1}})
    story = ArchivedStory()
    story.place.error = Unavailable("no route to host")
    await a_week(story, historyLimit=2, rollback={"budget": {"count": 1, "windowSeconds": 1}})
    times = [(each.revision, each.started_at, each.rolled_out_at) for each in reference.history]
    assert [(each.revision, each.started_at, each.rolled_out_at) for each in story.history[-2:]] == times
    assert [each.revision for each in story.history] == [1, 2, 3, 4], "more than historyLimit"
    assert sorted(story.world.records[KEY].revisions) == [1, 2, 3, 4], "with their ControllerRevisions"
    assert story.status.archived == Archived()
    story.place.error = None
    for _ in range(5):
        await asyncio.sleep(0.1)
        await story.passes(1)
    assert [each for each in story.events if "ended" in each] == ["1 ended", "2 ended", "3 ended"]
    assert [each.revision for each in story.history] == [3, 4]
    assert sorted(story.world.records[KEY].revisions) == [3, 4]


async def test_the_archive_says_what_a_lost_status_says_not() -> None:
    story = await a_week(ArchivedStory())
    before = story.status.archived
    story.world.wipe_status(KEY)
    await story.passes(5)
    assert story.status.archived == before, "everything is written again, and is there already"
    assert story.events == WHOLE


async def test_without_an_archive_the_status_says_nothing_of_it() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": GOOD}
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: bool(story.status.stable))
    assert story.status.archived is None


async def test_a_document_has_the_pod_template_and_the_record_byte_for_byte() -> None:
    story = await a_week(ArchivedStory())
    record = story.world.records[KEY].revisions
    for text in story.place.files.values():
        (revision,) = json.loads(text)["deployment"]["revisions"]
        stored = record[revision["revision"]]
        assert revision["data"]["template"] == stored.template
        assert revision["data"]["record"] == stored.record


async def test_what_was_changed_in_the_cluster_is_found_by_the_archive() -> None:
    """Rule: R199."""
    story = await a_week(ArchivedStory())
    snapshot = story.cluster.view(KEY)
    assert snapshot is not None
    forged = story.history[1].model_copy(update={"reason": "nobody's fault"})
    history = (story.history[0], forged, *story.history[2:])
    result = joint.checked(Cluster(checked(snapshot, story.world.time), history, story.status.archived), story.read())
    (wrong,) = (each for each in result.links if each.state is not State.INTACT)
    assert wrong.revision == 2
    assert "its entry does not match its own hash" in wrong.problems
