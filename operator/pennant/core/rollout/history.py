"""The history of revisions: entries are only ever appended, and only their progress is written on.

Rule: R71.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from pydantic.alias_generators import to_camel

from pennant.api.deployment_status import PodProgress
from pennant.api.history import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core.analysis.assessment import Verdict
from pennant.core.facts.observation import Revision, Untrusted, Workload
from pennant.core.facts.pods import Pods
from pennant.core.rollout.revision import FIXED

WHOLE_EVIDENCE = 10
"""Of so many revisions that were found bad, the newest ones, the status tells all measurements."""
CLOCKED = ("available_at", "rolled_out_at", "clean_since")
"""Marks from which time is counted."""
FAILED_STARTS = frozenset({Reason.PROGRESS_DEADLINE_EXCEEDED, Reason.PODS_UNAVAILABLE})
"""Why a revision is in quarantine whose pods did not become, or did not stay, available."""
History = tuple[HistoryEntry, ...]
Quarantine = tuple[QuarantineEntry, ...]


def adopted(history: History, revisions: Iterable[Revision], quarantine: Quarantine, now: datetime) -> History:
    """Return the history with an entry for every recorded revision, each as its record says.

    A ControllerRevision is written before its entry: a crash between the two, or a lost status, leaves a record
    without an entry. What was recorded once is told by the record alone; the status only knows how it went on, and the
    quarantine why it ended.

    Rule: R72.
    """
    recorded = {each.entry.revision: each for each in revisions}
    known = {each.revision for each in history}
    told = [_as_recorded(each, recorded.get(each.revision), now) for each in history]
    missing = [each.latest for number, each in recorded.items() if number not in known]
    entries = sorted((*told, *missing), key=lambda each: each.revision)
    return tuple(
        entry if entry.ended_at is not None else succeeded(entry, successor, quarantine)
        for entry, successor in pairwise(entries)
    ) + tuple(entries[-1:])


def _as_recorded(entry: HistoryEntry, record: Revision | None, now: datetime) -> HistoryEntry:
    if record is None:
        return entry
    told = {
        name: getattr(record.entry if name in _RECORDED else record.latest, name)
        for name in altered(entry, record, now)
    }
    if record.latest.evidence:
        # The status tells less of it, of a revision that was found bad long ago.
        told["evidence"] = record.latest.evidence
    return entry.model_copy(update=told) if told else entry


_RECORDED = (*FIXED, "hash")
MARKS = ("available_at", "rolled_out_at", "verified_at", "ended_at")


def altered(entry: HistoryEntry, record: Revision, now: datetime) -> tuple[str, ...]:
    """Return the fields in which an entry of the status contradicts the record of its revision, or what is noted there.

    The status says first how far a revision came, and the note on its record repeats that. So the status may be ahead
    of the note, but a mark that is noted stays as it is, and what has ended stays as it ended. One that is noted for
    the future was made before the clock was set back, and the status says since when it counts now.

    Rule: R78.
    """
    fixed = [name for name in _RECORDED if getattr(entry, name) != getattr(record.entry, name)]
    return (*fixed, *(() if record.mirrored is None else _contradicted(entry, record.mirrored, now)))


def _contradicted(entry: HistoryEntry, noted: HistoryEntry, now: datetime) -> Iterator[str]:
    is_final = noted.ended_at is not None
    for name in MARKS:
        told, said = getattr(entry, name), getattr(noted, name)
        if name in CLOCKED and told is not None and said is not None and said > now:
            continue
        if told != said and (is_final or said is not None):
            yield name
    if entry.outcome != noted.outcome and (is_final or entry.ended_at is None):
        yield "outcome"
    if noted.evidence and entry.evidence != noted.evidence[: len(entry.evidence)]:
        yield "evidence"


def restored(history: History, revisions: Iterable[Revision], now: datetime) -> tuple[str, ...]:
    """Return a sentence for each entry of the status that somebody altered; `adopted` puts them right."""
    recorded = {each.entry.revision: each for each in revisions}
    found = []
    for entry in history:
        record = recorded.get(entry.revision)
        if record is not None and (names := altered(entry, record, now)):
            listed = ", ".join(to_camel(name) for name in names)
            which = f"status.history of revision {entry.revision}"
            found.append(f"{which}: {listed} differed from the ControllerRevision and was restored")
    return tuple(found)


def broken(history: History, revisions: Iterable[Revision], untrusted: Mapping[int, Untrusted]) -> tuple[str, ...]:
    """Return a sentence for each record that was changed or is gone; nothing can put that right.

    Rule: R76.
    """
    recorded = {each.entry.revision for each in revisions} | untrusted.keys()
    gone = (
        f"the ControllerRevision of revision {each.revision} is missing"
        for each in history
        if each.revision not in recorded
    )
    return (*gone, *(each.says for _, each in sorted(untrusted.items()) if each.says))


def succeeded(entry: HistoryEntry, successor: HistoryEntry, quarantine: Quarantine) -> HistoryEntry:
    """Return the entry of a revision whose place another one takes."""
    outcome = _outcome(quarantine_entry_of(entry, quarantine), successor)
    return entry.model_copy(update={"outcome": outcome, "ended_at": successor.started_at})


def quarantine_entry_of(entry: HistoryEntry, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return what says that this very revision was found bad."""
    return next((q for q in quarantine if q.digest == entry.digest and q.revision == entry.revision), None)


