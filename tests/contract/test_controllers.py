"""The controllers of the simulation are held to the real kube-controller-manager: each of its runs is one of theirs.

The same script is played on both. After each step both come to rest; between two rests the real one tells a sequence of
statuses, and there must be an order of turns in which the simulated controllers tell exactly the same one. The rest of
the script is played from there. What the simulation tells by itself, where each controller acts as soon as it can, is
what the real one tells most of the time.

What the real controllers tell in between, seen by a watch:

- A new Deployment or pod template: first the condition `NewReplicaSetCreated`, while `observedGeneration` and all
  counts are still the old ones; then the new `observedGeneration` with the counts of before. Each pass writes the
  status once: the second write of a pass meets a conflict, and the pass is taken anew.
- A template that has a ReplicaSet already, as after a rollback: no condition is written. The first status with the new
  `observedGeneration` has the old counts and the old reason, also where that is `ProgressDeadlineExceeded` of the
  template before; the reason changes with the next pod that is deleted, created, or becomes ready.
- A deadline is looked at only when the Deployment is: on a change of it or of a ReplicaSet, or a second after it is
  over. Where controllers come back after it, `ProgressDeadlineExceeded` may be told of pods that have long been ready.
- Whether `ReplicaSetUpdated` is told of the first pods of a new template is a matter of chance: progress is a count
  that is larger than the one before, and the one before may still be that of the old template. Then
  `NewReplicaSetCreated` stays until the next progress.
- A pause tells `DeploymentPaused` before the new `observedGeneration`, and its end `DeploymentResumed`; but where the
  deadline is over they tell nothing, and the old reason stays.
- A refused pod tells `ReplicaFailure` with the words of the first refusal until all pods are created. Creating is tried
  again after 5 ms, 10 ms and so on up to 1000 s: once the quota is lifted, that may take as long again as it lasted.
"""

import math
import time
from dataclasses import replace

import pytest

from contract.real_rollout import real_rollout
from contract.rollouts import (
    CONTROLLERS_COME,
    CONTROLLERS_GO,
    NO_DEADLINE,
    NO_HURRY,
    Rollout,
    Step,
    Told,
    at_most,
    change,
    create,
    evict,
    no_quota,
    quota,
    ready,
    template,
    unready,
    wait,
)
from contract.simulated_rollout import Search, SimulatedRollout, by_itself
from rig import Rig
from simulation.support.deployment_controller import TIMED_OUT

Script = tuple[Step, ...]
# It is over as soon as it is set: the last progress was longer ago.
OVER = (wait(2), change(progressDeadlineSeconds=1))
IN_TIME = {"progressDeadlineSeconds": NO_HURRY}
TWO_READY = (create(replicas=2), ready("a", 2))
BACK_FROM_WHAT_IS_LATE = (create(), ready("a"), template("b"), *OVER, template("a", **IN_TIME))
LATE_WHILE_AWAY = (CONTROLLERS_GO, change(progressDeadlineSeconds=1), ready("b"), wait(2), CONTROLLERS_COME)

