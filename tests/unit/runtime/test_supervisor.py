"""The tasks of the process end together, and the exit code says why."""

import asyncio
import os
import signal

import pytest

from pennant.runtime import supervisor
from pennant.runtime.leader_election import LeaseLost
from pennant.runtime.signals import StopSignal
from pennant.runtime.supervisor import supervise


async def forever(ended: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def fails(error: Exception) -> None:
    raise error


async def returns() -> None:
    pass


@pytest.mark.parametrize("error", [LeaseLost("another one leads"), RuntimeError("a bug")], ids=repr)
async def test_a_task_that_fails_ends_all_and_is_named(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []
    parts = {"watch": forever(ended, "watch"), "election": fails(error)}
    assert await supervise(parts, StopSignal()) == 1
    assert ended == ["watch"]
    assert str(error) in caplog.text


async def test_a_task_that_returns_ends_all() -> None:
    ended: list[str] = []
    assert await supervise({"crds": returns(), "watch": forever(ended, "watch")}, StopSignal()) == 1
    assert ended == ["watch"]


async def test_a_signal_ends_all_without_an_error() -> None:
    stop, ended = StopSignal(), list[str]()
    stop.install()
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    assert await supervise({each: forever(ended, each) for each in "ab"}, stop) == 0
    assert sorted(ended) == ["a", "b"]


async def test_the_last_one_is_ended_when_the_others_have_finished() -> None:
    """kopf is the last one: at its end it cancels tasks of others, such as the one that sends the release of the Lease.

    Rule: R98.
    """
    stop, ended = StopSignal(), list[str]()

    async def releases() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.append("election")

    stop.install()
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    assert await supervise({"election": releases(), "watch": forever(ended, "watch")}, stop, last="watch") == 0
    assert ended == ["election", "watch"]


async def test_the_second_signal_ends_the_process_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    stop = StopSignal()
    stop.install()
    for expected in ([], [1]):
        os.kill(os.getpid(), signal.SIGINT)
        await stop.wait()
        await asyncio.sleep(0.01)
        assert codes == expected


async def test_a_task_that_does_not_stop_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(supervisor, "SHUTDOWN_SECONDS", 0.05)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    assert await supervise({"stubborn": stubborn(), "crds": returns()}, StopSignal()) == 1
    released.set()
    assert codes == [1]
    assert "did not stop in time" in caplog.text
