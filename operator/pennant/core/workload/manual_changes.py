"""Manual changes of the Deployment, recognised by content: an undo, a restart, or a drift.

Field managers are only recorded, because they do not distinguish these (kubectl writes an undo as `kubectl`). Changes
are looked for only while the operator has nothing to write to the Deployment.
"""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.deployment_status import Applied, Drift
from pennant.api.history import BAD, HistoryEntry, Trigger
from pennant.api.meta import NAME, clip
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Workload
from pennant.core.rollout.history import History
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.rollback import is_quarantined
from pennant.core.workload.pending_write import is_as_left


@dataclass(frozen=True, slots=True)
class Undone:
    """The pod template became the recorded one of an earlier revision: `kubectl rollout undo`.

    Rule: R67.
    """

    target: HistoryEntry


@dataclass(frozen=True, slots=True)
class Restarted:
    """The pod template got a new restart annotation and nothing else: `kubectl rollout restart`.

    Rule: R68.
    """

    restart: str
    """The value of the annotation."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Any other change: it is corrected.

    Rule: R69.
    """

    drift: Drift
    is_new: bool
    """Whether the status does not have it yet."""


ManualChange = Undone | Restarted | Drifted


def manual_change(at: Pass, applied: Applied, paused: bool) -> ManualChange | None:
    """Return the manual change since the operator's last write, `applied`; None: there is none, or it is ignored.

    `paused` is whether the rollout should be paused.
    """
    workload, before = at.workload, at.before.drift
    if workload is None or workload.uid != applied.uid:
        return _drifted(f"deleted {applied.uid}", "the Deployment was deleted", None, before, at.now)
    if workload.deleting:
        return None
    if (target := _undone_to(at, workload)) is not None:
        return Undone(target)
    if workload.paused == paused and (workload.tolerated or is_as_left(workload, applied)):
        restarted = workload.restart not in ("", applied.restarted_at)
        return Restarted(workload.restart) if restarted else None
    fingerprint = f"{workload.uid}/{workload.generation}/{workload.fields_hash}/{workload.stored_template}"
    what = (
        f"{workload.editor or 'an unknown field manager'} changed {', '.join(workload.edited[:4]) or 'the Deployment'}"
    )
    return _drifted(fingerprint, what, workload, before, at.now)


def with_known_restart(applied: Applied | None, workload: Workload | None, history: History) -> Applied | None:
    """Return `applied` with the restart annotation of the Deployment, if the history has that restart.

    The history is written first, so after a crash `applied` may lack it.
    """
    if applied is None or workload is None or workload.restart == applied.restarted_at:
        return applied
    known = any(
        workload.restart == (each.command_token if each.trigger is Trigger.RESTART else each.restarted_at)
        for each in history
    )
    return applied.model_copy(update={"restarted_at": workload.restart}) if known else applied


def _undone_to(at: Pass, workload: Workload) -> HistoryEntry | None:
    """Return the newest earlier revision that has the pod template of the Deployment; None: it failed, or none has it.

    A revision that failed is never returned, even if its quarantine ended since: `kubectl rollout undo` goes to the
    previous ReplicaSet, whatever it was. To serve it again, a user gives `pennant.dev/retry` or `rollback-to`.
    """
    if at.active is None or workload.template_hash == at.active.template_hash or not workload.as_recorded:
        return None
    recorded = {each.entry.revision for each in at.snapshot.revisions}
    for entry in reversed(at.history[:-1]):
        if entry.template_hash != workload.template_hash:
            continue
        if entry.outcome in BAD:
            return None
        if entry.revision in recorded and not is_quarantined(entry, at.quarantine):
            return entry
    return None


def _drifted(fingerprint: str, message: str, workload: Workload | None, before: Drift | None, now: datetime) -> Drifted:
    fingerprint = short_hash(fingerprint)
    if before is not None and before.fingerprint == fingerprint:
        return Drifted(before, is_new=False)
    drift = Drift(
        field_manager=clip(workload.editor, NAME) if workload else "",
        fields=tuple(clip(each, 256) for each in workload.edited[:16]) if workload else (),
        message=clip(message),
        detected_at=now,
        fingerprint=fingerprint,
        count=before.count + 1 if before else 1,
    )
    return Drifted(drift, is_new=True)
