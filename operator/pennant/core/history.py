"""The history of revisions: entries are only ever appended, and only their progress is written on.

Rule: What was recorded once is never changed.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from pydantic.alias_generators import to_camel

from pennant.api.deployment_status import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core.observation import Revision, Workload
from pennant.core.revision import FIXED

WHOLE_EVIDENCE = 10
"""Of so many revisions that were found bad, the newest ones, the status tells all measurements."""
History = tuple[HistoryEntry, ...]
Quarantine = tuple[QuarantineEntry, ...]


def adopted(history: History, revisions: Iterable[Revision], quarantine: Quarantine) -> History:
    """Return the history with an entry for every recorded revision, each as its record says.

    A ControllerRevision is written before its entry: a crash between the two, or a lost status, leaves a record
    without an entry. What was recorded once is told by the record alone; the status only knows how it went on, and the
    quarantine why it ended.

    Rule: A lost status is rebuilt from the records.
    """
    recorded = {each.entry.revision: each for each in revisions}
    known = {each.revision for each in history}
    told = [_as_recorded(each, recorded.get(each.revision)) for each in history]
    missing = [each.latest for number, each in recorded.items() if number not in known]
    entries = sorted((*told, *missing), key=lambda each: each.revision)
    return tuple(
        entry if entry.ended_at is not None else succeeded(entry, successor, quarantine)
        for entry, successor in pairwise(entries)
    ) + tuple(entries[-1:])


def _as_recorded(entry: HistoryEntry, record: Revision | None) -> HistoryEntry:
    if record is None:
        return entry
    told = {name: getattr(record.entry, name) for name in altered(entry, record)}
    if len(record.latest.evidence) > len(entry.evidence):
        told["evidence"] = record.latest.evidence
    return entry.model_copy(update=told) if told else entry


def altered(entry: HistoryEntry, record: Revision) -> tuple[str, ...]:
    """Return the fields in which an entry of the status contradicts the record of its revision."""
    return tuple(name for name in (*FIXED, "hash") if getattr(entry, name) != getattr(record.entry, name))


def restored(history: History, revisions: Iterable[Revision]) -> tuple[str, ...]:
    """Return a sentence for each entry of the status that somebody altered; `adopted` puts them right."""
    recorded = {each.entry.revision: each for each in revisions}
    found = []
    for entry in history:
        record = recorded.get(entry.revision)
        if record is not None and (names := altered(entry, record)):
            listed = ", ".join(to_camel(name) for name in names)
            found.append(f"revision {entry.revision}: {listed} in status did not say what its record says; restored")
    return tuple(found)


def broken(history: History, revisions: Iterable[Revision]) -> tuple[str, ...]:
    """Return a sentence for each record that was forged or is gone; nothing can put that right.

    Rule: What was tampered with is named.
    """
    recorded = {each.entry.revision: each for each in revisions}
    found = [f"the record of revision {each.revision} is gone" for each in history if each.revision not in recorded]
    for number, each in sorted(recorded.items()):
        before = recorded.get(number - 1)
        if not each.intact:
            found.append(f"the record of revision {number} does not fit its hash")
        elif before is not None and each.entry.previous_hash != before.entry.hash:
            found.append(f"the record of revision {number} does not follow that of revision {number - 1}")
    return tuple(found)


def succeeded(entry: HistoryEntry, successor: HistoryEntry, quarantine: Quarantine) -> HistoryEntry:
    """Return the entry of a revision whose place another one takes."""
    outcome = _outcome(condemnation(entry, quarantine), successor)
    return entry.model_copy(update={"outcome": outcome, "ended_at": successor.started_at})


def condemnation(entry: HistoryEntry, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return what says that this very revision was found bad."""
    return next((q for q in quarantine if q.digest == entry.digest and q.revision == entry.revision), None)


def _outcome(condemned: QuarantineEntry | None, successor: HistoryEntry) -> Outcome:
    if condemned is None:
        rolled_back = successor.trigger is Trigger.AUTOMATIC_ROLLBACK
        return Outcome.ROLLED_BACK if rolled_back else Outcome.SUPERSEDED
    if condemned.template_hash is not None:
        return Outcome.SUPERSEDED
    late = condemned.reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    return Outcome.FAILED if late else Outcome.ROLLED_BACK


def progressed(entry: HistoryEntry, workload: Workload | None, now: datetime) -> HistoryEntry:
    """Return the entry with what the Deployment shows of its rollout; a mark once made is kept."""
    if workload is None or workload.template_hash != entry.template_hash:
        return entry
    if entry.available_at is None and (workload.exposed or workload.rolled_out):
        entry = entry.model_copy(update={"available_at": now})
    if entry.rolled_out_at is None and workload.rolled_out:
        entry = entry.model_copy(update={"rolled_out_at": now, "outcome": Outcome.SERVING})
    return entry


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

    Rule: The status stays small however long the history is.
    """
    condemned = [each.revision for each in history if each.evidence]
    thin = condemned[:-WHOLE_EVIDENCE]
    return tuple(
        each.model_copy(update={"evidence": each.evidence[:1]}) if each.revision in thin else each for each in history
    )


def trimmed(history: History, limit: int, kept: frozenset[int]) -> History:
    """Return the newest `limit` entries; those in `kept` stay, and others make room for them."""
    surplus = len(history) - limit
    goes = [each.revision for each in history if each.revision not in kept][: max(surplus, 0)]
    return tuple(each for each in history if each.revision not in goes)
