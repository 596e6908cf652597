"""Files of an object store, by obstore: s3, gs, az and abfs. Its credentials are in the environment."""

import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from pennant.archive.client_options import client_options
from pennant.fetching.sources.source import Opened, Unavailable
from pennant.record.remote import BUCKETS

SCHEMES = BUCKETS
PART = 8 * 1024 * 1024
"""Bytes of a request: one that fails is repeated without what came before it."""
PARTS_AT_ONCE = 4
TIMEOUT = "300s"
"""Of a request for one part; 28 KB in a second suffice."""
_SAID = {
    "FileNotFoundError": "not found",
    "NotFoundError": "not found",
    "PermissionDeniedError": "permission denied",
    "UnauthenticatedError": "no valid credentials",
    "InvalidPathError": "not a valid path",
    "UnknownConfigurationKeyError": "not a valid setting in the environment",
}
"""What a message says for the errors of obstore for which repeating the request at once does not help."""


class Store:
    """An object, or all objects below a prefix."""

    def __init__(self, uri: str) -> None:
        """Open the bucket of a URI; raises `Unavailable`."""
        parts = urlsplit(uri)
        self._path = parts.path.lstrip("/")
        self._store: Any = _saying(_opened, parts._replace(path="", query="", fragment="").geturl())

    def files(self) -> Mapping[str, int | None]:
        """Return the objects below the prefix."""
        import obstore

        def listed() -> dict[str, int | None]:
            found = obstore.list(self._store, self._path.rstrip("/"))
            return {each["path"]: each["size"] for batch in found for each in batch}

        prefix = f"{self._path.rstrip('/')}/" if self._path else ""
        return {name.removeprefix(prefix): size for name, size in _saying(listed).items() if name.startswith(prefix)}

    def open(self, path: str, offset: int) -> Opened:
        """Return an object from an offset on, in parts that are fetched ahead."""
        import obstore

        name = self._path if not path else f"{self._path.rstrip('/')}/{path}".lstrip("/")
        total = int(_saying(obstore.head, self._store, name)["size"])
        start = offset if offset <= total else 0
        return Opened(_parts(self._store, name, start, total), start, total)


def _opened(base: str) -> Any:
    from obstore.store import from_url

    options: Any = client_options(urlsplit(base).scheme, os.environ, timeout=TIMEOUT)
    retrying: Any = {"max_retries": 1}
    return from_url(base, client_options=options, retry_config=retrying)


def _parts(store: Any, name: str, start: int, total: int) -> Iterator[bytes]:
    import obstore

    def part(begin: int) -> bytes:
        return bytes(_saying(obstore.get_range, store, name, start=begin, end=min(begin + PART, total)))

    begins = iter(range(start, total, PART))
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        pending = [pool.submit(part, begin) for begin in islice(begins, PARTS_AT_ONCE)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [pool.submit(part, begin) for begin in islice(begins, 1)]
        finally:
            for each in pending:
                each.cancel()


def _saying(function: Any, *args: Any, **options: Any) -> Any:
    """Call obstore; raises `Unavailable` with the kind of an error and its status code, not with a server's text."""
    try:
        return function(*args, **options)
    except ModuleNotFoundError as error:
        raise Unavailable("it needs obstore: pip install 'pennant[fetch]'", is_final=True) from error
    except Exception as error:
        kind = type(error).__name__
        code = re.search(r"\bstatus code: ([1-5][0-9]{2})\b", str(error))
        how = re.search(r"\bkind: (Connect|Timeout|Request|Interrupted|Decode)\b", str(error))
        said = _SAID.get(kind, "it gives no answer that can be used")
        detail = f" (HTTP {code[1]})" if code else f" ({how[1]})" if how else ""
        raise Unavailable(f"the object store says: {said}{detail}", is_final=kind in _SAID) from error
