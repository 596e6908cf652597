"""The immutable part of a record, and its digest."""

from pennant.api.meta import Json
from pennant.api.model_version import MUTABLE
from pennant.core.facts.digest import sha256


def immutable(record: Json) -> Json:
    """Return a spec as it is stored, without the fields that may be changed."""
    return {name: each for name, each in record.items() if name not in MUTABLE}


def record_digest(record: Json) -> str:
    """Return the digest of the immutable part of a spec.

    A user can compute it: `kubectl get modelversion NAME -o json | jq -jcS '.spec | del(.tags, .description, .owner,
    .retention)' | sha256sum`. Where the record has numbers without quotes, programs write those below 0.0001, and those
    with more than 16 digits, in different ways. Python's `json.dumps` with sorted keys writes them as this function.

    Rule: R121.
    """
    return sha256(immutable(record))