def _outcome(failed_as: QuarantineEntry | None, successor: HistoryEntry) -> Outcome:
    if failed_as is None:
        rolled_back = successor.trigger is Trigger.AUTOMATIC_ROLLBACK
        return Outcome.ROLLED_BACK if rolled_back else Outcome.SUPERSEDED
    if failed_as.reason is Reason.UNDONE and failed_as.inputs_hash is not None:
        return Outcome.SUPERSEDED
    return Outcome.FAILED if failed_as.reason in FAILED_STARTS else Outcome.ROLLED_BACK


def progressed(entry: HistoryEntry, workload: Workload | None, looked_at: Pods | None, now: datetime) -> HistoryEntry:
    """Return the entry with what the Deployment and its pods show of its rollout; a mark once made is kept."""
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
    """Return the entry without marks in the future, which a clock that was set back leaves behind: they count as now.

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
    """Return the entry with the moment from which its bake time counts.

    That is since when enough pods are available, and all checks have passed. A loss of pods that was over before it was
    seen is still told by the Deployment's condition Available. A Deployment that is gone, or that was created anew and
    nobody has counted the pods of, has none.

    Rule: R47.
    """
    if entry.verified_at is not None or entry.rolled_out_at is None:
        return entry
    if entry.clean_since is None and verdict.clean_since is None:
        # Nothing is known to pass now; it does not begin while an answer is on its way.
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
    """Return the entry of a revision that has become known good."""
    return entry.model_copy(update={"verified_at": now, "outcome": Outcome.VERIFIED})


def with_entry(history: History, entry: HistoryEntry) -> History:
    """Return the history with this entry in the place of the one of the same number, or at the end."""
    others = (each for each in history if each.revision != entry.revision)
    return tuple(sorted((*others, entry), key=lambda each: each.revision))


def thinned(history: History) -> History:
    """Return the history as the status tells it: of revisions found bad long ago, only the first measurement.

    Their records keep all of it, so nothing is lost; but a status of a hundred revisions stays small.

    Rule: R75.
    """
    with_evidence = [each.revision for each in history if each.evidence]
    thin = with_evidence[:-WHOLE_EVIDENCE]
    return tuple(
        each.model_copy(update={"evidence": each.evidence[:1]}) if each.revision in thin else each for each in history
    )


def trimmed(history: History, limit: int, kept: frozenset[int]) -> History:
    """Return the newest `limit` entries; those in `kept` stay, and others make room for them."""
    surplus = len(history) - limit
    goes = [each.revision for each in history if each.revision not in kept][: max(surplus, 0)]
    return tuple(each for each in history if each.revision not in goes)
