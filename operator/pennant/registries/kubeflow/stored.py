"""The files of an artefact in an object store, by obstore.

Its synchronous functions run in threads: its asynchronous ones may end the interpreter with an abort, if they fail just
before it exits.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pennant.api.meta import Json, clip
from pennant.record.errors import missing_extra
from pennant.record.remote import OBJECT_STORES
from pennant.registries.http import CHUNK
from pennant.registries.protocol import File, RegistryError

RETRIES: Mapping[str, Any] = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
HINT = "Its credentials are those of the object store, such as AWS_ACCESS_KEY_ID, not those of the registry"


async def files(artifact: Json) -> AsyncIterator[File]:
    """Yield the only file at the URI of an artefact, or those below it; raises `RegistryError` where there is none."""
    name, uri, digest = artifact["name"], artifact["uri"], str(artifact.get("digest", ""))
    store, path = _opened(name, uri)
    import obstore
    from obstore.exceptions import BaseError

    try:
        if path and not urlsplit(uri).path.endswith("/"):
            try:
                found = await asyncio.to_thread(obstore.head, store, path)
                yield File("", int(found["size"]), name, digest if digest.startswith("sha256:") else None)
                return
            except FileNotFoundError:
                pass
        count = 0
        batches = iter(obstore.list(store, prefix=path or None))
        while batch := await asyncio.to_thread(next, batches, None):
            for each in batch:
                inner = str(each["path"]).removeprefix(path).lstrip("/")
                if inner and (each["size"] or not str(each["path"]).endswith("/")):
                    yield File(inner, int(each["size"]), name)
                    count += 1
    except (BaseError, OSError) as error:
        raise _unreadable(uri, error) from error
    if not count:
        raise RegistryError(f"there is no file at {uri}")


async def content(artifact: Json, inner: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a file of an artefact."""
    store, path = _opened(artifact["name"], artifact["uri"])
    import obstore
    from obstore.exceptions import BaseError

    try:
        answer = await asyncio.to_thread(obstore.get, store, "/".join(filter(None, (path, inner))))
        parts = iter(answer.stream(min_chunk_size=CHUNK))
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield bytes(part)
    except (BaseError, OSError) as error:
        raise _unreadable(artifact["uri"], error) from error


def _opened(name: str, uri: str) -> tuple[Any, str]:
    """Return the store of a URI, and the path in it.

    Kubeflow's client writes the endpoint and the region of S3 into the query, as `?endpoint=...&defaultRegion=...`.
    """
    parts = urlsplit(uri)
    if parts.scheme.lower() not in OBJECT_STORES:
        raise RegistryError(f"the artefact {name} is {uri}, and only object stores can be read; leave --verify out")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ModuleNotFoundError as error:
        raise RegistryError(str(missing_extra("obstore", f"reading {uri}"))) from error
    given = {key: values[0] for key, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {"retry_config": RETRIES}
    base, path = parts._replace(path="", query="", fragment="").geturl(), parts.path.strip("/")
    if parts.scheme in ("http", "https"):
        if parts.query:
            raise RegistryError(f"the artefact {name} is {uri}, which has a query; leave --verify out")
        directory, _, path = path.rpartition("/")
        base = f"{base}/{directory}"
        options["client_options"] = {"allow_http": parts.scheme == "http"}
    elif endpoint := given.get("endpoint"):
        options |= {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http://")}}
        options |= {"region": given["defaultRegion"]} if "defaultRegion" in given else {}
    try:
        return from_url(base, **options), path
    except (BaseError, ValueError, OSError) as error:
        raise _unreadable(uri, error) from error


def _unreadable(uri: str, error: Exception) -> RegistryError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return RegistryError(f"{uri} cannot be read: {clip(first, 300).rstrip('.')}. {HINT}")
