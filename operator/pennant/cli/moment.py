"""Times as options: RFC 3339, or so long ago."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from pennant.cli import clock
from pennant.cli.options import Duration


class Moment(click.ParamType[datetime]):
    """A time: RFC 3339, or a duration such as `2h`, `30m` or `3d`, which means so long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time in UTC; fails with an example where it is neither."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return clock.now() - _ago(text, param, ctx)
        if at.tzinfo is None:
            raise click.BadParameter(f"{text!r} has no time zone; write it as {text}Z or {text}+01:00", ctx, param)
        return at.astimezone(UTC)


def _ago(text: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
    days, sign, rest = text.partition("d")
    try:
        if sign and days.isdigit():
            return timedelta(days=int(days), seconds=Duration().convert(rest or "0", param, ctx))
        return timedelta(seconds=Duration().convert(text, param, ctx))
    except (click.BadParameter, OverflowError) as error:
        said = f"{text!r} is no time; write it as 2026-01-02T15:04:05Z, or as 2h for two hours ago"
        raise click.BadParameter(said, ctx, param) from error
