"""Two operators without leader election: preconditions alone keep history, revisions and the end those of one operator.

Each knows what it heard and what it wrote itself, and the other may act at every single request. A log of the accepted
writes shows that none of them rests on a view from before the other's write to the same object.
"""

import itertools
import random

import pytest

from pennant.ports import Conflict
from simulation.support import invariants, known_state, world
from simulation.support.known_state import HEARD, Part
from simulation.support.scenario import ReferenceRun, Script, end_of, reference_run
from simulation.support.scenarios import SCRIPTS
from simulation.support.two_operators import Frozen, Interference, RandomSchedule
from simulation.support.write_log import OldView

NEWS = ((), (Part.OBJECT,), (Part.WORKLOAD,), HEARD)
"""What the second one hears right before it acts: nothing since the users acted, one kind of object, or all."""

SLEEPS = (2, 9, 13)


@pytest.fixture(params=list(SCRIPTS.values()), ids=list(SCRIPTS))
async def reference(request: pytest.FixtureRequest) -> ReferenceRun:
    script: Script = request.param
    return await reference_run(script)


async def test_the_other_interferes_at_any_write(reference: ReferenceRun) -> None:
    """It makes one or two writes, or its whole pass, before the first one goes on."""
    interfered = 0
    for write, when in itertools.product(range(1, reference.writes + 1), ("before", "after")):
        begun = reference.before(write)
        for number, most in enumerate((1 + write % 2, None)):
            heard = NEWS[(write // 2 + number) % len(NEWS)]
            story = Interference(write - (begun.writes if begun else 0), when, most, heard)
            await reference.repeat(story, write, story.is_over)
            interfered += story.written > 0
    assert interfered > reference.writes * 2, "in most of them the other had something to write"


def stopped_at(reference: ReferenceRun, write: int, when: str, seconds: int | None = None) -> Frozen:
    begun, script = reference.before(write), reference.script
    left = write - (begun.writes if begun else 0)
    return Frozen(left, when, SLEEPS[write % len(SLEEPS)] if seconds is None else seconds, script.seconds - 1)


async def test_one_is_stopped_at_any_write_and_resumes_when_the_other_has_gone_on(reference: ReferenceRun) -> None:
    """Its write arrives seconds later, when users may have acted again, and is refused.

    Rule: R16.
    """
    for write, when in itertools.product(range(1, reference.writes + 1), ("before", "after")):
        story = stopped_at(reference, write, when)
        await reference.repeat(story, write, story.is_over)
        assert story.conflicts or when == "after"


RUNS = 120


async def test_the_two_take_turns_at_random(reference: ReferenceRun) -> None:
    """From shortly before some write, until they have switched often and the state is that of the reference."""
    chance, switches, conflicts, deaths = random.Random(1), 0, 0, 0
    for seed in range(RUNS):
        story = RandomSchedule(seed)
        await reference.repeat(story, chance.randint(1, reference.writes * 2 // 3), story.has_switched_often)
        switches, conflicts, deaths = switches + story.switches, conflicts + story.conflicts, deaths + story.deaths
    assert switches > RUNS * RandomSchedule.ENOUGH_SWITCHES
    assert (conflicts > RUNS, deaths > RUNS // 12) == (True, True), (conflicts, deaths)


async def test_the_two_take_turns_at_random_from_the_beginning_to_the_end(reference: ReferenceRun) -> None:
    for seed in range(5):
        story = RandomSchedule(seed)
        await reference.script.play(story)
        await story.passes(5)
        assert end_of(story) == reference.end, f"seed {seed}"
        invariants.check_converged(story.world)


@pytest.mark.parametrize(
    "forgotten",
    ["the ModelDeployment changed", "the Deployment changed", "the ModelVersion changed", "the record changed"],
)
async def test_the_log_shows_a_missing_precondition(monkeypatch: pytest.MonkeyPatch, forgotten: str) -> None:
    def require(holds: bool, problem: str) -> None:
        if not holds and problem != forgotten:
            raise Conflict(problem)

    reference = await reference_run(SCRIPTS["promotions"])
    for each in (world, known_state):
        monkeypatch.setattr(each, "require", require)
    with pytest.raises(OldView):
        await stop_at_every_write(reference)


async def stop_at_every_write(reference: ReferenceRun) -> None:
    for write, seconds in itertools.product(range(1, reference.writes + 1), SLEEPS):
        story = stopped_at(reference, write, "before", seconds)
        # Other checks would fail first.
        story.world.check_write = lambda *_: None
        await play_until_over(reference, story, write)


async def play_until_over(reference: ReferenceRun, story: Frozen, write: int) -> None:
    await reference.script.play(story, reference.before(write), lambda _: story.is_over())
