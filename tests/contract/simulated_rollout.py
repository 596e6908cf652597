"""A rollout by the controllers of the simulation, and the search for an order of turns in which they tell something."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from contract.rollouts import NAME, Act, Told
from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from simulation.support import kubelet
from simulation.support.objects import Deployment, Pod
from simulation.support.turn_order import Only, TurnOrder
from simulation.support.world import MOST_ROUNDS, World

KEY = Key("default", NAME)
MOST_ORDERS = 20_000


class SimulatedRollout:
    """A Deployment in a world of its own, in which nobody schedules pods."""

    def __init__(self, world: World | None = None) -> None:
        self.told: list[Told] = []
        self.world = world or World()
        self.world.room = 0

    @property
    def deployment(self) -> Deployment | None:
        return self.world.deployments.get(KEY)

    def copy(self, turns: TurnOrder | None = None) -> "SimulatedRollout":
        """Return the same rollout as it is now, which has told the same."""
        other = SimulatedRollout(self.world.copy())
        other.told, other.world.turns = list(self.told), turns
        return other

    async def create(self, spec: Json) -> None:
        self.world.deployments[KEY] = Deployment("a", {"spec": spec}, self.world.serial())
        self.look()

    async def change(self, spec: Json) -> None:
        self._there().edit_spec(spec, "kubectl", (), self.world.serial())
        self.look()

    async def ready(self, template: str, is_ready: bool) -> None:
        chosen, *_ = [each for each in self._pods(template) if each.ready is not is_ready]
        now = self.world.time
        self._put(chosen, replace(chosen, started=now, ready_since=now if is_ready else None))

    async def evict(self, template: str) -> None:
        chosen, *_ = self._pods(template)
        self._put(chosen, kubelet.evicted(chosen))

    async def limit_pods(self, number: int | None) -> None:
        self.world.quota = number

    async def have_controllers(self, away: bool) -> None:
        self.world.controllers_away = True
        self.go_on()
        self.world.controllers_away = away

    async def pass_a_second(self) -> None:
        self.world.time += timedelta(seconds=1)

    def go_on(self, rounds: int = MOST_ROUNDS) -> None:
        """Let the controllers do what there is to do, each whose turn it is."""
        self.world.pace = rounds
        for _ in self.world.rounds():
            self.look()

    def look(self) -> None:
        found = self._there()
        status = found.status
        told = Told(
            observed=status.observed_generation == found.generation,
            replicas=status.replicas,
            updated=status.updated,
            ready=status.ready,
            available=status.available,
            unavailable=status.unavailable,
            conditions=frozenset((each.type, each.status, each.reason) for each in status.conditions),
        )
        if told not in self.told[-1:]:
            self.told.append(told)

    def _there(self) -> Deployment:
        return self.world.deployments[KEY]

    def _pods(self, template: str) -> Iterator[Pod]:
        return (each for each in self._there().every_pod if each.version == template and each.active)

    def _put(self, old: Pod, new: Pod) -> None:
        found = self._there()
        found.every_pod = tuple(new if each is old else each for each in found.every_pod)


async def by_itself(before: SimulatedRollout, acts: Sequence[Act]) -> SimulatedRollout:
    """Return the rollout after some acts, where each controller acts as soon as it can."""
    found = before.copy()
    for act in acts:
        await act(found)
        found.go_on()
    return found


class Search:
    """Looks for an order of turns in which a rollout tells exactly this, from one rest to the next."""

    def __init__(self, begin: SimulatedRollout, acts: Sequence[Act], told: Sequence[Told]) -> None:
        """Take the rollout at rest, what is done then, and what is to be told until it is at rest again."""
        self._begin, self._acts = begin, acts
        self._path = [*begin.told, *told]
        self._known = set[object]()

    async def find(self, spare_seconds: int = 0) -> SimulatedRollout | None:
        """Return the rollout at rest after it has told that; None: there is no such order.

        Up to so many seconds may pass besides those that the acts let pass.
        """
        self._known.clear()
        waiting = [(self._begin.copy(), 0, spare_seconds)]
        while waiting and len(self._known) < MOST_ORDERS:
            rollout, done, spare = waiting.pop()
            if done == len(self._acts) and rollout.told == self._path:
                rest = rollout.copy()
                rest.go_on()
                if rest.told == self._path:
                    return rest
            waiting += [each for each in await self._next(rollout, done, spare) if self._is_new(*each)]
        return None

    async def _next(self, rollout: SimulatedRollout, done: int, spare: int) -> list[tuple[SimulatedRollout, int, int]]:
        """Return the rollout after each thing that may happen next, the likeliest last."""
        found = list[tuple[SimulatedRollout, int, int]]()
        if spare:
            later = rollout.copy()
            await later.pass_a_second()
            found.append((later, done, spare - 1))
        if done < len(self._acts):
            acted = rollout.copy()
            await self._acts[done](acted)
            found.append((acted, done + 1, spare))
        if rollout.deployment is not None:
            uid = rollout.deployment.uid
            whose = [each.name for each in rollout.deployment.replica_sets]
            for turns in (Only(uid, is_behind=True), *map(Only, whose), Only(uid)):
                acted = rollout.copy(turns)
                acted.go_on(rounds=1)
                acted.world.turns = None
                found.append((acted, done, spare))
        return found

    def _is_new(self, rollout: SimulatedRollout, done: int, spare: int) -> bool:
        """Return whether what was told so far fits, and the rollout was not seen in this state."""
        number = len(rollout.told)
        if rollout.told != self._path[:number]:
            return False
        state = (done, spare, number, *_state(rollout))
        is_new = state not in self._known
        self._known.add(state)
        return is_new


def _state(rollout: SimulatedRollout) -> tuple[object, ...]:
    found, time = rollout.deployment, rollout.world.time
    if found is None:
        return (time,)
    pods = tuple(sorted((each.identity, each.ready, each.deleting, each.evicted) for each in found.every_pod))
    return time, found.generation, found.status, found.revision, found.replica_sets, pods