SCRIPTS: dict[str, Script] = {
    "a surge": (*TWO_READY, template("b"), ready("b"), ready("b")),
    "no surge": (create(replicas=2, strategy=at_most(0, 1)), ready("a", 2), template("b"), ready("b"), ready("b")),
    "percentages": (create(replicas=4, strategy=at_most("26%", "49%")), ready("a", 4), template("b"), ready("b", 3)),
    "neither by percentages": (create(replicas=2, strategy=at_most("0%", "25%")), ready("a", 2), template("b")),
    "readiness is lost": (*TWO_READY, unready("a"), unready("a"), ready("a", 2)),
    "readiness is lost in mid-rollout": (*TWO_READY, template("b"), ready("b"), unready("b"), unready("a"), ready("b")),
    "back in mid-rollout": (*TWO_READY, template("b"), template("a"), template("b"), ready("b")),
    "back afterwards": (create(), ready("a"), template("b"), ready("b"), template("a"), ready("a")),
    "back beyond what is late": (
        *(create(), ready("a"), template("b"), ready("b"), template("c"), *OVER),
        *(template("a", **IN_TIME), ready("a")),
    ),
    "on from what is late": (create(), ready("a"), template("b"), *OVER, template("c", **IN_TIME), ready("c")),
    "late, and then ready": (create(replicas=2), *OVER, change(**IN_TIME), ready("a"), ready("a")),
    "late when scaled": (create(), ready("a"), template("b"), *OVER, change(replicas=3, **IN_TIME), ready("b")),
    # ReplicaSets are ordered by the second in which they were made.
    "another template in mid-rollout": (
        *(*TWO_READY, wait(1), template("b"), wait(1), template("c"), ready("c"), ready("c")),
    ),
    "scaled": (create(), ready("a"), change(replicas=3), ready("a", 2), change(replicas=1), change(replicas=0)),
    "scaled in mid-rollout": (
        *(create(replicas=4, strategy=at_most(1, 1)), ready("a", 4), wait(1), template("b")),
        *(change(replicas=8), change(replicas=4), ready("b", 2), change(replicas=0)),
    ),
    "paused": (
        *(*TWO_READY, change(paused=True), template("b"), change(replicas=3)),
        *(change(paused=False), ready("b")),
    ),
    "paused in mid-rollout": (*TWO_READY, template("b"), change(paused=True), ready("b"), change(paused=False)),
    "paused when late": (create(), *OVER, change(paused=True), change(paused=False), ready("a")),
    "created paused": (create(paused=True), change(paused=False), ready("a")),
    "a quota": (quota(1), create(replicas=3), ready("a"), no_quota(2), ready("a", 2)),
    "a quota in mid-rollout": (*TWO_READY, quota(2), template("b"), no_quota(2), ready("b")),
    "some seconds of readiness": (create(minReadySeconds=3), ready("a"), wait(3), template("b"), ready("b"), wait(3)),
    "other seconds of readiness": (create(), ready("a"), change(minReadySeconds=300), change(minReadySeconds=0)),
    "no pods": (create(replicas=0), template("b"), change(replicas=1), ready("b")),
    "old pods that are not available": (create(replicas=3), ready("a", 2), template("b"), ready("b"), ready("b")),
    "a short memory": (
        *(create(revisionHistoryLimit=1), ready("a"), template("b"), ready("b"), template("c"), ready("c")),
        *(template("a"), ready("a")),
    ),
    "recreated": (create(replicas=2, strategy={"type": "Recreate"}), ready("a", 2), template("b"), ready("b", 2)),
    "no deadline": (
        *(create(progressDeadlineSeconds=NO_DEADLINE), ready("a"), template("b"), ready("b")),
        change(**IN_TIME),
    ),
    "evicted": (*TWO_READY, evict("a"), ready("a"), template("b"), evict("b"), ready("b")),
}


async def played(rig: Rig, script: Script) -> list[list[Told]]:
    """Play a script on both, and return what the real one told in each step."""
    simulated, told = SimulatedRollout(), list[list[Told]]()
    async with real_rollout(rig) as real:
        for number, step in enumerate(script):
            before, begun = len(real.told), time.monotonic()
            for act in step.acts:
                await act(real)
            await real.come_to_rest()
            told.append(real.told[before:])
            usual = await by_itself(simulated, step.acts)
            search = Search(simulated, step.acts, told[-1])
            found = await search.find() if _end_alike(real, usual) else None
            # On a slow machine more time has passed than the script says.
            found = found or await search.find(math.ceil(time.monotonic() - begun))
            if found is None:
                where = f"step {number}, {step.words}: the real one tells"
                raise AssertionError("\n".join(map(str, (where, *told[-1], "and the simulation", *usual.told))))
            simulated = found
    return told


def _end_alike(real: Rollout, simulated: Rollout) -> bool:
    """Return whether both end with the same, but for progress that may or may not have been told of."""
    return [_at_rest(each) for each in real.told[-1:]] == [_at_rest(each) for each in simulated.told[-1:]]


def _at_rest(told: Told) -> Told:
    chance = {("Progressing", "True", reason) for reason in ("NewReplicaSetCreated", "ReplicaSetUpdated")}
    return replace(told, conditions=told.conditions - chance)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_what_the_real_controllers_tell_the_simulated_ones_tell(rig: Rig, script: Script) -> None:
    await played(rig, script)


async def test_the_old_reason_is_told_of_the_new_generation(rig: Rig) -> None:
    """What condemned good versions: the generation is observed, and the deadline is the one of the template before."""
    told = await played(rig, BACK_FROM_WHAT_IS_LATE)
    first, created, *_ = told[2]
    assert not created.observed
    assert created.says("NewReplicaSetCreated")
    assert (created.replicas, created.updated) == (first.replicas, first.updated), "the counts are the old ones"
    assert any(each.observed and each.says(TIMED_OUT) for each in told[-1])
    assert not told[-1][-1].says(TIMED_OUT)


async def test_controllers_that_come_back_find_late_what_was_ready_in_time(rig: Rig) -> None:
    # One pod of each: the rollout ends with it, and what is complete is not late again, however slow the machine.
    told = await played(rig, (create(), ready("a"), template("b"), *LATE_WHILE_AWAY))
    assert any(each.observed and each.says(TIMED_OUT) for each in told[-1])
    assert told[-1][-1].says("NewReplicaSetAvailable")
