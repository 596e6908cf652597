"""The files of an artefact in an object store, read by obstore.

Its synchronous functions run in threads. Its asynchronous ones may abort the interpreter, if they end just before it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from pennant.api.meta import clip
from pennant.record.errors import missing_extra
from pennant.registries.http import CHUNK
from pennant.registries.protocol import File, RegistryError
from pennant.registries.tokens import Tokens

RETRIES: Mapping[str, Any] = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
"""Of a store that does not answer."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is at a path of an object store: one file, or all files below it."""

    store: Any
    """A store of obstore."""
    root: str
    uri: str
    """How messages name the path."""
    hint: str
    """What lets a user read it."""
    can_list: bool = True
    """Whether the store has lists; a web server has none."""

    async def files(self) -> AsyncIterator[File]:
        """Yield the files below the path, or the only one at it; raises `RegistryError` where there is none."""
        import obstore

        root, sizes = self.root.strip("/"), dict[str, int]()
        try:
            batches = iter(obstore.list(self.store, prefix=root or None)) if self.can_list else iter(())
            while batch := await asyncio.to_thread(next, batches, None):
                sizes |= {str(each["path"]): int(each["size"]) for each in batch}
            if not sizes and root:
                sizes[root] = int((await asyncio.to_thread(obstore.head, self.store, root))["size"])
        except FileNotFoundError:
            sizes = {}
        except Exception as error:
            raise self._unreadable(error) from error
        if not sizes:
            raise RegistryError(f"there is no file at {self.uri}")
        # A console makes an empty object for a directory.
        directories = {str(parent) for path in sizes for parent in PurePosixPath(path).parents}
        for path, size in sizes.items():
            if size or path not in directories:
                yield File(path.removeprefix(root).lstrip("/") if root else path, size)

    async def content(self, file: File, version: str | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of a file; `version` is that of the store, and None the newest one."""
        import obstore

        path = "/".join(filter(None, (self.root.strip("/"), file.path)))
        options: Any = {"version": version} if version is not None else None
        try:
            found = await asyncio.to_thread(obstore.get, self.store, path, options=options)
            parts = iter(found.stream(min_chunk_size=CHUNK))
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                yield bytes(part)
        except Exception as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> RegistryError:
        if isinstance(error, RegistryError):
            return error
        # obstore names the request, whose query may have a signature, and adds many lines for its authors.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = clip(re.sub(r"\?\S*", "", lines[0]), 300)
        return RegistryError(f"{self.uri} cannot be read: {said.rstrip('.')}. {self.hint}")


def opened(make: Callable[[Any], Any], uri: str) -> Any:
    """Return a store of obstore that `make` makes of its module; raises `RegistryError` where it cannot."""
    try:
        from obstore import store
    except ModuleNotFoundError as error:
        raise RegistryError(str(missing_extra("obstore", f"reading {uri}"))) from error
    try:
        return make(store)
    except Exception as error:
        raise RegistryError(
            f"{uri} is no place in an object store: {clip(str(error).partition(chr(10))[0], 300)}"
        ) from error


def provider(tokens: Tokens) -> Callable[[], Any]:
    """Return what obstore asks for credentials, from a thread of its own, while the loop runs."""
    loop = asyncio.get_running_loop()

    def credential() -> dict[str, Any]:
        token = asyncio.run_coroutine_threadsafe(tokens.current(), loop).result()
        return {"token": token.value, "expires_at": token.expires}

    return credential
