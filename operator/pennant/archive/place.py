"""Where an archive is: a directory, or a bucket of an object store."""

from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import urlsplit

from pennant.ports import Refused

SCHEMES = ("s3", "gs", "az", "abfs", "abfss")
NEEDS = "s3://, gs://, az:// and abfss:// need the package obstore: install pennant[fetch]"


class Place(Protocol):
    """A place that keeps files by name. Each method raises `Unavailable` and `Refused`."""

    async def create(self, name: str, content: bytes) -> bool:
        """Write a new file completely, and return True when it is durable; False where the name exists already."""
        ...

    async def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...

    def names(self, under: str) -> AsyncIterator[str]:
        """Yield the names of all files below a directory, in no order."""
        ...

    def close(self) -> None:
        """Free what the place uses."""
        ...


def check(where: str) -> str:
    """Return why this cannot be an archive; empty: it can."""
    parts = urlsplit(where)
    if not parts.scheme:
        return (
            "" if where.startswith("/") else f"must be an absolute path, or a URL such as s3://bucket/pennant: {where}"
        )
    if parts.scheme not in SCHEMES:
        return f"scheme {parts.scheme} is not known; use a path, or one of {', '.join(SCHEMES)}"
    # abfss://CONTAINER@ACCOUNT/PATH names the container before the @.
    if parts.password or (parts.username and not parts.scheme.startswith("abfs")):
        return "must not contain credentials; give them as environment variables, such as AWS_ACCESS_KEY_ID"
    return "" if parts.netloc else "must name a bucket, such as s3://bucket/pennant"


def opened(where: str) -> Place:
    """Return the place; raises `Refused` where it cannot be one."""
    if problem := check(where):
        raise Refused(problem)
    if urlsplit(where).scheme:
        try:
            from pennant.archive.object_store import ObjectStore
        except ModuleNotFoundError as error:
            raise Refused(NEEDS) from error
        return ObjectStore(where)
    from pennant.archive.directory import Directory

    return Directory(where)
