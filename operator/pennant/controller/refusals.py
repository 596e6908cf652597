"""What the API server does not take is said, and tried again after a minute: not at once, and not never.

A write that is refused is said at once. One that fails otherwise may be taken the next time; what has failed for a
minute is said as well, and everything else goes on without it.

Rule: R93.
Rule: R94.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from pennant.api.reasons import Reason
from pennant.controller.act import STATUS, Acted, WriteFailed, WriteRefused, act
from pennant.controller.write_failures import FORGOTTEN, WriteFailure, WriteFailures
from pennant.core.facts.decision import Action, Copying, Deciding, Decision, Event, EventType
from pennant.core.facts.observation import Invalid, Key, Observation, Refusal, WriteProblem
from pennant.ports import AdmissionFailed, Altered, Cluster, Refused

RETRY_AFTER = timedelta(seconds=60)
FIRST_RETRY = timedelta(seconds=1)
_log = logging.getLogger(__name__)


class RefusalObserver(Protocol):
    """Someone who is told of each refusal."""

    def failed(self, kind: str) -> None:
        """Take note of a write that was `refused`."""
        ...


@dataclass(slots=True)
class _Object:
    """What is not written of one ModelDeployment."""

    refusals: dict[type[Action], Refusal] = field(default_factory=dict)
    """The writes on which others rest that are not to be tried now: the newest of each kind."""
    put_off: tuple[tuple[Copying, datetime], ...] = ()
    """The copies that are not to be tried now, and when they are."""
    troubles: WriteFailures = field(default_factory=WriteFailures)
    copies: set[str] = field(default_factory=set)
    """Which of the troubles are about copies."""
    unsaid: int | None = None
    """The generation of which an Event was sent, because no status could be written."""


class Refusals:
    """The writes of each ModelDeployment that were not taken when they were last tried."""

    def __init__(self, observer: RefusalObserver) -> None:
        """Tell `observer` of each that is refused."""
        self._observer = observer
        self._objects: dict[Key, _Object] = {}

    def seen(self, key: Key, now: datetime) -> tuple[tuple[Refusal, ...], str]:
        """Return what the next decision has to do without, and which copies have not been written for a minute."""
        known = self._objects.get(key)
        if known is None:
            return (), ""
        known.troubles.forget_before(now)
        recent = {kind: each for kind, each in known.refusals.items() if now < each.retry_at + FORGOTTEN}
        known.refusals = {kind: replace(each, retry_at=_soon(each.retry_at, now)) for kind, each in recent.items()}
        known.put_off = tuple((copy, _soon(until, now)) for copy, until in known.put_off)
        failing = (str(each) for what, each in known.troubles.lasting.items() if what in known.copies)
        return tuple(known.refusals.values()), "; ".join(failing)

    @property
    def failing(self) -> int:
        """How many ModelDeployments have a write that has failed for a minute."""
        return sum(bool(each.troubles.lasting) for each in self._objects.values())

    async def heeded(self, cluster: Cluster, seen: Observation, decision: Decision) -> Acted | None:
        """Carry out what is to be tried now; None: a write was not taken, and another decision follows.

        Raises what `act` raises where another decision would not help: of a write that has only begun to fail, and of
        that of the status.
        """
        key, now = seen.snapshot.key, seen.now
        known = self._objects.setdefault(key, _Object())
        known.put_off = tuple((copy, until) for copy, until in known.put_off if now < until)
        waiting = [copy for copy, _ in known.put_off]
        decision = replace(decision, actions=tuple(each for each in decision.actions if each not in waiting))
        try:
            acted = await act(cluster, seen.snapshot, decision)
        except WriteRefused as error:
            self._note(key, error.action, str(error))
            trouble = known.troubles.again(error.action.write.what, str(error), now)
            known.refusals[type(error.action)] = _refusal(error, trouble, now)
            return None
        except WriteFailed as error:
            if _goes_on_without(known, error, now):
                return None
            raise
        except Refused as error:
            known.troubles.again(STATUS, str(error), now)
            raise
        for copy, answer in acted.refused:
            self._note(key, copy, answer)
            _put_off(known, copy, answer, now)
        refused = [copy for copy, _ in acted.refused]
        _succeeded(known, [each for each in decision.actions if each not in refused])
        if not (known.refusals or known.put_off or known.troubles):
            del self._objects[key]
        return acted

    def look_again_at(self, key: Key, otherwise: datetime | None) -> datetime | None:
        """Return when to decide anew: when something is to be tried again, if that is sooner."""
        known = self._objects.get(key)
        untils = () if known is None else [until for _, until in known.put_off]
        return min((each for each in (otherwise, *untils) if each is not None), default=None)

    def unsaid(self, seen: Observation, decision: Decision, error: Refused | WriteFailed) -> tuple[Event, ...]:
        """Return the events that say once what the status cannot, because that itself is refused, or fails for long."""
        snapshot, known = seen.snapshot, self._objects.get(seen.snapshot.key)
        trouble = None if known is None else known.troubles.get(STATUS)
        if known is None or trouble is None or known.unsaid == snapshot.generation:
            return ()
        if isinstance(error, WriteFailed) and (error.action is not None or not trouble.lasts):
            return ()
        known.unsaid = snapshot.generation
        if isinstance(snapshot.spec, Invalid) or snapshot.unreadable is not None:
            return decision.events
        return (Event(EventType.WARNING, Reason.WRITE_FAILING, str(trouble)),)

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone."""
        self._objects.pop(key, None)

    def _note(self, key: Key, action: Action, answer: str) -> None:
        self._observer.failed("refused")
        _log.warning("The API server refuses a write", extra={"key": key, "what": action.write.what, "error": answer})


