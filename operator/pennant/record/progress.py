"""Shows on a terminal how much of an artefact is hashed."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol


class Meter(Protocol):
    """What is told how many bytes were read."""

    def measuring(self, what: str, total: int | None) -> AbstractContextManager[None]:
        """Begin to count the bytes of a file, a directory or a URL; None: its size is not known."""
        ...

    def advance(self, count: int) -> None:
        """Count bytes."""
        ...


class Silent:
    """Shows nothing."""

    def measuring(self, what: str, total: int | None) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def advance(self, count: int) -> None:
        """Do nothing."""


class Bar:
    """Shows a bar on standard error, with the rate and the time that is left, and removes it at the end."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._bar: Any = None
        self._task: Any = None

    @contextmanager
    def measuring(self, what: str, total: int | None) -> Iterator[None]:
        """Show a bar while this is read."""
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as self._bar:
            self._task = self._bar.add_task(f"sha256 of {what[-40:]}", total=total)
            yield
        self._bar = None

    def advance(self, count: int) -> None:
        """Show that bytes were read."""
        if self._bar is not None:
            self._bar.advance(self._task, count)


def meter() -> Meter:
    """Return a bar where standard error is a terminal and rich is installed, or else nothing."""
    if not sys.stderr.isatty():
        return Silent()
    try:
        import rich  # noqa: F401
    except ModuleNotFoundError:
        return Silent()
    return Bar()
