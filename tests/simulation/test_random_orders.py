"""Acts of users, metrics, time and crashes in random order: no record is lost, no bad version returns, no loop.

There are two deployments of one model; what users do to one of them does not change the other.

Each run has the same orders. `PENNANT_TEST_ORDERS` sets another number; then each run has other orders, or those of
`pytest --hypothesis-seed`.

Rule: R102.
"""

import asyncio
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pennant.api.conditions import find
from pennant.api.deployment_status import MetricState
from pennant.api.history import HistoryEntry, QuarantineEntry, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Key
from pennant.core.rollout.history import quarantine_entry_of
from simulation.support import invariants
from simulation.support.metrics import ANSWERS, NAMES, Answer, answers, metrics
from simulation.support.observer import Watch
from simulation.support.story import Crash, Story, a_spec
from simulation.support.turn_order import RandomTurns
from simulation.support.world import KEY, MOST_ROUNDS, OTHER, World

ORDERS = os.environ.get("PENNANT_TEST_ORDERS")
FAILED_STARTS = {Reason.PROGRESS_DEADLINE_EXCEEDED, Reason.PODS_UNAVAILABLE}
NUMBERS = ("1.0.0", "1.1.0", "1.2.0")
VERSIONS = st.sampled_from(NUMBERS)
KEYS = st.sampled_from([KEY, OTHER])
VALUES = st.sampled_from([0.95, 0.5, None, float("nan")])
ROLLBACKS: list[dict[str, Any]] = [
    {},
    {"action": "Pause"},
    {"action": "Report"},
    {"cooldownSeconds": 60},
    {"budget": {"count": 1, "windowSeconds": 100}},
    {"limit": 2},
    {"onUnavailable": "Rollback"},
]
ANALYSES = st.fixed_dictionaries(
    {"intervalSeconds": st.just(10), "bakeSeconds": st.just(20), "metrics": st.just([]) | metrics()},
    optional={"afterPromotion": st.just("Stop"), "initialDelaySeconds": st.just(15)},
)
SPECS = st.fixed_dictionaries(
    {"analysis": ANALYSES, "rollback": st.sampled_from(ROLLBACKS)},
    optional={
        "historyLimit": st.sampled_from([2, 4]),
        "statusHistoryLimit": st.just(2),
        "promotion": st.just({"onAmbiguousTag": "Newest"}),
        "replicas": st.just(1),
    },
)
"""Specs of the other deployment."""
COMMANDS = st.sampled_from(
    [
        *({"rollback_to": to} for to in ("", "1", "2", *NUMBERS)),
        *({"retry": version} for version in ("", *NUMBERS)),
        {"restart": ""},
        {},
    ]
)
"""The last one takes the annotations away."""
FOUND_WITHIN = 45
"""Seconds within which a version is found that breaches whenever it is measured: an interval passes until its first
check, at most another one until that is due, and then two more for the second and the third."""
HALTED = {Reason.NAME_CONFLICT, Reason.INVALID_SPEC, Reason.HISTORY_TAMPERED, Reason.STATUS_UNREADABLE}
"""Why a ModelDeployment is left as it is, so that nothing is measured for it."""
UNUSABLE_FOR = 70
"""Seconds after which nothing may be said to pass that nobody could measure: an answer of before counts for two
intervals, its samples for two more, and the next check is due an interval later, of which the answer may hang."""
MAY_BREACH = {Answer.BREACHES, Answer.INFINITE, Answer.SEVERAL_SERIES, Answer.TOO_FEW_SAMPLES}
"""What a source may say of a version so that some spec finds it bad."""
Deletion = Callable[[World, Key], None]
WAYS: list[Deletion] = [
    World.delete_deployment,
    World.delete_deployment_alone,
    lambda world, key: world.delete_deployment_alone(key, orphan=True),
    World.begin_to_delete,
]
"""At once with all that it owns, in the background, with orphans, in the foreground."""
Edit = Callable[[World, Key], None]
EDITS: list[Edit] = [
    lambda world, key: world.set_image_by_hand(key, "registry.example/other:1"),
    lambda world, key: world.add_variable_by_hand(key, "DEBUG"),
    lambda world, key: world.restart_by_hand(key, f"{world.time:%Y-%m-%dT%H:%M:%SZ}"),
    World.delete_workload,
    lambda world, key: world.delete_workload(key, in_the_foreground=True),
    lambda world, key: world.pause_by_hand(key, True),
    lambda world, key: world.pause_by_hand(key, False),
]
"""What people do to a Deployment that is there."""


