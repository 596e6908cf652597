"""Writes that the API server refuses or that keep failing: they are reported, skipped, and retried after a minute.

A refusal is reported at once. Another failure is reported when it has lasted for a minute. Everything else continues
without such a write.

A refused write changes the decision and not only its conditions: without its ControllerRevision a revision is not in
the history, its command is not answered, and its predecessor is still analyzed. So `decide` runs again with the refusal
in the observation. In the simulation 9 of 25 refusals change more of the status than conditions; code that patches the
status after the writes would have to repeat those rules.

Rule: R93.
Rule: R94.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from pennant.api.reasons import Reason
from pennant.controller.act import STATUS, Acted, WriteFailed, WriteRefused, act
from pennant.controller.write_failures import EXPIRY, WriteFailure, WriteFailures
from pennant.core.facts.decision import (
    Action,
    ApplyService,
    Copying,
    Deciding,
    Decision,
    DryRunWorkload,
    Event,
    EventType,
)
from pennant.core.facts.observation import Invalid, Key, Observation, Refusal, WriteProblem
from pennant.ports import AdmissionFailed, Altered, Cluster, Refused

RETRY_AFTER = timedelta(seconds=60)
BASE_ADMISSION_RETRY = timedelta(seconds=1)
_log = logging.getLogger(__name__)


class RefusalObserver(Protocol):
    """Metrics of refused writes."""

    def failed(self, kind: str) -> None:
        """Count a write that was `refused`."""
        ...


@dataclass(slots=True)
class _Object:
    """The writes of one ModelDeployment that are not made."""

    refusals: dict[type[Action], Refusal] = field(default_factory=dict)
    """Writes that others depend on: the newest refusal of each type."""
    deferred: tuple[tuple[Copying, datetime], ...] = ()
    """Copies that are skipped, and until when."""
    failures: WriteFailures = field(default_factory=WriteFailures)
    copies: set[str] = field(default_factory=set)
    """The failures that are of copies."""
    services: set[str] = field(default_factory=set)
    """Those of them that are reported at once: a Service that the API server refuses."""
    reported_generation: int | None = None
    """The generation of which an Event was recorded because no status could be written."""

    def drop(self, writes: Iterable[str]) -> None:
        """Drop what is known of the failures of these writes."""
        for what in writes:
            self.failures.succeeded(what)
            self.copies.discard(what)
            self.services.discard(what)


class Refusals:
    """The refused and failing writes of all ModelDeployments."""

    def __init__(self, observer: RefusalObserver) -> None:
        """Count each refusal by `observer`."""
        self._observer = observer
        self._objects: dict[Key, _Object] = {}

    def of(self, key: Key, now: datetime) -> tuple[tuple[Refusal, ...], str]:
        """Return the refusals for the next decision, and a sentence on copies that failed."""
        known = self._objects.get(key)
        if known is None:
            return (), ""
        known.failures.expire(now)
        recent = {kind: each for kind, each in known.refusals.items() if now < each.retry_at + EXPIRY}
        known.refusals = {kind: replace(each, retry_at=_bounded(each.retry_at, now)) for kind, each in recent.items()}
        known.deferred = tuple((copy, _bounded(until, now)) for copy, until in known.deferred)
        lasting = known.failures.lasting.keys() & known.copies | known.services
        failing = (str(each) for each in known.failures if each.what in lasting)
        return tuple(known.refusals.values()), "; ".join(failing)

    @property
    def failing(self) -> int:
        """Number of ModelDeployments with a write that has failed for a minute."""
        return sum(bool(each.failures.lasting) for each in self._objects.values())

    async def act(
        self, cluster: Cluster, observation: Observation, decision: Decision, *, defers_status: bool = False
    ) -> Acted | None:
        """Carry out a decision without the copies that are deferred; None: a write was refused, decide again.

        `defers_status` is as in `act`.

        Raises `WriteFailed` while a failure has not lasted, and any error of the write of the status: another decision
        would not help.
        """
        key, now = observation.snapshot.key, observation.now
        known = self._objects.setdefault(key, _Object())
        known.deferred = tuple((copy, until) for copy, until in known.deferred if now < until)
        gone = _no_longer_wanted(known, decision)
        skipped = [copy for copy, _ in known.deferred]
        decision = replace(decision, actions=tuple(each for each in decision.actions if each not in skipped))
        try:
            acted = await act(cluster, observation.snapshot, decision, defers_status=defers_status)
        except WriteRefused as error:
            self._report(key, error.action, str(error))
            failure = known.failures.failed(error.action.write.what, str(error), now)
            known.refusals[type(error.action)] = _refusal(error, failure, now)
            return None
        except WriteFailed as error:
            if _is_skipped(known, error, now):
                return None
            raise
        except Refused as error:
            known.failures.failed(STATUS, str(error), now)
            raise
        for copy, answer in acted.refused:
            self._report(key, copy, answer)
            _defer(known, copy, answer, now)
        known.drop(gone)
        known.deferred = tuple((copy, until) for copy, until in known.deferred if copy.write.what not in gone)
        if gone or any(isinstance(copy, ApplyService) for copy, _ in acted.refused):
            # Another pass reports it.
            acted = replace(acted, written=True)
        refused = [copy for copy, _ in acted.refused]
        _clear(known, [each for each in decision.actions if each not in refused])
        if not (known.refusals or known.deferred or known.failures):
            del self._objects[key]
        return acted

    def look_again_at(self, key: Key, otherwise: datetime | None) -> datetime | None:
        """Return `otherwise`, or the time at which a deferred copy is retried if that is earlier."""
        known = self._objects.get(key)
        untils = () if known is None else [until for _, until in known.deferred]
        return min((each for each in (otherwise, *untils) if each is not None), default=None)

    def events(self, observation: Observation, decision: Decision, error: Refused | WriteFailed) -> tuple[Event, ...]:
        """Return Events in place of a status that is refused or has failed for a minute; once for each generation."""
        snapshot, known = observation.snapshot, self._objects.get(observation.snapshot.key)
        failure = None if known is None else known.failures.get(STATUS)
        if known is None or failure is None or known.reported_generation == snapshot.generation:
            return ()
        if isinstance(error, WriteFailed) and (error.action is not None or not failure.is_lasting):
            return ()
        known.reported_generation = snapshot.generation
        if isinstance(snapshot.spec, Invalid) or snapshot.unreadable is not None:
            return decision.events
        return (Event(EventType.WARNING, Reason.WRITE_FAILING, str(failure)),)

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that was deleted."""
        self._objects.pop(key, None)

    def _report(self, key: Key, action: Action, answer: str) -> None:
        self._observer.failed("refused")
        _log.warning("The API server refused a write", extra={"key": key, "what": action.write.what, "error": answer})


