"""What `audit` is asked."""

from dataclasses import dataclass
from datetime import datetime

from pennant.cli import output
from pennant.cli.errors import CliError


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a time, a span (both None: the whole history), or whether the history is intact."""

    at: datetime | None = None
    begin: datetime | None = None
    end: datetime | None = None
    verify: bool = False

    def check(self, now: datetime) -> None:
        """Raise `CliError` for times that exclude each other, or are in the future."""
        if self.at is not None and (self.begin is not None or self.end is not None):
            raise CliError("give --at, or --from and --to, not both")
        if self.verify and (self.at or self.begin or self.end):
            raise CliError("--verify checks the whole history; leave out --at, --from and --to")
        if self.begin is not None and self.end is not None and self.begin >= self.end:
            raise CliError("--from must be before --to")
        for name, each in (("--at", self.at), ("--from", self.begin)):
            if each is not None and each > now:
                raise CliError(f"{name} {output.moment(each)} is in the future")
