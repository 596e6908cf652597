"""When a version served, and in which ModelDeployment: from their histories and from the stored `status.servedBy`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pennant.api.history import HistoryEntry
from pennant.api.version_status import MAX_SERVED, ServedBy

LONGEST_LINE = 256
"""Characters of `status.serving`."""


@dataclass(frozen=True, slots=True)
class ServingPeriod:
    """A revision that served a version, from the history of its ModelDeployment."""

    deployment: str
    revision: int
    version: str
    digest: str
    """Digest of the content that it served."""
    since: datetime
    """When its first pod was available."""
    until: datetime | None
    """When another revision replaced it; None: it serves."""
    verified_at: datetime | None = None
    """When it was verified; None: it was not."""


def periods(deployment: str, history: Iterable[HistoryEntry]) -> tuple[ServingPeriod, ...]:
    """Return the revisions of a history of which a pod became available."""
    return tuple(
        ServingPeriod(
            deployment, each.revision, each.version, each.digest, each.available_at, each.ended_at, each.verified_at
        )
        for each in history
        if each.available_at is not None
    )


def served_by(
    served: Iterable[ServingPeriod], known: Iterable[ServedBy], digest: str | None, now: datetime
) -> tuple[ServedBy, ...]:
    """Return `status.servedBy` of a version, oldest first: at most `MAX_SERVED`, and all that have not ended.

    `served` comes from the histories, `known` is the stored list. Only periods with this content digest count; with
    None (the record cannot be read) all do. Stored periods that no history has any more are kept. If such a period has
    no end, it ends now: its ModelDeployment was deleted, or created again without its history.

    Rule: R82.
    """
    found = {
        (each.deployment, each.revision, each.since): ServedBy(
            deployment=each.deployment,
            revision=each.revision,
            from_=each.since,
            verified_at=each.verified_at,
            until=each.until,
        )
        for each in served
        if digest is None or each.digest == digest
    }
    for each in known:
        found.setdefault(_identity(each), each if each.until is not None else each.model_copy(update={"until": now}))
    ordered = sorted(found.values(), key=lambda each: (each.from_, each.deployment, each.revision))
    surplus = len(ordered) - MAX_SERVED
    ended = [_identity(each) for each in ordered if each.until is not None][: max(surplus, 0)]
    return tuple(each for each in ordered if _identity(each) not in ended)[-MAX_SERVED:]


def serving(served: Iterable[ServedBy]) -> str | None:
    """Return the names of the ModelDeployments that serve it now, as many as fit into a line; None: there are none."""
    names = sorted({each.deployment for each in served if each.until is None})
    fitting = [name for number, name in enumerate(names) if len(", ".join(names[: number + 1])) <= LONGEST_LINE - 16]
    rest = f" and {len(names) - len(fitting)} more" if len(fitting) < len(names) else ""
    return ", ".join(fitting) + rest if names else None


def _identity(each: ServedBy) -> tuple[str, int, datetime]:
    return each.deployment, each.revision, each.from_
