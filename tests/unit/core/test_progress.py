"""The clock of one attempt, by the values that it depends on."""

from dataclasses import replace
from typing import Any

import pytest

from pennant.api.deployment_status import Applied, ModelDeploymentStatus, PodProgress
from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Observation, Span, Workload
from pennant.core.facts.pods import Container, Ended, Pod, Pods, ReplicaSet, Running
from pennant.core.rollout.progress import Attempt, Failure, accounted, advanced, judged, needs_a_look, next_look_at
from unit.core.builders import a_snapshot, a_workload, after, an_entry, the_spec

NEW = an_entry()
DEADLINE = 60
PARTLY: dict[str, Any] = {"total": 4, "updated": 2, "available": 3}
"""Three of four pods are available, and two of them are of an older template: so one is certainly new."""


def progress(**fields: Any) -> PodProgress:
    return PodProgress(**{"revision": 1, "available": 0, "since": after(0)} | fields)


def an_attempt(
    seconds: float,
    before: PodProgress | None = None,
    entry: HistoryEntry = NEW,
    pods: Pods | None = None,
    *,
    unwatched: tuple[Span, ...] = (),
    good: bool = False,
    spec: dict[str, Any] | None = None,
    **workload: Any,
) -> Attempt:
    applied = Applied(manifest_hash="m", uid="uid", revision=entry.revision, fields_hash="f", template_hash="t")
    status = ModelDeploymentStatus(history=(entry,), progress=before, applied=applied)
    known: Workload = a_workload(**{"available": 0, "updated": 1, "total": 1, "minimum_available": False} | workload)
    snapshot = a_snapshot("fraud", status=status, workload=known)
    seen = Observation(after(seconds), snapshot, unwatched=unwatched, pods=pods)
    deadline = {"rollout": {"progressDeadlineSeconds": DEADLINE}}
    return Attempt(seen, the_spec(**deadline | (spec or {})), entry, was_verified=good)


def looked_at(*pods: Pod, ready: int = 0, refusal: str = "") -> Pods:
    return Pods(NEW.template_hash, ReplicaSet("abc", len(pods), True, len(pods), ready, ready, refusal), pods)


UNREADY = Pod("fraud-a", "Running", None, "node", containers=(Container("server", Running()),))
WAITING = Pod("fraud-a", "Pending", unscheduled="Unschedulable: 0/1 nodes are available")


def test_the_clock_begins_when_the_deployment_has_the_template() -> None:
    """Rule: R19."""
    assert advanced(an_attempt(5, template_hash="another")) is None
    assert advanced(an_attempt(5)) == progress(since=after(5))
    old = progress(revision=7, stopped=True, reason=Reason.PODS_REFUSED)
    assert advanced(an_attempt(5, old)) == progress(since=after(5)), "another revision's clock is none of this one's"


def test_only_a_new_maximum_is_progress() -> None:
    first = advanced(an_attempt(10, progress(), **PARTLY))
    assert first == progress(available=1, since=after(10))
    assert advanced(an_attempt(20, first)) == first, "a pod that is lost is no progress"
    assert advanced(an_attempt(30, first, **PARTLY)) == first, "nor is the same number again"


def test_pods_that_were_read_are_counted_exactly() -> None:
    """By the Deployment's counts alone a new pod is not seen while old ones are unavailable."""
    ready = replace(UNREADY, ready_since=after(0))
    counts: dict[str, Any] = {"total": 4, "updated": 1, "available": 1}
    assert advanced(an_attempt(10, progress(), **counts)) == progress()
    assert advanced(an_attempt(10, progress(), pods=looked_at(ready), **counts)) == progress(
        available=1, since=after(10)
    )


@pytest.mark.parametrize(
    ("why", "fields"),
    [
        (Reason.SCALED_TO_ZERO, {"replicas": 0}),
        (Reason.PAUSED, {"paused": True}),
        (Reason.PAUSED, {"spec": {"paused": True}}),
    ],
)
def test_a_pause_or_no_replicas_stops_the_deadline(why: Reason, fields: dict[str, Any]) -> None:
    """Rule: R48."""
    is_zero = why is Reason.SCALED_TO_ZERO
    stopped = advanced(an_attempt(50, progress(), **fields))
    assert stopped == progress(stopped=True, reason=why, scaled_to_zero=is_zero)
    assert not needs_a_look(an_attempt(500, stopped, **fields))
    resumed = progress(since=after(900), scaled_to_zero=is_zero)
    assert advanced(an_attempt(900, stopped)) == resumed, "afterwards it begins again"
    counts: dict[str, Any] = {"total": 4, "updated": 4, "available": 1}
    assert advanced(an_attempt(910, resumed, **counts)) == progress(available=1, since=after(910))


