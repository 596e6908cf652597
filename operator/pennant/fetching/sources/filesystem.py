"""Files of every other scheme that fsspec knows, with the package that it needs for it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pennant.fetching.sources.source import CHUNK, Opened, Unavailable

ResultT = TypeVar("ResultT")


class Filesystem:
    """A file or a directory of a file system."""

    def __init__(self, uri: str) -> None:
        """Find the file system of a URI; raises `Unavailable`."""
        self._system, self._path = _saying(lambda: _found(uri))

    def files(self) -> Mapping[str, int | None]:
        """Return the files below the directory."""
        root = self._path.rstrip("/") + "/"
        found = _saying(lambda: self._system.find(self._path, detail=True))
        return {name.removeprefix(root): each["size"] for name, each in found.items()}

    def open(self, path: str, offset: int) -> Opened:
        """Return a file from an offset on."""
        name = f"{self._path.rstrip('/')}/{path}" if path else self._path
        total = _saying(lambda: self._system.size(name))
        start = offset if total is not None and offset <= total else 0
        return Opened(self._read(name, start), start, total)

    def _read(self, name: str, start: int) -> Iterator[bytes]:
        file = _saying(lambda: self._system.open(name, "rb"))
        with file:
            _saying(lambda: file.seek(start))
            while chunk := _saying(lambda: file.read(CHUNK)):
                yield chunk


def _found(uri: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(uri)
    return system, str(path)


def _saying(function: Callable[[], ResultT]) -> ResultT:
    """Call fsspec; raises `Unavailable` with the kind of an error, not with a server's text."""
    try:
        return function()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise Unavailable(f"it needs the package {package}, which is not installed", is_final=True) from error
    except (ValueError, ImportError) as error:
        raise Unavailable("no installed package reads URIs of this scheme", is_final=True) from error
    except FileNotFoundError as error:
        raise Unavailable("it does not exist", is_final=True) from error
    except Exception as error:
        raise Unavailable(f"it cannot be read ({type(error).__name__})") from error
