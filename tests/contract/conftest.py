"""The implementations that the contract is held against."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contract.arena import Arena
from contract.fake import FakeArena
from contract.real import RealArena, real_arena


@pytest.fixture
async def real(rig: Any, tmp_path: Path) -> AsyncIterator[RealArena]:
    async with real_arena(Path(rig.kubeconfig), tmp_path) as arena:
        yield arena


@pytest.fixture
def fake() -> FakeArena:
    return FakeArena()


@pytest.fixture(params=["real", "fake"])
def arena(request: pytest.FixtureRequest) -> Arena:
    found: Arena = request.getfixturevalue(str(request.param))
    return found
