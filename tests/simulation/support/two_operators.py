"""Two operators without leader election over one world; a test chooses who continues at each request and hears what."""

import asyncio
import random
import types
from collections.abc import Coroutine, Generator
from datetime import datetime, timedelta
from typing import Any

from simulation.support.known_state import HEARD, Part, RememberingCluster
from simulation.support.process import Process
from simulation.support.story import Story
from simulation.support.world import BEGINNING, KEY
from simulation.support.write_log import WriteLog

MOST_STEPS = 3000


@types.coroutine
def _yield() -> Generator[None, None, None]:
    yield


class Actor:
    """One of the two, in the middle of a pass or between two."""

    def __init__(self, story: Story, log: WriteLog) -> None:
        self.at = ""
        """The request that it is about to send, or whose answer it waits for."""
        self.writes = 0
        self.stopped = False
        """Whether its process is stopped: it neither goes on nor hears of anything."""
        self.cluster = RememberingCluster(story.world, log, self._turn)
        self.process: Process = story.a_process(self.cluster)
        self._pass: Coroutine[Any, Any, None] | None = None

    @property
    def in_mid_pass(self) -> bool:
        return self._pass is not None

    @property
    def has_work(self) -> bool:
        return not self.stopped and (self.in_mid_pass or bool(self.process.due()))

    def is_at(self, write: int, when: str) -> bool:
        """Return whether it is right before or after its n-th write."""
        return self.at.startswith(when) and self.writes == (write - 1 if when == "before" else write)

    def step(self) -> None:
        """Go on to the next request or answer."""
        if self._pass is None:
            self._pass = self.process.reconcile(KEY)
        try:
            self._pass.send(None)
        except StopIteration:
            self._pass, self.at = None, ""

    def die(self) -> None:
        """End where it is, without an answer."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def hear(self, *parts: Part) -> None:
        for part in () if self.stopped else parts:
            self.cluster.hear(KEY, part)

    async def _turn(self, at: str) -> None:
        self.at = at
        self.writes += at.startswith("after")
        await _yield()


class TwoOperators(Story):
    """A story in which two operators act."""

    def start_operator(self) -> None:
        self.log = WriteLog()
        self.actors = [self.an_actor(), self.an_actor()]
        self.operator = self.actors[0].process
        self.switches = 0
        """How often one went on while the other was in the middle of a pass."""
        self._last: Actor | None = None

    def an_actor(self) -> Actor:
        return Actor(self, self.log)

    @property
    def conflicts(self) -> int:
        return sum(each.cluster.conflicts for each in self.actors)

    async def settle(self) -> None:
        for _ in range(MOST_STEPS):
            ready = [each for each in self.actors if each.has_work]
            if ready:
                self._go_on(self.choose(ready))
                continue
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self._let_hear_all()
            if not any(each.has_work for each in self.actors):
                return
        raise AssertionError("the two do not come to rest:\n" + "\n".join(self.world.trace[-30:]))

    def choose(self, ready: list[Actor]) -> Actor:
        """Return who goes on."""
        return ready[0]

    def _let_hear_all(self) -> None:
        for each in self.actors:
            each.hear(*HEARD)

    def _go_on(self, actor: Actor) -> None:
        if self._last is not None and self._last is not actor and self._last.in_mid_pass:
            self.switches += 1
        self._last = actor
        actor.step()


class RandomSchedule(TwoOperators):
    """Chooses at random, at each request, who continues, what is heard, and whether a process dies."""

    ENOUGH_SWITCHES = 3

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Some take turns at every request, others seldom; some hear of everything at once, others late.
        self.chance_to_go_on, self.chance_to_hear = (
            self.random.choice((0.0, 0.3, 0.6)),
            self.random.choice((0.05, 0.3, 0.9)),
        )
        self.death_rate = self.random.choice((0.0, 0.01))
        self.deaths = 0
        super().__init__()

    def choose(self, ready: list[Actor]) -> Actor:
        if self.random.random() < self.chance_to_hear:
            self.random.choice(self.actors).hear(self.random.choice(HEARD))
        for each in ready:
            if each.in_mid_pass and self.random.random() < self.death_rate:
                self._replace(each)
                self.deaths += 1
        ready = [each for each in self.actors if each.has_work] or list(self.actors)
        if self._last in ready and self.random.random() < self.chance_to_go_on:
            return self._last
        return self.random.choice(ready)

    def has_switched_often(self) -> bool:
        """Return whether they have often enough gone on while the other was in the middle of a pass."""
        return self.switches >= self.ENOUGH_SWITCHES

    def _replace(self, dead: Actor) -> None:
        """Start another process in the place of one that died in the middle of a pass."""
        dead.die()
        self.actors[self.actors.index(dead)] = self.an_actor()


class Interference(TwoOperators):
    """The first one works; at one of its writes the other acts, on what it knows by then."""

    def __init__(self, write: int, when: str, most: int | None, heard: tuple[Part, ...]) -> None:
        """Let the second act `when` (before or after) the first writes for the n-th time.

        It makes `most` writes, or finishes, and hears of nothing on the way but of `heard`, right then.
        """
        self.write, self.when, self.most, self.heard = write, when, most, heard
        super().__init__()
        self.begun = self.over = False
        self.written = 0

    def choose(self, ready: list[Actor]) -> Actor:
        first, second = self.actors
        if not self.begun and first.is_at(self.write, self.when):
            self.begun = True
            second.hear(*self.heard)
            second.writes = 0
        if self.begun and not self.over:
            if second.has_work and (self.most is None or second.writes < self.most):
                return second
            self.over = True
            self.written = second.writes
        return first if first in ready else second

    def is_over(self) -> bool:
        """Return whether the other has interfered, and the first one is on its way again."""
        return self.over


class Frozen(TwoOperators):
    """The first one is stopped at one of its writes, the other takes over, and the first resumes seconds later.

    It then sends the write that it was about to send, on what it knew when it was stopped.
    """

    def __init__(self, write: int, when: str, seconds: int, end: int) -> None:
        """Stop it `when` (before or after) it makes its n-th write; it resumes by the second `end` at the latest."""
        self.write, self.when, self.seconds = write, when, timedelta(seconds=seconds)
        self.end = BEGINNING + timedelta(seconds=end)
        super().__init__()
        self.resumes_at: datetime | None = None
        self.resumed = False

    def begin_second(self) -> None:
        super().begin_second()
        if self.resumes_at is not None and self.world.time >= self.resumes_at:
            self.actors[0].stopped, self.resumed = False, True

    def choose(self, ready: list[Actor]) -> Actor:
        first, second = self.actors
        if self.resumes_at is None and first.is_at(self.write, self.when):
            self.resumes_at, first.stopped = min(self.world.time + self.seconds, self.end), True
            return second
        return first if first in ready else second

    def is_over(self) -> bool:
        """Return whether it was stopped, and has gone on since."""
        return self.resumed and not self.actors[0].in_mid_pass
