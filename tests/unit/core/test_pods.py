"""Why pods are not available, in one sentence, and whose fault it is."""

from datetime import UTC, datetime, timedelta

import pytest

from pennant.api.reasons import Reason
from pennant.core.facts.pods import Container, Ended, Pod, PodFault, Pods, ReplicaSet, Running, Waiting, cause

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(seconds=60)
KILLED = Ended(137, "OOMKilled")
STARTED = Container("server", Running())
READY = Pod("fraud-a", "Running", LONG_AGO, "node", containers=(Container("server", Running(), ready=True),))


def a_set(wanted: int = 1, ready: int = 0, *, is_observed: bool = True, refusal: str = "") -> ReplicaSet:
    return ReplicaSet("abc", wanted, is_observed, wanted, ready, ready, refusal)


def a_pod(
    *containers: Container, phase: str = "Running", node: str = "node-1", unscheduled: str = "", evicted: str = ""
) -> Pod:
    return Pod("fraud-b", phase, None, node, unscheduled, evicted, containers)


def waiting(reason: str, message: str = "", last: Ended | None = None, *, is_init: bool = False) -> Container:
    return Container("server", Waiting(reason, message), is_init=is_init, restarts=4 * bool(last), last_end=last)


BACK_OFF = "CrashLoopBackOff"
OWN_FAULTS = {
    "crash": (
        a_pod(waiting(BACK_OFF, "back-off 40s", KILLED)),
        "CrashLoopBackOff: back-off 40s; it last terminated with exit code 137 (OOMKilled), after 4 restarts",
    ),
    "end": (a_pod(Container("server", Ended(1, "Error", "no model"))), "terminated with exit code 1 (Error: no model)"),
    "image": (
        a_pod(waiting("ErrImagePull", "not found")),
        "container server of pod fraud-b is waiting: ErrImagePull: not found",
    ),
    "configuration": (a_pod(waiting("CreateContainerConfigError", 'no secret "token"')), 'no secret "token"'),
    "probe": (a_pod(STARTED), "container server of pod fraud-b is running, but its startup or readiness probe fails"),
    "init container": (
        a_pod(waiting(BACK_OFF, "", Ended(3), is_init=True), waiting("PodInitializing")),
        "init container server of pod fraud-b is waiting: CrashLoopBackOff; it last terminated with exit code 3",
    ),
    "restart": (
        a_pod(Container("server", Running(), restarts=2, last_end=KILLED)),
        "is not ready; it last terminated with exit code 137",
    ),
}


@pytest.mark.parametrize("name", OWN_FAULTS)
def test_what_a_container_did_is_the_attempts_own_fault(name: str) -> None:
    pod, words = OWN_FAULTS[name]
    found = cause(Pods("h", a_set(), (pod,)), 0, NOW)
    assert found is not None
    assert (found.fault, found.reason) == (PodFault.ATTEMPT, Reason.PODS_UNAVAILABLE)
    assert words in found.message


MISMATCH = Ended(65, "Error", "artefact model has the digest sha256:1, not sha256:2 as recorded")
REFUSED = Ended(66, "Error", "artefact model is refused: a link")


def a_fetcher(state: Waiting | Running | Ended, last: Ended | None = None, *, name: str = "pennant-fetch") -> Container:
    return Container(name, state, is_init=True, restarts=int(last is not None), last_end=last)


