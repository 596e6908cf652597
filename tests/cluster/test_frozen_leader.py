"""A leader that is frozen between its reads and its writes, while another one takes over and does the work.

Its writes are on their way when it freezes, and arrive when the other one has written the same objects: no Lease can
keep them back any more. The frozen one is behind a proxy that holds them; its successor is the operator of all
scenarios. One namespace for each kind of write: all roll back at the same time, and each is stopped at another write.
"""

import json
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.chain import assert_chained
from cluster.operator_process import Operator
from cluster.proxy import Held, Proxy
from cluster.stage import NAME, QUERY, Manifest, Stage, assert_all_fall_silent, assert_well_ended
from rig import Rig

METRIC = {
    "name": "accuracy",
    "prometheus": {"query": QUERY},
    "threshold": {"min": "0.9"},
    "breaches": {"count": 1, "of": 1},
}


@dataclass(frozen=True, slots=True)
class Write:
    """A write on the way to a rollback: its method, what it is to, and a text that only this one has."""

    method: str
    resource: str
    name: str
    text: str
    subresource: str = ""

    @property
    def path(self) -> str:
        name = "" if self.method == "POST" else self.name
        return "/".join(filter(None, (self.resource, name, self.subresource)))


RECORD = Write("POST", "controllerrevisions", f"{NAME}-3", "AutomaticRollback")
WRITES = {
    "record": RECORD,
    "status": Write("PUT", "modeldeployments", NAME, '"quarantine":[', "status"),
    "deployment": Write("PATCH", "deployments", NAME, '"pennant.dev/revision":"3"'),
    "progress": Write("PATCH", "controllerrevisions", f"{NAME}-2", "RolledBack"),
    "quarantine": Write("PATCH", "modelversions", f"{NAME}-1.1.0", "quarantinedBy", "status"),
    "version": Write("PATCH", "modelversions", f"{NAME}-1.1.0", '"until":"', "status"),
}
"""Each by what it writes; what is held of it is the request."""
ANSWER = "answer"
"""Where the request is passed on, and what is held is the answer: the leader would write the status next."""


@pytest.fixture
def stages(rig: Rig, operator: Operator, leader: Operator, tmp_path: Path) -> Iterator[dict[str, Stage]]:
    """Return a namespace for each write, in which 1.1.0 has followed 1.0.0, and both are known good."""
    run = uuid.uuid4().hex[:6]
    played = {name: Stage(rig, f"frozen-{name}-{run}", tmp_path / name, operator) for name in (*WRITES, ANSWER)}
    quick = {"intervalSeconds": 1, "bakeSeconds": 1, "metrics": [METRIC]}
    for each in played.values():
        each.accuracy("1.0.0", 0.95)
        each.accuracy("1.1.0", 0.95)
        versions = each.a_version("1.0.0", "production"), each.a_version("1.1.0")
        each.apply(*versions, each.a_deployment(replicas=1, analysis=quick))
    for each in played.values():
        each.until_verified("1.0.0")
    for each in played.values():
        each.move_tag("1.0.0", "1.1.0")
    for each in played.values():
        each.until_verified("1.1.0")
    yield played
    assert_well_ended(list(played.values()))
    for each in played.values():
        each.end()


def freeze(leader: Operator, proxy: Proxy, stages: dict[str, Stage]) -> dict[str, Held]:
    """Let 1.1.0 be found bad everywhere, and stop the leader when each write is on its way."""
    held = {}
    for name, stage in stages.items():
        write = WRITES.get(name, RECORD)
        path = f"/namespaces/{stage.namespace}/{write.path}"
        held[name] = proxy.hold(write.method, path, write.text, answer=name == ANSWER)
    for stage in stages.values():
        stage.accuracy("1.1.0", 0.5)
    for each in held.values():
        each.wait()
    send(leader, signal.SIGSTOP)
    return held


def until_succeeded(stages: list[Stage], led: str) -> None:
    """Wait until another one has taken over, and has done all that there is to do."""
    stages[0].until(lambda: stages[0].operator.leader() not in ("", led), what="the take-over")
    for each in stages:
        each.until_verified("1.0.0")
    assert_all_fall_silent(stages)


def send(operator: Operator, what: signal.Signals) -> None:
    assert operator.process is not None
    operator.process.send_signal(what)


def assert_rolled_back_once(stage: Stage) -> None:
    assert stage.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert_chained(stage)
    assert stage.served() == "1.0.0"
    assert [each["revision"] for each in stage.status["quarantine"]] == [2]


def assert_none_follows_its_successor(writes: list[Manifest], proxy: Proxy, held: Write) -> None:
    """No write of the leader was accepted after one of its successor on the same object, and there was one."""
    succeeded = set[tuple[str, str]]()
    for each in writes:
        # The audit log does not name what is made; what is made twice is refused.
        if each["verb"] == "create" or each["responseStatus"]["code"] >= 300:
            continue
        thing = (each["objectRef"]["resource"], each["objectRef"]["name"])
        if each["auditID"] in proxy.passed:
            assert thing not in succeeded, f"an old write of {thing}: {json.dumps(each)}"
        else:
            succeeded.add(thing)
    assert (held.resource, held.name) in succeeded, "the successor has written the same object"


def test_no_write_of_a_leader_is_accepted_after_its_successor_s(
    leader: Operator, proxy: Proxy, stages: dict[str, Stage]
) -> None:
    """What is on its way is refused, and what is not yet sent never is; the rollbacks are made once.

    Rule: R16.
    Rule: R98.
    """
    led = leader.leader()
    held = freeze(leader, proxy, stages)
    until_succeeded(list(stages.values()), led)

    # The leader sleeps on: only what it has sent arrives.
    answered = {name: each.pass_on() for name, each in held.items()}
    assert answered == dict.fromkeys(WRITES, 409) | {ANSWER: 201}

    sent = set(proxy.passed)
    send(leader, signal.SIGCONT)
    assert leader.process is not None
    assert leader.process.wait(15) == 1
    assert "No longer leading" in leader.log.read_text()
    leader.assert_without_mistake()
    for name, stage in stages.items():
        assert_rolled_back_once(stage)
        writes = stage.operator_writes()
        codes = {each["auditID"]: each["responseStatus"]["code"] for each in writes}
        assert codes[held[name].audit_id] == held[name].code, "the audit log says the same"
        assert codes.keys().isdisjoint(proxy.passed - sent), "it writes no more"
        assert_none_follows_its_successor(writes, proxy, WRITES.get(name, RECORD))
