"""Statuses that wait a moment: for more to write, or for other objects whose pods change.

A rollout changes the status of a ModelDeployment many times, and each write costs the API server in proportion to its
length. Of a status in which only progress changed, the write waits; decisions go on from the held status, so that
every time in it is that of the event and not that of the write. If the process ends, the next one finds the same
progress in the objects.

While other keys wait for a worker, the status of a new revision waits as well: its ControllerRevision is the record,
and its Deployment is written. So a storm of promotions changes the pods of all before it tells of each.

Rule: R176.
Rule: R232.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from pennant.api.conditions import carried
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.core.facts.decision import ApplyWorkload, CreateRevision, Deciding, Decision, MarkRevision
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.status import urgency

NEVER_DEFERRED = ("quarantine", "last_command", "commands", "drift", "adoption")
"""Fields whose change is written with the Deployment, even while other keys wait."""


@dataclass(frozen=True, slots=True)
class _Held:
    stored: ModelDeploymentStatus
    """What the API server has; a status that somebody else wrote ends the wait."""
    status: ModelDeploymentStatus
    until: datetime
    deferred: bool
    """Whether it tells of a revision whose Deployment is written, and waits for other keys."""


class HeldStatuses:
    """The statuses that wait, by ModelDeployment."""

    def __init__(
        self, longest: timedelta = urgency.LONGEST_WAIT, others_wait: Callable[[], bool] = lambda: False
    ) -> None:
        """Hold each for at most `longest`; zero writes each at once.

        `others_wait` returns whether other keys wait for a worker.
        """
        self._longest = longest
        self._others_wait = others_wait
        self._held: dict[Key, _Held] = {}

    def shown(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the held status in place of the stored one, if there is one."""
        held = self._held.get(snapshot.key)
        if held is None:
            return snapshot
        if held.stored != snapshot.status:
            del self._held[snapshot.key]
            return snapshot
        if held.deferred and not _is_applied(held.status, snapshot):
            # The Deployment has changed, or is not read again yet. The ControllerRevisions say what is known.
            return snapshot
        return replace(snapshot, status=held.status)

    def waits_until(self, snapshot: Snapshot, decision: Decision, now: datetime) -> datetime | None:
        """Return until when the status of a decision waits; None: it is written now, or is as it is stored.

        `snapshot` has the stored status.
        """
        key, stored = snapshot.key, snapshot.status
        held = self._held.get(key)
        notes_alone = all(isinstance(each, MarkRevision) for each in decision.actions)
        if not notes_alone or decision.status == stored:
            return None
        waits_for_others = held is not None and held.deferred and self._others_wait()
        told = held.status if held is not None and waits_for_others else stored
        if not urgency.can_wait(told, decision.status):
            return None
        until = self._until(held, now)
        if until <= now:
            return None
        self._held[key] = _Held(stored, decision.status, until, held is not None and held.deferred)
        return until

    def defers(self, snapshot: Snapshot, decision: Decision) -> bool:
        """Return whether the status of a decision waits until its other writes, and those of other keys, are made.

        A quarantine and the answer to a command do not wait; `snapshot` has the stored status.
        """
        if any(getattr(snapshot.status, name) != getattr(decision.status, name) for name in NEVER_DEFERRED):
            return False
        writes = {type(each) for each in decision.actions}
        return self._longest > timedelta(0) and {CreateRevision, ApplyWorkload} <= writes and self._others_wait()

    def defer(self, snapshot: Snapshot, status: ModelDeploymentStatus, now: datetime) -> None:
        """Hold a status whose other writes are made; `snapshot` has the stored one."""
        until = self._until(self._held.get(snapshot.key), now)
        self._held[snapshot.key] = _Held(snapshot.status, status, until, deferred=True)

    def _until(self, held: _Held | None, now: datetime) -> datetime:
        # The clock may have been set back.
        return now + self._longest if held is None else min(held.until, now + self._longest)

    def released(self, snapshot: Snapshot, decision: Decision) -> Decision:
        """Return a decision that was made from a held status as one about the stored one, which `snapshot` has.

        A condition that changed and changed back keeps its time. Copies of the status wait until it is written.
        """
        if snapshot.key not in self._held:
            return decision
        conditions = carried(snapshot.status.conditions, decision.status.conditions)
        status = decision.status.model_copy(update={"conditions": conditions})
        is_deciding = any(isinstance(each, get_args(Deciding)) for each in decision.actions)
        actions = decision.actions if is_deciding or status == snapshot.status else ()
        return replace(decision, status=status, actions=actions)

    def written(self, key: Key) -> None:
        """End the wait: the status was written, or is equal to the stored one."""
        self._held.pop(key, None)


def _is_applied(status: ModelDeploymentStatus, snapshot: Snapshot) -> bool:
    """Return whether the Deployment is that of the newest revision in a status."""
    workload, applied = snapshot.workload, status.applied
    return workload is not None and applied is not None and workload.revision == applied.revision
