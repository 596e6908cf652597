"""The newest answer to each request for a metric. Requests run beside the passes, so a slow source delays no promotion.

In: the requests that are due in a pass. Out: the newest answers so far, with their age. Where a request is newer than
its answer, it is sent to its metric source, and the key is added to the work queue when the answer arrives.

Rule: R5.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pennant.core.facts.measurement import Awaited, Fault, Measurement, Question, Request, Role, Unanswered
from pennant.core.facts.observation import Key
from pennant.ports import Clock, MetricSources, NotPermitted, Partial, Refused, Unavailable

EXPLAINED_FOR = timedelta(hours=1)
"""Time between two requests for an explanation of the same metric."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request that is under way."""

    request: Request
    at: datetime
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Requests:
    """The requests of one ModelDeployment, and their answers."""

    sent: dict[Question, _Sent] = field(default_factory=dict)
    known: dict[Question, Measurement] = field(default_factory=dict)
    explained: dict[Question, tuple[int, datetime]] = field(default_factory=dict)
    """By request for an explanation: the revision for which it was last sent, and when."""

    def keep(self, due: Mapping[Question, Request]) -> None:
        """Drop answers whose subject is not due any more, and cancel the requests that are about such."""
        subjects = {question: each.subject for question, each in due.items()}
        self.known = {q: each for q, each in self.known.items() if subjects.get(q) == each.request.subject}
        for question, each in list(self.sent.items()):
            if subjects.get(question) != each.request.subject:
                each.task.cancel()
                del self.sent[question]

    def to_send(self, due: Mapping[Question, Request], now: datetime) -> list[Question]:
        """Return what to send now: what is due, and neither answered nor under way.

        The requests of one metric are sent together, so that their answers are about the same times. A failed one is
        sent again together with the next new one, because some never change, such as that for a baseline.
        """
        busy = {each.metric for each in self.sent if each.role is not Role.EXPLANATION}
        free = [each for each in due if each.role is not Role.EXPLANATION and each.metric not in busy]
        new = [question for question in free if self._request(question) != due[question]]
        failed = [question for question in free if new and isinstance(self._answer(question), Unanswered)]
        explaining = [each for each in due if each.role is Role.EXPLANATION and self._may_explain(each, due[each], now)]
        return [question for question in free if question in new or question in failed] + explaining

    def _may_explain(self, question: Question, request: Request, now: datetime) -> bool:
        """Return whether an explanation may be requested: once an hour at most, and for each revision."""
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
        """Return the newest answer to a request that is due, or why there is none."""
        known, sent = self.known.get(question), self.sent.get(question)
        is_overdue = sent is not None and now - sent.at > due.patience
        if is_overdue and sent is not None and (known is None or _is_timely(known)):
            return Measurement(due, Unanswered(Fault.SLOW, f"no answer since {sent.at:%Y-%m-%dT%H:%M:%SZ}"))
        if known is None:
            return Measurement(due, Awaited())
        return replace(known, pending=known.request != due)


def _is_timely(known: Measurement) -> bool:
    """Return whether an answer is one that a long silence overrides.

    A late answer and a fault already say that the source does not keep up.
    """
    return not known.late and not isinstance(known.answer, Unanswered)


class MeasurementCache:
    """The newest answer to each request of each ModelDeployment. Of each, one is under way at a time.

    Rule: R33.
    """

    def __init__(
        self,
        sources: MetricSources,
        clock: Clock,
        wake: Callable[[Key], None],
        wake_soon: Callable[[Key], None] | None = None,
    ) -> None:
        """Read from these sources, and call `wake` with a key for which an answer has come.

        While other requests of the key are under way, `wake_soon` is called instead, so that one pass takes all answers
        that come within a moment.
        """
        self._sources, self._clock = sources, clock
        self._wake, self._wake_soon = wake, wake_soon or wake
        self._requests_of: dict[Key, _Requests] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.hinted_at: datetime | None = None
        """When Alertmanager last sent a notification; None: it did not."""

    def hint(self) -> None:
        """Note that alerts have changed: passes from now on request them once more."""
        self.hinted_at = self._clock.now()

    def take(self, key: Key, due: Mapping[Question, Request]) -> Mapping[Question, Measurement]:
        """Return the newest answer to each request that is due, and send those that have none yet.

        While a request is under way, the next one about a later time is not sent. The answer is used with its age, and
        adds the key to the work queue, so the next request follows at once.
        """
        now = self._clock.now()
        own = self._requests_of.setdefault(key, _Requests())
        own.keep(due)
        for question in own.to_send(due, now):
            self._send(key, own, question, due[question], now)
        if not due:
            del self._requests_of[key]
        return {question: own.about(question, request, now) for question, request in due.items()}

    def forget(self, key: Key) -> None:
        """Drop the answers of a ModelDeployment that is gone, and cancel its requests."""
        if (own := self._requests_of.pop(key, None)) is not None:
            own.keep({})

    async def aclose(self) -> None:
        """Cancel the requests that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, key: Key, own: _Requests, question: Question, request: Request, now: datetime) -> None:
        task = asyncio.create_task(self._ask(key, own, question, request, now))
        own.sent[question] = _Sent(request, now, task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: Key, own: _Requests, question: Question, request: Request, sent_at: datetime) -> None:
        measurement = await self._measure(request)
        own.known[question] = replace(measurement, took=self._clock.now() - sent_at)
        del own.sent[question]
        (self._wake_soon if own.sent else self._wake)(key)

    async def _measure(self, request: Request) -> Measurement:
        source = self._sources.get(request.source)
        if source is None:
            detail = "no metric source of this name is configured; add it to the operator's configuration"
            return Measurement(request, Unanswered(Fault.UNKNOWN_SOURCE, detail))
        try:
            return Measurement(request, await source.answer(request))
        except Unavailable as error:
            fault = Fault.PARTIAL if isinstance(error, Partial) else Fault.UNAVAILABLE
            return Measurement(request, Unanswered(fault, str(error)))
        except Refused as error:
            fault = Fault.NOT_PERMITTED if isinstance(error, NotPermitted) else Fault.REFUSED
            return Measurement(request, Unanswered(fault, str(error)))
        except Exception:
            # Without an answer the request would never be sent again.
            _log.exception("A query failed because of a bug in the operator", extra={"source": request.source})
            return Measurement(request, Unanswered(Fault.UNAVAILABLE, "internal error of the operator; see its log"))
