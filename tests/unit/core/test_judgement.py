"""The judgement of the current revision: whether it fails, with which reason, and when it is verified."""

from typing import Any

import pytest

from pennant.api.conditions import Condition, ConditionStatus
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry, Outcome, Trigger
from pennant.api.reasons import ConditionType, Reason
from pennant.core.analysis.assessment import Verdict
from pennant.core.rollout import history, rollback_limits
from pennant.core.rollout.history import baking, progressed
from pennant.core.status.availability import as_it_began
from pennant.core.status.inputs import ConditionValue
from pennant.core.workload.surge import advice
from unit.core.builders import NOON, a_workload, after, an_entry, the_spec
from unit.core.test_progress import progress

CLEAN = Verdict(clean_since=NOON)


def test_the_bake_time_counts_from_the_last_break() -> None:
    """Rule: R47."""
    entry = an_entry(rolled_out_at=NOON)
    baked = baking(entry, a_workload(), None, CLEAN, after(0))
    assert baked.clean_since == after(0)
    assert baking(baked, a_workload(), None, CLEAN, after(50)) == baked
    broken = baking(baked, a_workload(), progress(), CLEAN, after(60))
    assert broken.clean_since is None
    assert baking(broken, a_workload(), None, CLEAN, after(70)).clean_since == after(70)


def test_a_check_that_does_not_pass_begins_the_bake_time_anew() -> None:
    baked = an_entry(rolled_out_at=NOON, clean_since=NOON)
    broken = Verdict(clean_since=NOON, resumes_at=after(70))
    assert baking(baked, a_workload(), None, broken, after(60)).clean_since is None, "it was the newest one"
    assert baking(baked, a_workload(), None, broken, after(95)).clean_since == after(70)
    later = baked.model_copy(update={"clean_since": after(80)})
    assert baking(later, a_workload(), None, broken, after(95)) == later
    waiting = baked.model_copy(update={"clean_since": None})
    assert baking(waiting, a_workload(), None, Verdict(), after(95)) == waiting, "the next answer is on its way"


@pytest.mark.parametrize(("regained", "since"), [(30, 30), (-30, 0), (90, 0)], ids=["after", "before", "in the future"])
def test_a_loss_of_pods_between_two_passes_is_known_from_the_deployment(regained: int, since: int) -> None:
    baked = an_entry(rolled_out_at=NOON, clean_since=NOON)
    found = baking(baked, a_workload(available_since=after(regained)), None, CLEAN, after(60))
    assert found.clean_since == after(since)


def test_a_mark_in_the_future_counts_as_now() -> None:
    """Rule: R86."""
    ahead = an_entry(available_at=after(3600), rolled_out_at=after(3601), clean_since=after(3601))
    found = progressed(ahead, None, None, after(5))
    assert (found.available_at, found.rolled_out_at, found.clean_since) == (after(5), after(5), after(5))


def test_what_has_no_pod_is_not_rolled_out() -> None:
    none = a_workload(replicas=0, total=0, updated=0, available=0)
    assert progressed(an_entry(), none, None, after(5)).rolled_out_at is None


def rolled_back(revision: int, version: str, **fields: Any) -> HistoryEntry:
    return an_entry(revision, version, trigger=Trigger.AUTOMATIC_ROLLBACK, **fields)


def bad(revision: int, version: str, *metrics: str, **fields: Any) -> HistoryEntry:
    evidence = tuple(
        Evidence(metric=each, value="0.5", threshold="min 0.9", breaches="3 of 3", query_hash="q", at=NOON)
        for each in metrics
    )
    return an_entry(revision, version, outcome=Outcome.ROLLED_BACK, evidence=evidence, **fields)


DID_NOT_HELP, LIMIT_REACHED = Reason.ROLLBACK_DID_NOT_HELP, Reason.ROLLBACK_LIMIT_REACHED
RESTARTED = an_entry(3, "1.0.0", trigger=Trigger.RESTART)


@pytest.mark.parametrize(
    ("past", "limit", "reason"),
    [
        pytest.param([an_entry(1)], 1, None, id="no rollback"),
        pytest.param([bad(1, "1.1.0", "accuracy"), rolled_back(2, "1.0.0")], 1, DID_NOT_HELP, id="same"),
        pytest.param([bad(1, "1.1.0", "latency"), rolled_back(2, "1.0.0")], 1, LIMIT_REACHED, id="other"),
        pytest.param([bad(1, "1.1.0"), rolled_back(2, "1.0.0")], 1, LIMIT_REACHED, id="a failed start"),
        pytest.param([bad(1, "1.1.0", "accuracy"), rolled_back(2, "1.0.0")], 2, None, id="the limit allows more"),
        pytest.param(
            [bad(1, "1.1.0", "accuracy"), rolled_back(2, "1.0.0"), RESTARTED],
            1,
            DID_NOT_HELP,
            id="a restart is no other attempt",
        ),
        pytest.param(
            [bad(1, "1.1.0", "accuracy"), rolled_back(2, "1.0.0", verified_at=NOON)], 1, None, id="verified again"
        ),
        pytest.param(
            [bad(1, "1.1.0", "accuracy"), rolled_back(2, "1.0.0"), an_entry(3, "1.2.0")], 1, None, id="the tag moved"
        ),
    ],
)
def test_a_rollback_that_does_not_help(past: list[HistoryEntry], limit: int, reason: Reason | None) -> None:
    """Rule: R56."""
    found = rollback_limits.unhelpful(the_spec(rollback={"limit": limit}), tuple(past), ["accuracy"])
    assert (found.reason if found else None) == reason
    if reason is DID_NOT_HELP:
        assert found is not None
        says = "1.1.0 (revision 1) breached the same metric before the rollback (accuracy 0.5, min 0.9)"
        assert f"{says}, so the version is not the cause" in found.message


