"""Quarantine, and where a rollback goes: to a version known good by record, never to one found bad.

A quarantine is kept by content digest, in the ModelDeployment's status and mirrored in the ModelVersion's: deleting
and creating either of the two does not lift it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pennant.api.history import BAD, HistoryEntry, Outcome, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.decision import MirrorQuarantine
from pennant.core.facts.observation import Revision, Snapshot, Version
from pennant.core.rollout.history import History, Quarantine
from pennant.core.rollout.revision import pair
from pennant.core.versions.selection import Selected, Selection

NOT_FAILED = frozenset(Outcome) - BAD
"""What a word that only a newer release knows means is not known: it is neither."""
LIMIT = 20
MOST_MIRRORS = 100
MIRRORED = ("digest", "inputs_hash", "reason", "message", "since", "revision", "tag", "tagged")
"""What a ModelVersion repeats of an entry of the quarantine."""


def is_quarantined(entry: HistoryEntry, quarantine: Quarantine) -> bool:
    """Return whether what this revision served must not be deployed."""
    return quarantine_entry(*pair(entry), quarantine) is not None


def quarantine_entry(digest: str, inputs_hash: str, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return what forbids to deploy this content with this pod template; None: nothing does."""
    return next((q for q in quarantine if q.digest == digest and q.inputs_hash in (None, inputs_hash)), None)


def newest_verified(
    history: History, quarantine: Quarantine, revisions: Iterable[Revision], content: str = ""
) -> HistoryEntry | None:
    """Return the newest verified revision that did not fail since, and whose record is there.

    Revisions of `content`, the digest of what is in place, come before all others: where another pod template of that
    content was known good, an older version need not serve.

    Each automatic rollback quarantines one pair of content and template and goes to another that is not: between two
    acts of a person there can be no more of them than there are verified pairs, so a loop ends.

    Rule: R55.
    Rule: R58.
    """
    recorded = {each.entry.revision for each in revisions}
    good = [each for each in _verified(history, quarantine) if each.revision in recorded]
    return next((each for each in good if each.digest == content), next(iter(good), None))


def _verified(history: History, quarantine: Quarantine) -> Iterator[HistoryEntry]:
    """Yield the verified revisions whose content and template did not fail since, the newest first."""
    failed_since: set[tuple[str, str]] = set()
    for entry in reversed(history):
        if entry.outcome in BAD:
            failed_since.add(pair(entry))
            continue
        good = entry.verified_at is not None and entry.outcome in NOT_FAILED
        if good and pair(entry) not in failed_since and not is_quarantined(entry, quarantine):
            yield entry


def verified_pairs(history: History, quarantine: Quarantine) -> frozenset[tuple[str, str]]:
    """Return the contents that were known good, each with its pod template, and did not fail with it since."""
    return frozenset(pair(each) for each in _verified(history, quarantine))


def verified_contents(history: History, quarantine: Quarantine) -> frozenset[str]:
    """Return the digests of the contents that were known good with a pod template that did not fail since."""
    return frozenset(each.digest for each in _verified(history, quarantine))


def never_verified(entry: HistoryEntry, past: History) -> bool:
    """Return whether the content of a revision was never known good, with whichever pod template."""
    return all(each.verified_at is None for each in past if each.digest == entry.digest)


def is_of(entry: QuarantineEntry, revision: HistoryEntry) -> bool:
    """Return whether an entry of the quarantine speaks of this revision."""
    return entry.revision == revision.revision and (entry.digest == revision.digest or entry.reason is Reason.UNDONE)


def released(quarantine: Quarantine, tag: str | None, selection: Selection, active: HistoryEntry | None) -> Quarantine:
    """Return what is still quarantined: when the tag has settled on another content, what it left is released.

    `tag` is the one that is followed; None where a version is named, which releases nothing, as another tag does not.
    What is in place stays quarantined until something takes its place: otherwise a version that still breaches would be
    condemned again and again.

    Rule: R63.
    """
    if tag is None or not isinstance(selection, Selected):
        return quarantine
    target, current_digest = selection.version.digest, active.digest if active is not None else ""
    return tuple(
        each
        for each in quarantine
        if target in (each.digest, each.tagged) or each.digest == current_digest or each.tag not in (None, tag)
    )


def noted(past: History, before: Quarantine, after: Quarantine, now: datetime) -> History:
    """Return the history with the moment at which the quarantine of a revision ended."""
    kept = {each.revision for each in after}
    gone = [each for each in before if each.revision not in kept]

    def ended(entry: HistoryEntry) -> bool:
        return entry.released_at is None and any(is_of(each, entry) for each in gone)

    return tuple(each.model_copy(update={"released_at": now}) if ended(each) else each for each in past)


def quarantined(quarantine: Quarantine, entry: QuarantineEntry) -> Quarantine:
    """Return the quarantine with this entry, in the place of older ones that say no more than it."""
    others = tuple(each for each in quarantine if each.digest != entry.digest or not covers(entry, each))
    return (*others, entry)[-LIMIT:]


def covers(entry: QuarantineEntry, other: QuarantineEntry) -> bool:
    """Return whether an entry forbids all that another one of the same content does."""
    return entry.inputs_hash in (None, other.inputs_hash)


def mirrors(snapshot: Snapshot, quarantine: Quarantine) -> tuple[MirrorQuarantine, ...]:
    """Return the writes after which the ModelVersions say the same as this quarantine."""
    writes = []
    for version in snapshot.versions:
        wanted = _mirrored(version, snapshot, quarantine)
        if not version.deleting and wanted != version.quarantined_by:
            writes.append(MirrorQuarantine(version, wanted))
    return tuple(writes)


def _mirrored(version: Version, snapshot: Snapshot, quarantine: Quarantine) -> tuple[QuarantinedBy, ...]:
    """Rule: R102."""
    others = [q for q in version.quarantined_by if q.deployment != snapshot.key.name]
    mine = [
        QuarantinedBy(deployment=snapshot.key.name, **{name: getattr(each, name) for name in MIRRORED})
        for each in quarantine
        if each.digest == version.digest
    ]
    # In one order for all: each of several deployments would otherwise move its own mark to its own place, for ever.
    return tuple(sorted((*others, *mine), key=lambda each: (each.deployment, each.revision))[:MOST_MIRRORS])
