"""A node's host whose API server is in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from rig.node.environment import Images
from rig.node.host import Host
from unit.rig_node.fake_api import FakeApi


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
async def host(api: FakeApi, tmp_path: Path) -> AsyncIterator[Host]:
    async with aiohttp.ClientSession() as web:
        yield Host(api, web, "rig-node", "127.64.1", tmp_path, Images({}, ("bad/",)), 0.05)
