"""How far a download is, as lines of a log."""

import sys
import time

LINE_SECONDS = 10.0
"""Time between two lines about the same file."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def say(line: str) -> None:
    """Write a line to the log of the container."""
    print(line, file=sys.stderr, flush=True)


def size(count: float) -> str:
    """Return a number of bytes for readers, such as `1.5 GiB`."""
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.1f} {_UNITS[power]}" if power else f"{count:.0f} B"


class Progress:
    """The progress of one artefact."""

    def __init__(self, name: str) -> None:
        """Count from now on."""
        self._name, self._begin, self._done = name, time.monotonic(), 0
        self._next = self._begin + LINE_SECONDS

    def advance(self, count: int, total: int | None = None, done: int = 0) -> None:
        """Count bytes that were fetched; `done` of `total` bytes of the present file are there."""
        self._done += count
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_SECONDS
        of = f"{size(done)} of {size(total)} ({100 * done // max(total, 1)} %)" if total is not None else size(done)
        say(f"{self._name}: {of}, {self.rate(now)}")

    def rate(self, now: float | None = None) -> str:
        """Return the bytes in a second since the beginning."""
        seconds = (time.monotonic() if now is None else now) - self._begin
        return f"{size(self._done / max(seconds, 0.001))}/s"

    def end(self, what: str) -> None:
        """Say that the artefact is there."""
        say(
            f"{self._name}: {what}; fetched {size(self._done)} in {time.monotonic() - self._begin:.1f} s, {self.rate()}"
        )
