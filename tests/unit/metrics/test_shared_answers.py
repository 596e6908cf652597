"""Equal questions are sent once, and nobody waits behind another namespace, or for somebody who has left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from pennant.metrics import shared_answers
from pennant.metrics.fair_queue import FairQueue
from pennant.metrics.shared_answers import SharedAnswers


class Table:
    """A source that answers when it is told to."""

    def __init__(self, places: int = 4) -> None:
        self.turns, self.answers = FairQueue(places), SharedAnswers[object]()
        self.sent: list[tuple[str, str]] = []
        self.open = asyncio.Event()
        self.trouble: Exception | None = None

    def comes(self, namespace: str, question: str = "q", seconds: float = 30) -> asyncio.Task[object]:
        """Let a ModelDeployment of a namespace ask."""
        turn, send = partial(self.turns.of, (namespace, "d")), self._sending(namespace, question)
        return asyncio.create_task(self.answers.answer(question, seconds, turn, send))

    def _sending(self, namespace: str, question: str) -> Callable[[], Awaitable[object]]:
        async def send() -> object:
            self.sent.append((namespace, question))
            await self.open.wait()
            if self.trouble is not None:
                raise self.trouble
            return f"answer to {question}"

        return send


@asynccontextmanager
async def ended(*tasks: asyncio.Task[object]) -> AsyncIterator[None]:
    """End these tasks after the context."""
    yield
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_asker_that_leaves_takes_the_answer_from_nobody() -> None:
    """A ModelDeployment whose spec changes cancels its request; the next one sends it.

    Rule: R225.
    """
    table = Table()
    first, second, third = table.comes("a"), table.comes("b"), table.comes("b")
    await settled()
    assert table.sent == [("a", "q")]
    first.cancel()
    await settled()
    assert table.sent == [("a", "q"), ("b", "q")]
    table.open.set()
    assert await second == await third == "answer to q"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_one_who_waits_can_leave_and_the_question_stays_under_way() -> None:
    table = Table()
    first, second = table.comes("a"), table.comes("b")
    await settled()
    second.cancel()
    await settled()
    assert second.cancelled()
    table.open.set()
    assert await first == "answer to q"
    assert table.sent == [("a", "q")]


async def test_an_error_is_told_to_all_who_wait_and_not_kept() -> None:
    """Rule: R225."""
    table = Table()
    asking = [table.comes(each) for each in ("a", "b", "b")]
    await settled()
    table.trouble = TimeoutError()
    table.open.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert found == [table.trouble] * 3
    assert len(table.sent) == 1
    table.trouble = None
    assert await table.comes("b") == "answer to q"
    assert len(table.sent) == 2


async def test_a_question_is_not_kept_behind_the_namespace_that_asked_it_first() -> None:
    """Hanging queries have all places of a namespace; another one asks what that waits to ask, and is not delayed.

    Rule: R91.
    """
    table = Table(places=4)
    hanging = [table.comes("bad", f"slow {number}") for number in range(3)]
    await settled()
    waiting = table.comes("bad")
    await settled()
    assert ("bad", "q") not in table.sent, "its namespace has no place left"
    async with ended(*hanging, waiting):
        good = table.comes("good")
        await settled()
        assert table.sent[-1] == ("good", "q")
        table.open.set()
        assert await good == "answer to q"
        await waiting
    assert [question for _, question in table.sent].count("q") == 1


async def test_an_answer_is_kept_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is an interval, and at most `LONGEST_SECONDS`."""
    table = Table()
    table.open.set()
    await table.comes("a", seconds=0.02)
    await table.comes("b", seconds=0.02)
    assert len(table.sent) == 1
    await asyncio.sleep(0.03)
    await table.comes("b", seconds=0.02)
    assert len(table.sent) == 2
    monkeypatch.setattr(shared_answers, "LONGEST_SECONDS", 0.0)
    for _ in range(2):
        await table.comes("a", "another", seconds=3600)
    assert len(table.sent) == 4


async def test_the_answers_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_answers, "MAX_KEPT", 3)
    table = Table()
    table.open.set()
    for number in range(10):
        await table.comes("a", f"q{number}")
    assert list(table.answers._kept) == ["q7", "q8", "q9"]
    assert not table.answers._sent


async def test_what_nobody_needs_any_more_is_not_sent_again() -> None:
    table = Table()
    only = table.comes("a")
    await settled()
    only.cancel()
    with suppress(asyncio.CancelledError):
        await only
    await settled()
    assert table.sent == [("a", "q")]
    assert not table.answers._sent
