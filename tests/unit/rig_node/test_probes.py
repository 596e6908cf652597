import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rig.node.probes import Target, Timing, follow, passes, port_number
from rig.node.process import Work

CONTAINER = {"ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9090}]}


class Asked:
    """Answers a probe from a script, and notes at which second of the loop's time it was asked and what was told."""

    def __init__(self, answers: str) -> None:
        self.answers = [each == "+" for each in answers]
        self.at: list[float] = []
        self.told: list[tuple[int, bool]] = []

    async def ask(self) -> bool:
        self.at.append(round(asyncio.get_running_loop().time(), 3))
        if not self.answers:
            await asyncio.Event().wait()
        return self.answers.pop(0)

    def tell(self, passed: bool) -> None:
        self.told.append((len(self.at), passed))

    async def follow(self, probe: dict[str, Any], *, eager: bool = False) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000):
                await follow(Timing.of(probe), self.ask, self.tell, eager=eager)


@pytest.mark.looptime
class TestTiming:
    async def test_it_asks_after_the_delay_and_then_in_each_period(self) -> None:
        asked = Asked("+++")
        await asked.follow({"initialDelaySeconds": 3, "periodSeconds": 5})
        assert asked.at == [3, 8, 13, 18]

    async def test_the_defaults_are_those_of_kubernetes(self) -> None:
        asked = Asked("---+")
        await asked.follow({})
        assert asked.at == [0, 10, 20, 30, 40]
        assert asked.told == [(3, False), (4, True)]
        assert Timing.of({}).timeout_seconds == 1

    async def test_an_answer_is_believed_when_it_came_often_enough_in_a_row(self) -> None:
        asked = Asked("+-++--+++")
        await asked.follow({"successThreshold": 3, "failureThreshold": 2})
        assert asked.told == [(6, False), (9, True)]

    async def test_an_eager_one_hurries_until_the_first_success(self) -> None:
        asked = Asked("--++")
        await asked.follow({"periodSeconds": 5}, eager=True)
        assert asked.at == [0, 0.1, 0.2, 5.2, 10.2]

    async def test_an_eager_one_does_not_hurry_for_long(self) -> None:
        asked = Asked("-" * 22)
        await asked.follow({"periodSeconds": 5}, eager=True)
        assert asked.at[-3:] == [6.9, 11.9, 16.9]

    async def test_a_period_that_is_shorter_than_hurrying_stays(self) -> None:
        asked = Asked("--")
        await asked.follow({"periodSeconds": 0.05}, eager=True)
        assert asked.at == [0, 0.05, 0.1]


@pytest.mark.parametrize(("port", "number"), [(8080, 8080), ("http", 8080)])
def test_a_port_is_given_by_number_or_by_name(port: int | str, number: int) -> None:
    assert port_number(port, CONTAINER) == number


def test_a_port_that_nobody_named_is_no_port() -> None:
    with pytest.raises(ValueError, match="no port is named metrics"):
        port_number("metrics", CONTAINER)


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """Serve /<status> with that status, and /header with 200 for who sends the right one; return the port."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(5)
        if request.path == "/header":
            return web.Response(status=200 if request.headers.get("X-Asked") == "yes" else 400)
        return web.Response(status=int(request.path.strip("/") or 200), headers={"Location": "/500"})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def target(tmp_path: Path, server: int) -> AsyncIterator[Target]:
    container = {"ports": [{"name": "http", "containerPort": server}]}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Target(container, "127.0.0.1", Work(tmp_path, {"PATH": "/usr/bin:/bin", "A": "1"}), session)


@pytest.mark.parametrize(
    ("request_", "passed"),
    [
        ({"path": "/200"}, True),
        ({"path": "200"}, True),
        ({}, True),
        ({"path": "/302"}, True),
        ({"path": "/404"}, False),
        ({"path": "/503"}, False),
        ({"path": "/header"}, False),
        ({"path": "/header", "httpHeaders": [{"name": "X-Asked", "value": "yes"}]}, True),
        ({"path": "/slow"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"port": "nobody-named-this"}, False),
    ],
)
async def test_http(target: Target, request_: dict[str, Any], passed: bool) -> None:
    probe = {"httpGet": {"port": "http", **request_}, "timeoutSeconds": 0.3}
    assert await passes(probe, target) is passed


async def test_tcp(target: Target) -> None:
    assert await passes({"tcpSocket": {"port": "http"}}, target)
    assert not await passes({"tcpSocket": {"port": 1}}, target)


@pytest.mark.parametrize(
    ("script", "passed"),
    {
        "it ends well": ("exit 0", True),
        "it fails": ("exit 1", False),
        "it sees the container's environment": ('[ "$A" = 1 ]', True),
        "it works where the container works": ('[ "$(pwd)" = "{directory}" ]', True),
        "it takes too long": ("sleep 5", False),
    }.values(),
)
async def test_a_command(target: Target, script: str, passed: bool) -> None:
    command = ["/bin/sh", "-c", script.format(directory=target.work.directory)]
    assert await passes({"exec": {"command": command}, "timeoutSeconds": 0.5}, target) is passed


async def test_a_command_that_is_not_there_does_not_pass(target: Target) -> None:
    assert not await passes({"exec": {"command": [f"{sys.executable}-not"]}}, target)
