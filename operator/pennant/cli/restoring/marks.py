"""What a restored ModelVersion says of the ModelDeployments that served or quarantined it.

Rule: R142.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pennant.api.meta import Json
from pennant.api.version_status import MAX_SERVED
from pennant.core.rollout.rollback import MAX_MIRRORS
from pennant.kube.codec import decode

Marks = dict[str, list[Any]]
SERVED, QUARANTINED = "servedBy", "quarantinedBy"


def missing(stored: Json, exported: Json, unknown: frozenset[str]) -> Marks:
    """Return the lists of a ModelVersion's status to which marks of an export are added; empty: it has all of them.

    Only marks of ModelDeployments in `unknown` are added, those without a history: a ModelDeployment that has one has
    written its own marks, and may have released a version since.
    """
    status = decode.field(stored, "status")
    served = _joined(status, exported, SERVED, unknown, _period, lambda each: (each["from"], *_period(each)))
    marked = _joined(
        status, exported, QUARANTINED, unknown, _failure, lambda each: (each["deployment"], each["revision"])
    )
    found = {SERVED: served[-MAX_SERVED:], QUARANTINED: marked[:MAX_MIRRORS]}
    return {name: each for name, each in found.items() if each != (status.get(name) or [])}


def _joined(
    status: Json,
    exported: Json,
    name: str,
    unknown: frozenset[str],
    identity: Callable[[Json], tuple[Any, ...]],
    order: Callable[[Json], tuple[Any, ...]],
) -> list[Any]:
    known = list(status.get(name) or ())
    there = {identity(each) for each in known}
    new = [each for each in _of(exported, name, unknown) if identity(each) not in there]
    return sorted((*known, *new), key=order) if new else known


def _of(exported: Json, name: str, unknown: frozenset[str]) -> Iterable[Json]:
    return (each for each in exported.get(name) or () if each["deployment"] in unknown)


def _period(each: Json) -> tuple[Any, ...]:
    return each["deployment"], each["revision"], each["from"]


def _failure(each: Json) -> tuple[Any, ...]:
    return each["deployment"], each["revision"], each["digest"], each.get("inputsHash", "")


def deployments(exported: Iterable[Json]) -> frozenset[str]:
    """Return the ModelDeployments that marks of exported versions name."""
    return frozenset(
        mark["deployment"] for each in exported for name in (SERVED, QUARANTINED) for mark in each.get(name) or ()
    )
