"""Says how far a build is: one line that changes on a terminal, elsewhere a line per step and a heartbeat."""

import shutil
import time
from collections.abc import Callable
from typing import TextIO

HEARTBEAT_SECONDS = 30
REDRAW_SECONDS = 0.2
# Before this much was seen, what is left would be a guess.
ESTIMATE_AFTER_SECONDS, ESTIMATE_AFTER_PACKAGES = 10, 50


class Progress:
    """Counts compiled packages: they are what takes the time, whichever program they are for."""

    def __init__(
        self, programs: int, packages: int, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to count; `packages` is how many have to be compiled in all."""
        self._programs, self._packages, self._stream, self._clock = programs, packages, stream, clock
        self._live = stream.isatty()
        self._begun = self._said = clock()
        self._compiled = self._number = 0
        self._name = ""

    def begin(self, name: str) -> None:
        """Say which program is built now."""
        self._number, self._name = self._number + 1, name
        self._say()

    def compiled(self, packages: int) -> None:
        """Count packages that were compiled."""
        self._compiled += packages

    def tick(self) -> None:
        """Say something where it is time for it."""
        if self._clock() - self._said >= (REDRAW_SECONDS if self._live else HEARTBEAT_SECONDS):
            self._say()

    def finish(self) -> None:
        """Leave the last word on the screen."""
        words = f"built {self._programs} programs in {spell(self._clock() - self._begun)}"
        self._write(f"{words}\n")

    def line(self) -> str:
        """Return where the build is, in words."""
        elapsed = self._clock() - self._begun
        done = min(self._compiled, self._packages)
        words = f"building {self._name} ({self._number} of {self._programs}), {spell(elapsed)} so far"
        if done < self._packages:
            words += f", {done} of {self._packages} packages"
        if elapsed >= ESTIMATE_AFTER_SECONDS and ESTIMATE_AFTER_PACKAGES <= done < self._packages:
            words += f", about {spell(elapsed / done * (self._packages - done))} left"
        return words

    def _say(self) -> None:
        self._said = self._clock()
        self._write(self.line() if self._live else f"{self.line()}\n")

    def _write(self, text: str) -> None:
        if self._live:
            # A line that wraps cannot be taken back.
            width = shutil.get_terminal_size().columns - 1
            text = f"\r\033[K{text.rstrip()[:width]}{chr(10) if text.endswith(chr(10)) else ''}"
        self._stream.write(text)
        self._stream.flush()


def spell(seconds: float) -> str:
    """Return a duration in minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"
