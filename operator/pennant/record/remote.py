"""Digests of what is at a URL: by obstore for object stores and HTTP, by fsspec for every other scheme it knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pennant.record.errors import RegisterError, missing_extra
from pennant.record.hashing import CHUNK, Hashed, of_chunks, of_list
from pennant.record.progress import Meter
from pennant.record.secrecy import without_credentials

BUCKETS = frozenset({"s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss"})
OBJECT_STORES = BUCKETS | {"http", "https"}


def of_url(url: str, meter: Meter) -> Hashed:
    """Return the digest of a file, or of all files below a URL that ends with `/`.

    The credentials are those that the libraries find, such as AWS_ACCESS_KEY_ID. Raises `RegisterError` where it cannot
    be read.
    """
    with _explained(url, ". If its digest is known, write it after the URL, as in URL@sha256:..."):
        return (_of_store if _is_store(url) else _of_filesystem)(url, meter)


def stream(url: str) -> Iterator[bytes]:
    """Yield the bytes of a file; raises `RegisterError` where it cannot be read."""
    with _explained(url):
        if _is_store(url):
            import obstore

            store, path = _store(url)
            yield from (bytes(each) for each in obstore.get(store, path).stream(min_chunk_size=CHUNK))
        else:
            from fsspec.core import url_to_fs

            system, path = url_to_fs(url)
            with system.open(path, "rb") as file:
                yield from iter(lambda: file.read(CHUNK), b"")


def _is_store(url: str) -> bool:
    """Return whether obstore reads a URL. It takes a query for a part of the path."""
    parts = urlsplit(url)
    return parts.scheme.lower() in OBJECT_STORES and not parts.query


@contextmanager
def _explained(url: str, hint: str = "") -> Iterator[None]:
    """Raise `RegisterError` for whatever the libraries raise, which are errors of many kinds, by scheme."""
    shown, library = without_credentials(url), "obstore" if _is_store(url) else "fsspec"
    try:
        yield
    except RegisterError:
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == library:
            raise missing_extra(library, f"reading {shown}") from error
        raise RegisterError(f"{shown} cannot be read: {error}") from error
    except Exception as error:
        said = " ".join(str(error).replace(url, shown).split())[:300] or type(error).__name__
        raise RegisterError(f"{shown} cannot be read: {said}{hint}") from error


def _store(url: str) -> tuple[Any, str]:
    """Return the store of a URL, and the path in it."""
    from obstore.store import from_url

    parts = urlsplit(url)
    base, path = parts._replace(path="", fragment="").geturl(), parts.path.lstrip("/")
    if parts.scheme not in ("http", "https"):
        return from_url(base), path
    directory, _, path = path.rpartition("/")
    return from_url(f"{base}/{directory}", client_options={"allow_http": parts.scheme == "http"}), path


def _of_store(url: str, meter: Meter) -> Hashed:
    import obstore

    store, path = _store(url)

    def chunks(name: str) -> Iterator[bytes]:
        return (bytes(each) for each in obstore.get(store, name).stream(min_chunk_size=CHUNK))

    if not url.endswith("/"):
        found = obstore.get(store, path)
        with meter.measuring(without_credentials(url), found.meta["size"]):
            digest, length = of_chunks((bytes(each) for each in found.stream(min_chunk_size=CHUNK)), meter)
        return Hashed(f"sha256:{digest}", length)
    sizes = {each["path"]: each["size"] for batch in obstore.list(store, path.rstrip("/")) for each in batch}
    return _of_files(url, {name.removeprefix(path): (name, size) for name, size in sizes.items()}, chunks, meter)


def _of_filesystem(url: str, meter: Meter) -> Hashed:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(url)

    def chunks(name: str) -> Iterator[bytes]:
        with system.open(name, "rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")

    if not url.endswith("/"):
        with meter.measuring(without_credentials(url), system.size(path)):
            digest, length = of_chunks(chunks(path), meter)
        return Hashed(f"sha256:{digest}", length)
    root = path.rstrip("/") + "/"
    listed = {name: each["size"] for name, each in system.find(path, detail=True).items()}
    return _of_files(url, {name.removeprefix(root): (name, size) for name, size in listed.items()}, chunks, meter)


def _of_files(url: str, files: dict[str, tuple[str, int]], chunks: Any, meter: Meter) -> Hashed:
    """Return the digest of files, given the name in the store and the size of each by its path."""
    if not files:
        raise RegisterError(f"there is no file below {without_credentials(url)}")
    with meter.measuring(without_credentials(url), sum(size for _, size in files.values())):
        digests = {path: of_chunks(chunks(name), meter)[0] for path, (name, _) in files.items()}
    return Hashed(of_list(digests), sum(size for _, size in files.values()), len(files))
