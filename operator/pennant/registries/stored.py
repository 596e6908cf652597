"""Reads files where a registry says that they are stored: at signed URLs, in object stores, and on this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pennant.record.secrecy import without_credentials
from pennant.registries import bucket
from pennant.registries.http import CHUNK, Http, Pairs
from pennant.registries.protocol import File, NoAccess, NotThere, Refused, RegistryError, Unreadable

OBJECT_STORES = frozenset({"s3", "gs", "az", "abfs", "abfss"})
MISSING = (NotThere, Unreadable, Refused)
"""Errors of a file that does not come back. Any other error may pass, so that the import is to be run again."""
HINT = "The URL of the file was signed for a short time. Run the import again"
STORE_HINT = "Set the credentials of the store, or import without --verify"


class Stored:
    """Files at URLs. The credentials of the registry are never sent there."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Open nothing yet."""
        self._now = now
        self._opened: dict[str, Http] = {}

    async def close(self) -> None:
        """Close all connections."""
        for each in self._opened.values():
            await each.close()

    async def whole(self, url: str) -> bytes:
        """Return a small file; raises `Unreadable` where it cannot be read."""
        http, path, query = self._at(url)
        try:
            return await http.content(path, query)
        except NoAccess as error:
            # Of a store, not of the registry: the next version may have its files elsewhere.
            raise Unreadable(str(error)) from error

    async def chunks(self, url: str, version: str | None = None) -> AsyncIterator[bytes]:
        """Yield the parts of a file; `version` is that of an object store."""
        scheme = urlsplit(url).scheme
        if scheme in ("http", "https"):
            http, path, query = self._at(url)
            try:
                async for part in http.chunks(path, query):
                    yield part
            except NoAccess as error:
                raise Unreadable(str(error)) from error
        elif scheme == "file":
            async for part in local(Path(unquote(urlsplit(url).path))):
                yield part
        elif scheme in OBJECT_STORES:
            async for part in _object(url, version):
                yield part
        else:
            raise RegistryError(f"{without_credentials(url)} is a place that cannot be read; import without --verify")

    def _at(self, url: str) -> tuple[Http, str, Pairs]:
        """Return a session, a path and a query. Messages have the query nowhere, because the signature is in it."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if origin not in self._opened:
            self._opened[origin] = Http(origin, {}, hint=HINT, now=self._now)
        return self._opened[origin], parts.path, parse_qsl(parts.query, keep_blank_values=True)


async def local(path: Path) -> AsyncIterator[bytes]:
    """Yield the parts of a file on this machine."""
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe may have no end.
            raise RegistryError(f"{path} is no regular file")
        with path.open("rb") as file:
            while part := await asyncio.to_thread(file.read, CHUNK):
                yield part
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}") from error


def _object(url: str, version: str | None) -> AsyncIterator[bytes]:
    """Return the parts of an object."""
    parts, shown = urlsplit(url), without_credentials(url)
    base = parts._replace(path="", query="", fragment="").geturl()
    store = bucket.opened(lambda stores: stores.from_url(base), shown)
    return bucket.Bucket(store, "", shown, STORE_HINT).content(File(unquote(parts.path.lstrip("/")), None), version)
