"""Quarantine, and where a rollback goes: to a version known good by record, never to one found bad.

A quarantine is kept by content digest, in the ModelDeployment's status and mirrored in the ModelVersion's: deleting
and creating either of the two does not lift it.

Rule: A quarantine is kept in two places.
"""

from collections.abc import Iterable, Iterator

from pennant.api.deployment_status import Desired, HistoryEntry, ModelDeploymentStatus, Outcome, QuarantineEntry
from pennant.api.version_status import QuarantinedBy
from pennant.core.decision import MirrorQuarantine
from pennant.core.history import History, Quarantine
from pennant.core.observation import Revision, Snapshot, Version
from pennant.core.revision import pair

BAD = frozenset({Outcome.ROLLED_BACK, Outcome.FAILED})
LIMIT = 20
MOST_MIRRORS = 100


def is_quarantined(entry: HistoryEntry, quarantine: Quarantine) -> bool:
    """Return whether what this revision served must not be deployed."""
    return barring(*pair(entry), quarantine) is not None


def barring(digest: str, inputs_hash: str, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return what forbids to deploy this content with this pod template; None: nothing does."""
    return next((q for q in quarantine if q.digest == digest and q.inputs_hash in (None, inputs_hash)), None)


def known_good(
    history: History, quarantine: Quarantine, revisions: Iterable[Revision], content: str = ""
) -> HistoryEntry | None:
    """Return the newest verified revision that did not fail since, and whose record is there.

    Revisions of `content`, the digest of what is in place, come before all others: where another pod template of that
    content was known good, an older version need not serve.

    Each automatic rollback quarantines one pair of content and template and goes to another that is not: between two
    acts of a person there can be no more of them than there are verified pairs, so a loop ends.

    Rule: A rollback goes to the newest revision known good that was not found bad since.
    Rule: Rollbacks come to an end.
    """
    recorded = {each.entry.revision for each in revisions}
    good = [each for each in _good(history, quarantine) if each.revision in recorded]
    return next((each for each in good if each.digest == content), next(iter(good), None))


def _good(history: History, quarantine: Quarantine) -> Iterator[HistoryEntry]:
    """Yield the verified revisions whose content and template did not fail since, the newest first."""
    bad_since: set[tuple[str, str]] = set()
    for entry in reversed(history):
        if entry.outcome in BAD:
            bad_since.add(pair(entry))
        elif entry.verified_at is not None and pair(entry) not in bad_since and not is_quarantined(entry, quarantine):
            yield entry


def known_pairs(history: History, quarantine: Quarantine) -> frozenset[tuple[str, str]]:
    """Return the contents that were known good, each with its pod template, and did not fail with it since."""
    return frozenset(pair(each) for each in _good(history, quarantine))


def known_contents(history: History, quarantine: Quarantine) -> frozenset[str]:
    """Return the digests of the contents that were known good with a pod template that did not fail since."""
    return frozenset(each.digest for each in _good(history, quarantine))


def restored(status: ModelDeploymentStatus, snapshot: Snapshot) -> Quarantine:
    """Return the quarantine; for a status that is new or was wiped, what the mirrors in the ModelVersions know.

    A status that only says why nothing can be done (a foreign Deployment, a wrong spec) is still a new one.
    """
    if status.history or status.quarantine or status.desired is not None:
        return status.quarantine
    mirrored = {
        (mirror.digest, mirror.inputs_hash): QuarantineEntry(
            digest=mirror.digest,
            version=version.version,
            inputs_hash=mirror.inputs_hash,
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
    """Return the quarantine with this entry, in the place of older ones that say no more than it."""
    others = tuple(each for each in quarantine if each.digest != entry.digest or not _covers(entry, each))
    return (*others, entry)[-LIMIT:]


def _covers(entry: QuarantineEntry, other: QuarantineEntry) -> bool:
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
    """Rule: Two deployments of one model are independent."""
    others = [q for q in version.quarantined_by if q.deployment != snapshot.key.name]
    mine = [
        QuarantinedBy(
            deployment=snapshot.key.name,
            digest=each.digest,
            inputs_hash=each.inputs_hash,
            reason=each.reason,
            message=each.message,
            since=each.since,
            revision=each.revision,
        )
        for each in quarantine
        if each.digest == version.digest
    ]
    # In one order for all: each of several deployments would otherwise move its own mark to its own place, for ever.
    return tuple(sorted((*others, *mine), key=lambda each: (each.deployment, each.revision))[:MOST_MIRRORS])
