"""Which source reads a URI."""

from urllib.parse import urlsplit

from pennant.fetching.sources import store
from pennant.fetching.sources.filesystem import Filesystem
from pennant.fetching.sources.hub import Hub
from pennant.fetching.sources.local import Local
from pennant.fetching.sources.registry import Registry
from pennant.fetching.sources.source import Source
from pennant.fetching.sources.web import Web


def source_of(uri: str) -> Source | Registry:
    """Return the source of a URI; raises `Unavailable` where nothing reads its scheme."""
    scheme = urlsplit(uri).scheme.lower()
    if scheme in ("", "file"):
        return Local(uri)
    if scheme in ("http", "https"):
        return Web(uri)
    if scheme == "hf":
        return Hub(uri)
    if scheme == "oci":
        return Registry(uri)
    if scheme in store.SCHEMES:
        return store.Store(uri)
    return Filesystem(uri)
