"""Times as users and tools write them: RFC 3339, or milliseconds since 1970 as MLflow and other registries do."""

from datetime import UTC, datetime, timedelta

from pennant.record.errors import RegisterError

EARLIEST_MILLISECONDS = 100_000_000_000
"""A smaller number means seconds, or a mistake: as milliseconds it would be before March 1973."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(value: datetime | str | int, field: str) -> datetime:
    """Return a time in UTC; raises `RegisterError` that names the field where it is none."""
    if isinstance(value, int) or (isinstance(value, str) and value.strip().isascii() and value.strip().isdigit()):
        return _of_milliseconds(int(value), field)
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
    except ValueError:
        raise RegisterError(
            f"{field} is {value!r}; write a time as 2026-01-02T15:04:05Z, or in milliseconds since 1970"
        ) from None
    if at.tzinfo is None:
        raise RegisterError(f"{field} has no time zone; write it as {at.isoformat()}Z or {at.isoformat()}+01:00")
    return at.astimezone(UTC)


def _of_milliseconds(value: int, field: str) -> datetime:
    if value < EARLIEST_MILLISECONDS:
        raise RegisterError(f"{field} is {value}; a time as a number is in milliseconds, such as 1767366245000")
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        raise RegisterError(f"{field} is {value}, which is no time in milliseconds") from None
