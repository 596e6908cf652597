"""A revision that is still to be recorded, and how each cause makes one."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.history import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.meta import LAST_REVISION, LONGEST_RESTART, NAME, SENTENCE, Json, clip
from pennant.core.facts.command import Command
from pennant.core.facts.current_revision import current
from pennant.core.facts.observation import Revision, Snapshot, Version
from pennant.core.rollout import revision
from pennant.core.rollout.history import History, Quarantine, succeeded, with_entry
from pennant.core.rollout.pass_state import Pass

OPERATOR = "pennant"
NO_NUMBER_LEFT = (
    f"revision {LAST_REVISION} is the last possible one. "
    "Create a ModelDeployment of another name, and delete this one when the other serves"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that should take the place of the one that is there."""

    version: str
    digest: str
    template: Json
    record: Json
    inputs_hash: str | None
    """Hash of what the template was rendered from; None: that is not known."""
    trigger: Trigger
    actor: str
    reason: str
    token: str | None = None
    """Token of the command that asks for it; of a restart, its annotation."""
    command: str | None = None
    """That command in words."""
    restarted_at: str | None = None
    """The restart annotation of its pods; None: that of earlier pods of the same template, if there were any."""


def retry_draft(at: Pass, version: Version, template: Json, command: Command) -> Draft:
    """Return the revision that gives a version another chance."""
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
    )


def restart_draft(at: Pass, active: HistoryEntry, command: Command) -> Draft:
    """Return the revision that starts all pods anew."""
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
    )


def native_restart_draft(at: Pass, active: HistoryEntry, actor: str, restart: str) -> Draft:
    """Return the revision that puts a `kubectl rollout restart` on record; its pods are on their way already."""
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
    """Return the record of a revision, which is there.

    Rule: R8.
    """
    return next(each for each in at.snapshot.revisions if each.entry.revision == entry.revision)


def because(what: str, why: str) -> str:
    """Return a sentence, and the reason that a person gave."""
    return f"{what}: {why}" if why else what


def rollback_draft(at: Pass, failed: QuarantineEntry, target: HistoryEntry) -> Draft:
    """Return the revision of an automatic rollback from a failed revision to a verified one."""
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
    """Return what became of the record of a revision that cannot be used."""
    what = "was changed" if entry.revision in snapshot.untrusted else "is missing"
    return f"the ControllerRevision of revision {entry.revision} {what}"


def recorded(draft: Draft, history: History, snapshot: Snapshot, now: datetime) -> Revision | None:
    """Return the draft as a revision with a number, linked to the one before; None where no number is left."""
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
    """Return whether the history keeps a restart annotation: it is given back as it was, so none is cut or changed."""
    return 0 < len(restarted_at) <= LONGEST_RESTART and restarted_at.isprintable()


def _restart(template: Json, history: History, snapshot: Snapshot) -> str:
    """Return the restart annotation with which this template serves, or served last; empty where it has none.

    With it the pods that are still there are taken up again: a restart of another template does not concern them.
    """
    template_hash = revision.template_hash(template)
    if snapshot.workload is not None and snapshot.workload.template_hash == template_hash:
        return snapshot.workload.restart
    same = next((each for each in reversed(history) if each.template_hash == template_hash), None)
    return (same.restarted_at if same is not None else None) or revision.restart(template)


def succeeded_by(history: History, entry: HistoryEntry, quarantine: Quarantine) -> History:
    """Return the history with the new entry at its end and the one before it ended."""
    if (before := current(history)) is not None:
        history = with_entry(history, succeeded(before, entry, quarantine))
    return with_entry(history, entry)