def _bounded(retry_at: datetime, now: datetime) -> datetime:
    """Return `retry_at`, but at most a minute from now: the clock may have been set back."""
    return min(retry_at, now + RETRY_AFTER)


def _refusal(error: WriteRefused, failure: WriteFailure, now: datetime) -> Refusal:
    """Return what a status says of a refused write, and when it is retried."""
    what, retry_after = error.action.write.what, RETRY_AFTER
    is_trial = isinstance(error.action, DryRunWorkload)
    reason = Reason.TEMPLATE_REFUSED if is_trial else Reason.DEPLOYMENT_REFUSED
    why = WriteProblem(reason, f"the API server refuses {what}: {error}")
    match error.why:
        case Altered():
            message = (
                f"{what} was stored, but {error}. Exempt it from the admission policy that changes it, or use that "
                "value in spec.template"
            )
            why = WriteProblem(Reason.DEPLOYMENT_ALTERED, message)
        case AdmissionFailed():
            # An admission webhook that restarts is back within seconds, and a rollback may depend on it.
            retry_after = min(BASE_ADMISSION_RETRY * 2 ** min(failure.times - 1, 6), RETRY_AFTER)
    return Refusal(error.action.write.content, why, now + retry_after)


def _is_skipped(known: _Object, error: WriteFailed, now: datetime) -> bool:
    """Record a failed write, and return whether the next decision skips it: it has failed for a minute."""
    failure, action = known.failures.failed(error.what, str(error), now), error.action
    if action is None:
        # The status fails: probably every write does, so none of the others is skipped once that is over.
        failing = {kind for kind, each in known.refusals.items() if each.why.reason is Reason.WRITE_FAILING}
        known.refusals = {kind: each for kind, each in known.refusals.items() if kind not in failing}
        return False
    if isinstance(action, Deciding):
        if failure.is_lasting:
            why = WriteProblem(Reason.WRITE_FAILING, str(failure))
            known.refusals[type(action)] = Refusal(action.write.content, why, now + RETRY_AFTER)
        return failure.is_lasting
    known.copies.add(error.what)
    if failure.is_lasting:
        known.deferred = (*known.deferred, (action, now + RETRY_AFTER))
    return failure.is_lasting


def _no_longer_wanted(known: _Object, decision: Decision) -> set[str]:
    """Return the Services with a reported failure that a decision does not write: the spec asks for another one.

    A decision with a write that others depend on says nothing of Services.
    """
    if any(isinstance(each, Deciding) for each in decision.actions):
        return set()
    return known.services - {each.write.what for each in decision.actions}


def _defer(known: _Object, copy: Copying, answer: str, now: datetime) -> None:
    """Skip a copy that was refused for a minute."""
    known.failures.failed(copy.write.what, answer, now)
    known.copies.add(copy.write.what)
    if isinstance(copy, ApplyService):
        known.services.add(copy.write.what)
    known.deferred = (*known.deferred, (copy, now + RETRY_AFTER))


def _clear(known: _Object, done: list[Action]) -> None:
    """Drop what is known of writes that succeeded, and of the status."""
    known.reported_generation = None
    known.drop((*(each.write.what for each in done), STATUS))
    for each in done:
        known.refusals.pop(type(each), None)
