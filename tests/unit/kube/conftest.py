"""Clients of a fake API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pennant.kube.http.client import Client
from unit.kube.api_server import Answers, Routes, a_connection, serving


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
async def client(answers: Answers, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(answers) as url, Client(a_connection(tmp_path, url)) as found:
        yield found


@pytest.fixture
def routes() -> Routes:
    return Routes()


@pytest.fixture
async def routed(routes: Routes, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(routes) as url, Client(a_connection(tmp_path, url)) as found:
        yield found
