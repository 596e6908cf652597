"""What a source of bytes can do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

CHUNK = 1024 * 1024


class Unavailable(Exception):
    """A source did not give the bytes; the message has no text of a server, and no credentials."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        """`is_final` says that trying again at once does not help, such as for a file that is not there."""
        super().__init__(message)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of a file from some offset on."""

    chunks: Iterator[bytes]
    offset: int
    """Where they begin; 0 where the source cannot begin elsewhere."""
    total: int | None = None
    """Bytes of the whole file; None: not known."""


class Source(Protocol):
    """A file, or a directory of files, at a URI."""

    def files(self) -> Mapping[str, int | None]:
        """Return the size of each file below the URI by its path; raises `Unavailable`."""
        ...

    def open(self, path: str, offset: int) -> Opened:
        """Return a file below the URI from an offset on; an empty path is the URI itself. Raises `Unavailable`.

        Reading the chunks may raise `Unavailable` too.
        """
        ...
