"""A scenario as data: what users do at which second. A test can run it again from any second, with faults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pennant.api.deployment_status import ModelDeploymentStatus
from simulation.support import invariants
from simulation.support.sources import Sample
from simulation.support.story import Crash, Story
from simulation.support.world import World

MOST_DEATHS = 20

Act = Callable[[Story], None]
Over = Callable[[int], bool]


def never(_: int) -> bool:
    return False


@dataclass(frozen=True)
class Moment:
    """The state of the world at the end of a second."""

    second: int
    writes: int
    """How many there had been so far."""
    record: object
    state: object
    _world: World
    _accuracy: Mapping[str, float | None]
    _samples: tuple[Sample, ...]

    def resume(self, story: Story) -> None:
        """Have a story that has not begun continue from this state."""
        story.begin_in(self._world.copy(), self._accuracy, self._samples)


@dataclass(frozen=True)
class Script:
    """What users do, by the second."""

    acts: Mapping[int, Act]
    seconds: int

    async def play(self, story: Story, after: Moment | None = None, over: Over = never) -> bool:
        """Run it from the beginning or after a moment; return whether `over` ended it early.

        A process that dies is started again.
        """
        if after is not None:
            after.resume(story)
            await story.settle()
        for second in range(after.second + 1 if after else 0, self.seconds):
            if second:
                story.begin_second()
                for _ in story.world.rounds():
                    await _settle(story)
            if second in self.acts:
                self.acts[second](story)
            await _settle(story)
            if over(second):
                return True
        return False


async def _settle(story: Story) -> None:
    for _ in range(MOST_DEATHS):
        try:
            return await story.settle()
        except Crash:
            story.start_operator()
    raise AssertionError(f"the process died {MOST_DEATHS} times in one second")


@dataclass(frozen=True)
class ReferenceRun:
    """What a script does with one operator and without a fault, second by second."""

    script: Script
    moments: tuple[Moment, ...]
    end: object

    @property
    def writes(self) -> int:
        return self.moments[-1].writes

    def before(self, write: int) -> Moment | None:
        """Return the last moment before a write; None before the first one."""
        return max((each for each in self.moments if each.writes < write), key=lambda each: each.second, default=None)

    async def repeat(self, story: Story, write: int, happened: Callable[[], object]) -> None:
        """Run the script again from shortly before a write until the state is that of the reference.

        Fails where the history differs from the reference at the end of a second, or where the end differs.
        """

        def is_as_it_was(second: int) -> bool:
            then = self.moments[second]
            assert record_of(story) == then.record, f"another record at {second} s, by what happened at write {write}"
            return bool(happened()) and state_of(story) == then.state

        if not await self.script.play(story, self.before(write), is_as_it_was):
            assert happened(), f"nothing happened at write {write}"
            assert end_of(story) == self.end, f"another end, by what happened at write {write}"
            invariants.check_converged(story.world)


_RUNS: dict[int, ReferenceRun] = {}


async def reference_run(script: Script) -> ReferenceRun:
    """Run a script without faults and record the state at each second; later calls get the same run."""
    if id(script) not in _RUNS:
        _RUNS[id(script)] = await _recorded(script)
    return _RUNS[id(script)]


async def _recorded(script: Script) -> ReferenceRun:
    story, moments, writes = Story(), list[Moment](), list[str]()
    story.world.after_write = writes.append

    def remember(second: int) -> bool:
        accuracy, samples = dict(story.accuracy.values), tuple(story.accuracy.samples)
        state, world = state_of(story), story.world.copy()
        moments.append(Moment(second, len(writes), record_of(story), state, world, accuracy, samples))
        return False

    await script.play(story, over=remember)
    invariants.check_converged(story.world)
    return ReferenceRun(script, tuple(moments), end_of(story))


POD = re.compile(r"pod \S+")
"""A pod in a message; its generated name depends on how many objects were made before."""


def record_of(story: Story) -> object:
    """Return what was put on record: at no time may it be anything else than in the first reference."""
    status = story.status
    return (
        [(e.revision, e.version, e.trigger, e.outcome, e.actor) for e in status.history],
        [
            (each.digest, each.inputs_hash, each.reason, POD.sub("pod", each.message), each.revision)
            for each in status.quarantine
        ],
        status.drift and (status.drift.message, status.drift.count),
    )


def end_of(story: Story) -> object:
    """Return what must not depend on faults on the way."""
    status = story.status
    return (
        record_of(story),
        story.served(),
        {c.type: (c.status, c.reason) for c in status.conditions},
        status.stable,
        status.last_command and status.last_command.result,
    )


def state_of(story: Story) -> object:
    """Return all that the rest of a run depends on, without generated names."""
    world = story.world
    return (
        {
            key: (_nameless(each.status), each.spec, dict(each.annotations), dict(each.revisions))
            for key, each in world.records.items()
        },
        {key: (each.tags, each.quarantined_by) for key, each in world.versions.items()},
        {
            key: (
                each.manifest,
                each.applied,
                each.taken,
                each.generation - each.observed_generation,
                replace(each.status, observed_generation=0),
                each.replica_sets,
                [replace(pod, name="") for pod in each.every_pod],
            )
            for key, each in world.deployments.items()
        },
        {key: (each.labelled, each.replica_sets, len(each.every_pod)) for key, each in world.let_go.items()},
        tuple(story.accuracy.samples),
    )


def _nameless(status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    applied = status.applied and status.applied.model_copy(update={"uid": ""})
    drift = status.drift and status.drift.model_copy(update={"fingerprint": ""})
    # Values of metrics wait for the next write of the status, and nothing depends on them.
    analysis = tuple(each.model_copy(update={"value": None, "checked_at": None}) for each in status.analysis)
    return status.model_copy(update={"applied": applied, "drift": drift, "analysis": analysis})
