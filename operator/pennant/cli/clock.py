"""The time, for tokens and ages: the one place of the command line that reads the clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)
