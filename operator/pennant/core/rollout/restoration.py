"""What is restored after objects were deleted and created again, or come from a backup.

The ControllerRevisions and the Deployment of a ModelDeployment are recognised by name, labels and hashes. A lost status
is rebuilt from the ControllerRevisions, and the quarantine also from the ModelVersions.
"""

from collections.abc import Iterator
from itertools import zip_longest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import BAD, HistoryEntry, QuarantineEntry, Trigger
from pennant.api.meta import SENTENCE, clip
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Snapshot, Workload
from pennant.core.rollout.history import History, Quarantine
from pennant.core.rollout.revision import pair
from pennant.core.rollout.revision_draft import OPERATOR
from pennant.core.rollout.rollback import MIRRORED, covers, is_of, never_verified, quarantined
from pennant.core.rollout.undo import sentence


def is_blank(status: ModelDeploymentStatus) -> bool:
    """Return whether a status has no history, quarantine and target version: it is new, or was lost."""
    return not status.history and not status.quarantine and status.desired is None


def is_ours_again(workload: Workload, snapshot: Snapshot) -> bool:
    """Return whether a Deployment has no owner, and a pod template of the ControllerRevisions or of the history.

    Rule: R74.
    """
    told = {
        *(each.entry.template_hash for each in snapshot.revisions),
        *(each.template_hash for each in snapshot.status.history),
    }
    return workload.orphaned and workload.template_hash in told


def restored(status: ModelDeploymentStatus, snapshot: Snapshot, past: History) -> Quarantine:
    """Return the quarantine of the status with the entries that it lost.

    Lost entries are taken from `status.quarantinedBy` of the ModelVersions and from the revisions in `past` that failed
    or were undone, unless `past` shows that the entry was released.

    Rule: R65.
    """
    known = status.quarantine
    for each in (*_mirrored_here(snapshot), *_of_history(past)):
        if not _is_released(each, past) and not any(_tells(q, each) for q in known):
            known = quarantined(known, each)
    return known


def _tells(known: QuarantineEntry, other: QuarantineEntry) -> bool:
    """Return whether the entry `known` makes `other` unnecessary.

    Of the same undo, the known entry counts: what the history alone gives for an undo is a guess.
    """
    if known.reason == other.reason == Reason.UNDONE and known.revision == other.revision:
        return True
    return known.digest == other.digest and covers(known, other)


def _mirrored_here(snapshot: Snapshot) -> Iterator[QuarantineEntry]:
    """Yield the entries of this ModelDeployment in `status.quarantinedBy` of the ModelVersions."""
    for version in snapshot.versions:
        for mirror in version.quarantined_by:
            if mirror.deployment == snapshot.key.name and mirror.digest == version.digest:
                known = {name: getattr(mirror, name) for name in MIRRORED}
                yield QuarantineEntry(version=version.version, **known)


def _of_history(past: History) -> Iterator[QuarantineEntry]:
    """Yield an entry for each failed revision, and for the target version of each undo that had not failed before.

    Rule: R65.
    """
    asked: HistoryEntry | None = None
    for entry, successor in zip_longest(past, past[1:]):
        asked = entry if asked is None or _is_asked_for(entry) else asked
        # If historyLimit removed a revision between the two, it is not known what was undone.
        follows = successor is not None and successor.previous_hash == entry.hash
        undo = successor if successor is not None and follows and successor.trigger is Trigger.UNDO else None
        if entry.outcome in BAD and (entry.evidence or undo is None):
            yield _failure_of(entry, past)
        elif undo is not None and pair(asked) != pair(undo) and (asked is entry or asked.outcome not in BAD):
            inputs_hash = pair(asked)[1] if asked.digest == undo.digest else None
            yield _entry(asked, entry, Reason.UNDONE, sentence(undo), inputs_hash)


def _is_asked_for(entry: HistoryEntry) -> bool:
    """Return whether the tag, the spec or a retry caused a revision, so that it served the target version."""
    by_spec = entry.trigger is Trigger.SPEC_CHANGED and entry.actor != OPERATOR
    return entry.trigger in (Trigger.TAG_MOVED, Trigger.RETRY) or by_spec


def _failure_of(entry: HistoryEntry, past: History) -> QuarantineEntry:
    """Return the entry of a revision that failed, as far as the history shows it: evidence means a breach."""
    if not entry.evidence:
        why = f"no pod of revision {entry.revision} became available in time"
        return _entry(entry, entry, Reason.PROGRESS_DEADLINE_EXCEEDED, why, pair(entry)[1])
    numbers = (f"{e.metric} was {e.value}, {e.threshold}, in {e.breaches} checks" for e in entry.evidence)
    inputs_hash = None if never_verified(entry, past) else pair(entry)[1]
    return _entry(entry, entry, Reason.METRIC_BREACH, "; ".join(numbers), inputs_hash)


def _entry(
    what: HistoryEntry, ended: HistoryEntry, reason: Reason, why: str, inputs_hash: str | None
) -> QuarantineEntry:
    """Return the entry for the content of `what`; `ended` is the revision that was the current one then."""
    return QuarantineEntry(
        digest=what.digest,
        version=what.version,
        inputs_hash=inputs_hash,
        reason=reason,
        message=clip(why, SENTENCE),
        since=ended.ended_at or ended.started_at,
        revision=ended.revision,
    )


def _is_released(entry: QuarantineEntry, past: History) -> bool:
    """Return whether the history shows that an entry was released, or its content was retried or verified since.

    A ModelDeployment that was created again counts its revisions from 1, so an entry without a matching revision is
    older than all of them.
    """
    revision = next((each for each in past if is_of(entry, each)), None)
    if revision is not None and revision.released_at is not None:
        return True
    after = entry.revision if revision is not None else 0
    later = [each for each in past if each.revision > after and each.digest == entry.digest]
    verified = (each for each in later if each.verified_at is not None and entry.inputs_hash in (None, pair(each)[1]))
    return any(each.trigger is Trigger.RETRY for each in later) or any(verified)
