"""The history of revisions, oldest first. Entries are appended, and only their progress changes.

Rule: R71.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from pydantic.alias_generators import to_camel

from pennant.api.deployment_status import ModelDeploymentStatus, PodProgress
from pennant.api.history import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core.analysis.assessment import Verdict
from pennant.core.facts.observation import Revision, Untrusted, Workload
from pennant.core.facts.pods import UNSERVABLE, Pods
from pennant.core.rollout.revision import FIXED

WHOLE_EVIDENCE = 10
"""Number of failed revisions for which the status keeps all evidence; older ones keep the first measurement."""
CLOCKED = ("available_at", "rolled_out_at", "clean_since")
"""Times from which a duration is counted."""
FAILED_STARTS = frozenset({Reason.PROGRESS_DEADLINE_EXCEEDED, Reason.PODS_UNAVAILABLE, *UNSERVABLE.values()})
"""Reasons of a quarantine entry for pods that did not become, or did not stay, available."""
History = tuple[HistoryEntry, ...]
Quarantine = tuple[QuarantineEntry, ...]


def adopted(history: History, revisions: Iterable[Revision], quarantine: Quarantine, now: datetime) -> History:
    """Return the history with an entry for each ControllerRevision, and altered entries repaired.

    A ControllerRevision is written before its entry, so a crash or a lost status leaves one without an entry. Fixed
    fields come from the ControllerRevision, progress from the status or, where that is altered or lost, from the
    progress annotation. An entry that has a successor and no end is ended; `quarantine` decides its outcome.

    Rule: R72.
    """
    recorded = {each.entry.revision: each for each in revisions}
    known = {each.revision for each in history}
    known_entries = [_as_recorded(each, recorded.get(each.revision), now) for each in history]
    missing = [each.latest for number, each in recorded.items() if number not in known]
    entries = sorted((*known_entries, *missing), key=lambda each: each.revision)
    return tuple(
        entry if entry.ended_at is not None else succeeded(entry, successor, quarantine)
        for entry, successor in pairwise(entries)
    ) + tuple(entries[-1:])


def _as_recorded(entry: HistoryEntry, record: Revision | None, now: datetime) -> HistoryEntry:
    """Return the entry with the altered fields as its ControllerRevision has them; unchanged without one."""
    if record is None:
        return entry
    fields = {
        name: getattr(record.entry if name in _RECORDED else record.latest, name)
        for name in altered(entry, record, now)
    }
    if record.latest.evidence:
        # The status has only the first measurement of a revision that failed long ago.
        fields["evidence"] = record.latest.evidence
    return entry.model_copy(update=fields) if fields else entry


_RECORDED = (*FIXED, "hash")
"""Fields that the ControllerRevision fixes."""
MARKS = ("available_at", "rolled_out_at", "verified_at", "ended_at")
"""Times of the progress of a revision."""


def altered(entry: HistoryEntry, record: Revision, now: datetime) -> tuple[str, ...]:
    """Return the fields in which an entry of the status differs from its ControllerRevision without permission.

    Fixed fields must be equal. Progress is written to the status first and copied to the annotation, so the status may
    have more of it; a time that the annotation has must not change, and nothing of an ended revision. A time in the
    future was written before the clock was set back; the status has the corrected one.

    Rule: R78.
    """
    fixed = [name for name in _RECORDED if getattr(entry, name) != getattr(record.entry, name)]
    return (*fixed, *(() if record.mirrored is None else _contradicted(entry, record.mirrored, now)))


def _contradicted(entry: HistoryEntry, annotated: HistoryEntry, now: datetime) -> Iterator[str]:
    """Yield the fields of progress in which an entry differs from that of the annotation without permission."""
    is_final = annotated.ended_at is not None
    for name in MARKS:
        stored, copied = getattr(entry, name), getattr(annotated, name)
        if name in CLOCKED and stored is not None and copied is not None and copied > now:
            continue
        if stored != copied and (is_final or copied is not None):
            yield name
    if entry.outcome != annotated.outcome and (is_final or entry.ended_at is None):
        yield "outcome"
    if annotated.evidence and entry.evidence != annotated.evidence[: len(entry.evidence)]:
        yield "evidence"


def restored(status: ModelDeploymentStatus, revisions: Iterable[Revision], now: datetime) -> tuple[str, ...]:
    """Return a sentence for each altered entry of the status, with its fields; `adopted` repairs them."""
    recorded = {each.entry.revision: each for each in revisions}
    found = []
    for older in status.older_revisions:
        record = recorded.get(older.revision)
        if record is not None and not older.names(record.entry):
            which = f"status.olderRevisions of revision {older.revision}"
            found.append(f"{which}: it differed from the ControllerRevision and was restored")
    for entry in status.history:
        record = recorded.get(entry.revision)
        if record is not None and (names := altered(entry, record, now)):
            listed = ", ".join(to_camel(name) for name in names)
            which = f"status.history of revision {entry.revision}"
            found.append(f"{which}: {listed} differed from the ControllerRevision and was restored")
    return tuple(found)


def broken(
    numbers: Iterable[int], revisions: Iterable[Revision], untrusted: Mapping[int, Untrusted]
) -> tuple[str, ...]:
    """Return a sentence for each ControllerRevision that is missing or must not be used; these cannot be repaired.

    `numbers` are those of the revisions that the status has.

    Rule: R76.
    """
    recorded = {each.entry.revision for each in revisions} | untrusted.keys()
    gone = (
        f"the ControllerRevision of revision {number} is missing"
        for number in sorted(numbers)
        if number not in recorded
    )
    return (*gone, *(each.says for _, each in sorted(untrusted.items()) if each.says))


def succeeded(entry: HistoryEntry, successor: HistoryEntry, quarantine: Quarantine) -> HistoryEntry:
    """Return the entry of a revision that `successor` replaces, with its outcome and its end."""
    outcome = _outcome(entry, quarantine_entry_of(entry, quarantine), successor)
    return entry.model_copy(update={"outcome": outcome, "ended_at": successor.started_at})


def quarantine_entry_of(entry: HistoryEntry, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return the quarantine entry of this very revision; None: it did not fail and was not undone."""
    return next((q for q in quarantine if q.digest == entry.digest and q.revision == entry.revision), None)