def test_time_without_a_running_operator_does_not_count() -> None:
    """Rule: R22."""
    gap = Span(after(20), after(100))
    assert advanced(an_attempt(110, progress(), unwatched=(gap,))) == progress(since=after(80))
    earlier = Span(after(-100), after(5))
    assert advanced(an_attempt(110, progress(), unwatched=(earlier, gap))) == progress(since=after(85))
    assert advanced(an_attempt(110, progress(since=after(105)), unwatched=(gap,))) == progress(since=after(105))


def test_a_clock_that_is_set_back_lets_no_deadline_wait() -> None:
    """Rule: R86."""
    assert advanced(an_attempt(-3600, progress())) == progress(since=after(-3600))


def test_pods_are_looked_at_for_a_message_and_before_a_verdict() -> None:
    assert not needs_a_look(an_attempt(29, progress()))
    assert needs_a_look(an_attempt(30, progress()))
    told = progress(reason=Reason.PODS_UNAVAILABLE, message="the probe fails")
    assert not needs_a_look(an_attempt(59, told))
    assert needs_a_look(an_attempt(60, told))


def verdict(at: Attempt) -> tuple[PodProgress | None, Failure | None]:
    return judged(at, advanced(at))


def test_a_revision_fails_only_if_its_pods_were_read_and_show_its_fault() -> None:
    """Rule: R20."""
    assert verdict(an_attempt(60, progress())) == (progress(), None), "its pods were not read"
    _, failure = verdict(an_attempt(60, progress(), pods=looked_at(UNREADY)))
    assert failure is not None
    assert failure.reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    assert failure.message.startswith("0 of 3 pods became available, and none within 60 s: container server of pod")
    held, failure = verdict(an_attempt(60, progress(), pods=looked_at(WAITING)))
    assert failure is None
    assert held is not None
    assert (held.stopped, held.reason) == (True, Reason.PODS_UNSCHEDULABLE)


def test_where_the_cluster_lets_it_go_on_a_rollout_has_its_whole_time_again() -> None:
    """Rule: R21."""
    held = progress(stopped=True, reason=Reason.PODS_UNSCHEDULABLE, message="no node")
    assert verdict(an_attempt(500, held, pods=looked_at(WAITING)))[0] == held
    fresh, failure = verdict(an_attempt(500, held, pods=looked_at(UNREADY)))
    assert failure is None
    assert fresh is not None
    assert (fresh.since, fresh.stopped, fresh.reason) == (after(500), False, Reason.PODS_UNAVAILABLE)


@pytest.mark.parametrize(
    ("pod", "refusal", "reason"),
    [(WAITING, "", Reason.PODS_UNSCHEDULABLE), (None, "exceeded quota", Reason.PODS_REFUSED)],
)
def test_the_cluster_may_count_as_a_failure(pod: Pod | None, refusal: str, reason: Reason) -> None:
    rollback = {"rollout": {"progressDeadlineSeconds": DEADLINE, "onUnschedulable": "Rollback"}}
    pods = looked_at(*([pod] if pod is not None else []), refusal=refusal)
    _, failure = verdict(an_attempt(60, progress(), pods=pods, spec=rollback))
    assert failure is not None
    assert failure.reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    stopped, failure = verdict(an_attempt(60, progress(), pods=pods, spec=rollback, good=True))
    assert failure is None
    assert stopped is not None
    assert (stopped.stopped, stopped.reason) == (True, reason)


def test_pods_that_are_not_created_are_no_failure_whatever_the_spec_says() -> None:
    rollback = {"rollout": {"progressDeadlineSeconds": DEADLINE, "onUnschedulable": "Rollback"}}
    stopped, failure = verdict(
        an_attempt(60, progress(), pods=Pods(NEW.template_hash, None), spec=rollback, observed_generation=0)
    )
    assert failure is None
    assert stopped is not None
    assert stopped.reason is Reason.CONTROLLERS_AWAY


ROLLED_OUT = an_entry(rolled_out_at=after(-500), available_at=after(-500))


@pytest.mark.parametrize(
    ("good", "on_unavailable", "fails"),
    [(False, "Report", True), (True, "Report", False), (True, "Rollback", True)],
)
def test_an_outage_is_a_failure_of_an_unverified_revision(good: bool, on_unavailable: str, fails: bool) -> None:
    """Rule: R50."""
    spec = {"rollback": {"onUnavailable": on_unavailable}}
    at = an_attempt(60, progress(), ROLLED_OUT, looked_at(UNREADY), good=good, spec=spec)
    after_it, failure = verdict(at)
    assert (failure is not None) == fails
    if failure is not None:
        assert failure.reason is Reason.PODS_UNAVAILABLE
    else:
        assert after_it is not None
        assert after_it.stopped


