"""Measurements are taken beside the passes, so that a slow source delays no promotion.

A pass asks for the measurements that are due and gets the newest that have come, with their age; for what is newer a
query is sent, and when its answer is there, the key is looked at again.

Rule: R5.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pennant.core.facts.measurement import Awaited, Fault, Measurement, Question, Request, Role, Unanswered
from pennant.core.facts.observation import Key
from pennant.ports import Clock, MetricSources, Partial, Refused, Unavailable

EXPLAINED_FOR = timedelta(hours=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A question on its way."""

    request: Request
    at: datetime
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Talk:
    """What one ModelDeployment has asked, and what it was answered."""

    sent: dict[Question, _Sent] = field(default_factory=dict)
    known: dict[Question, Measurement] = field(default_factory=dict)
    explained: dict[Question, tuple[int, datetime]] = field(default_factory=dict)
    """Questions that only explain something: the revision for which each was last asked, and when."""

    def keep(self, due: Mapping[Question, Request]) -> None:
        """Drop the answers that are about something else than what is due, and cancel the questions that are."""
        subjects = {question: each.subject for question, each in due.items()}
        self.known = {q: each for q, each in self.known.items() if subjects.get(q) == each.request.subject}
        for question, each in list(self.sent.items()):
            if subjects.get(question) != each.request.subject:
                each.task.cancel()
                del self.sent[question]

    def to_send(self, due: Mapping[Question, Request], now: datetime) -> list[Question]:
        """Return what to ask now: what is due and neither answered nor on its way.

        The questions of one metric are asked together, so that their answers are about the same times. What was not
        answered is asked again with the next question that is new: some never change.
        """
        busy = {each.metric for each in self.sent if each.role is not Role.EXPLANATION}
        free = [each for each in due if each.role is not Role.EXPLANATION and each.metric not in busy]
        new = [question for question in free if self._request(question) != due[question]]
        failed = [question for question in free if new and isinstance(self._answer(question), Unanswered)]
        explaining = [each for each in due if each.role is Role.EXPLANATION and self._may_explain(each, due[each], now)]
        return [question for question in free if question in new or question in failed] + explaining

    def _may_explain(self, question: Question, request: Request, now: datetime) -> bool:
        """Return whether a question may be asked that only explains: once an hour at most, and for each revision."""
        last = self.explained.get(question)
        if last is not None and last[0] == request.revision and now - last[1] < EXPLAINED_FOR:
            return False
        self.explained[question] = request.revision, now
        return True

    def _request(self, question: Question) -> Request | None:
        return self.known[question].request if question in self.known else None

    def _answer(self, question: Question) -> object:
        return self.known[question].answer if question in self.known else None

    def about(self, question: Question, due: Request, now: datetime) -> Measurement:
        """Return the newest answer to a question that is due, or why there is none."""
        known, sent = self.known.get(question), self.sent.get(question)
        is_overdue = sent is not None and now - sent.at > due.patience
        if is_overdue and sent is not None and (known is None or _is_timely(known)):
            return Measurement(due, Unanswered(Fault.SLOW, f"no answer since {sent.at:%Y-%m-%dT%H:%M:%SZ}"))
        if known is None:
            return Measurement(due, Awaited())
        return replace(known, pending=known.request != due)


def _is_timely(known: Measurement) -> bool:
    """Return whether an answer says something that a long silence takes back.

    A late one and a fault say already that the source does not keep up.
    """
    return not known.late and not isinstance(known.answer, Unanswered)


class Measurements:
    """The newest answer to each question of each ModelDeployment; of each question one is on its way at a time.

    Rule: R33.
    """

    def __init__(self, sources: MetricSources, clock: Clock, wake: Callable[[Key], None]) -> None:
        """Read from these sources, and call `wake` with a key for which an answer has come."""
        self._sources, self._clock, self._wake = sources, clock, wake
        self._talks: dict[Key, _Talk] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.hinted_at: datetime | None = None
        """When somebody last said that alerts have changed; None: nobody did."""

    def hint(self) -> None:
        """Take in that alerts have changed: they are asked for once more by every pass from now on."""
        self.hinted_at = self._clock.now()

    def take(self, key: Key, due: Mapping[Question, Request]) -> Mapping[Question, Measurement]:
        """Return what is known about each question that is due, and send those to which no answer is known.

        A question that is on its way is not sent again when its next time comes: its answer is used as it is, and the
        key is woken by it, so that the next one follows at once.
        """
        now = self._clock.now()
        talk = self._talks.setdefault(key, _Talk())
        talk.keep(due)
        for question in talk.to_send(due, now):
            self._send(key, talk, question, due[question], now)
        if not due:
            del self._talks[key]
        return {question: talk.about(question, request, now) for question, request in due.items()}

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone, and ask nothing more for it."""
        if (talk := self._talks.pop(key, None)) is not None:
            talk.keep({})

    async def aclose(self) -> None:
        """Cancel the queries that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, key: Key, talk: _Talk, question: Question, request: Request, now: datetime) -> None:
        task = asyncio.create_task(self._ask(key, talk, question, request, now))
        talk.sent[question] = _Sent(request, now, task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: Key, talk: _Talk, question: Question, request: Request, sent_at: datetime) -> None:
        measurement = await self._measure(request)
        talk.known[question] = replace(measurement, took=self._clock.now() - sent_at)
        del talk.sent[question]
        self._wake(key)

    async def _measure(self, request: Request) -> Measurement:
        source = self._sources.get(request.source)
        if source is None:
            detail = f"no metric source {request.source} is configured"
            return Measurement(request, Unanswered(Fault.UNKNOWN_SOURCE, detail))
        try:
            return Measurement(request, await source.answer(request))
        except Unavailable as error:
            fault = Fault.PARTIAL if isinstance(error, Partial) else Fault.UNAVAILABLE
            return Measurement(request, Unanswered(fault, str(error)))
        except Refused as error:
            return Measurement(request, Unanswered(Fault.REFUSED, str(error)))
        except Exception:
            # Without an answer nobody would ask again.
            _log.exception("A query failed by a mistake of this program", extra={"source": request.source})
            return Measurement(request, Unanswered(Fault.UNAVAILABLE, "the operator failed to ask; its log says why"))
