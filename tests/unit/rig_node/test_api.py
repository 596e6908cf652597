import json
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from rig.node.api import Api, Expired, Gone, Refused, Unavailable


class Server:
    """Answers with what a test puts here, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: deque[tuple[int, str]] = deque()
        self.asked: list[tuple[str, str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body, kind = await request.text(), request.headers.get("Content-Type", "")
        self.asked.append((request.method, request.path_qs, kind, body))
        status, text = self.answers.popleft()
        return web.Response(status=status, text=text)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    served = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield served, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def a_kubeconfig(directory: Path, url: str) -> Path:
    config = {"clusters": [{"cluster": {"server": url}}], "users": [{"user": {"token": "t"}}]}
    (directory / "kubeconfig").write_text(json.dumps(config))
    return directory / "kubeconfig"


@pytest.fixture
async def api(server: tuple[Server, str], tmp_path: Path) -> AsyncIterator[Api]:
    async with Api(a_kubeconfig(tmp_path, server[1])) as opened:
        yield opened


@pytest.mark.parametrize(
    ("status", "text", "error"),
    {
        "it is not there": (404, "", Gone),
        "somebody else wrote at the same time": (409, "", Unavailable),
        "it makes no sense": (422, "podIPs: Invalid value", Refused),
        "the server starts": (403, "RBAC: role not found", Unavailable),
        "the server is busy": (429, "", Unavailable),
        "etcd is away": (500, "", Unavailable),
    }.values(),
)
async def test_a_refusal_says_what_to_do_about_it(
    server: tuple[Server, str], api: Api, status: int, text: str, error: type[Exception]
) -> None:
    server[0].answers.append((status, text))
    with pytest.raises(error):
        await api.patch("/pods/p/status", {})


async def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    async with Api(a_kubeconfig(tmp_path, "http://127.0.0.1:1")) as api:
        with pytest.raises(Unavailable):
            await api.pods_of("n")
        with pytest.raises(Unavailable):
            await anext(api.watch_pods_of("n", "1"))


async def test_a_deletion_is_of_this_very_object_and_at_once(server: tuple[Server, str], api: Api) -> None:
    server[0].answers.append((200, "{}"))
    await api.delete("/pods/p", "u")
    ((method, path, _, body),) = server[0].asked
    assert (method, path) == ("DELETE", "/pods/p")
    assert json.loads(body)["preconditions"] == {"uid": "u"}
    assert json.loads(body)["gracePeriodSeconds"] == 0


EVENT = {"type": "ADDED", "object": {}}


async def heard(api: Api) -> list[dict[str, Any]]:
    return [each async for each in api.watch_pods_of("n", "7")]


async def test_a_watch_yields_events_until_the_server_ends_it(server: tuple[Server, str], api: Api) -> None:
    server[0].answers.append((200, f"{json.dumps(EVENT)}\n" * 2))
    assert await heard(api) == [EVENT, EVENT]
    assert "resourceVersion=7" in server[0].asked[0][1]


@pytest.mark.parametrize(
    ("status", "text", "error"),
    {
        "too old at once": (410, "", Expired),
        "too old by an event": (200, '{"type": "ERROR", "object": {"code": 410}}\n', Expired),
        "refused": (500, '{"kind": "Status"}', Unavailable),
        "cut off": (200, '{"type": "AD', Unavailable),
    }.values(),
)
async def test_a_watch_that_breaks_says_how(
    server: tuple[Server, str], api: Api, status: int, text: str, error: type[Exception]
) -> None:
    server[0].answers.append((status, text))
    with pytest.raises(error):
        await heard(api)


async def test_an_event_may_be_large(server: tuple[Server, str], api: Api) -> None:
    event = {"type": "ADDED", "object": {"metadata": {"annotations": {"large": "x" * 250_000}}}}
    server[0].answers.append((200, f"{json.dumps(event)}\n"))
    assert await heard(api) == [event]
