"""The time, as Kubernetes writes it."""

from datetime import UTC, datetime


def timestamp() -> str:
    """Return now in whole seconds, as in a status."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp() -> str:
    """Return now in microseconds, as in a Lease."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
