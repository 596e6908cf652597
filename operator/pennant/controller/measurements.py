"""Measurements are taken beside the passes, so that a slow source delays no promotion.

A pass asks for the measurements that are due and gets those that have come; for the others a query is sent, and when
its answer is there, the key is looked at again.

Rule: A change of holder shows in the status before anything is waited for.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import assert_never

from pennant.controller.alerts import AlertBoard
from pennant.core.measurement import (
    AlertQuery,
    Alerts,
    Fault,
    Measurement,
    Question,
    RangeQuery,
    Request,
    Series,
    Unanswered,
)
from pennant.core.observation import Key
from pennant.ports import Clock, MetricSource, MetricSources, Refused, Unavailable

_log = logging.getLogger(__name__)


class Measurements:
    """The newest answer to each question of each ModelDeployment."""

    def __init__(self, sources: MetricSources, clock: Clock, wake: Callable[[Key], None]) -> None:
        """Read from these sources, and call `wake` with a key for which an answer has come."""
        self._sources, self._clock, self._wake = sources, clock, wake
        self._boards = {name: AlertBoard(source, clock) for name, source in sources.items()}
        self._known: dict[Key, dict[Question, Measurement]] = {}
        self._asked: dict[tuple[Key, Question], Request] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.hinted_at: datetime | None = None
        """When somebody last said that alerts have changed; None: nobody did."""

    def hint(self) -> None:
        """Take in that alerts have changed: they are asked for once more by every pass from now on."""
        self.hinted_at = self._clock.now()

    def take(self, key: Key, due: Mapping[Question, Request]) -> Mapping[Question, Measurement]:
        """Return the measurements that answer exactly these requests, and send for the others.

        What was not answered is asked again with the next request that is new: some requests never change.
        """
        known = {
            question: each for question, each in self._known.get(key, {}).items() if due.get(question) == each.request
        }
        if any(self._is_new(key, each, due[each]) for each in due.keys() - known.keys()):
            known = {question: each for question, each in known.items() if not isinstance(each.answer, Unanswered)}
        self._known[key] = known
        for question, request in due.items():
            if question not in known and self._is_new(key, question, request):
                self._send(key, question, request)
        return known

    def _is_new(self, key: Key, question: Question, request: Request) -> bool:
        """Return whether no answer to this request is on its way."""
        return self._asked.get((key, question)) != request

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone."""
        self._known.pop(key, None)

    async def aclose(self) -> None:
        """Cancel the queries that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for board in self._boards.values():
            await board.aclose()

    def _send(self, key: Key, question: Question, request: Request) -> None:
        self._asked[key, question] = request
        task = asyncio.create_task(self._ask(key, question, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: Key, question: Question, request: Request) -> None:
        measurement = await self._measure(request)
        # A newer question was sent meanwhile: this answer is about the past.
        if self._asked.get((key, question)) != request:
            return
        del self._asked[key, question]
        if key in self._known:
            self._known[key] = {**self._known[key], question: measurement}
            self._wake(key)

    async def _measure(self, request: Request) -> Measurement:
        source = self._sources.get(request.source)
        if source is None:
            detail = f"no metric source {request.source} is configured"
            return Measurement(request, Unanswered(Fault.UNKNOWN_SOURCE, detail))
        try:
            return Measurement(request, await self._answer(source, request))
        except Unavailable as error:
            return Measurement(request, Unanswered(Fault.UNAVAILABLE, str(error)))
        except Refused as error:
            return Measurement(request, Unanswered(Fault.REFUSED, str(error)))
        except Exception:
            # Without an answer nobody would ask again.
            _log.exception("A query failed by a mistake of this program", extra={"source": request.source})
            return Measurement(request, Unanswered(Fault.UNAVAILABLE, "the operator failed to ask; its log says why"))

    async def _answer(self, source: MetricSource, request: Request) -> Series | Alerts:
        match request:
            case RangeQuery():
                return await source.query_range(request)
            case AlertQuery(name, at, labels):
                return (await self._boards[name].seen_since(at)).matching(labels)
            case _ as never:
                assert_never(never)