class Cluster(RuleBasedStateMachine):
    """Two ModelDeployments, three versions, and the acts and faults that change them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.story = Story()
        self.watch = Watch(self.world)
        self.world.after_round = self.note
        checked = self.world.check_write

        def check_write(before: World, key: Key) -> None:
            checked(before, key)
            self.watch.check(before, key)

        self.world.check_write = check_write
        self.holders: set[str] = set()
        self.faulty: set[str] = set()
        """Versions whose pods ever failed by themselves."""
        self.breached: set[str] = set()
        """Versions of which a metric was ever bad."""
        self.bad_since: tuple[int, datetime] | None = None
        """Which revision of the first deployment breaches, and since when that can be measured without a break."""
        self.measured_at = self.world.steady
        """When the accuracy of what serves could be measured last, or there was no operator."""
        self.all_is_well()
        self.specs = {KEY: a_spec()}
        self.recorded: dict[Key, dict[int, str]] = {}
        self.owners: dict[Key, str] = {}
        self.rollbacks_since_a_person_acted: Counter[Key] = Counter()
        self.counted: set[str] = set()
        """The hashes of all entries of which it was counted whether they are rollbacks."""
        self.commands = 0
        self.has_interfered = False
        self.world.apply_deployment(KEY, self.specs[KEY])

    @property
    def world(self) -> World:
        return self.story.world

    def teardown(self) -> None:
        try:
            # An example that has failed already is not told on.
            if sys.exc_info()[0] is None:
                self.all_comes_to_rest()
                self.all_is_deleted()
        finally:
            self.loop.run_until_complete(self.story.operator.aclose())
            self.loop.close()

    def run(self, steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Take steps; where the process dies, start it again and let it finish."""
        try:
            self.loop.run_until_complete(steps())
        except Crash:
            # The next process asks the source about all of them.
            self.has_interfered = True
            self.story.start_operator()
            self.run(self.story.settle)

    def passes(self, seconds: int) -> None:
        self.run(lambda: self.story.passes(seconds))

    def note(self) -> None:
        """Note what holds at this moment."""
        self.watch.look()
        source, deployment = self.story.accuracy, self.world.deployments.get(KEY)
        answers = not (source.down or source.partial or source.empty)
        # It answers with the samples that it knows when the answer comes.
        lag = source.lag_seconds - source.seconds_to_answer
        quick = source.seconds_to_answer <= min(source.timeout_seconds, 20) and lag <= 20
        # A series has the name of a version, whichever deployment serves it.
        ready = {pod.version for each in self.world.deployments.values() for pod in each.pods if pod.ready}
        told = [source.values.get(each) for each in ready]
        if not deployment or (answers and quick and any(each is not None and math.isfinite(each) for each in told)):
            self.measured_at = self.world.steady
        self._note_breach(answers)

    def _note_breach(self, answers: bool) -> None:
        """Note whether the source shows at this moment that the first deployment breaches."""
        source, active, deployment = self.story.accuracy, self.in_place(), self.world.deployments.get(KEY)
        prompt = answers and not source.seconds_to_answer and not source.lag_seconds
        counted = self.world.turns is None and self.world.pace == MOST_ROUNDS and not self.world.controllers_away
        if active is None or deployment is None or not (prompt and counted):
            self.bad_since = None
            return
        value = source.values.get(active.version)
        serves = any(each.ready and each.template_hash == active.template_hash for each in deployment.pods)
        if not serves or value is None or not value < 0.9:
            self.bad_since = None
        elif self.bad_since is None or self.bad_since[0] != active.revision:
            self.bad_since = active.revision, self.world.steady

    def tag(self, version: str, held: bool) -> None:
        self.rollbacks_since_a_person_acted.clear()
        (self.holders.add if held else self.holders.discard)(version)
        self.story.version(version, *(["production"] if held else []))
        self.run(self.story.settle)

    def upon(self, key: Key, act: Callable[[], None]) -> None:
        """Let a user act on one deployment, and check that the other one does not change."""
        others, self.has_interfered = self.apart_from(key), False
        act()
        self.bad_since = None
        self.rollbacks_since_a_person_acted[key] = 0
        self.run(self.story.settle)
        assert self.apart_from(key) == others or self.has_interfered, f"what was done to {key} has changed another"

    def apart_from(self, key: Key) -> object:
        records = {each: record.copy() for each, record in self.world.records.items() if each != key}
        shown = self.world.deployments.items()
        return records, {each: (d.uid, d.manifest, d.resource_version) for each, d in shown if each != key}

    def is_there(self, key: Key) -> bool:
        return key in self.world.records

    @initialize(spec=SPECS)
    def another_deployment_is_made(self, spec: dict[str, Any]) -> None:
        self.specs[OTHER] = a_spec(**spec)
        self.world.apply_deployment(OTHER, self.specs[OTHER])
        self.run(self.story.settle)

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

    @rule(versions=st.lists(VERSIONS, min_size=2, max_size=6), seen=st.booleans())
    def the_tag_moves_quickly(self, versions: list[str], seen: bool) -> None:
        """One version at a time has the tag; the operator sees each move, or only the last one."""
        for version in versions:
            for each in {*self.holders, version}:
                self.story.version(each, *(["production"] if each == version else []))
            self.holders = {version}
            if seen:
                self.run(self.story.settle)
        self.rollbacks_since_a_person_acted.clear()
        self.run(self.story.settle)

    @rule(version=VERSIONS)
    def a_version_that_breaches_whenever_it_is_measured_is_found(self, version: str) -> None:
        self.all_is_well()
        self.accuracy_is(version, 0.2)
        self.the_tag_moves(version)
        self.passes(60)

    def in_place(self) -> HistoryEntry | None:
        """Return the revision that the status of the first deployment says is in place."""
        status = self.world.records[KEY].status if self.is_there(KEY) else None
        return status.history[-1] if status is not None and status.history else None

    def is_measured(self) -> bool:
        """Return whether the first deployment may have pods, and somebody measures what they do."""
        record, deployment = self.world.records.get(KEY), self.world.deployments.get(KEY)
        if record is None or record.deleting or record.spec.get("paused") or not record.spec["replicas"]:
            return False
        if deployment is None or deployment.owner != record.uid or deployment.deleting or deployment.paused:
            return False
        stalled = find(record.status.conditions, "Stalled")
        return stalled is None or stalled.status.value != "True" or stalled.reason not in HALTED

    @rule(good=VERSIONS, bad=VERSIONS)
    def a_good_version_is_followed_by_a_bad_one(self, good: str, bad: str) -> None:
        """The main case, which would be rare by chance alone."""
        for version, accuracy, answer in ((good, 0.95, Answer.PASSES), (bad, 0.2, Answer.BREACHES)):
            self.accuracy_is(version, accuracy)
            self.other_metrics_change(version, [answer] * len(NAMES))
            self.the_tag_moves(version)
            self.passes(60)

    @rule(version=VERSIONS, comes_back=st.booleans())
    def a_version_is_deleted(self, version: str, comes_back: bool) -> None:
        if ("default", f"fraud-{version}") in self.world.versions:
            self.world.delete_version(f"fraud-{version}")
            self.run(self.story.settle)
            if comes_back:
                self.tag(version, version in self.holders)
            self.holders &= {each.version for each in self.world.versions.values()}
            self.rollbacks_since_a_person_acted.clear()

    @rule(version=VERSIONS, value=VALUES)
    def live_accuracy_changes(self, version: str, value: float | None) -> None:
        self.accuracy_is(version, value)

    def accuracy_is(self, version: str, value: float | None) -> None:
        self.story.accuracy.values[version] = value
        if value is not None and value < 0.9:
            self.breached.add(version)

    @rule(version=VERSIONS, told=st.lists(ANSWERS, min_size=len(NAMES), max_size=len(NAMES)))
    def other_metrics_change(self, version: str, told: list[Answer]) -> None:
        for name, answer in zip(NAMES, told, strict=True):
            answers(self.story.accuracy, name, version, answer)
        if MAY_BREACH & {*told}:
            self.breached.add(version)

    @rule(down=st.booleans())
    def the_source_comes_and_goes(self, down: bool) -> None:
        self.story.accuracy.down = down

    @rule(
        aligned=st.booleans(),
        partial=st.sampled_from([False, False, True]),
        empty=st.sampled_from([False, False, True]),
        seconds=st.sampled_from([0, 3, 15, 45, math.inf]),
        timeout=st.sampled_from([10, 120]),
        lag=st.sampled_from([0, 5, 15, 30]),
        rules=st.none() | st.frozensets(st.sampled_from(NAMES)),
    )
    def the_source_answers_as_it_may(
        self,
        aligned: bool,
        partial: bool,
        empty: bool,
        seconds: float,
        timeout: float,
        lag: float,
        rules: frozenset[str] | None,
    ) -> None:
        source = self.story.accuracy
        source.rules, source.partial, source.empty, source.aligned = rules, partial, empty, aligned
        source.seconds_to_answer, source.timeout_seconds, source.lag_seconds = seconds, timeout, lag

    @rule(version=VERSIONS, ready=st.booleans())
    def pods_become_ready_or_never(self, version: str, ready: bool) -> None:
        (self.world.never_ready.discard if ready else self.world.never_ready.add)(version)
        self.faulty |= self.world.never_ready

    @rule(version=VERSIONS, crash=st.booleans())
    def pods_crash_or_run(self, version: str, crash: bool) -> None:
        (self.world.crashing.add if crash else self.world.crashing.discard)(version)
        self.faulty |= self.world.crashing

    @rule(version=VERSIONS, told=st.none() | st.sampled_from([(5, 35), (20, 5), (1, 1)]))
    def pods_lose_readiness_again_and_again(self, version: str, told: tuple[int, int] | None) -> None:
        self.world.flapping.pop(version, None)
        if told is not None:
            self.world.flapping[version] = told
            self.faulty.add(version)

    @rule(key=KEYS)
    def a_pod_is_evicted(self, key: Key) -> None:
        if key in self.world.deployments:
            self.world.evict(key)

    @rule(room=st.none() | st.integers(2, 8))
    def there_is_room_for_so_many_pods(self, room: int | None) -> None:
        self.world.room = room

    @rule(quota=st.none() | st.integers(2, 8))
    def a_quota_allows_so_many_pods(self, quota: int | None) -> None:
        self.world.quota = quota

    @rule(away=st.booleans())
    def the_controllers_go_or_come(self, away: bool) -> None:
        if away:
            self.world.controllers_away = True
        else:
            self.world.restart_controllers()

    @rule(seed=st.none() | st.integers(0, 1000), pace=st.sampled_from([1, 3, MOST_ROUNDS]))
    def the_controllers_are_quick_or_slow(self, seed: int | None, pace: int) -> None:
        self.world.pace, self.world.turns = pace, None if seed is None else RandomTurns(seed)

    @rule(key=KEYS, image=st.integers(1, 3))
    def the_template_changes(self, key: Key, image: int) -> None:
        container = {"name": "server", "image": f"registry.example/server:{image}"}
        self.specs[key] = {**self.specs[key], "template": {"spec": {"containers": [container]}}}
        self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule(key=KEYS, replicas=st.sampled_from([0, 1, 3]))
    def it_is_scaled(self, key: Key, replicas: int) -> None:
        self.specs[key] = {**self.specs[key], "replicas": replicas}
        self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule(key=KEYS, paused=st.booleans())
    def it_is_paused_or_goes_on(self, key: Key, paused: bool) -> None:
        self.specs[key] = {**self.specs[key], "paused": paused}
        self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule(key=KEYS, version=st.none() | VERSIONS)
    def it_is_pinned_or_follows_the_tag(self, key: Key, version: str | None) -> None:
        spec = {name: each for name, each in self.specs[key].items() if name != "version"}
        self.specs[key] = spec if version is None else {**spec, "version": version}
        self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule(key=KEYS, command=COMMANDS, has_token=st.booleans())
    def a_command_is_given(self, key: Key, command: dict[str, str], has_token: bool) -> None:
        if self.is_there(key):
            self.commands += 1
            token = {"requested_at": f"t{self.commands}"} if has_token else {}
            self.upon(key, lambda: self.world.annotate(key, **command, **token, requested_by="ada"))

    @rule(key=KEYS, edit=st.sampled_from(EDITS))
    def the_deployment_is_edited_by_hand(self, key: Key, edit: Edit) -> None:
        if key in self.world.deployments:
            self.upon(key, lambda: edit(self.world, key))

    @rule(key=KEYS, back=st.integers(1, 3))
    def the_deployment_is_undone_by_hand(self, key: Key, back: int) -> None:
        revisions = list(self.world.records[key].revisions.values()) if self.is_there(key) else []
        if key in self.world.deployments and len(revisions) > back:
            self.upon(key, lambda: self.world.undo_by_hand(key, revisions[-1 - back].template))

    @rule(key=KEYS, back=st.integers(1, 3))
    def a_record_is_deleted(self, key: Key, back: int) -> None:
        numbers = sorted(self.world.records[key].revisions) if self.is_there(key) else []
        if len(numbers) >= back:
            number = numbers[-back]
            self.recorded.get(key, {}).pop(number, None)
            self.upon(key, lambda: self.world.delete_revision(key, number))

    @rule(key=KEYS)
    def a_status_is_wiped(self, key: Key) -> None:
        if self.is_there(key):
            self.upon(key, lambda: self.world.wipe_status(key))

    @rule(key=KEYS, seconds=st.sampled_from([0, 7, 90]), old=st.booleans())
    def a_status_is_put_back(self, key: Key, seconds: int, old: bool) -> None:
        """What a backup tool does with the status that it has kept."""
        if not self.is_there(key):
            return
        kept = self.world.records[key]
        status = kept.status
        if old:
            self.world.wipe_status(key)
        self.passes(seconds)
        if self.is_there(key) and self.world.records[key].uid == kept.uid:
            self.upon(key, lambda: self.world.put_status_back(key, status))

    @rule(key=KEYS, way=st.sampled_from(WAYS))
    def a_deployment_is_deleted(self, key: Key, way: Deletion) -> None:
        """It comes back when it is applied again."""
        if self.is_there(key):
            self.upon(key, lambda: way(self.world, key))

    @rule(key=KEYS, way=st.sampled_from(WAYS))
    def a_deployment_is_deleted_and_made_anew(self, key: Key, way: Deletion) -> None:
        """What is quarantined stays so, also while the garbage collector has not yet come."""
        if not self.is_there(key) or self.world.records[key].deleting:
            return
        before = {each.digest for each in self.world.records[key].status.quarantine if each.inputs_hash is None}
        mirrored = {
            q.digest for v in self.world.versions.values() for q in v.quarantined_by if q.deployment == key.name
        }
        asked = self.world.records[key].status.desired
        self.upon(key, lambda: way(self.world, key))
        self.make_again(key)
        self.clear_away()
        self.make_again(key)
        held = self.holders == {asked.version} if asked is not None else False
        if asked is not None and asked.digest in before & mirrored and held and not self.has_interfered:
            assert asked.digest in {each.digest for each in self.world.records[key].status.quarantine}

    def make_again(self, key: Key) -> None:
        if not self.is_there(key):
            self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule()
    def what_is_left_behind_is_cleared_away(self) -> None:
        self.clear_away()

    def clear_away(self) -> None:
        """The garbage collector comes, and a person deletes what was orphaned."""
        self.world.collect_garbage()
        for key in [key for key, each in self.world.deployments.items() if not each.owner]:
            self.world.delete_workload(key)
        self.run(self.story.settle)

    @rule(key=KEYS)
    def a_deployment_is_applied_again(self, key: Key) -> None:
        self.upon(key, lambda: self.world.apply_deployment(key, self.specs[key]))

    @rule(seconds=st.sampled_from([1, 7, 40, 90]))
    def time_passes(self, seconds: int) -> None:
        self.passes(seconds)

    @rule(seconds=st.sampled_from([5, 90, 400]))
    def the_operator_is_away(self, seconds: int) -> None:
        self.story.operator_is_away(seconds)
        self.run(self.story.settle)
        self.measured_at, self.bad_since = self.world.steady, None

    @rule()
    def the_clock_is_set_back(self) -> None:
        """The operator looks at everything from time to time, and so it does here."""
        self.world.set_clock_back(timedelta(hours=1))
        self.story.operator.hint()
        self.bad_since = None
        self.run(self.story.settle)

    @rule(at=st.integers(1, 6), late=st.booleans())
    def the_process_dies_at_a_write_to_come(self, at: int, late: bool) -> None:
        def die() -> None:
            raise Crash

        self.at_a_write_to_come(at, die, late)

    @rule(at=st.integers(1, 6), key=KEYS, way=st.sampled_from(WAYS), comes_back=st.booleans())
    def a_deployment_is_deleted_at_a_write_to_come(self, at: int, key: Key, way: Deletion, comes_back: bool) -> None:
        """That is in the middle of a pass."""

        def delete() -> None:
            self.has_interfered = True
            if self.is_there(key):
                way(self.world, key)
            if comes_back and not self.is_there(key):
                self.world.apply_deployment(key, self.specs[key])

        self.at_a_write_to_come(at, delete)

    @rule(at=st.integers(1, 6), key=KEYS, edit=st.sampled_from(EDITS))
    def a_deployment_is_edited_at_a_write_to_come(self, at: int, key: Key, edit: Edit) -> None:
        def change() -> None:
            self.has_interfered = True
            if key in self.world.deployments:
                edit(self.world, key)

        self.at_a_write_to_come(at, change)

    def at_a_write_to_come(self, at: int, act: Callable[[], None], late: bool = True) -> None:
        left = [at]

        def act_once(_: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                self.nothing_more_happens_at_a_write()
                self.bad_since = None
                act()

        if late:
            self.world.after_write = act_once
        else:
            self.world.before_write = act_once

    def nothing_more_happens_at_a_write(self) -> None:
        self.world.before_write = self.world.after_write = lambda _: None

    @invariant()
    def nothing_contradicts_itself(self) -> None:
        invariants.check(self.world)

    @invariant()
    def nothing_recorded_is_ever_lost_or_changed(self) -> None:
        """Records go only when users delete them or the history exceeds its limit."""
        for key, record in self.world.records.items():
            if self.owners.get(key) != record.uid:
                self.owners[key], self.recorded[key] = record.uid, {}
                self.rollbacks_since_a_person_acted[key] = 0
            before = self.recorded[key]
            now = self.recorded[key] = {number: each.entry.hash for number, each in record.revisions.items()}
            said = {each.revision for each in record.status.history}
            limit = ModelDeploymentSpec.model_validate(record.spec).history_limit
            newest = sorted({*before, *now, *said})[-(limit - 1) :]
            assert all(now[number] == before[number] for number in before.keys() & now.keys())
            assert (before.keys() - now.keys()).isdisjoint({*newest, *said})
            new = [record.revisions[number].entry for number in now.keys() - before.keys()]
            # What is taken up again was counted before.
            fresh = [each for each in new if each.hash not in self.counted]
            self.counted |= {each.hash for each in fresh}
            made = [each for each in fresh if each.trigger is Trigger.AUTOMATIC_ROLLBACK]
            self.rollbacks_since_a_person_acted[key] += len(made)

    @invariant()
    def rollbacks_end(self) -> None:
        """Between two acts of a person there are fewer of them than contents: three here."""
        assert all(number < len(NUMBERS) for number in self.rollbacks_since_a_person_acted.values())

    @invariant()
    def what_is_good_is_never_condemned(self) -> None:
        """A start fails by what its own pods do: never by a lack of room, a quota, an eviction, or slow controllers.

        And a metric breaches by what was measured of that version, unless a user asks for that where nothing was.
        """
        for key, record in self.world.records.items():
            failed = {each.version for each in record.status.quarantine if each.reason in FAILED_STARTS}
            assert failed <= self.faulty, "none of its pods failed"
            metrics = record.spec["analysis"]["metrics"]
            if not any("Breach" in (each.get("onError"), each.get("onNoData")) for each in metrics):
                bad = {each.version for each in record.status.quarantine if each.reason == Reason.METRIC_BREACH}
                assert bad <= self.breached, f"none of its metrics was ever bad in {key}"

    @invariant()
    def what_nobody_can_measure_does_not_pass(self) -> None:
        silent = (self.world.steady - self.measured_at).total_seconds()
        if silent < UNUSABLE_FOR or not self.is_measured() or (active := self.in_place()) is None:
            return
        said = [each for each in self.world.records[KEY].status.analysis if each.revision == active.revision]
        assert all(each.state is not MetricState.PASSING for each in said), f"{said} after {silent} s"

    @invariant()
    def what_breaches_is_found(self) -> None:
        if self.bad_since is None or not self.is_measured() or (active := self.in_place()) is None:
            return
        revision, since = self.bad_since
        if active.revision == revision and (self.world.steady - since).total_seconds() >= FOUND_WITHIN:
            healthy = find(self.world.records[KEY].status.conditions, "MetricsHealthy")
            assert healthy is not None
            assert (healthy.status.value, healthy.reason) == ("False", Reason.THRESHOLD_BREACHED)

    def all_is_well(self) -> None:
        """End all faults."""
        self.nothing_more_happens_at_a_write()
        for behaviour in (self.world.never_ready, self.world.crashing, self.world.flapping):
            behaviour.clear()
        self.world.room = self.world.quota = self.world.turns = None
        self.world.pace = MOST_ROUNDS
        self.world.restart_controllers()
        self.story.accuracy.behave()
        for version in NUMBERS:
            self.accuracy_is(version, 0.95)
            self.other_metrics_change(version, [Answer.PASSES] * len(NAMES))

    def all_comes_to_rest(self) -> None:
        self.all_is_well()
        self.clear_away()
        self.passes(150)
        for _ in range(300):
            # So long it takes until somebody is called because nobody holds the tag.
            self.story.tick()
        self.passes(100)
        written = self.world.writes
        self.story.start_operator()
        self.passes(100)
        assert self.world.writes == written, f"it does not come to rest: {self.world.trace[-5:]}"
        invariants.check(self.world)
        for key, record in self.world.records.items():
            there = record.status.history[-1].revision in record.revisions if record.status.history else False
            if there and not record.spec.get("paused"):
                invariants.check_at_rest(self.world, key)
        active = self.in_place()
        if active is not None and self.is_measured() and quarantine_entry_of(active, self.quarantine()) is None:
            assert active.verified_at is not None, "what is good becomes known good"

    def quarantine(self) -> tuple[QuarantineEntry, ...]:
        return self.world.records[KEY].status.quarantine

    def all_is_deleted(self) -> None:
        """Nothing is left, and nothing is written for what is gone."""
        written = self.world.writes
        for number, key in enumerate(list(self.world.records)):
            WAYS[number % len(WAYS)](self.world, key)
        self.passes(5)
        self.clear_away()
        self.passes(5)
        for left in (self.world.records, self.world.deployments, self.world.left_behind):
            assert not left
        assert self.world.writes == written, self.world.trace[-5:]


Cluster.TestCase.settings = settings(
    max_examples=int(ORDERS or 40),
    stateful_step_count=30,
    deadline=None,
    derandomize=ORDERS is None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRandomOrders = Cluster.TestCase
