"""Quarantine, and where a rollback goes: to a version known good by record, never to one found bad.

A quarantine is kept by content digest, in the ModelDeployment's status and mirrored in the ModelVersion's: deleting
and creating either of the two does not lift it.

Rule: A quarantine is kept in two places.
"""

from collections.abc import Iterable

from pennant.api.deployment_status import Desired, HistoryEntry, ModelDeploymentStatus, Outcome, QuarantineEntry
from pennant.api.version_status import QuarantinedBy
from pennant.core.decision import MirrorQuarantine
from pennant.core.history import History, Quarantine
from pennant.core.observation import Revision, Snapshot, Version

BAD = frozenset({Outcome.ROLLED_BACK, Outcome.FAILED})
GOOD = frozenset(Outcome) - BAD
"""What a word that only a newer release knows means is not known: it is neither."""
LIMIT = 20
MOST_MIRRORS = 100


def is_quarantined(entry: HistoryEntry, quarantine: Quarantine) -> bool:
    """Return whether what this revision served must not be deployed."""
    return barring(entry.digest, entry.template_hash, quarantine) is not None


def barring(digest: str, template_hash: str, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return what forbids to deploy this content by this template; None: nothing does."""
    return next((q for q in quarantine if q.digest == digest and q.template_hash in (None, template_hash)), None)


def known_good(history: History, quarantine: Quarantine, revisions: Iterable[Revision]) -> HistoryEntry | None:
    """Return the newest verified revision whose content was not found bad since, and whose record is there.

    Each automatic rollback quarantines one content and goes to another that is not: between two acts of a person
    there can be no more of them than there are verified contents, so a loop ends.

    Rule: A rollback goes to the newest revision known good that was not found bad since.
    Rule: Rollbacks come to an end.
    """
    recorded = {each.entry.revision for each in revisions}
    bad_since: set[str] = set()
    for entry in reversed(history):
        if entry.outcome in BAD:
            bad_since.add(entry.digest)
        good = entry.verified_at is not None and entry.outcome in GOOD
        clean = entry.digest not in bad_since and not is_quarantined(entry, quarantine)
        if good and clean and entry.revision in recorded:
            return entry
    return None


def known_contents(history: History, quarantine: Quarantine) -> frozenset[str]:
    """Return the digests of the contents that are known good by record, and were not found bad since."""
    good: set[str] = set()
    for entry in history:
        if entry.outcome in BAD:
            good.discard(entry.digest)
        elif entry.verified_at is not None and entry.outcome in GOOD and not is_quarantined(entry, quarantine):
            good.add(entry.digest)
    return frozenset(good)


def restored(status: ModelDeploymentStatus, snapshot: Snapshot) -> Quarantine:
    """Return the quarantine; for a status that is new or was wiped, what the mirrors in the ModelVersions know.

    A status that only says why nothing can be done (a foreign Deployment, a wrong spec) is still a new one.
    """
    if status.history or status.quarantine or status.desired is not None:
        return status.quarantine
    mirrored = {
        mirror.digest: QuarantineEntry(
            digest=mirror.digest,
            version=version.version,
            template_hash=mirror.template_hash,
            reason=mirror.reason,
            message=mirror.message,
            since=mirror.since,
            revision=mirror.revision,
        )
        for version in snapshot.versions
        for mirror in version.quarantined_by
        if mirror.deployment == snapshot.key.name and mirror.digest == version.digest
    }
    return tuple(mirrored.values())


def released(quarantine: Quarantine, before: Desired | None, desired: Desired | None) -> Quarantine:
    """Return what is still quarantined: when the tag settles on another content, all but that content is released.

    Rule: A quarantine ends by a person or by the tag.
    """
    if desired is None or (before is not None and before.digest == desired.digest):
        return quarantine
    return tuple(each for each in quarantine if each.digest == desired.digest)


def quarantined(quarantine: Quarantine, entry: QuarantineEntry) -> Quarantine:
    """Return the quarantine with this entry, in the place of an older one of the same content."""
    others = tuple(each for each in quarantine if each.digest != entry.digest)
    return (*others, entry)[-LIMIT:]


def mirrors(snapshot: Snapshot, quarantine: Quarantine) -> tuple[MirrorQuarantine, ...]:
    """Return the writes after which the ModelVersions say the same as this quarantine."""
    writes = []
    for version in snapshot.versions:
        wanted = _mirrored(version, snapshot, quarantine)
        if not version.deleting and wanted != version.quarantined_by:
            writes.append(MirrorQuarantine(version, wanted))
    return tuple(writes)


def _mirrored(version: Version, snapshot: Snapshot, quarantine: Quarantine) -> tuple[QuarantinedBy, ...]:
    """Rule: Two deployments of one model are independent."""
    others = [q for q in version.quarantined_by if q.deployment != snapshot.key.name]
    mine = [
        QuarantinedBy(
            deployment=snapshot.key.name,
            digest=each.digest,
            template_hash=each.template_hash,
            reason=each.reason,
            message=each.message,
            since=each.since,
            revision=each.revision,
        )
        for each in quarantine
        if each.digest == version.digest
    ]
    # In one order for all: each of several deployments would otherwise move its own mark to its own place, for ever.
    return tuple(sorted((*others, *mine), key=lambda each: each.deployment)[:MOST_MIRRORS])