def test_an_outage_counts_from_the_loss_of_the_last_pod() -> None:
    fewer = progress(available=2, since=after(0))
    assert advanced(an_attempt(50, fewer, ROLLED_OUT, available=1, total=3, updated=3)) == fewer
    assert advanced(an_attempt(50, fewer, ROLLED_OUT)) == progress(since=after(50))
    ready = replace(UNREADY, ready_since=after(-500))
    pods = looked_at(ready, UNREADY, ready=1)
    some, failure = verdict(an_attempt(90, fewer, ROLLED_OUT, pods, available=1, total=3, updated=3))
    assert failure is None, "some pod still serves"
    assert some is not None
    assert some.stopped


ENOUGH: dict[str, Any] = {"available": 3, "total": 3, "updated": 3, "minimum_available": True}


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (progress(), 50),
        (progress(reason=Reason.PODS_UNAVAILABLE), 50),
        (progress(reason=Reason.PODS_UNSCHEDULABLE), None),
        (progress(reason=Reason.PODS_REFUSED, stopped=True), None),
        (progress(reason=Reason.SCALED_TO_ZERO, stopped=True), None),
        (progress(available=1), None),
    ],
    ids=["not looked at", "its own fault", "no node", "a quota", "no pods wanted", "too few pods"],
)
def test_an_outage_goes_on_where_the_one_before_ended(before: PodProgress, counts: int | None) -> None:
    """Rule: R50."""
    back = an_attempt(50, before, ROLLED_OUT, **ENOUGH)
    entry = accounted(back, advanced(back))
    assert entry.unavailable_seconds == counts
    out = advanced(an_attempt(70, None, entry))
    assert out == progress(since=after(70 - (counts or 0)))
    assert accounted(an_attempt(90, out, entry), out) == entry, "it is not over"


def test_outages_of_a_verified_revision_do_not_add_up() -> None:
    entry = ROLLED_OUT.model_copy(update={"unavailable_seconds": 50})
    assert advanced(an_attempt(70, None, entry, good=True)) == progress(since=after(70))
    back = an_attempt(90, progress(since=after(70)), entry, good=True, **ENOUGH)
    assert accounted(back, advanced(back)) == entry


def test_enough_pods_end_the_clock() -> None:
    assert advanced(an_attempt(50, progress(stopped=True, reason=Reason.PODS_REFUSED), ROLLED_OUT, **ENOUGH)) is None
    none = {**ENOUGH, "available": 0}
    assert advanced(an_attempt(50, None, ROLLED_OUT, **none)) is not None, "Available may be True without a pod"


MISMATCH = Ended(65, "Error", "artefact model has the digest sha256:1, not sha256:2 as recorded")
UNSERVED = Pod("fraud-a", "Pending", containers=(Container("pennant-fetch", MISMATCH, is_init=True),))
FETCHING: dict[str, Any] = {"delivery": {"mode": "Fetch"}}


def test_a_wrong_digest_fails_a_new_revision_before_its_deadline() -> None:
    """Rule: R162."""
    attempt = an_attempt(7, progress(), pods=looked_at(UNSERVED), spec=FETCHING)
    _, failure = judged(attempt, advanced(attempt))
    assert failure is not None
    assert failure == Failure(Reason.DIGEST_MISMATCH, f"pod fraud-a: {MISMATCH.message}")

    out = an_entry(rolled_out_at=after(0), available_at=after(0))
    serving = an_attempt(7, progress(), out, pods=looked_at(UNSERVED), spec=FETCHING)
    assert judged(serving, advanced(serving))[1] is None, "what was rolled out keeps its pods"
    verified = an_attempt(7, progress(), pods=looked_at(UNSERVED), spec=FETCHING, good=True)
    assert judged(verified, advanced(verified))[1] is None


def test_the_pods_of_a_revision_that_fetches_are_read_every_five_seconds() -> None:
    """Rule: R162."""
    fetching = an_attempt(6, progress(), spec=FETCHING)
    assert not needs_a_look(an_attempt(4, progress(), spec=FETCHING))
    assert needs_a_look(fetching)
    assert next_look_at(fetching, progress()) == after(11)
    late = an_attempt(DEADLINE - 1, progress(), spec=FETCHING)
    assert next_look_at(late, progress()) == after(DEADLINE)
    assert not needs_a_look(an_attempt(6, progress())), "those of others are not"
    assert next_look_at(an_attempt(6, progress()), progress()) == after(30)
