"""The operator as a process, and a namespace for each scenario."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.installation import Installation, install
from cluster.operator_process import Operator
from cluster.proxy import Proxy
from cluster.stage import Stage, assert_well_ended
from rig import Rig
from rig.front_end import FrontEnd


@pytest.fixture(scope="session")
def installation(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install what the chart gives the operator that all scenarios share."""
    return install(rig, tmp_path_factory.mktemp("installation"))


@pytest.fixture(scope="session")
def front_end(rig: Rig) -> Iterator[FrontEnd]:
    """Put a front end before Prometheus, for scenarios whose metric source is one."""
    with FrontEnd(rig.prometheus_url) as running:
        yield running


@pytest.fixture(scope="session")
def operator(
    rig: Rig, installation: Installation, front_end: FrontEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """Start the operator once for all scenarios; a scenario may kill it and start it anew."""
    process = Operator(rig, tmp_path_factory.mktemp("operator"), installation)
    process.add_sources({each: front_end.url(each) for each in ("aligned", "slow", "partial", "half", "unruly")})
    process.start()
    yield process
    process.kill()


@pytest.fixture
def stage(rig: Rig, operator: Operator, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Give a scenario a namespace of its own, and see that it ends well."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    played = Stage(rig, f"{name}-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
    yield played
    assert_well_ended([played])
    played.end()


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
    finally:
        operator.start()
    yield first
    first.kill()


@pytest.fixture
def serving(stage: Stage) -> Stage:
    """Return a stage on which 1.0.0 is served and known good."""
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production")
    stage.deployment()
    stage.until_verified("1.0.0")
    return stage


@pytest.fixture
def rolled_back(serving: Stage) -> Stage:
    """Return a stage on which 1.1.0 was found bad and 1.0.0 serves again."""
    serving.accuracy("1.1.0", 0.5)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_rolled_back_to("1.0.0")
    return serving
