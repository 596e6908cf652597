"""Files of a volume: `file:///path`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pennant.fetching.sources.source import CHUNK, Opened, Unavailable


class Local:
    """A file or a directory of this machine."""

    def __init__(self, uri: str) -> None:
        """Take a URI with the scheme `file`, or a path."""
        parts = urlsplit(uri)
        self._path = Path(unquote(parts.path) if parts.scheme else uri)

    def files(self) -> Mapping[str, int | None]:
        """Return the files below the directory. Links are followed, as they are for the digest of a directory."""
        if not self._path.is_dir():
            raise Unavailable(f"{self._path} is no directory", is_final=True)
        found = sorted(each for each in self._path.rglob("*") if each.is_file())
        return {each.relative_to(self._path).as_posix(): each.stat().st_size for each in found}

    def open(self, path: str, offset: int) -> Opened:
        """Return a file from an offset on."""
        place = self._path / path if path else self._path
        try:
            total = place.stat().st_size
            return Opened(_read(place, offset), offset, total)
        except OSError as error:
            raise Unavailable(f"{error.strerror}", is_final=True) from error


def _read(place: Path, offset: int) -> Iterator[bytes]:
    try:
        with place.open("rb") as file:
            file.seek(offset)
            yield from iter(lambda: file.read(CHUNK), b"")
    except OSError as error:
        raise Unavailable(f"{error.strerror}") from error
