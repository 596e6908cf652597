"""One operator process for each worker, and one namespace for each scenario."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import forks
from cluster.installation import Installation, install
from cluster.operator_process import Operator
from cluster.proxy import Proxy
from cluster.scenario import Scenario, assert_well_ended
from rig import Rig
from rig.front_end import FrontEnd


@pytest.fixture(scope="session")
def installation(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install the account, rights and configuration of the operator that all scenarios share."""
    return install(rig, tmp_path_factory.mktemp("installation"))


@pytest.fixture(scope="session")
def front_end(rig: Rig) -> Iterator[FrontEnd]:
    """Start a proxy of Prometheus whose URLs change its answers, such as `slow`."""
    with FrontEnd(rig.prometheus_url) as running:
        yield running


@pytest.fixture(scope="session")
def operator(
    rig: Rig, installation: Installation, front_end: FrontEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """Start the operator once for all scenarios; a scenario may kill it and start it again."""
    process = Operator(rig, tmp_path_factory.mktemp("operator"), installation)
    process.add_sources({each: front_end.url(each) for each in ("aligned", "slow", "partial", "half", "unruly")})
    process.add_sources({"bounded": rig.prometheus_url}, namespaceLabel="namespace")
    process.add_sources({"by-version": rig.prometheus_url}, namespaceLabel="version")
    process.add_sources({"payments": rig.prometheus_url}, namespaces=["payments"])
    process.start(fresh=True)
    # Tests may need it first in a thread, and a process that ends with us is started from the main thread.
    forks.server()
    yield process
    process.kill()


@pytest.fixture
def scenario(rig: Rig, operator: Operator, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """Return a scenario in a new namespace; at its end check what must hold at the end of each one."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    played = Scenario(rig, f"{name}-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
    yield played
    assert_well_ended([played])
    played.end()


@pytest.fixture
def second(scenario: Scenario, tmp_path: Path) -> Iterator[Operator]:
    """Start a second replica."""
    replica = Operator(scenario.rig, tmp_path / "second", scenario.operator.installation)
    replica.start()
    replica.wait_for("Starting")
    yield replica
    replica.kill()


@pytest.fixture
def proxy(rig: Rig) -> Iterator[Proxy]:
    with Proxy(rig) as running:
        yield running


@pytest.fixture
def leader(rig: Rig, operator: Operator, proxy: Proxy, tmp_path: Path) -> Iterator[Operator]:
    """Start an operator that leads and reaches the API server through the proxy; the shared operator is its standby."""
    operator.stop()
    known = Path(operator.installation.environment["KUBECONFIG"])
    through = proxy.kubeconfig(known, tmp_path / "kubeconfig")
    first = Operator(rig, tmp_path / "leader", operator.installation, KUBECONFIG=str(through))
    first.start()
    try:
        first.wait_for("Leading")
    finally:
        operator.start()
    yield first
    first.kill()


@pytest.fixture
def serving(scenario: Scenario) -> Scenario:
    """Return a scenario in which 1.0.0 is served and known good."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment()
    scenario.until_verified("1.0.0")
    return scenario


@pytest.fixture
def rolled_back(serving: Scenario) -> Scenario:
    """Return a scenario in which 1.1.0 was found bad and 1.0.0 serves again."""
    serving.accuracy("1.1.0", 0.5)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_rolled_back_to("1.0.0")
    return serving