def _outcome(entry: HistoryEntry, failed_as: QuarantineEntry | None, successor: HistoryEntry) -> Outcome:
    """Return the outcome of a replaced revision, from its quarantine entry and the cause of its successor.

    Where a revision between the two is missing, the successor was not created because of this one.
    """
    if failed_as is None:
        follows = successor.previous_hash == entry.hash
        rolled_back = follows and successor.trigger is Trigger.AUTOMATIC_ROLLBACK
        return Outcome.ROLLED_BACK if rolled_back else Outcome.SUPERSEDED
    if failed_as.reason is Reason.UNDONE and failed_as.inputs_hash is not None:
        return Outcome.SUPERSEDED
    return Outcome.FAILED if failed_as.reason in FAILED_STARTS else Outcome.ROLLED_BACK


def progressed(entry: HistoryEntry, workload: Workload | None, looked_at: Pods | None, now: datetime) -> HistoryEntry:
    """Return the entry with `available_at`, `rolled_out_at` and `pod_template_hash`, as soon as they are known.

    `looked_at` are the pods of the revision, if they were read. A value that is set is never removed.
    """
    entry = _not_ahead(entry, now)
    if workload is None or workload.template_hash != entry.template_hash:
        return entry
    if looked_at is not None and looked_at.replica_set is not None and entry.pod_template_hash is None:
        entry = entry.model_copy(update={"pod_template_hash": looked_at.replica_set.pod_template_hash})
    seen_available = looked_at is not None and looked_at.available(workload.min_ready_seconds, now) > 0
    if entry.available_at is None and (workload.exposed or workload.rolled_out or seen_available):
        entry = entry.model_copy(update={"available_at": now})
    if entry.rolled_out_at is None and workload.rolled_out:
        entry = entry.model_copy(update={"rolled_out_at": now, "outcome": Outcome.SERVING})
    return entry


def _not_ahead(entry: HistoryEntry, now: datetime) -> HistoryEntry:
    """Return the entry with times in the future set to now: they were written before the clock was set back.

    Rule: R86.
    """
    ahead = [name for name in CLOCKED if (mark := getattr(entry, name)) is not None and mark > now]
    return entry.model_copy(update=dict.fromkeys(ahead, now)) if ahead else entry


def baking(
    entry: HistoryEntry,
    workload: Workload | None,
    progress: PodProgress | None,
    verdict: Verdict,
    now: datetime,
) -> HistoryEntry:
    """Return the entry with `clean_since`, the time from which its bake time counts; None: it does not count now.

    It counts while enough pods are available and all checks pass. A loss of pods between two passes is known from
    the last transition of the Deployment's condition Available. A deleted Deployment has no available pod, nor has one
    whose pods were not counted yet.

    Rule: R47.
    """
    if entry.verified_at is not None or entry.rolled_out_at is None:
        return entry
    if entry.clean_since is None and verdict.clean_since is None:
        # It does not begin before all metrics have an answer.
        return entry
    resumes_at = verdict.resumes_at or entry.rolled_out_at
    is_available = workload is not None and workload.available > 0 and workload.minimum_available
    if progress is not None or not is_available or resumes_at > now:
        return entry if entry.clean_since is None else entry.model_copy(update={"clean_since": None})
    since = max(entry.clean_since or now, resumes_at)
    regained = workload.available_since if workload is not None else None
    if regained is not None and since < regained <= now:
        since = regained
    return entry if since == entry.clean_since else entry.model_copy(update={"clean_since": since})


def verified(entry: HistoryEntry, now: datetime) -> HistoryEntry:
    """Return the entry of a revision that is verified now."""
    return entry.model_copy(update={"verified_at": now, "outcome": Outcome.VERIFIED})


def with_entry(history: History, entry: HistoryEntry) -> History:
    """Return the history with this entry in place of the one with the same number, or added."""
    others = (each for each in history if each.revision != entry.revision)
    return tuple(sorted((*others, entry), key=lambda each: each.revision))


def thinned(history: History) -> History:
    """Return the history for the status: all evidence of the newest failed revisions, one measurement of older ones.

    The progress annotations of the ControllerRevisions keep all evidence. The status is kept short because each write
    of it costs the API server in proportion to its length: 5.6 ms with one entry, 26.2 ms with 100 (two cores).

    Rule: R75.
    """
    with_evidence = [each.revision for each in history if each.evidence]
    thin = with_evidence[:-WHOLE_EVIDENCE]
    return tuple(
        each.model_copy(update={"evidence": each.evidence[:1]}) if each.revision in thin else each for each in history
    )


def trimmed(history: History, limit: int, kept: frozenset[int]) -> History:
    """Return at most `limit` entries: the oldest are removed, except for the revisions in `kept`."""
    goes = beyond((each.revision for each in history), limit, kept)
    return tuple(each for each in history if each.revision not in goes)


def beyond(numbers: Iterable[int], limit: int, kept: frozenset[int]) -> frozenset[int]:
    """Return the revisions that a history of at most `limit` does not have: the oldest, except for those in `kept`."""
    found = sorted(numbers)
    return frozenset([each for each in found if each not in kept][: max(len(found) - limit, 0)])
