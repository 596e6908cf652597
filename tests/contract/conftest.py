"""The implementations that the contract is held against."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contract.backend import Backend
from contract.fake import FakeBackend
from contract.real import RealBackend, real_backend


@pytest.fixture
async def real(rig: Any, tmp_path: Path) -> AsyncIterator[RealBackend]:
    async with real_backend(Path(rig.kubeconfig), tmp_path) as backend:
        yield backend


@pytest.fixture
def fake() -> FakeBackend:
    return FakeBackend()


@pytest.fixture(params=["real", "fake"])
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.getfixturevalue(str(request.param))
    return found
