"""The process dies during a rollout or a rollback, and the next one continues it."""

from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, serving
from simulation.support.story import Crash, Story
from simulation.support.world import KEY


class CrashAt:
    """The process dies at the next write of this kind: right before it, or right after it."""

    def __init__(self, story: Story, what: str, when: str) -> None:
        self.story, self.what, self.when = story, what, when
        setattr(story.world, f"{when}_write", self)

    def __call__(self, what: str) -> None:
        if what.startswith(self.what):
            setattr(self.story.world, f"{self.when}_write", lambda _: None)
            did = "writes the status" if what.startswith("status") else what.partition(":")[0]
            self.story.world.say("process", f"dies right {self.when} it {did}")
            raise Crash(what)


class RestartingStory(Story):
    """A story whose process is started again whenever it dies."""

    async def settle(self) -> None:
        try:
            await super().settle()
        except Crash:
            self.start_anew()
            await self.settle()

    def start_anew(self) -> None:
        self.start_operator()
        self.world.say("process", "is started anew")


async def a_restarting_story() -> RestartingStory:
    calm = await serving("1.0.0")
    story = RestartingStory()
    story.begin_in(calm.world, calm.accuracy.values, calm.accuracy.samples)
    await story.passes(1)
    return story


async def test_a_process_that_dies_again_and_again_does_what_one_that_lives_does() -> None:
    story = await a_restarting_story()
    story.accuracy.values["1.1.0"] = 0.71
    CrashAt(story, "records revision 2", "after")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2)
    story.world.say("process", "dies in mid-rollout")
    story.start_anew()
    CrashAt(story, "status: Ready=False RollbackInProgress", "after")
    await story.until(lambda: bool(story.status.quarantine))
    CrashAt(story, "applies the Deployment for 1.0.0", "before")
    await story.until(lambda: story.history[-1].verified_at is not None and len(story.history) == 3)

    assert outcomes(story) == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert story.history[1].evidence[0].value == "0.71"
    assert_golden(story, "process_dies")


async def test_a_status_that_is_lost_with_the_process_in_mid_rollout_is_rebuilt_and_the_rollout_goes_on() -> None:
    """Rule: R72."""
    story = await a_restarting_story()
    await promoted(story, "1.0.0", "1.1.0")
    story.accuracy.values["1.2.0"] = 0.97
    await move_tag(story, "1.1.0", "1.2.0")
    await story.passes(2)
    story.world.say("process", "dies in mid-rollout")
    story.world.wipe_status(KEY)
    story.start_anew()
    await story.until(lambda: bool(story.history) and story.history[-1].verified_at is not None)

    assert [(e.revision, e.version, e.outcome.value) for e in story.history] == [
        (1, "1.0.0", "Superseded"),
        (2, "1.1.0", "Superseded"),
        (3, "1.2.0", "Verified"),
    ]
    assert_golden(story, "status_lost_in_mid_rollout")


async def test_a_version_becomes_known_good_without_a_word_too_many() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    assert outcomes(story) == [("1.0.0", "TagMoved", "Superseded"), ("1.1.0", "TagMoved", "Verified")]
    assert story.condition("Ready") == ("True", "Serving")
    assert_golden(story, "promotion")
