"""Times as RFC 3339 and as milliseconds since 1970."""

from datetime import UTC, datetime

import pytest

from pennant.record.errors import RegisterError
from pennant.record.moment import moment

AT = datetime(2026, 1, 2, 15, 4, 5, 123000, UTC)


@pytest.mark.parametrize(
    "value", [AT, "2026-01-02T15:04:05.123Z", "2026-01-02T16:04:05.123+01:00", 1767366245123, "1767366245123"]
)
def test_a_time(value: datetime | str | int) -> None:
    assert moment(value, "createdAt") == AT


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("2026-01-02T15:04:05", "createdAt has no time zone; write it as 2026-01-02T15:04:05Z"),
        ("yesterday", "createdAt is 'yesterday'; write a time as"),
        (1767366245, "createdAt is 1767366245; a time as a number is in milliseconds"),
        ("9" * 30, "is no time in milliseconds"),
        ("", "write a time as"),
    ],
)
def test_what_is_no_time_is_refused(value: str | int, says: str) -> None:
    with pytest.raises(RegisterError, match=says):
        moment(value, "createdAt")
