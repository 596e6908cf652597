"""Times as a user reads them: the moment, and how long until then or since."""

from datetime import datetime

from pennant.cli import output


def until(at: datetime, now: datetime) -> str:
    """Return a moment with the time until then, such as `2026-01-01T12:00:30Z (in 25s)`."""
    return f"{output.moment(at)} ({left(at, now)})"


def left(at: datetime, now: datetime) -> str:
    """Return the time until a moment, such as `in 25s`; `now` where it has passed."""
    seconds = (at - now).total_seconds()
    return f"in {output.age(max(seconds, 1))}" if seconds > 0 else "now"


def since(at: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, as the AGE column of kubectl has it."""
    return output.NONE if at is None else output.age((now - at).total_seconds())


def age_of(created: object, now: datetime) -> str:
    """Return the age of an object by its `metadata.creationTimestamp`."""
    return since(datetime.fromisoformat(created), now) if isinstance(created, str) else "<unknown>"
