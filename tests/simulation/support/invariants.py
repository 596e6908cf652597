"""What must hold in each state of a simulated world, and for each write.

Each is a function of its own that says in words what it means. Those of a state look at one world; those of a write
compare the world right before it with the one right after it, so that what users do in between is never blamed on the
operator. That each can fail is shown in `test_invariants.py`.

That a write whose precondition does not hold is refused is no property of the operator: the world does it, as the API
server does. Who leads, and which bytes of a metric source are told on, cannot be seen in one process over a world.

Rule: R71.
Rule: R85.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from pennant.api.conditions import find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Trigger
from pennant.core.facts.observation import Key
from pennant.core.rollout.revision import entry_hash, pair, unrestarted
from simulation.support.world import World
from simulation.support.write_rules import WRITES

LARGEST_STATUS = 256 * 1024
LONGEST_MESSAGE = 1024
MOST_QUARANTINED = 20

Invariant = Callable[[ModelDeploymentStatus], None]


def check(world: World) -> None:
    """Fail where what is on record of a ModelDeployment contradicts itself."""
    for record in world.records.values():
        for holds in STATES:
            holds(record.status)


def check_write(before: World, now: World, key: Key) -> None:
    """Fail where a write for this ModelDeployment was none that may be made, or left a state that may not be."""
    if (record := now.records.get(key)) is not None:
        for state_holds in STATES:
            state_holds(record.status)
    for write_holds in WRITES:
        write_holds(before, now, key)


def check_converged(world: World) -> None:
    """Fail where a world at rest does not serve what its records say."""
    check(world)
    for key in world.records:
        check_at_rest(world, key)


def check_at_rest(world: World, key: Key) -> None:
    """Fail where a ModelDeployment at rest does not serve what its records say."""
    record, shown = world.records[key], world.deployments[key]
    status, active = record.status, record.status.history[-1]
    assert shown.template_hash == active.template_hash
    recorded, template = record.revisions[active.revision].template, shown.manifest["spec"]["template"]
    assert unrestarted(template) == unrestarted(recorded), "what others changed is put right, but for a restart"
    quarantined = {each.digest for each in status.quarantine}
    for version in world.versions.values():
        mirrored = {each.digest for each in version.quarantined_by if each.deployment == key.name}
        assert mirrored == quarantined & {version.digest}, "both places say the same"


def numbers_only_grow(status: ModelDeploymentStatus) -> None:
    """The entries of the history stand in the order of their numbers, whatever their times, and none is there twice."""
    numbers = [each.revision for each in status.history]
    assert numbers == sorted(set(numbers))


def the_chain_has_no_gap(status: ModelDeploymentStatus) -> None:
    """Each entry of the history names the hash of the one before it.

    Where the limit has taken entries away between a way back and the newest ones, there is nothing to compare.
    """
    for before, after in pairwise(status.history):
        assert after.revision != before.revision + 1 or after.previous_hash == before.hash


def what_is_recorded_fits_its_hash(status: ModelDeploymentStatus) -> None:
    """The hash of each entry is that of its fixed part."""
    for each in status.history:
        assert _hash(each) == each.hash


_hash = lru_cache(maxsize=4096)(entry_hash)


def one_revision_is_in_place(status: ModelDeploymentStatus) -> None:
    """All entries have ended but the newest one, which has not."""
    ended = [each.ended_at is not None for each in status.history]
    assert ended == [True] * (len(ended) - 1) + [False] * bool(ended)


def rollbacks_come_to_an_end(status: ModelDeploymentStatus) -> None:
    """No two rollbacks in a row go to the same content with the same pod template.

    So there are never more of them in a row than were verified. Where the limit of the history has removed entries in
    between, one of a user may have been among them.

    Rule: R58.
    """
    in_a_row: set[object] = set()
    last = 0
    for each in status.history:
        if each.trigger is not Trigger.AUTOMATIC_ROLLBACK or each.revision != last + 1:
            in_a_row.clear()
        last = each.revision
        if each.trigger is not Trigger.AUTOMATIC_ROLLBACK:
            continue
        assert pair(each) not in in_a_row, f"two rollbacks in a row go to {each.version} with the same pod template"
        in_a_row.add(pair(each))


def who_needs_a_person_is_not_ready(status: ModelDeploymentStatus) -> None:
    """`Stalled` and `Ready` are never true at the same time."""
    stalled, ready = (find(status.conditions, kind) for kind in ("Stalled", "Ready"))
    assert stalled is None or ready is None or not (stalled.status.value == ready.status.value == "True")


def the_status_stays_small(status: ModelDeploymentStatus) -> None:
    """It fits into an object with room to spare, and no message is longer than a person reads."""
    messages = [*(each.message for each in status.conditions), *(each.message for each in status.quarantine)]
    assert all(len(each) <= LONGEST_MESSAGE for each in messages)
    assert len(status.quarantine) <= MOST_QUARANTINED
    assert len(json.dumps(status.to_json())) <= LARGEST_STATUS


STATES: tuple[Invariant, ...] = (
    numbers_only_grow,
    the_chain_has_no_gap,
    what_is_recorded_fits_its_hash,
    one_revision_is_in_place,
    rollbacks_come_to_an_end,
    who_needs_a_person_is_not_ready,
    the_status_stays_small,
)
