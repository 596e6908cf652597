"""Users, metrics, time and crashes in any order: nothing recorded is lost, nothing bad is served again, no loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pennant.api.model_deployment import Trigger
from simulation import invariants
from simulation.story import Crash, Story
from simulation.world import KEY

VERSIONS = st.sampled_from(["1.0.0", "1.1.0", "1.2.0"])
VALUES = st.sampled_from([0.95, 0.5, None, float("nan")])


class Cluster(RuleBasedStateMachine):
    """One ModelDeployment, three versions, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.story = Story()
        self.story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.95, "1.2.0": 0.95}
        self.holders: set[str] = set()
        self.recorded: dict[int, str] = {}
        self.rollbacks_since_a_person_acted = 0
        self.story.deployment()

    def teardown(self) -> None:
        self.loop.run_until_complete(self.story.measurements.aclose())
        self.loop.close()

    def run(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            self.loop.run_until_complete(steps)
        except Crash:
            self.story.start_operator()

    def tag(self, version: str, held: bool) -> None:
        self.rollbacks_since_a_person_acted = 0
        (self.holders.add if held else self.holders.discard)(version)
        self.story.version(version, *(["production"] if held else []))
        self.run(self.story.settle())

    @rule(version=VERSIONS)
    def a_version_gets_the_tag(self, version: str) -> None:
        self.tag(version, True)

    @rule(version=VERSIONS)
    def a_version_loses_the_tag(self, version: str) -> None:
        self.tag(version, False)

    @rule(version=VERSIONS)
    def the_tag_moves(self, version: str) -> None:
        for other in self.holders - {version}:
            self.tag(other, False)
        self.tag(version, True)

    @rule(good=VERSIONS, bad=VERSIONS)
    def a_good_version_is_followed_by_a_bad_one(self, good: str, bad: str) -> None:
        """What everything here is about; by chance alone it would be rare."""
        for version, accuracy in ((good, 0.95), (bad, 0.2)):
            self.story.accuracy.values[version] = accuracy
            self.the_tag_moves(version)
            self.run(self.story.passes(60))

    @rule(version=VERSIONS)
    def a_version_is_deleted_and_made_anew(self, version: str) -> None:
        if ("default", f"fraud-{version}") in self.story.world.versions:
            self.story.world.delete_version(f"fraud-{version}")
            self.run(self.story.settle())
            self.tag(version, version in self.holders)

    @rule(version=VERSIONS, value=VALUES)
    def live_accuracy_changes(self, version: str, value: float | None) -> None:
        self.story.accuracy.values[version] = value

    @rule(down=st.booleans())
    def the_source_comes_and_goes(self, down: bool) -> None:
        self.story.accuracy.down = down

    @rule(version=VERSIONS, ready=st.booleans())
    def pods_become_ready_or_never(self, version: str, ready: bool) -> None:
        (self.story.world.never_ready.discard if ready else self.story.world.never_ready.add)(version)

    @rule(image=st.integers(1, 3))
    def the_template_changes(self, image: int) -> None:
        self.rollbacks_since_a_person_acted = 0
        container = {"name": "server", "image": f"registry.example/server:{image}"}
        self.story.deployment(template={"spec": {"containers": [container]}})
        self.run(self.story.settle())

    @rule(left_behind=st.booleans())
    def the_deployment_is_deleted_and_made_anew(self, left_behind: bool) -> None:
        """What is quarantined stays so, also while the garbage collector has not yet come."""
        world = self.story.world
        before = {each.digest for each in self.story.status.quarantine}
        mirrored = {q.digest for v in world.versions.values() for q in v.quarantined_by if q.deployment == KEY.name}
        asked = self.story.status.desired
        old = world.deployments.get(KEY)
        world.delete_deployment(KEY)
        if left_behind and old is not None:
            world.deployments[KEY] = old
        self.recorded, self.rollbacks_since_a_person_acted = {}, 0
        self.story.deployment()
        self.run(self.story.settle())
        if left_behind and old is not None:
            del world.deployments[KEY]
            self.run(self.story.settle())
        if asked is not None and asked.digest in before & mirrored and len(self.holders) == 1:
            assert asked.digest in {each.digest for each in self.story.status.quarantine}

    @rule(seconds=st.sampled_from([1, 7, 40, 90]))
    def time_passes(self, seconds: int) -> None:
        self.run(self.story.passes(seconds))

    @rule(at=st.integers(1, 6), late=st.booleans())
    def the_process_dies_at_a_write_to_come(self, at: int, late: bool) -> None:
        world, left = self.story.world, [at]

        def strike(what: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                world.before_write = world.after_write = lambda _: None
                raise Crash(what)

        if late:
            world.after_write = strike
        else:
            world.before_write = strike

    @invariant()
    def nothing_contradicts_itself(self) -> None:
        invariants.check(self.story.world)

    @invariant()
    def nothing_recorded_is_ever_lost_or_changed(self) -> None:
        record = self.story.world.records[KEY]
        now = {number: each.entry.hash for number, each in record.revisions.items()}
        assert now.items() >= self.recorded.items()
        fresh = [record.revisions[number].entry for number in now.keys() - self.recorded.keys()]
        self.recorded = now
        for entry in fresh:
            if entry.trigger is Trigger.AUTOMATIC_ROLLBACK:
                self.rollbacks_since_a_person_acted += 1
                was_bad = [each.digest for each in record.status.quarantine]
                assert entry.digest not in was_bad, "a rollback never goes to a quarantined content"

    @invariant()
    def rollbacks_end(self) -> None:
        """Between two acts of a person there are no more of them than contents: three here."""
        assert self.rollbacks_since_a_person_acted <= 3


Cluster.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRandomOrders = Cluster.TestCase
