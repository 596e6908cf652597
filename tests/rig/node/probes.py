"""Probes: a question to a container, asked by HTTP, by TCP or by a command, again and again."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Self

import aiohttp

from rig.node.process import Process, Work

Object = Mapping[str, Any]
# A container that has just begun is asked more often, so that tests do not wait for whole periods.
EAGER_SECONDS, EAGER_TRIES = 0.1, 20


@dataclass(frozen=True, slots=True)
class Timing:
    """When a probe asks, and how often it needs the same answer to believe it."""

    initial_delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    success_threshold: int
    failure_threshold: int

    @classmethod
    def of(cls, probe: Object) -> Self:
        """Return the timing of a probe, with the defaults of Kubernetes."""
        return cls(
            float(probe.get("initialDelaySeconds", 0)),
            float(probe.get("periodSeconds", 10)),
            float(probe.get("timeoutSeconds", 1)),
            int(probe.get("successThreshold", 1)),
            int(probe.get("failureThreshold", 3)),
        )


Ask = Callable[[], Awaitable[bool]]


async def follow(timing: Timing, ask: Ask, tell: Callable[[bool], None], *, eager: bool) -> None:
    """Ask until cancelled and tell the answer whenever it is believed; `eager` hurries until the first success."""
    async with aclosing(_believed(timing, ask, eager=eager)) as answers:
        async for each in answers:
            tell(each)


async def first(timing: Timing, ask: Ask) -> bool:
    """Return the first answer that is believed. It does not hurry: a startup probe grants its periods as time."""
    async with aclosing(_believed(timing, ask, eager=False)) as answers:
        return await anext(answers)


async def _believed(timing: Timing, ask: Ask, *, eager: bool) -> AsyncGenerator[bool]:
    await asyncio.sleep(timing.initial_delay_seconds)
    last, times = False, 0
    hurries = EAGER_TRIES if eager else 0
    while True:
        passed = await ask()
        times = times + 1 if passed == last else 1
        last = passed
        if times >= (timing.success_threshold if passed else timing.failure_threshold):
            yield passed
        hurries = 0 if passed else max(hurries - 1, 0)
        await asyncio.sleep(min(timing.period_seconds, EAGER_SECONDS) if hurries else timing.period_seconds)


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is asked."""

    container: Object
    host: str
    work: Work
    web: aiohttp.ClientSession


async def passes(probe: Object, target: Target) -> bool:
    """Return whether the probe passes within its timeout."""
    try:
        async with asyncio.timeout(Timing.of(probe).timeout_seconds):
            if "httpGet" in probe:
                return await _http(probe["httpGet"], target)
            if "tcpSocket" in probe:
                return await _tcp(probe["tcpSocket"], target)
            return await _exec(probe["exec"]["command"], target)
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError):
        return False


def port_number(port: int | str, container: Object) -> int:
    """Return the number of a port that is given by number or by name; raises `ValueError`."""
    named = {each.get("name"): int(each["containerPort"]) for each in container.get("ports") or ()}
    if isinstance(port, str) and port not in named:
        raise ValueError(f"no port is named {port}")
    return port if isinstance(port, int) else named[port]


async def _http(request: Object, target: Target) -> bool:
    host, port = request.get("host") or target.host, port_number(request["port"], target.container)
    headers = {each["name"]: each["value"] for each in request.get("httpHeaders") or ()}
    url = f"http://{host}:{port}/{request.get('path', '/').removeprefix('/')}"
    async with target.web.get(url, headers=headers, allow_redirects=False) as answer:
        return 200 <= answer.status < 400


async def _tcp(request: Object, target: Target) -> bool:
    port = port_number(request["port"], target.container)
    _, writer = await asyncio.open_connection(request.get("host") or target.host, port)
    writer.close()
    return True


async def _exec(command: list[str], target: Target) -> bool:
    process = await Process.start(command, replace(target.work, log="probe.log"))
    return await process.wait() == 0