def test_the_default_budget_fits_into_a_short_history() -> None:
    past = [rolled_back(number, "1.0.0") for number in (1, 2)]
    assert rollback_limits.exhausted(the_spec(historyLimit=3), tuple(past), NOON) is not None
    assert rollback_limits.exhausted(the_spec(), tuple(past), NOON) is None
    assert rollback_limits.exhausted(the_spec(), (*past, rolled_back(3, "1.0.0")), NOON) is not None


def test_a_failed_start_is_one_whatever_became_of_it() -> None:
    unserved = {Reason.DIGEST_MISMATCH, Reason.ARTIFACT_REFUSED}
    assert {Reason.PROGRESS_DEADLINE_EXCEEDED, Reason.PODS_UNAVAILABLE} | unserved == history.FAILED_STARTS


def test_numbers_of_pods_are_those_of_the_beginning() -> None:
    """Rule: R87."""
    old = Condition(
        type=ConditionType.AVAILABLE,
        status=ConditionStatus.FALSE,
        reason=Reason.PODS_UNAVAILABLE,
        message="0 of 3 pods were available when the status changed",
        observed_generation=1,
        last_transition_time=NOON,
    )
    before = ModelDeploymentStatus(conditions=(old,))
    now = ConditionValue(
        ConditionStatus.FALSE, Reason.PODS_UNAVAILABLE, "1 of 3 pods were available when the status changed"
    )
    assert as_it_began(now, before).message == old.message
    gone = ConditionValue(ConditionStatus.FALSE, Reason.NOT_DEPLOYED, "nothing is deployed yet")
    assert as_it_began(gone, before) == gone


GPU = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
CLAIM = {"volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]}


@pytest.mark.parametrize(
    ("container", "pod", "spec", "words"),
    [
        (GPU, {}, {"replicas": 1}, "requests nvidia.com/gpu"),
        ({}, CLAIM, {"replicas": 1}, "mounts the PersistentVolumeClaim models"),
        ({"resources": {"requests": {"amd.com/gpu": 1}}}, {}, {"replicas": 1}, "requests amd.com/gpu"),
        ({"resources": {"limits": {"cpu": "8", "hugepages-2Mi": "1Gi"}}}, {}, {"replicas": 1}, ""),
        ({"resources": {"limits": "a/b", "requests": None}}, {}, {"replicas": 1}, ""),
        (GPU, {}, {"replicas": 2}, ""),
        (GPU, {}, {"replicas": 1, "rollout": {"maxSurge": 0, "maxUnavailable": 1}}, ""),
        ({}, {}, {"replicas": 1}, ""),
    ],
)
def test_a_second_pod_that_finds_no_room(container: Any, pod: Any, spec: Any, words: str) -> None:
    """Rule: R26."""
    template = {"spec": {"containers": [{"name": "server", "image": "i", **container}], **pod}}
    found = advice(the_spec(**spec), template)
    assert words in found
    assert bool(words) == ("set rollout.maxSurge: 0 and rollout.maxUnavailable: 1" in found)


@pytest.mark.parametrize(
    ("probes", "seconds"),
    [
        ({}, 600),
        ({"startupProbe": {"failureThreshold": 180}}, 2100),
        ({"startupProbe": {"initialDelaySeconds": 60, "periodSeconds": 5, "failureThreshold": 100}}, 860),
        ({"livenessProbe": {"initialDelaySeconds": 900, "periodSeconds": 10}}, 1230),
        ({"startupProbe": {"failureThreshold": "many"}, "readinessProbe": 7}, 600),
    ],
    ids=["no probe", "a slow model", "all fields", "liveness", "nonsense"],
)
def test_the_deadline_leaves_time_to_start(probes: Any, seconds: int) -> None:
    template = {"spec": {"containers": [{"name": "server", "image": "i", **probes}]}}
    assert the_spec(template=template, rollout={}).progress_deadline_seconds == seconds
    explicit = the_spec(template=template, rollout={"progressDeadlineSeconds": 7})
    assert explicit.progress_deadline_seconds == 7
