"""`MicroTime`: times with microseconds in Leases and Events."""

from datetime import UTC, datetime


def micro_time(moment: datetime) -> str:
    """Return a `MicroTime`: RFC 3339 in UTC with exactly six digits of a second's fraction."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed_time(text: str) -> datetime:
    """Return the time of a `MicroTime`."""
    return datetime.fromisoformat(text)
