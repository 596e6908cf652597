"""Two operators without election: preconditions alone keep history, revisions and the end what one operator makes them.

Each knows what it was told and what it wrote itself, and is overtaken by the other at every single request. A ledger
shows of every story that no write was accepted that rests on a view from before the other's write to the same object.
"""

import itertools
import random

import pytest

from pennant.ports import Conflict
from simulation.support import invariants, known_state, world
from simulation.support.known_state import HEARD, Part
from simulation.support.scenario import Script, Telling, end_of, told
from simulation.support.scenarios import SCRIPTS
from simulation.support.two_operators import AtRandom, Frozen, Intrusion
from simulation.support.write_ledger import OldView

NEWS = ((), (Part.OBJECT,), (Part.WORKLOAD,), HEARD)
"""What the second one hears of right before it interferes: nothing since the users acted, one thing alone, or all."""

SLEEPS = (2, 9, 13)


@pytest.fixture(params=list(SCRIPTS.values()), ids=list(SCRIPTS))
async def telling(request: pytest.FixtureRequest) -> Telling:
    script: Script = request.param
    return await told(script)


async def test_the_other_interferes_at_any_write(telling: Telling) -> None:
    """It makes one, two or three writes, or its whole pass, before the first one goes on."""
    interfered = 0
    for write, when in itertools.product(range(1, telling.writes + 1), ("before", "after")):
        begun = telling.before(write)
        for number, most in enumerate((1, 2, 3, None)):
            heard = NEWS[(write + number) % len(NEWS)]
            story = Intrusion(write - (begun.writes if begun else 0), when, most, heard)
            await telling.play_again(story, write, story.is_over)
            interfered += story.written > 0
    assert interfered > telling.writes * 4, "in most of them the other had something to write"


def stopped_at(telling: Telling, write: int, when: str) -> Frozen:
    begun, script = telling.before(write), telling.script
    left = write - (begun.writes if begun else 0)
    return Frozen(left, when, SLEEPS[write % len(SLEEPS)], script.seconds - 1)


async def test_one_is_stopped_at_any_write_and_wakes_when_the_other_has_gone_on(telling: Telling) -> None:
    """Its write arrives seconds later, when the users may have acted anew, and is refused.

    Rule: R16.
    """
    for write, when in itertools.product(range(1, telling.writes + 1), ("before", "after")):
        story = stopped_at(telling, write, when)
        await telling.play_again(story, write, story.is_over)
        assert story.conflicts or when == "after"


async def test_at_every_request_dice_say_who_goes_on(telling: Telling) -> None:
    """From shortly before some write on, until they have got in each other's way and all is again as it was."""
    dice, switches, conflicts, deaths = random.Random(1), 0, 0, 0
    for seed in range(250):
        story = AtRandom(seed)
        await telling.play_again(story, dice.randint(1, telling.writes * 2 // 3), story.is_tangled)
        switches, conflicts, deaths = switches + story.switches, conflicts + story.conflicts, deaths + story.deaths
    assert switches > 250 * AtRandom.TANGLED
    assert (conflicts > 250, deaths > 20) == (True, True), (conflicts, deaths)


async def test_dice_from_the_beginning_to_the_end(telling: Telling) -> None:
    for seed in range(10):
        story = AtRandom(seed)
        await telling.script.play(story)
        await story.passes(5)
        assert end_of(story) == telling.end, f"seed {seed}"
        invariants.check_converged(story.world)


@pytest.mark.parametrize(
    "forgotten",
    ["the ModelDeployment changed", "the Deployment changed", "the ModelVersion changed", "the record changed"],
)
async def test_the_ledger_shows_that_a_precondition_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    def require(holds: bool, problem: str) -> None:
        if not holds and problem != forgotten:
            raise Conflict(problem)

    telling = await told(SCRIPTS["promotions"])
    for each in (world, known_state):
        monkeypatch.setattr(each, "require", require)
    with pytest.raises(OldView):
        await stop_at_every_write(telling)


async def stop_at_every_write(telling: Telling) -> None:
    for write in range(1, telling.writes + 1):
        story = stopped_at(telling, write, "before")
        # What else is wrong then is not the question.
        story.world.witness = lambda *_: None
        await telling.script.play(story, telling.before(write))
