"""Answers of one metric source that several ModelDeployments take: equal questions are sent once.

An asker waits for its own turn (`FairQueue`), unless the question is under way or was just answered. The first
asker that has a turn sends it for all, and nobody waits behind the queries of another namespace.

Rule: R225.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

AnswerT = TypeVar("AnswerT")

LONGEST_SECONDS = 60.0
"""Time for which an answer is kept at most."""
MAX_KEPT = 4096
"""How many answers are kept; the oldest ones are dropped."""


class SharedAnswers(Generic[AnswerT]):
    """The questions that are under way, and the newest answers."""

    def __init__(self) -> None:
        """Start without any."""
        self._sent: dict[Hashable, asyncio.Future[AnswerT]] = {}
        self._kept: OrderedDict[Hashable, tuple[AnswerT, float]] = OrderedDict()
        """Answers, each with the time of the event loop until which it is kept; the oldest first."""

    async def answer(
        self,
        question: Hashable,
        seconds: float,
        turn: Callable[[], AbstractAsyncContextManager[None]],
        ask: Callable[[], Awaitable[AnswerT]],
    ) -> AnswerT:
        """Return the answer to a question, from `ask` at the asker's turn where nobody else has sent it.

        It is kept for so many seconds. An error is raised to all who wait for it, and is not kept.
        """
        while True:
            if (kept := self._known(question)) is not None:
                return kept[0]
            if question not in self._sent:
                async with turn():
                    if self._known(question) is None and question not in self._sent:
                        return await self._send(question, seconds, ask)
                continue
            under_way = self._sent[question]
            try:
                return await asyncio.shield(under_way)
            except asyncio.CancelledError:
                if not under_way.cancelled() or _is_cancelled():
                    raise
                # The asker that sent it was cancelled: another one sends it now.

    async def _send(self, question: Hashable, seconds: float, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        loop = asyncio.get_running_loop()
        self._sent[question] = under_way = loop.create_future()
        try:
            found = await ask()
        except Exception as error:
            under_way.set_exception(error)
            # Nobody may be waiting for it.
            under_way.exception()
            raise
        else:
            under_way.set_result(found)
            self._keep(question, found, loop.time(), seconds)
            return found
        finally:
            del self._sent[question]
            under_way.cancel()

    def _known(self, question: Hashable) -> tuple[AnswerT, float] | None:
        kept = self._kept.get(question)
        return kept if kept is not None and asyncio.get_running_loop().time() < kept[1] else None

    def _keep(self, question: Hashable, answer: AnswerT, now: float, seconds: float) -> None:
        """Keep an answer, and drop the oldest ones that are over or too many."""
        self._kept.pop(question, None)
        while self._kept and (len(self._kept) >= MAX_KEPT or next(iter(self._kept.values()))[1] <= now):
            self._kept.popitem(last=False)
        self._kept[question] = answer, now + min(seconds, LONGEST_SECONDS)


def _is_cancelled() -> bool:
    """Return whether the current task itself is being cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
