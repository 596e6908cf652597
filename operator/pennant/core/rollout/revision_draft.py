"""Drafts: revisions without a number that are not recorded yet, and one function for each cause of a revision."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.history import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.meta import LAST_REVISION, LONGEST_RESTART, NAME, SENTENCE, Json, clip
from pennant.core.facts.command import Command
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Revision, Snapshot, Version
from pennant.core.rollout import revision
from pennant.core.rollout.history import History, Quarantine, succeeded, with_entry
from pennant.core.rollout.pass_state import Pass

OPERATOR = "pennant"
"""The actor of revisions that the operator creates by itself."""
NO_NUMBER_LEFT = (
    f"revision {LAST_REVISION} is the last possible one. "
    "Create a ModelDeployment of another name, and delete this one when the other serves"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that should replace the current one. `recorded` gives it a number and its hashes."""

    version: str
    digest: str
    template: Json
    record: Json
    inputs_hash: str | None
    """Hash of the inputs that the template was rendered from; None: an old entry without it."""
    trigger: Trigger
    actor: str
    reason: str
    token: str | None = None
    """Token of the command that caused it; of a `kubectl rollout restart`, the value of its annotation."""
    command: str | None = None
    """That command as text."""
    user: str = ""
    """The authenticated user who caused it; empty: not known, or the operator."""
    restarted_at: str | None = None
    """The restart annotation of its pods; None: that of earlier pods with the same template, if there were any."""


def retry_draft(at: Pass, version: Version, template: Json, command: Command) -> Draft:
    """Return the draft that rolls out a version again after its quarantine was ended by `pennant.dev/retry`."""
    return Draft(
        version=version.version,
        digest=version.digest,
        template=template,
        record=version.record,
        inputs_hash=at.inputs_hash,
        trigger=Trigger.RETRY,
        actor=command.by,
        reason=because(f"{version.version} is retried", command.reason),
        token=command.token,
        command=str(command),
        user=at.snapshot.users.commanded,
    )


def restart_draft(at: Pass, active: HistoryEntry, command: Command) -> Draft:
    """Return the draft that restarts all pods of the current revision; its ControllerRevision must exist."""
    snapshot = record_of(at, active)
    return Draft(
        version=active.version,
        digest=active.digest,
        template=revision.restarted(snapshot.template, command.token),
        record=snapshot.record,
        inputs_hash=active.inputs_hash,
        trigger=Trigger.RESTART,
        actor=command.by,
        reason=because("all pods are restarted", command.reason),
        token=command.token,
        command=str(command),
        user=at.snapshot.users.commanded,
    )


def native_restart_draft(at: Pass, active: HistoryEntry, actor: str, restart: str) -> Draft:
    """Return the draft that records a `kubectl rollout restart`, which has replaced the pods already."""
    snapshot = record_of(at, active)
    return Draft(
        version=active.version,
        digest=active.digest,
        template=snapshot.template,
        record=snapshot.record,
        inputs_hash=active.inputs_hash,
        trigger=Trigger.RESTART,
        actor=actor,
        reason=f"all pods are restarted by kubectl rollout restart at {restart}",
        token=restart,
        restarted_at=restart,
    )


def record_of(at: Pass, entry: HistoryEntry) -> Revision:
    """Return the ControllerRevision of an entry; raises `StopIteration` where it does not exist.

    Rule: R8.
    """
    return next(each for each in at.snapshot.revisions if each.entry.revision == entry.revision)


def because(what: str, why: str) -> str:
    """Return the sentence, with the reason that a user gave after a colon."""
    return f"{what}: {why}" if why else what


def rollback_draft(at: Pass, failed: QuarantineEntry, target: HistoryEntry) -> Draft:
    """Return the draft of an automatic rollback from a failed revision to a verified one."""
    snapshot = record_of(at, target)
    return Draft(
        version=target.version,
        digest=target.digest,
        template=snapshot.template,
        record=snapshot.record,
        inputs_hash=target.inputs_hash,
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor=OPERATOR,
        reason=(
            f"rolled back from {failed.version} (revision {failed.revision}) to {target.version} (revision "
            f"{target.revision}, the last verified one): {failed.message}"
        ),
    )


def lost(snapshot: Snapshot, entry: HistoryEntry) -> str:
    """Return a clause that says that the ControllerRevision of an entry was changed or is missing."""
    what = "was changed" if entry.revision in snapshot.untrusted else "is missing"
    return f"the ControllerRevision of revision {entry.revision} {what}"


def recorded(draft: Draft, history: History, snapshot: Snapshot, now: datetime) -> Revision | None:
    """Return the draft as a revision with a number and its hashes; None: no number is left."""
    known = (each.entry.revision for each in snapshot.revisions)
    number = revision.next_number(history, (*known, *snapshot.taken))
    if number > LAST_REVISION:
        return None
    restarted_at = draft.restarted_at if draft.restarted_at is not None else _restart(draft.template, history, snapshot)
    entry = HistoryEntry(
        revision=number,
        version=draft.version,
        digest=draft.digest,
        template_hash=revision.template_hash(draft.template),
        inputs_hash=draft.inputs_hash,
        trigger=draft.trigger,
        actor=clip(draft.actor, NAME),
        user=draft.user or None,
        reason=clip(draft.reason, SENTENCE),
        started_at=now,
        outcome=Outcome.IN_PROGRESS,
        command_token=draft.token,
        command=draft.command,
        data_hash=revision.data_hash(draft.template, draft.record),
        restarted_at=restarted_at if _is_kept(restarted_at) else None,
        previous_hash="",
        hash="",
    )
    return Revision(revision.chained(entry, current(history)), draft.template, draft.record)


def _is_kept(restarted_at: str) -> bool:
    """Return whether the history can keep a restart annotation unchanged: it is neither too long nor unprintable."""
    return 0 < len(restarted_at) <= LONGEST_RESTART and restarted_at.isprintable()


def _restart(template: Json, history: History, snapshot: Snapshot) -> str:
    """Return the restart annotation with which this template serves, or served last; empty: it had none.

    With the same annotation, Kubernetes reuses the pods of this template that still exist.
    """
    template_hash = revision.template_hash(template)
    if snapshot.workload is not None and snapshot.workload.template_hash == template_hash:
        return snapshot.workload.restart
    same = next((each for each in reversed(history) if each.template_hash == template_hash), None)
    return (same.restarted_at if same is not None else None) or revision.restart(template)


def succeeded_by(history: History, entry: HistoryEntry, quarantine: Quarantine) -> History:
    """Return the history with the new entry at its end, and with the outcome and end of the one before."""
    if (before := current(history)) is not None:
        history = with_entry(history, succeeded(before, entry, quarantine))
    return with_entry(history, entry)
