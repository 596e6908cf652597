"""The record of a version: the part of its spec that never changes, and the digest of that."""

from pennant.api.meta import Json
from pennant.api.model_version import MUTABLE
from pennant.core.facts.digest import sha256


def immutable(record: Json) -> Json:
    """Return a spec as it is stored, without the fields that may be changed."""
    return {name: each for name, each in record.items() if name not in MUTABLE}


def record_digest(record: Json) -> str:
    """Return the digest of the part of a spec that never changes.

    Anybody can compute it: `kubectl get modelversion NAME -o json | jq -jcS '.spec | del(.tags, .description, .owner,
    .retention)' | sha256sum`.
    """
    return sha256(immutable(record))