def _soon(retry_at: datetime, now: datetime) -> datetime:
    """Return when to try again: after a minute at most, also where the clock was set back meanwhile."""
    return min(retry_at, now + RETRY_AFTER)


def _refusal(error: WriteRefused, trouble: WriteFailure, now: datetime) -> Refusal:
    """Return what is said of a write that was refused, and when it is tried again."""
    what, retry_after = error.action.write.what, RETRY_AFTER
    why = WriteProblem(Reason.DEPLOYMENT_REFUSED, f"the API server refuses {what}: {error}")
    match error.why:
        case Altered():
            message = (
                f"{what} was written, but {error}. Exempt it from the admission policy that changes it, or write into "
                "spec.template what that wants"
            )
            why = WriteProblem(Reason.DEPLOYMENT_ALTERED, message)
        case AdmissionFailed():
            # A webhook that is being restarted must not hold up a rollback for long.
            retry_after = min(FIRST_RETRY * 2 ** min(trouble.times - 1, 6), RETRY_AFTER)
    return Refusal(error.action.write.content, why, now + retry_after)


def _goes_on_without(known: _Object, error: WriteFailed, now: datetime) -> bool:
    """Return whether a write has failed for so long that it is said, and everything else goes on without it."""
    trouble, action = known.troubles.again(error.what, str(error), now), error.action
    if action is None:
        # Nothing at all is taken, so nothing in particular has to wait when that is over.
        lasting = {kind: each for kind, each in known.refusals.items() if each.why.reason is Reason.WRITE_FAILING}
        known.refusals = {kind: each for kind, each in known.refusals.items() if kind not in lasting}
        return False
    if isinstance(action, Deciding):
        if trouble.lasts:
            why = WriteProblem(Reason.WRITE_FAILING, str(trouble))
            known.refusals[type(action)] = Refusal(action.write.content, why, now + RETRY_AFTER)
        return trouble.lasts
    known.copies.add(error.what)
    if trouble.lasts:
        known.put_off = (*known.put_off, (action, now + RETRY_AFTER))
    return trouble.lasts


def _put_off(known: _Object, copy: Copying, answer: str, now: datetime) -> None:
    known.troubles.again(copy.write.what, answer, now)
    known.copies.add(copy.write.what)
    known.put_off = (*known.put_off, (copy, now + RETRY_AFTER))


def _succeeded(known: _Object, done: list[Action]) -> None:
    known.unsaid = None
    for what in (*(each.write.what for each in done), STATUS):
        known.troubles.over(what)
        known.copies.discard(what)
    for each in done:
        known.refusals.pop(type(each), None)
