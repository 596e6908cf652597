"""When a version was served, by which ModelDeployment: out of their histories, and what is known already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pennant.api.history import HistoryEntry
from pennant.api.version_status import MOST_SERVED, ServedBy

LONGEST_LINE = 256


@dataclass(frozen=True, slots=True)
class ServingPeriod:
    """A revision that put a version in place, as its ModelDeployment tells it."""

    deployment: str
    revision: int
    version: str
    digest: str
    """Digest of the content that it put in place."""
    since: datetime
    until: datetime | None
    verified_at: datetime | None = None
    """When it became known good."""


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
    told: Iterable[ServingPeriod], known: Iterable[ServedBy], digest: str | None, now: datetime
) -> tuple[ServedBy, ...]:
    """Return when a version of this content was served, oldest first; of many the newest, and all that go on.

    Without a digest, that of a record that cannot be read, every content may have been this one.

    What the histories no longer tell is kept. Where it went on when it was last heard of, it is over now: its
    ModelDeployment is gone, or was created anew and does not know of it.

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
        for each in told
        if digest is None or each.digest == digest
    }
    for each in known:
        found.setdefault(_identity(each), each if each.until is not None else each.model_copy(update={"until": now}))
    ordered = sorted(found.values(), key=lambda each: (each.from_, each.deployment, each.revision))
    surplus = len(ordered) - MOST_SERVED
    ended = [_identity(each) for each in ordered if each.until is not None][: max(surplus, 0)]
    return tuple(each for each in ordered if _identity(each) not in ended)[-MOST_SERVED:]


def serving(served: Iterable[ServedBy]) -> str | None:
    """Return the names of the ModelDeployments that go on serving, as many as fit into a line; None: there is none."""
    names = sorted({each.deployment for each in served if each.until is None})
    fitting = [name for number, name in enumerate(names) if len(", ".join(names[: number + 1])) <= LONGEST_LINE - 16]
    rest = f" and {len(names) - len(fitting)} more" if len(fitting) < len(names) else ""
    return ", ".join(fitting) + rest if names else None


def _identity(each: ServedBy) -> tuple[str, int, datetime]:
    return each.deployment, each.revision, each.from_
