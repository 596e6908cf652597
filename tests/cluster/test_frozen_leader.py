"""A leader that is frozen between its read and its write, while another one takes over and does the work.

Its write is on its way when it freezes, and arrives when the other one has written the same object: no Lease can keep
it back any more. The frozen one is behind a proxy that holds the write; its successor is the operator of all scenarios.
"""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chart.rendering import NAMESPACE
from cluster.chain import assert_chained
from cluster.operator_process import Operator
from cluster.proxy import Held, Proxy
from cluster.stage import NAME, QUERY, Manifest, Stage
from rig import Rig

METRIC = {
    "name": "accuracy",
    "prometheus": {"query": QUERY},
    "threshold": {"min": "0.9"},
    "breaches": {"count": 1, "of": 1},
}


@dataclass(frozen=True, slots=True)
class Write:
    """A write on the way to a rollback, and the object that it changes."""

    method: str
    path: str
    text: str
    kind: str
    name: str


RECORD = Write("POST", "/controllerrevisions", "AutomaticRollback", "controllerrevision", f"{NAME}-3")
WRITES = {
    "the record of a revision": RECORD,
    "the status": Write("PUT", f"/modeldeployments/{NAME}/status", '"quarantine":[', "modeldeployment", NAME),
    "the deployment": Write("PATCH", f"/deployments/{NAME}", '"pennant.dev/revision":"3"', "deployment", NAME),
    "the progress on a record": Write(
        "PATCH", f"/controllerrevisions/{NAME}-2", "RolledBack", "controllerrevision", f"{NAME}-2"
    ),
    "the quarantine on a version": Write(
        "PATCH", f"/modelversions/{NAME}-1.1.0/status", "quarantinedBy", "modelversion", f"{NAME}-1.1.0"
    ),
    "the status of a version": Write(
        "PATCH", f"/modelversions/{NAME}-1.1.0/status", "servedBy", "modelversion", f"{NAME}-1.1.0"
    ),
}


@pytest.fixture
def proxy(rig: Rig) -> Iterator[Proxy]:
    with Proxy(rig) as running:
        yield running


@pytest.fixture
def leader(rig: Rig, operator: Operator, proxy: Proxy, tmp_path: Path) -> Iterator[Operator]:
    """Start an operator that leads by way of the proxy, and let the one of all scenarios stand by."""
    operator.stop()
    known = Path(operator.installation.environment["KUBECONFIG"])
    through = proxy.kubeconfig(known, tmp_path / "kubeconfig")
    first = Operator(rig, tmp_path / "leader", operator.installation, KUBECONFIG=str(through))
    first.start()
    try:
        first.wait_for("Leading")
        operator.start()
        yield first
    finally:
        first.kill()


def freeze_in_mid_rollback(stage: Stage, leader: Operator, proxy: Proxy, write: Write, *, answer: bool = False) -> Held:
    """Let 1.1.0 follow 1.0.0 and be found bad, and freeze the leader at this write of the rollback."""
    for version, accuracy in (("1.0.0", 0.95), ("1.1.0", 0.5)):
        stage.accuracy(version, accuracy)
        stage.version(version)
    stage.version("1.0.0", "production")
    stage.deployment(replicas=1, analysis={"intervalSeconds": 1, "bakeSeconds": 1, "metrics": [METRIC]})
    stage.until_verified("1.0.0")
    held = proxy.hold(write.method, f"/namespaces/{stage.namespace}{write.path}", write.text, answer=answer)
    stage.move_tag("1.0.0", "1.1.0")
    held.wait()
    assert leader.process is not None
    leader.process.send_signal(signal.SIGSTOP)
    return held


def state(stage: Stage, write: Write) -> str:
    """Return the resourceVersion of the object, empty where there is none."""
    return stage.kubectl("get", write.kind, write.name, "--ignore-not-found", "-o=jsonpath={.metadata.resourceVersion}")


def holder(rig: Rig) -> str:
    return rig.kubectl("get", "lease", "pennant", "-n", NAMESPACE, "-o=jsonpath={.spec.holderIdentity}").stdout


def assert_ends(leader: Operator) -> None:
    """Let the frozen one go on: it finds that it leads no longer, and ends."""
    assert leader.process is not None
    leader.process.send_signal(signal.SIGCONT)
    assert leader.process.wait(15) == 1
    log = leader.log.read_text()
    assert "No longer leading" in log
    assert "by a mistake of this program" not in log


def assert_rolled_back_once(stage: Stage) -> None:
    assert stage.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert_chained(stage)
    assert stage.served() == "1.0.0"
    assert [each["revision"] for each in stage.status["quarantine"]] == [2]
    stage.operator.assert_sound()


def accepted(stage: Stage) -> list[Manifest]:
    """Return the writes of both that were accepted here, in order; Events are all of them new objects."""
    writes = (each for each in stage.operator_writes() if each["objectRef"]["resource"] != "events")
    return [each for each in writes if each["responseStatus"]["code"] < 300]


def assert_none_follows_its_successor(stage: Stage, proxy: Proxy) -> None:
    """No write of the leader was accepted after one of its successor on the same object."""
    succeeded = set[tuple[str, str]]()
    wrote = {True: 0, False: 0}
    for each in accepted(stage):
        thing = (each["objectRef"]["resource"], each["objectRef"]["name"])
        by_leader = each["auditID"] in proxy.passed
        wrote[by_leader] += 1
        if by_leader:
            assert thing not in succeeded, f"an old write of {thing}: {json.dumps(each)}"
        else:
            succeeded.add(thing)
    assert all(wrote.values()), "both were at work"


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_a_write_that_arrives_after_the_successor_s_is_refused(
    stage: Stage, leader: Operator, proxy: Proxy, write: Write
) -> None:
    """Rule: Every write has a precondition.

    Rule: One replica leads.
    """
    held = freeze_in_mid_rollback(stage, leader, proxy, write)
    before, led = state(stage, write), holder(stage.rig)
    stage.until(lambda: holder(stage.rig) not in ("", led), what="the take-over")
    stage.until_verified("1.0.0")
    stage.until(lambda: state(stage, write) != before, what="a write of the successor")
    assert_rolled_back_once(stage)

    then = state(stage, write)
    assert held.pass_on() == 409
    (logged,) = [each for each in stage.operator_writes() if each["auditID"] == held.audit_id]
    assert logged["responseStatus"]["code"] == 409
    assert_ends(leader)
    assert state(stage, write) == then
    assert_rolled_back_once(stage)
    assert_none_follows_its_successor(stage, proxy)


def test_what_was_not_sent_before_the_successor_s_writes_is_never_sent(
    stage: Stage, leader: Operator, proxy: Proxy
) -> None:
    """Frozen before it hears that the record of the rollback is made, it would write the status next.

    Rule: One replica leads.
    """
    held = freeze_in_mid_rollback(stage, leader, proxy, RECORD, answer=True)
    stage.until_rolled_back_to("1.0.0")
    stage.until_verified("1.0.0")
    sent = set(proxy.passed)
    assert held.pass_on() == 201
    assert_ends(leader)
    assert_rolled_back_once(stage)
    after = [each for each in stage.operator_writes() if each["auditID"] in proxy.passed - sent]
    assert after == []
    assert_none_follows_its_successor(stage, proxy)
