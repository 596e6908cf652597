"""Which revision should be in place: the version that holds the tag, or a way back from a bad one."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.meta import Json, clip
from pennant.api.model_deployment import HistoryEntry, ModelDeploymentSpec, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core import revision
from pennant.core.history import History, ended, with_entry
from pennant.core.observation import Invalid, Revision, Snapshot, Version
from pennant.core.rollback import Quarantine, is_quarantined
from pennant.core.tags import Held, Holder

OPERATOR = "pennant"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the choice of the next revision depends on."""

    snapshot: Snapshot
    spec: ModelDeploymentSpec
    holder: Holder
    active: HistoryEntry | None
    quarantine: Quarantine
    condemned: QuarantineEntry | None
    target: HistoryEntry | None
    """The newest revision known good."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that should take the place of the one that is there."""

    version: str
    digest: str
    template: Json
    record: Json
    trigger: Trigger
    actor: str
    reason: str


def next_revision(at: Situation) -> Draft | None:
    """Return what should take the place of the revision that is there; None: nothing should."""
    if isinstance(at.holder, Held) and _may_serve(at, at.holder.version):
        draft = _promotion(at, at.holder.version)
        if draft is not None:
            return draft
    if at.condemned is not None and at.target is not None:
        return _rollback(at, at.condemned, at.target)
    return None


def recorded(draft: Draft, history: History, snapshot: Snapshot, now: datetime) -> Revision:
    """Return the draft as a revision with a number, linked to the one before."""
    entry = HistoryEntry(
        revision=revision.next_number(history, (each.entry.revision for each in snapshot.revisions)),
        version=draft.version,
        digest=draft.digest,
        template_hash=revision.template_hash(draft.template),
        trigger=draft.trigger,
        actor=clip(draft.actor, 256),
        reason=clip(draft.reason),
        started_at=now,
        outcome=Outcome.IN_PROGRESS,
        previous_hash="",
        hash="",
    )
    return Revision(revision.chained(entry, history[-1] if history else None), draft.template, draft.record)


def succeeded_by(history: History, entry: HistoryEntry, condemned: QuarantineEntry | None, now: datetime) -> History:
    """Return the history with the new entry at its end and the one before it ended."""
    if history:
        history = with_entry(history, ended(history[-1], _outcome(condemned), now))
    return with_entry(history, entry)


def _outcome(condemned: QuarantineEntry | None) -> Outcome:
    if condemned is None:
        return Outcome.SUPERSEDED
    late = condemned.reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    return Outcome.FAILED if late else Outcome.ROLLED_BACK


def _may_serve(at: Situation, version: Version) -> bool:
    """Return whether a version may be rolled out.

    A quarantined one may only follow itself, with another template, where nothing known good would be displaced.
    """
    if not is_quarantined(version.digest, at.quarantine):
        return True
    return at.active is not None and at.active.digest == version.digest and at.target is None


def _promotion(at: Situation, version: Version) -> Draft | None:
    if isinstance(version.spec, Invalid):
        return None
    template = revision.render(at.snapshot.key.name, at.spec, version.spec)
    active = at.active
    same = active is not None and (active.version, active.digest) == (version.version, version.digest)
    if active is not None and same and active.template_hash == revision.template_hash(template):
        if any(each.entry.revision == active.revision for each in at.snapshot.revisions):
            return None
        reason = f"the record of revision {active.revision} is gone"
    elif same:
        reason = "the pod template changed"
    else:
        came_from = f" from {active.version}" if active else ""
        reason = f"the tag {at.spec.tag} moved{came_from} to {version.version}"
    return Draft(
        version=version.version,
        digest=version.digest,
        template=template,
        record=version.record,
        trigger=Trigger.SPEC_CHANGED if same else Trigger.TAG_MOVED,
        actor=at.snapshot.changed_by if same else version.tagged_by,
        reason=reason,
    )


def _rollback(at: Situation, condemned: QuarantineEntry, target: HistoryEntry) -> Draft:
    snapshot = next(each for each in at.snapshot.revisions if each.entry.revision == target.revision)
    return Draft(
        version=target.version,
        digest=target.digest,
        template=snapshot.template,
        record=snapshot.record,
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor=OPERATOR,
        reason=(
            f"{condemned.version} (revision {condemned.revision}) was found bad: {condemned.message}; "
            f"back to {target.version} of revision {target.revision}, the last one known good"
        ),
    )
