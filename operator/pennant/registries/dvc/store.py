"""The bytes of what DVC tracks: in the cache of a checkout on this machine, or else in the remote of the commit."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pennant.record import remote
from pennant.record.errors import RegisterError
from pennant.record.hashing import CHUNK
from pennant.registries.dvc import config
from pennant.registries.dvc.outputs import DIRECTORY
from pennant.registries.protocol import File, RegistryError

REMEDY = (
    "The store of DVC has a damaged file: remove it from the remote and from .dvc/cache, and run `dvc push` in a "
    "checkout that has the right one"
)
LARGEST_LIST = 64 * 1024 * 1024
"""Bytes of the list of the files of a directory."""
CACHE = Path(".dvc") / "cache"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes of an artefact are. As `FoundVersion.place` it has texts only."""

    key: str
    """Name in the store of DVC; empty: it is not stored so."""
    address: str
    """Of the remote; empty: there is none. Without a key it is the address of the file itself."""
    cache: str = ""
    """Directory of the cache on this machine; empty: there is none."""
    is_legacy: bool = False
    inside: str = ""
    """Path in the directory that DVC tracks, if only a part of it is the artefact."""
    size: str = ""

    @property
    def as_place(self) -> dict[str, str]:
        """The values as texts."""
        return {
            "key": self.key,
            "address": self.address,
            "cache": self.cache,
            "legacy": "yes" if self.is_legacy else "",
            "inside": self.inside,
            "size": self.size,
        }

    @classmethod
    def of(cls, place: Mapping[str, str]) -> "Stored":
        """Return what `as_place` made."""
        values = {name: place.get(name, "") for name in ("key", "address", "cache", "inside", "size")}
        return cls(**values, is_legacy=bool(place.get("legacy")))


@dataclass(slots=True)
class Store:
    """Reads artefacts."""

    _lists: dict[str, dict[str, str]] = field(default_factory=dict)
    """The list of the directory that was read last."""

    async def files(self, one: Stored) -> AsyncIterator[File]:
        """Yield the files of an artefact; raises `RegistryError` where the bytes cannot be read."""
        if not one.key.endswith(DIRECTORY):
            digest = f"md5:{one.key}" if one.key and not one.is_legacy else None
            yield File("", int(one.size) if one.size else None, digest=digest, remedy=REMEDY)
            return
        for path, md5 in (await self._list(one)).items():
            yield File(path, None, digest=None if one.is_legacy else f"md5:{md5}", remedy=REMEDY)

    async def content(self, one: Stored, path: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of an artefact."""
        key = (await self._list(one))[path] if one.key.endswith(DIRECTORY) else one.key
        async for part in _read(one, key):
            yield part

    async def _list(self, one: Stored) -> dict[str, str]:
        """Return the md5 of each file of a directory by its path."""
        if one.key not in self._lists:
            content = b""
            async for part in _read(one, one.key):
                content += part
                if len(content) > LARGEST_LIST:
                    raise RegistryError(f"the list of files {one.key} has more than {LARGEST_LIST} bytes")
            if not one.is_legacy and hashlib.md5(content, usedforsecurity=False).hexdigest() != one.key[:32]:
                raise RegistryError(f"the list of files {one.key} in the store of DVC is damaged; run `dvc push` again")
            self._lists = {one.key: listed(content)}
        return inside(self._lists[one.key], one.inside)


def listed(content: bytes) -> dict[str, str]:
    """Return the md5 of each file by its path, of a list as DVC stores it; raises `RegistryError` where it is none."""
    try:
        value = json.loads(content)
        return {str(each["relpath"]): str(each["md5"]) for each in value}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RegistryError("the list of files in the store of DVC cannot be read; run `dvc push` again") from error


def inside(files: dict[str, str], path: str) -> dict[str, str]:
    """Return the files of a part of a directory; a file has the empty path."""
    if not path:
        return files
    found = {name.removeprefix(path).lstrip("/"): each for name, each in files.items() if _is_in(name, path)}
    if not found:
        raise RegistryError(f"the directory that DVC tracks has no {path}")
    return found


def _is_in(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}/")


async def _read(one: Stored, key: str) -> AsyncIterator[bytes]:
    """Yield the bytes of an object: of the cache where it is there, or else of the remote."""
    place = config.place(key, one.is_legacy) if key else ""
    cached = Path(one.cache) / place if one.cache and key else None
    if cached is not None and cached.is_file():
        parts = _of_file(cached)
    elif not one.address:
        raise RegistryError(
            "its bytes cannot be read: .dvc/config names no remote that this machine can find. Run `dvc pull` in a "
            "checkout, and give its path with --from"
        )
    else:
        url = f"{one.address}/{place}" if key else one.address
        parts = _of_file(Path(unquote(urlsplit(url).path))) if url.startswith("file:") else remote.stream(url)
    try:
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part
    except RegisterError as error:
        raise RegistryError(str(error)) from error
    except OSError as error:
        raise RegistryError(f"{error.filename} cannot be read: {error.strerror}. Run `dvc push`") from error


def _of_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(CHUNK), b"")
