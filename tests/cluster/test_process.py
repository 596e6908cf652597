"""The process of the operator: start, settings, probes, metrics, change of leader, and end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from cluster.audit import AuditLog
from cluster.installation import Installation, install
from cluster.operator_process import Operator
from cluster.proxy import Tunnel
from cluster.scenario import Scenario
from rig import Rig

LEASE = ("lease", "elected-pennant", "-n", "elected")


@pytest.fixture(scope="module")
def installed(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install a release of its own, which looks after a namespace without objects."""
    directory = tmp_path_factory.mktemp("elected")
    return install(rig, directory, release="elected", namespace="elected", values={"namespace": "kube-public"})


@pytest.fixture
def replicas(rig: Rig, installed: Installation, tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    """Start operators that compete for one Lease."""
    started: list[Operator] = []

    def start(**environment: str) -> Operator:
        operator = Operator(rig, tmp_path / f"operator-{len(started)}", installed, **environment)
        operator.start(fresh=True)
        started.append(operator)
        return operator

    yield start
    for each in started:
        each.kill()
    rig.kubectl("delete", *LEASE, "--ignore-not-found")


def until(holds: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


def agents(asked: AuditLog) -> set[str]:
    return {each["userAgent"].partition("/")[0] for each in asked.requests()}


def test_a_signal_ends_it_within_seconds_and_releases_the_lease(rig: Rig, replicas: Callable[..., Operator]) -> None:
    operator = replicas()
    operator.wait_for("Leading")
    assert operator.leader()
    begun = time.monotonic()
    assert operator.stop() == 0
    assert time.monotonic() - begun < 10
    assert operator.leader() == ""


def test_a_killed_leader_is_followed_by_the_other_replica(replicas: Callable[..., Operator]) -> None:
    """Rule: R98."""
    first = replicas()
    first.wait_for("Leading")
    second = replicas()
    second.wait_for("Starting")
    time.sleep(2)
    assert "Leading" not in second.log.read_text()
    first.kill()
    second.wait_for("Leading", 10)


async def test_all_of_it_asks_by_the_proxy_and_the_name_that_the_kubeconfig_says(
    rig: Rig, replicas: Callable[..., Operator], tmp_path: Path
) -> None:
    """Also the watches, which are kopf's; the token is for the API server alone."""
    operator, tunnel = replicas(), Tunnel(rig)
    operator.kill()
    path, server = tmp_path / "by-proxy", "https://api.example:6443"
    config = yaml.safe_load(Path(operator.environment["KUBECONFIG"]).read_text())
    path.touch(mode=0o600)
    asked = AuditLog.from_now_on(rig.audit_log, operator.installation.user)
    async with tunnel.opened() as url:
        config["clusters"][0]["cluster"] |= {
            "server": server,
            "proxy-url": url,
            "tls-server-name": "kubernetes.default.svc",
        }
        path.write_text(yaml.safe_dump(config))
        through = await asyncio.to_thread(replicas, KUBECONFIG=str(path))
        await asyncio.to_thread(through.wait_for, "Leading")
        await asyncio.to_thread(until, lambda: agents(asked) >= {"pennant", "kopf"}, 20, "a list of kopf's")
        assert await asyncio.to_thread(through.stop) == 0
    assert all(each.startswith(b"CONNECT api.example:6443 ") for each in tunnel.asked)
    assert not any(b"authorization" in each.lower() for each in tunnel.asked)


def test_a_leader_that_was_frozen_for_longer_than_its_lease_ends_itself(replicas: Callable[..., Operator]) -> None:
    first, second = replicas(), replicas()
    until(lambda: "Leading" in first.log.read_text() + second.log.read_text(), 20, "a leader")
    leader, other = (first, second) if "Leading" in first.log.read_text() else (second, first)
    assert leader.process is not None
    leader.process.send_signal(signal.SIGSTOP)
    other.wait_for("Leading", 15)
    leader.process.send_signal(signal.SIGCONT)
    assert leader.process.wait(15) == 1
    assert "No longer leading" in leader.log.read_text()


def test_wrong_credentials_end_it_with_a_reason(rig: Rig, tmp_path: Path, replicas: Callable[..., Operator]) -> None:
    wrong = tmp_path / "kubeconfig"
    wrong.write_text(rig.kubeconfig.read_text().replace(rig.admin_token, "wrong"))
    operator = replicas(KUBECONFIG=str(wrong))
    assert operator.process is not None
    assert operator.process.wait(20) == 1
    assert "the API server cannot be used" in operator.tail()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"PENNANT_WORKERS": "0"}, "greater than or equal to 1"),
        ({"PENNANT_RENEW_DEADLINE_SECONDS": "60"}, "must hold"),
        ({"PENNANT_LOG_FORMAT": "xml"}, "'json' or 'console'"),
        ({"PENNANT_METRIC_SOURCES": "/nowhere"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(replicas: Callable[..., Operator], settings: dict[str, str], says: str) -> None:
    operator = replicas(**settings)
    assert operator.process is not None
    assert operator.process.wait(20) == 2
    assert says in operator.tail()


def test_a_port_that_is_taken_is_named(replicas: Callable[..., Operator]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        operator = replicas(PENNANT_PORT=str(port))
        assert operator.process is not None
        assert operator.process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in operator.tail()
    assert "Traceback" not in operator.tail()


@pytest.fixture
def port() -> int:
    return 20000 + os.getpid() % 10000


def test_probes_tell_how_it_is(rig: Rig, replicas: Callable[..., Operator], port: int) -> None:
    operator = replicas(PENNANT_PORT=str(port), PENNANT_RESYNC_SECONDS="1")
    operator.wait_for("Leading")
    until(lambda: operator.fetch("/readyz", port)[0] == 200, 10, "readiness")
    assert operator.fetch("/livez", port) == (200, "loop: ok\npasses: ok\nlists: ok\nwatches: ok\n")


def test_its_metrics_are_what_prometheus_expects(rig: Rig, replicas: Callable[..., Operator], port: int) -> None:
    operator = replicas(PENNANT_PORT=str(port))
    operator.wait_for("Leading")
    listed = 'pennant_api_requests_total{code="200",kind="ModelVersion",verb="list"}'
    until(lambda: listed in operator.fetch("/metrics", port)[1], 10, "the first list")
    text = operator.fetch("/metrics", port)[1]
    command = [str(rig.binary("promtool")), "check", "metrics"]
    checked = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "pennant_leader 1.0" in text
    assert 'kind="Lease",verb="get"' in text
    for kind in ("ModelDeployment", "ModelVersion"):
        assert f'pennant_workqueue_depth{{kind="{kind}"}}' in text
        assert f'pennant_workqueue_oldest_seconds{{kind="{kind}"}}' in text


def test_json_logs_are_one_object_a_line(replicas: Callable[..., Operator]) -> None:
    operator = replicas(PENNANT_LOG_FORMAT="json")
    operator.wait_for("Leading")
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()


def test_it_works_on_when_its_crds_are_brought_up_to_date(serving: Scenario, operator: Operator) -> None:
    before = operator.process
    for kind in ("modeldeployments", "modelversions"):
        path = "/spec/versions/0/schema/openAPIV3Schema/description"
        change = [{"op": "replace", "path": path, "value": "Of a later version."}]
        serving.kubectl("patch", "crd", f"{kind}.pennant.dev", "--type=json", "-p", json.dumps(change))
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    assert operator.process is before
    assert operator.alive
