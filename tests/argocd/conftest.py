"""One Argo CD and one operator for each worker, and one namespace with its repository for each scenario."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from argocd.argo_cd import ArgoCd
from argocd.git_scenario import GitScenario
from cluster.conftest import installation as installation
from cluster.installation import Installation
from cluster.operator_process import Operator
from cluster.scenario import assert_well_ended
from rig import Rig


@pytest.fixture(scope="session")
def operator(rig: Rig, installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Start the operator once for all scenarios."""
    process = Operator(rig, tmp_path_factory.mktemp("operator"), installation)
    process.start(fresh=True)
    yield process
    process.kill()


@pytest.fixture(scope="session")
def argo_cd(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCd]:
    """Start Argo CD once for all scenarios."""
    running = ArgoCd(rig, tmp_path_factory.mktemp("argocd"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def git(
    rig: Rig, operator: Operator, argo_cd: ArgoCd, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[GitScenario]:
    """Return a scenario in a new namespace with a repository of its own; check at its end what must always hold."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    played = GitScenario(rig, f"{name}-{uuid.uuid4().hex[:6]}", tmp_path, operator, argo_cd)
    yield played
    assert_well_ended([played])
    played.forget()
    played.end()
