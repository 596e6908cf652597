"""A leader is stopped between its reads and its writes, while another one takes over.

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
from cluster.scenario import NAME, QUERY, Manifest, Scenario, assert_all_fall_silent, assert_well_ended
from rig import Rig

METRIC = {
    "name": "accuracy",
    "prometheus": {"query": QUERY},
    "threshold": {"min": "0.9"},
    "breaches": {"count": 1, "of": 1},
}


@dataclass(frozen=True, slots=True)
class Write:
    """A write of a rollback: its method, its object, and a text that no other write has."""

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
"""The writes of which the request is held."""
ANSWER = "answer"
"""The scenario in which the answer is held; the leader would write the status next."""


@pytest.fixture
def scenarios(rig: Rig, operator: Operator, leader: Operator, tmp_path: Path) -> Iterator[dict[str, Scenario]]:
    """Return a scenario for each write, in which 1.1.0 has followed 1.0.0, and both are verified."""
    run = uuid.uuid4().hex[:6]
    played = {name: Scenario(rig, f"frozen-{name}-{run}", tmp_path / name, operator) for name in (*WRITES, ANSWER)}
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


def freeze(leader: Operator, proxy: Proxy, scenarios: dict[str, Scenario]) -> dict[str, Held]:
    """Have 1.1.0 breach in all scenarios, and stop the leader when it has sent each of the writes."""
    held = {}
    for name, scenario in scenarios.items():
        write = WRITES.get(name, RECORD)
        path = f"/namespaces/{scenario.namespace}/{write.path}"
        held[name] = proxy.hold(write.method, path, write.text, answer=name == ANSWER)
    for scenario in scenarios.values():
        scenario.accuracy("1.1.0", 0.5)
    for each in held.values():
        each.wait()
    send(leader, signal.SIGSTOP)
    return held


def until_succeeded(scenarios: list[Scenario], led: str) -> None:
    """Wait until another one has taken over and is at rest."""
    scenarios[0].until(lambda: scenarios[0].operator.leader() not in ("", led), what="the take-over")
    for each in scenarios:
        each.until_verified("1.0.0")
    assert_all_fall_silent(scenarios)


def send(operator: Operator, what: signal.Signals) -> None:
    assert operator.process is not None
    operator.process.send_signal(what)


def assert_rolled_back_once(scenario: Scenario) -> None:
    assert scenario.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert_chained(scenario)
    assert scenario.served() == "1.0.0"
    assert [each["revision"] for each in scenario.status["quarantine"]] == [2]


def assert_none_follows_its_successor(writes: list[Manifest], proxy: Proxy, held: Write) -> None:
    """Fail where a write of the leader was accepted after one of its successor to the same object."""
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
    leader: Operator, proxy: Proxy, scenarios: dict[str, Scenario]
) -> None:
    """Writes that were sent are refused, further ones are never sent, and each rollback is made once.

    Rule: R16.
    Rule: R98.
    """
    led = leader.leader()
    held = freeze(leader, proxy, scenarios)
    until_succeeded(list(scenarios.values()), led)

    # The leader sleeps on: only what it has sent arrives.
    answered = {name: each.pass_on() for name, each in held.items()}
    assert answered == dict.fromkeys(WRITES, 409) | {ANSWER: 201}

    sent = set(proxy.passed)
    send(leader, signal.SIGCONT)
    assert leader.process is not None
    assert leader.process.wait(15) == 1
    assert "No longer leading" in leader.log.read_text()
    leader.assert_without_bug()
    for name, scenario in scenarios.items():
        assert_rolled_back_once(scenario)
        writes = scenario.operator_writes()
        codes = {each["auditID"]: each["responseStatus"]["code"] for each in writes}
        assert codes[held[name].audit_id] == held[name].code, "the audit log says the same"
        assert codes.keys().isdisjoint(proxy.passed - sent), "it writes no more"
        assert_none_follows_its_successor(writes, proxy, WRITES.get(name, RECORD))
