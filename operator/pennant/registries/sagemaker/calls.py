"""What SageMaker and S3 are asked, and where in S3 something is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from pennant.api.meta import Json


@dataclass(frozen=True, slots=True)
class Place:
    """An object of S3, or the beginning of the keys of several."""

    bucket: str
    key: str


class Calls(Protocol):
    """The two services. Each call raises `RegistryError`."""

    async def sagemaker(self, operation: str, **params: Any) -> Json:
        """Return the answer of SageMaker to an operation, by its name in the client, such as `list_tags`."""
        ...

    async def s3(self, operation: str, **params: Any) -> Json:
        """Return the answer of S3 to an operation."""
        ...

    def content(self, place: Place, etag: str | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of an object; raises `Refused` where it has another ETag than this."""
        ...


def place_of(uri: Any) -> Place | None:
    """Return where an `s3://BUCKET/KEY` is; None: it is no such address."""
    try:
        parts = urlsplit(str(uri or ""))
    except ValueError:
        return None
    if parts.scheme not in ("s3", "s3a") or not parts.netloc:
        return None
    # A key may have a question mark or a hash.
    return Place(parts.netloc, str(uri).partition(f"{parts.netloc}/")[2])
