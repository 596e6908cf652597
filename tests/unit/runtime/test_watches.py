"""What is known of the watches, in virtual time, and by what session kopf asks."""

import asyncio
import logging
import ssl
from contextlib import suppress
from pathlib import Path

import aiohttp
import kopf
import pytest
from kopf._cogs.clients.api import request
from kopf._cogs.clients.auth import APIContext
from kopf._cogs.clients.errors import APISessionClosed

from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import Kind
from pennant.runtime.watches import WATCH_START_SECONDS, WATCHED, EventCounter, open_session, settings
from unit.kube.api_server import Answers, a_connection, serving

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_the_ears_are_open_when_all_kinds_are_listened_to() -> None:
    """Rule: R92."""
    events = EventCounter()
    waiting = asyncio.create_task(events.open())
    for kind in WATCHED:
        await asyncio.sleep(1)
        assert not waiting.done()
        events.listening(kind)
    await asyncio.sleep(1)
    assert waiting.done()


async def test_what_is_never_told_of_is_not_waited_for_without_end() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await EventCounter().open()
    assert loop.time() - begun == pytest.approx(WATCH_START_SECONDS, abs=0.1)


async def test_a_watch_that_begins_anew_is_told_of() -> None:
    """What changed meanwhile is read by a list."""
    events, renewed = EventCounter(), list[int]()
    events.on_renewal(lambda: renewed.append(1))
    for kind in WATCHED:
        events.listening(kind)
    assert renewed == []
    events.listening(Kind.MODEL_VERSION)
    assert renewed == [1]


@pytest.mark.looptime(False)
async def test_kopf_asks_by_the_proxy_and_the_name_that_the_kubeconfig_says(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        # The greeting of TLS has the name of the server as plain text.
        heard.append(await reader.read(4096))
        writer.close()

    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    cluster = {"proxy-url": f"http://127.0.0.1:{port}", "tls-server-name": "api.internal"}
    connection = a_connection(tmp_path, "https://api.example:6443", cluster=cluster, token="secret")
    async with listening, open_session(connection) as session:
        with suppress(aiohttp.ClientError):
            await session.get(f"{connection.server}/apis", timeout=aiohttp.ClientTimeout(total=5))
    asked, greeting = heard
    assert asked.startswith(b"CONNECT api.example:6443 ")
    assert b"secret" not in asked
    assert b"api.internal" in greeting


@pytest.mark.looptime(False)
async def test_kopf_asks_with_the_token_of_the_moment(tmp_path: Path) -> None:
    answers, token = Answers(), tmp_path / "token"
    answers.json({})
    token.write_text("first")
    async with serving(answers) as url:
        connection = a_connection(tmp_path, url, tokenFile=str(token))
        async with open_session(connection) as session:
            await session.get(f"{url}/apis")
            token.write_text("second")
            assert await connection.reload(await connection.headers())
            await session.get(f"{url}/apis")
    assert [each.headers["Authorization"] for each in answers.asked] == ["Bearer first", "Bearer second"]


@pytest.mark.looptime(False)
async def test_kopf_logs_in_anew_when_certificates_were_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers()
    answers.json({"kind": "APIGroupList"})
    async with serving(answers) as url:
        connection = a_connection(tmp_path, url)
        context = APIContext(kopf.AiohttpSession(server=url, aiohttp_session=open_session(connection)))

        async def asked() -> None:
            asking = request("get", "/apis", settings=settings(), context=context, logger=logging.getLogger("kopf"))
            await asking

        await asked()
        replaced = ssl.create_default_context()
        monkeypatch.setattr(Connection, "tls", property(lambda _: replaced))
        with pytest.raises(APISessionClosed):
            await asked()
    assert len(answers.asked) == 1
