"""The quarantine, and the rollback target: the newest verified revision that did not fail since.

A quarantine entry names a content digest, and the inputsHash of a pod template or none. It is kept in three places: in
`status.quarantine` of the ModelDeployment, in `status.quarantinedBy` of the ModelVersion, and as the outcome in the
ControllerRevision of the revision that failed or was undone. Deleting one or two of them does not end it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pennant.api.delivery import DeliveryMode
from pennant.api.history import BAD, HistoryEntry, Outcome, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.decision import MirrorQuarantine
from pennant.core.facts.observation import Invalid, Revision, Snapshot, Version
from pennant.core.rollout.history import History, Quarantine
from pennant.core.rollout.revision import pair
from pennant.core.versions.selection import Selected, Selection

NOT_FAILED = frozenset(Outcome) - BAD
"""Outcomes of a rollback target. An outcome that only a newer release knows is not among them."""
LIMIT = 20
"""Entries of a quarantine; older ones are dropped."""
MAX_MIRRORS = 100
"""Entries in `status.quarantinedBy` of a ModelVersion, over all ModelDeployments: the limit of the schema."""
MIRRORED = ("digest", "inputs_hash", "reason", "message", "since", "revision", "tag", "tagged")
"""Fields of a quarantine entry that are copied to the ModelVersion."""


def is_quarantined(entry: HistoryEntry, quarantine: Quarantine) -> bool:
    """Return whether the content of this revision must not be deployed with its pod template."""
    return quarantine_entry(*pair(entry), quarantine) is not None


def quarantine_entry(digest: str, inputs_hash: str, quarantine: Quarantine) -> QuarantineEntry | None:
    """Return the entry that forbids this content with the pod template of this inputsHash; None: none does."""
    return next((q for q in quarantine if q.digest == digest and q.inputs_hash in (None, inputs_hash)), None)


def newest_verified(
    history: History, quarantine: Quarantine, revisions: Iterable[Revision], content: str = ""
) -> HistoryEntry | None:
    """Return the rollback target: the newest verified revision that did not fail since; None: there is none.

    Its ControllerRevision must be in `revisions`. A revision of `content`, the digest of the current revision, is
    preferred: if that content was verified with another pod template, no older version is needed.

    Each automatic rollback quarantines one pair and goes to a pair that is not quarantined. So between two actions of
    a user there are no more rollbacks than verified pairs.

    Rule: R55.
    Rule: R58.
    """
    recorded = {each.entry.revision for each in revisions}
    found = [each for each in _verified(history, quarantine) if each.revision in recorded]
    return next((each for each in found if each.digest == content), next(iter(found), None))


def _verified(history: History, quarantine: Quarantine) -> Iterator[HistoryEntry]:
    """Yield the verified revisions whose pair did not fail since and is not quarantined, newest first."""
    failed_since: set[tuple[str, str]] = set()
    for entry in reversed(history):
        if entry.outcome in BAD:
            failed_since.add(pair(entry))
            continue
        is_verified = entry.verified_at is not None and entry.outcome in NOT_FAILED
        if is_verified and pair(entry) not in failed_since and not is_quarantined(entry, quarantine):
            yield entry


def verified_pairs(history: History, quarantine: Quarantine) -> frozenset[tuple[str, str]]:
    """Return the pairs of content digest and inputsHash that were verified and did not fail since."""
    return frozenset(pair(each) for each in _verified(history, quarantine))


def verified_contents(history: History, quarantine: Quarantine) -> frozenset[str]:
    """Return the digests of the contents that were verified with a pod template, and did not fail with it since."""
    return frozenset(each.digest for each in _verified(history, quarantine))


def never_verified(entry: HistoryEntry, past: History) -> bool:
    """Return whether the content of a revision was never verified, with any pod template."""
    return all(each.verified_at is None for each in past if each.digest == entry.digest)


def is_of(entry: QuarantineEntry, revision: HistoryEntry) -> bool:
    """Return whether a quarantine entry was made when this revision failed or was undone."""
    return entry.revision == revision.revision and (entry.digest == revision.digest or entry.reason is Reason.UNDONE)


def released(quarantine: Quarantine, tag: str | None, selection: Selection, active: HistoryEntry | None) -> Quarantine:
    """Return the quarantine without the entries that end because the tag is on another content now.

    `tag` is `spec.tag`; None: `spec.version` is set, and no entry ends. An entry that was made under another tag stays.
    So does the entry of the current revision, `active`: otherwise it would fail again in each pass.

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


def with_released_at(past: History, before: Quarantine, after: Quarantine, now: datetime) -> History:
    """Return the history with `released_at` for the revisions whose quarantine entry is in `before` and not `after`."""
    kept = {each.revision for each in after}
    gone = [each for each in before if each.revision not in kept]

    def ended(entry: HistoryEntry) -> bool:
        return entry.released_at is None and any(is_of(each, entry) for each in gone)

    return tuple(each.model_copy(update={"released_at": now}) if ended(each) else each for each in past)


def quarantined(quarantine: Quarantine, entry: QuarantineEntry) -> Quarantine:
    """Return the quarantine with this entry, and without older entries that it covers."""
    others = tuple(each for each in quarantine if each.digest != entry.digest or not covers(entry, each))
    return (*others, entry)[-LIMIT:]


def covers(entry: QuarantineEntry, other: QuarantineEntry) -> bool:
    """Return whether an entry forbids all that another one of the same content forbids."""
    return entry.inputs_hash in (None, other.inputs_hash)


def mirrors(snapshot: Snapshot, quarantine: Quarantine) -> tuple[MirrorQuarantine, ...]:
    """Return the writes that copy this quarantine to `status.quarantinedBy` of the ModelVersions; only differences."""
    writes = []
    for version in snapshot.versions:
        wanted = _mirrored(version, snapshot, quarantine)
        if not version.deleting and wanted != version.quarantined_by:
            writes.append(MirrorQuarantine(version, wanted))
    return tuple(writes)


def _mirrored(version: Version, snapshot: Snapshot, quarantine: Quarantine) -> tuple[QuarantinedBy, ...]:
    """Return the `quarantinedBy` that a ModelVersion should have: the entries of all ModelDeployments, sorted.

    Rule: R102.
    """
    others = [q for q in version.quarantined_by if q.deployment != snapshot.key.name]
    mine = [
        QuarantinedBy(deployment=snapshot.key.name, **{name: getattr(each, name) for name in MIRRORED})
        for each in quarantine
        if each.digest == version.digest and (each.version == version.version or not _is_of_a_place(each, snapshot))
    ]
    # Sorted, so that several ModelDeployments do not keep moving their entries.
    return tuple(sorted((*others, *mine), key=lambda each: (each.deployment, each.revision))[:MAX_MIRRORS])


def _is_of_a_place(entry: QuarantineEntry, snapshot: Snapshot) -> bool:
    """Return whether an entry is about the place of a version's artefacts, and not about all versions of its content.

    Rule: R168.
    """
    spec = snapshot.spec
    is_delivered = not isinstance(spec, Invalid) and spec.delivery.mode is not DeliveryMode.ENV
    return is_delivered and entry.inputs_hash is not None
