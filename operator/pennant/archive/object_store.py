"""An archive in a bucket, by obstore: S3 and what speaks it, Google Cloud Storage, Azure.

Its asynchronous functions may abort the interpreter when the process ends, so the others run in threads. The
credentials, region and endpoint are those that obstore finds, such as AWS_ACCESS_KEY_ID or the identity of the pod.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from pennant.archive.client_options import client_options
from pennant.archive.threads import Threads
from pennant.ports import Refused, Unavailable

TIMEOUT = timedelta(seconds=20)
T = TypeVar("T")


class ObjectStore:
    """Implements `Place`."""

    def __init__(self, url: str) -> None:
        scheme, connecting = urlsplit(url).scheme, timedelta(seconds=5)
        client: Any = client_options(scheme, os.environ, timeout=TIMEOUT, connect_timeout=connecting)
        retrying: Any = {"max_retries": 2, "retry_timeout": TIMEOUT}
        with _translated():
            self._store: Any = from_url(url.rstrip("/"), client_options=client, retry_config=retrying)

        self._threads = Threads()

    async def create(self, name: str, content: bytes) -> bool:
        """Write a new object, and return True when it is durable; False where the name exists already."""

        def put() -> bool:
            try:
                obstore.put(self._store, name, content, mode="create")
            except AlreadyExistsError:
                return False
            return True

        return await self._run(put)

    async def read(self, name: str) -> bytes:
        """Return the content of an object."""
        return await self._run(lambda: bytes(obstore.get(self._store, name).bytes()))

    async def names(self, under: str) -> AsyncIterator[str]:
        """Yield the names of all objects below a prefix, in no order."""

        def listed() -> list[str]:
            return [str(each["path"]) for batch in obstore.list(self._store, under) for each in batch]

        for each in await self._run(listed):
            yield each

    def close(self) -> None:
        """Let the threads end."""
        self._threads.close()

    async def _run(self, work: Callable[[], T]) -> T:
        with _translated():
            return await self._threads.run(work)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of obstore as those of the port. They have no URL with a signature."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Refused(_said(error)) from error
    except (AlreadyExistsError, Refused, Unavailable):
        raise
    except Exception as error:
        # obstore raises errors of many kinds, by store.
        raise Unavailable(_said(error)) from error


def _said(error: Exception) -> str:
    return " ".join(str(error).partition("\n\nDebug source")[0].split())[:300] or type(error).__name__
