"""An archive in a bucket, by obstore: S3 and what speaks it, Google Cloud Storage, Azure.

The credentials are those that obstore finds, such as AWS_ACCESS_KEY_ID or the identity of the pod.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from pennant.ports import Refused, Unavailable

TIMEOUT = timedelta(seconds=20)


class ObjectStore:
    """Implements `Place`."""

    def __init__(self, url: str) -> None:
        # Options in code replace those that obstore takes from the environment.
        allow_http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
        client = {"timeout": TIMEOUT, "connect_timeout": timedelta(seconds=5), "allow_http": allow_http}
        options: dict[str, Any] = {"client_options": client}
        options["retry_config"] = {"max_retries": 2, "retry_timeout": TIMEOUT}
        with _translated():
            self._store: Any = from_url(url.rstrip("/"), **options)

    async def create(self, name: str, content: bytes) -> bool:
        """Write a new object, and return True when it is durable; False where the name exists already."""
        with _translated():
            try:
                await obstore.put_async(self._store, name, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    async def read(self, name: str) -> bytes:
        """Return the content of an object."""
        with _translated():
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())

    async def names(self, under: str) -> AsyncIterator[str]:
        """Yield the names of all objects below a prefix, in no order."""
        with _translated():
            async for batch in obstore.list(self._store, under):
                for each in batch:
                    yield each["path"]

    def close(self) -> None:
        """Do nothing: a store holds only idle connections."""


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
