"""What a kind of metric provides: `MetricKind`, with what it is given and what it returns.

A kind is one module of `pennant.core.analysis.kinds` and one row of its table `KINDS`. Everything else of the analysis
is the same for all kinds: when a metric is due, missing and late answers, `onError`, `mode`, and the verdict.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pennant.api.analysis import Metric
from pennant.api.deployment_status import MetricState, MetricStatus, ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.metric_query import MetricQuery
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.analysis import query_template
from pennant.core.facts.measurement import Answer, Request, Role
from pennant.core.facts.observation import Key

EXPLAINED = "; probable cause: "

QueryT = TypeVar("QueryT", bound=MetricQuery)
RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answer)


@dataclass(frozen=True, slots=True)
class WatchedRevision:
    """The revision whose metrics are read, at one time."""

    key: Key
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus
    entry: HistoryEntry
    """The revision."""
    stable: HistoryEntry | None
    """The revision that it is compared with; None where there is nothing to compare."""
    now: datetime
    hinted_at: datetime | None = None
    """When somebody last said that alerts have changed; None: nobody did."""

    @property
    def asker(self) -> tuple[str, str]:
        """Namespace and name of the ModelDeployment."""
        return self.key.namespace, self.key.name

    def values(self, entry: HistoryEntry | None = None) -> Mapping[str, str]:
        """Return the values of the placeholders for a revision, this one by default, as far as they are known."""
        return query_template.values(self.key, self.spec, self.status, entry or self.entry)


@dataclass(frozen=True, slots=True)
class Answered(Generic[RequestT, AnswerT]):
    """A request, and what was answered to it."""

    request: RequestT
    answer: AnswerT


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last checks of one metric amount to."""

    state: MetricState
    reason: Reason
    message: str
    evidence: Evidence | None = None
    """The measurement that makes it a breach; None where it is none."""
    blocks: bool = False
    """Whether it keeps the revision from being verified."""
    broken_at: datetime | None = None
    """The time of the newest check that did not pass, also where a breach takes more of them; None: all passed."""
    newest_breaches: bool = False
    """Whether the newest check is a breach, also where a breach of the metric takes more of them."""
    value: str | None = None
    """The value of the newest check; None: it has none."""
    checked_at: datetime | None = None
    """The time of the newest check, which a kind need not set; None: it was not answered."""


class MetricKind(ABC, Generic[QueryT, RequestT, AnswerT]):
    """One kind of metric: which requests are due for it, and what the answers say.

    `QueryT` is the model of its member in the API. A kind has no state, and raises nothing on data of users or sources.
    """

    request_type: type[RequestT]
    answer_type: type[AnswerT]

    @abstractmethod
    def texts(self, metric: Metric, query: QueryT) -> Iterator[str]:
        """Yield the texts in which placeholders may stand. Nothing is due before all of theirs have a value."""

    @abstractmethod
    def requests(self, metric: Metric, query: QueryT, watched: WatchedRevision) -> Iterator[tuple[Role, RequestT]]:
        """Yield what is due now, by role; nothing before the first check. A request stays equal until the next one."""

    @abstractmethod
    def interpret(
        self,
        metric: Metric,
        query: QueryT,
        answers: Mapping[Role, Answered[RequestT, AnswerT]],
        entry: HistoryEntry,
        stable: HistoryEntry | None,
    ) -> Reading:
        """Return what the answers say of the revision `entry`; `stable` is the one that it is compared with, if any.

        There is an answer for each role that was requested, but for `EXPLANATION`, which may be missing.
        """

    def caution(self, metric: Metric, query: QueryT) -> str:
        """Return what to tell the user about the metric before its first check; empty: nothing."""
        return ""


def is_unexplained(status: MetricStatus) -> bool:
    """Return whether a status says that there was no data, and not why."""
    is_passing = status.state is MetricState.PASSING
    return status.reason is Reason.NO_DATA and not is_passing and EXPLAINED not in status.message
