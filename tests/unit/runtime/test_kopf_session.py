"""The HTTP session of kopf: its credentials, requests for kinds that are not served, and lists."""

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
from pennant.kube.presence import Presence
from pennant.runtime.kopf_session import WATCHED, WaitForCrds, WatchOnly, open_session
from pennant.runtime.kopf_settings import settings
from pennant.runtime.watches import WatchState
from unit.kube.api_server import Answers, a_connection, serving

VERSIONS = "/apis/pennant.dev/v1alpha1/modelversions"


async def test_a_request_for_a_kind_that_is_not_served_waits_for_it(tmp_path: Path) -> None:
    """Rule: R97."""
    answers, presence = Answers(), Presence()
    answers.text("404 page not found", 404)
    answers.json({"items": []})
    async with (
        serving(answers) as url,
        open_session(a_connection(tmp_path, url), WaitForCrds(presence)) as session,
        asyncio.timeout(10),
    ):
        asking = asyncio.create_task(session.get(f"{url}{VERSIONS}"))
        while presence.is_complete:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not asking.done()
        assert len(answers.asked) == 1
        presence.found(Kind.MODEL_VERSION)
        assert (await asking).status == 200


async def test_what_is_no_kind_of_ours_is_not_waited_for(tmp_path: Path) -> None:
    answers, presence = Answers(), Presence()
    answers.text("404 page not found", 404)
    async with serving(answers) as url, open_session(a_connection(tmp_path, url), WaitForCrds(presence)) as session:
        assert (await session.get(f"{url}/apis/apps/v1/deployments")).status == 404
    assert presence.is_complete


async def test_a_list_asks_for_no_object_and_tells_that_a_watch_begins(tmp_path: Path) -> None:
    answers, state = Answers(), WatchState()
    answers.json({"items": []})
    async with (
        serving(answers) as url,
        open_session(a_connection(tmp_path, url), WatchOnly(state.started)) as session,
        asyncio.timeout(10),
    ):
        for group, version, plural in WATCHED.values():
            await session.get(f"{url}/apis/{group}/{version}/{plural}?labelSelector=a")
        await state.wait_started()
        await session.get(f"{url}{VERSIONS}?watch=true&resourceVersion=7")
    lists, watch = answers.asked[:-1], answers.asked[-1]
    for each in lists:
        assert each.query == {"labelSelector": "a", "fieldSelector": "metadata.name=-", "resourceVersion": "0"}
    assert watch.query == {"watch": "true", "resourceVersion": "7"}


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
