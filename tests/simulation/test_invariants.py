"""Each invariant can fail: a world in which all of them hold, and for each of them what breaks it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pennant.api.conditions import ConditionStatus
from pennant.api.history import Evidence, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Key
from pennant.core.rollout.revision import chained
from simulation.support import invariants, write_rules
from simulation.support.objects import Deployment
from simulation.support.observer import Watch
from simulation.support.steps import rolled_back
from simulation.support.story import Story
from simulation.support.world import BEGINNING, KEY, World

Violation = Callable[[World], None]


@pytest.fixture
async def story() -> Story:
    """Return a story in which 1.1.0 holds the tag, was found bad, and 1.0.0 is back as revision 3."""
    return await rolled_back("1.0.0", "1.1.0")


def say(world: World, **fields: Any) -> None:
    record = world.records[KEY]
    record.status = record.status.model_copy(update=fields)


def alter(number: int, **fields: Any) -> Violation:
    """Change what the status says of a revision."""

    def violation(world: World) -> None:
        history = world.records[KEY].status.history
        changed = tuple(e.model_copy(update=fields) if e.revision == number else e for e in history)
        say(world, history=changed)

    return violation


def add(number: int, like: int, trigger: Trigger) -> Violation:
    """Add an entry that serves what an earlier revision did."""

    def violation(world: World) -> None:
        history = world.records[KEY].status.history
        entry = chained(_like(world, like, revision=number, trigger=trigger, ended_at=None), history[-1])
        ended = history[-1].model_copy(update={"ended_at": BEGINNING, "outcome": Outcome.SUPERSEDED})
        say(world, history=(*history[:-1], ended, entry))

    return violation


def record(number: int, like: int, trigger: Trigger) -> Violation:
    """Make a record that serves what an earlier revision did."""

    def violation(world: World) -> None:
        revisions = world.records[KEY].revisions
        entry = _like(world, like, revision=number, trigger=trigger)
        revisions[number] = replace(revisions[like], entry=entry, mirrored=None)

    return violation


def _like(world: World, number: int, **fields: Any) -> Any:
    return world.records[KEY].revisions[number].entry.model_copy(update=fields)


def forge_record(world: World) -> None:
    revisions = world.records[KEY].revisions
    revisions[1] = replace(revisions[1], record={})


def apply(**changes: Any) -> Violation:
    """Write a Deployment with other metadata, or without fields of its spec."""

    def violation(world: World) -> None:
        deployment = world.deployments[KEY]
        metadata = {**deployment.manifest["metadata"], **{k: v for k, v in changes.items() if v is not None}}
        spec = {name: each for name, each in deployment.manifest["spec"].items() if name not in changes}
        deployment.manifest = {**deployment.manifest, "metadata": metadata, "spec": spec}
        deployment.resource_version = world.serial()

    return violation


def condemn(revision: int, reason: Reason) -> Violation:
    def violation(world: World) -> None:
        status = world.records[KEY].status
        fields = {"revision": revision, "reason": reason.value, "digest": status.history[revision - 1].digest}
        say(world, quarantine=(*status.quarantine, status.quarantine[0].model_copy(update=fields)))

    return violation


def say_all_is_true(world: World) -> None:
    conditions = world.records[KEY].status.conditions
    say(world, conditions=tuple(each.model_copy(update={"status": ConditionStatus.TRUE}) for each in conditions))


def verify_without_knowing(world: World) -> None:
    conditions = world.records[KEY].status.conditions
    unknown = tuple(each.model_copy(update={"status": ConditionStatus.UNKNOWN}) for each in conditions)
    alter(3, verified_at=BEGINNING)(world)
    say(world, conditions=unknown)


def write_the_same_again(world: World) -> None:
    world.records[KEY].resource_version = world.serial()


def say_of_conditions(**fields: Any) -> Violation:
    """Write the status with other fields in its conditions."""

    def violation(world: World) -> None:
        conditions = world.records[KEY].status.conditions
        say(world, conditions=tuple(each.model_copy(update=fields) for each in conditions))

    return violation


def write_an_annotation(world: World) -> None:
    world.records[KEY].annotations["example.com/seen"] = "true"


def move_a_tag(world: World) -> None:
    where = ("default", "fraud-1.0.0")
    world.versions[where] = replace(world.versions[where], tags=frozenset({"production"}))


def take_the_mark_of_another(world: World) -> None:
    where = ("default", "fraud-1.1.0")
    marks = tuple(each.model_copy(update={"deployment": "other"}) for each in world.versions[where].quarantined_by)
    world.versions[where] = replace(world.versions[where], quarantined_by=marks)


def make_another_deployment(world: World) -> None:
    world.deployments[Key("default", "other")] = Deployment("other", {}, world.serial())


STATES: list[tuple[invariants.Invariant, Violation]] = [
    (invariants.numbers_only_grow, lambda world: say(world, history=world.records[KEY].status.history[::-1])),
    (invariants.numbers_only_grow, add(3, 1, Trigger.TAG_MOVED)),
    (invariants.the_chain_has_no_gap, alter(2, previous_hash="another")),
    (invariants.what_is_recorded_fits_its_hash, alter(2, reason="another")),
    (invariants.one_revision_is_in_place, alter(3, ended_at=BEGINNING)),
    (invariants.one_revision_is_in_place, alter(1, ended_at=None)),
    (invariants.rollbacks_come_to_an_end, add(4, 1, Trigger.AUTOMATIC_ROLLBACK)),
    (invariants.who_needs_a_person_is_not_ready, say_all_is_true),
    (
        invariants.the_status_stays_small,
        lambda world: say(world, quarantine=world.records[KEY].status.quarantine * 21),
    ),
    (invariants.the_status_stays_small, alter(1, reason="why" * 100_000)),
]


def delete_before(world: World) -> None:
    world.records[KEY].deleting = world.records[KEY].seen_to_go = True


def forget_before(world: World) -> None:
    del world.records[KEY]


def own_by_another(world: World) -> None:
    world.deployments[KEY].owner = "another"


def not_yet_verified(world: World) -> None:
    alter(3, verified_at=None)(world)
    revisions = world.records[KEY].revisions
    revisions[3] = replace(revisions[3], mirrored=None)


def another_generation(world: World) -> None:
    world.records[KEY].generation += 1


def nothing(_: World) -> None:
    pass


WRITES: list[tuple[write_rules.Invariant, Violation, Violation]] = [
    (write_rules.what_is_going_away_is_left_alone, delete_before, nothing),
    (write_rules.what_is_going_away_is_left_alone, forget_before, nothing),
    (write_rules.the_record_comes_before_its_entry, nothing, add(4, 1, Trigger.TAG_MOVED)),
    (write_rules.the_record_comes_before_the_deployment, nothing, apply(annotations={"pennant.dev/revision": "1"})),
    (write_rules.the_record_comes_before_the_deployment, nothing, apply(annotations={"pennant.dev/revision": "4"})),
    (
        write_rules.the_record_comes_before_the_deployment,
        lambda world: say(world, history=world.records[KEY].status.history[:2]),
        apply(annotations={"pennant.dev/revision": "2"}),
    ),
    (write_rules.what_was_recorded_is_never_changed, nothing, forge_record),
    (write_rules.what_was_recorded_is_never_changed, nothing, lambda world: world.delete_revision(KEY, 2)),
    (write_rules.the_history_only_goes_on, nothing, alter(1, actor="somebody else")),
    (write_rules.the_history_only_goes_on, nothing, alter(1, outcome=Outcome.VERIFIED)),
    (write_rules.the_history_only_goes_on, nothing, alter(3, verified_at=None)),
    (
        write_rules.only_the_limit_takes_entries_away,
        nothing,
        lambda world: say(world, history=world.records[KEY].status.history[1:]),
    ),
    (write_rules.a_new_revision_takes_the_next_number, nothing, record(5, 1, Trigger.UNDO)),
    (write_rules.what_the_tag_promotes_holds_it, nothing, record(4, 1, Trigger.TAG_MOVED)),
    (write_rules.nothing_found_bad_comes_back_by_itself, nothing, record(4, 2, Trigger.TAG_MOVED)),
    (write_rules.nothing_found_bad_comes_back_by_itself, nothing, record(4, 2, Trigger.SPEC_CHANGED)),
    (
        write_rules.nothing_found_bad_comes_back_by_itself,
        lambda world: say(world, history=(), quarantine=(), desired=None),
        record(4, 2, Trigger.TAG_MOVED),
    ),
    (write_rules.a_rollback_goes_to_what_was_known_good, nothing, record(4, 2, Trigger.AUTOMATIC_ROLLBACK)),
    (write_rules.a_rollback_goes_to_what_was_known_good, nothing, record(4, 1, Trigger.AUTOMATIC_ROLLBACK)),
    (
        write_rules.no_more_rollbacks_follow_each_other_than_the_limit_allows,
        not_yet_verified,
        record(4, 1, Trigger.AUTOMATIC_ROLLBACK),
    ),
    (write_rules.a_verdict_is_about_the_revision_in_place, nothing, condemn(1, Reason.METRIC_BREACH)),
    (write_rules.not_knowing_is_neither_good_nor_bad, nothing, condemn(3, Reason.METRIC_BREACH)),
    (write_rules.not_knowing_is_neither_good_nor_bad, not_yet_verified, verify_without_knowing),
    (write_rules.no_write_is_in_vain, nothing, write_the_same_again),
    (
        write_rules.a_condition_keeps_its_time_until_its_status_changes,
        nothing,
        say_of_conditions(last_transition_time=BEGINNING + timedelta(days=1)),
    ),
    (
        write_rules.a_condition_keeps_its_time_until_its_status_changes,
        nothing,
        say_of_conditions(status=ConditionStatus.UNKNOWN),
    ),
    (
        write_rules.a_condition_keeps_its_time_until_its_status_changes,
        another_generation,
        say_of_conditions(message="another"),
    ),
    (write_rules.what_users_wrote_is_left_alone, nothing, write_an_annotation),
    (write_rules.what_users_wrote_is_left_alone, nothing, move_a_tag),
    (write_rules.what_users_wrote_is_left_alone, nothing, take_the_mark_of_another),
    (write_rules.what_others_own_is_left_alone, nothing, make_another_deployment),
    (write_rules.what_others_own_is_left_alone, own_by_another, apply(annotations={})),
    (write_rules.what_is_made_is_where_its_owner_is, nothing, apply(namespace="another")),
    (write_rules.what_is_made_is_where_its_owner_is, nothing, apply(ownerReferences=[])),
    (write_rules.the_number_of_pods_is_left_to_the_autoscaler, nothing, apply(replicas=None)),
]


def test_each_of_them_is_broken_below_by_something() -> None:
    assert {each for each, _ in STATES} == set(invariants.STATES)
    assert {each for each, *_ in WRITES} == set(write_rules.WRITES)


@pytest.mark.parametrize(("holds", "violate"), STATES, ids=[each.__name__ for each, _ in STATES])
async def test_a_state_that_breaks_it_is_noticed(story: Story, holds: invariants.Invariant, violate: Violation) -> None:
    holds(story.status)
    violate(story.world)
    with pytest.raises(AssertionError):
        holds(story.status)
    with pytest.raises(AssertionError):
        invariants.check(story.world)


@pytest.mark.parametrize(("holds", "prepare", "violate"), WRITES, ids=[each.__name__ for each, *_ in WRITES])
async def test_a_write_that_breaks_it_is_noticed(
    story: Story, holds: write_rules.Invariant, prepare: Violation, violate: Violation
) -> None:
    for each in write_rules.WRITES:
        each(story.world, story.world.copy(), KEY)
    before, now = story.world, story.world.copy()
    prepare(before)
    if prepare in (own_by_another, not_yet_verified, another_generation):
        prepare(now)
    violate(now)
    with pytest.raises(AssertionError):
        holds(before, now, KEY)


async def test_every_single_write_of_an_operator_is_looked_at(story: Story) -> None:
    owner = story.cluster.view(KEY)
    assert owner is not None
    forged = story.status.history[0].model_copy(update={"reason": "another"})
    with pytest.raises(AssertionError):
        await story.cluster.write_status(
            owner, story.status.model_copy(update={"history": (forged, *story.history[1:])})
        )


async def watched(**spec: Any) -> tuple[Story, Watch]:
    """Return a story in which 1.0.0 has just been rolled out, and a watch over it."""
    story = Story()
    watch = Watch(story.world)
    story.world.after_round = watch.look
    story.version("1.0.0", "production")
    story.deployment(**spec)
    await story.until(lambda: bool(story.history) and story.history[-1].rolled_out_at is not None)
    return story, watch


async def test_a_revision_that_is_known_good_too_soon_is_noticed() -> None:
    story, watch = await watched()
    before = story.world.copy()
    for seconds, is_noticed in ((29, True), (1, False)):
        story.world.tick(seconds)
        now = story.world.records[KEY].status
        alter(1, verified_at=story.world.time)(story.world)
        with pytest.raises(AssertionError) if is_noticed else nullcontext():
            watch.check(before, KEY)
        story.world.records[KEY].status = now


@pytest.mark.parametrize(("seconds", "is_noticed"), [(29, True), (30, False)])
async def test_a_breach_by_what_was_measured_before_the_first_pod_is_noticed(seconds: int, is_noticed: bool) -> None:
    story, watch = await watched()
    before, begun = story.world.copy(), story.history[-1].available_at
    assert begun is not None
    evidence = Evidence(
        metric="accuracy",
        value="0.2",
        threshold="0.9",
        breaches="3 of 3",
        query_hash="x",
        at=begun + timedelta(seconds=seconds),
    )
    entry = story.history[-1]
    alter(1, evidence=(evidence,))(story.world)
    condemned = QuarantineEntry(
        digest=entry.digest,
        version=entry.version,
        reason=Reason.METRIC_BREACH,
        message="",
        since=story.world.time,
        revision=1,
    )
    say(story.world, quarantine=(condemned,))
    with pytest.raises(AssertionError) if is_noticed else nullcontext():
        watch.check(before, KEY)