@pytest.mark.parametrize(
    ("fetcher", "reason", "words"),
    [
        (a_fetcher(MISMATCH), Reason.DIGEST_MISMATCH, "pod fraud-b: artefact model has the digest sha256:1, not"),
        (a_fetcher(Waiting(BACK_OFF), MISMATCH), Reason.DIGEST_MISMATCH, "as recorded"),
        (a_fetcher(Running(), MISMATCH), Reason.DIGEST_MISMATCH, "as recorded"),
        (a_fetcher(REFUSED), Reason.ARTIFACT_REFUSED, "artefact model is refused: a link"),
        (a_fetcher(Ended(65, "Error")), Reason.DIGEST_MISMATCH, "pod fraud-b: exit code 65 (Error)"),
        (a_fetcher(Ended(1, "Error", "HTTP 404")), Reason.PODS_UNAVAILABLE, "exit code 1 (Error: HTTP 404)"),
        (a_fetcher(MISMATCH, name="mine"), Reason.PODS_UNAVAILABLE, "init container mine"),
    ],
)
def test_an_artefact_that_must_not_be_served_has_a_reason_of_its_own(
    fetcher: Container, reason: Reason, words: str
) -> None:
    """Rule: R162."""
    crashed = a_pod(waiting(BACK_OFF, "", KILLED)) if reason is not Reason.PODS_UNAVAILABLE else a_pod()
    found = cause(Pods("h", a_set(2), (crashed, a_pod(fetcher))), 0, NOW)
    assert found is not None
    assert (found.fault, found.reason) == (PodFault.ATTEMPT, reason)
    assert words in found.message


UNSCHEDULABLE = a_pod(node="", unscheduled="Unschedulable: 0/3 nodes are available")
EVICTED = a_pod(evicted="Evicted: low on memory", phase="Failed")
AWAY, NOT_STARTED = Reason.CONTROLLERS_AWAY, Reason.PODS_NOT_STARTED
FAULTS_OF_THE_CLUSTER = {
    "no set": (Pods("h", None), AWAY, "no ReplicaSet"),
    "uncounted": (
        Pods("h", a_set(2), (READY,)),
        AWAY,
        "1 of 1 pods are ready, but not counted in the status of their ReplicaSet",
    ),
    "not created": (Pods("h", a_set(2, 1), (READY,)), AWAY, "1 of 2 pods were created"),
    "ignore_request": (Pods("h", a_set(1, is_observed=False)), AWAY, "0 of 1 pods were created"),
    "refused": (Pods("h", a_set(refusal="exceeded quota: pods")), Reason.PODS_REFUSED, "exceeded quota: pods"),
    "unschedulable": (Pods("h", a_set(), (UNSCHEDULABLE,)), Reason.PODS_UNSCHEDULABLE, "0/3 nodes"),
    "no scheduler": (Pods("h", a_set(), (a_pod(node=""),)), AWAY, "no condition PodScheduled"),
    "evicted": (Pods("h", a_set(), (EVICTED,)), Reason.PODS_EVICTED, "low on memory"),
    "creating": (Pods("h", a_set(), (a_pod(waiting("ContainerCreating")),)), NOT_STARTED, "ContainerCreating"),
    "no kubelet": (Pods("h", a_set(), (a_pod(),)), NOT_STARTED, "node-1"),
    "gate": (Pods("h", a_set(), (a_pod(Container("server", Running(), ready=True)),)), NOT_STARTED, "readiness gate"),
}


@pytest.mark.parametrize("name", FAULTS_OF_THE_CLUSTER)
def test_what_the_cluster_did_is_not(name: str) -> None:
    seen, reason, words = FAULTS_OF_THE_CLUSTER[name]
    found = cause(seen, 0, NOW)
    assert found is not None
    assert (found.fault, found.reason) == (PodFault.CLUSTER, reason)
    assert words in found.message


def test_a_crash_counts_before_a_missing_node() -> None:
    pods = (a_pod(node="", unscheduled="no node"), a_pod(waiting("CrashLoopBackOff", "", KILLED)))
    found = cause(Pods("h", a_set(2), pods), 0, NOW)
    assert found is not None
    assert found.fault is PodFault.ATTEMPT


def test_pods_that_are_available_have_no_cause() -> None:
    assert cause(Pods("h", a_set(1, 1), (READY,)), 30, NOW) is None


def test_a_pod_that_does_not_stay_ready_is_not_available() -> None:
    flapping = Pod("fraud-c", "Running", NOW - timedelta(seconds=5), "node", containers=READY.containers)
    seen = Pods("h", a_set(1, 1), (flapping,))
    assert (seen.available(10, NOW), seen.available(5, NOW)) == (0, 1)
    found = cause(seen, 10, NOW)
    assert found is not None
    assert "minReadySeconds" in found.message
