"""OCI artifacts and images, by the API of a registry: `oci://HOST/REPOSITORY[:TAG][@DIGEST]`.

`OCI_USERNAME` and `OCI_PASSWORD` are sent to the registry, and to the token service that it names. A registry on
127.0.0.1 is read without TLS, and others with `OCI_ALLOW_HTTP=true`.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from pennant.fetching.sources.source import Opened, Unavailable
from pennant.fetching.sources.web import HttpStatus, Web, basic, document

ResultT = TypeVar("ResultT")
TITLE, UNPACK = "org.opencontainers.image.title", "io.deis.oras.content.unpack"
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_URI = re.compile(r"oci://(?P<host>[^/@]+)/(?P<repository>[^:@]+)(:(?P<tag>[^@/]+))?(@(?P<digest>[^@]+))?")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob that a manifest names."""

    digest: str
    file: str | None
    """The path of the file that it is; None: it is an archive of files."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The layers of an OCI artifact, and the digest that covers all of them."""

    digest: str
    layers: tuple[Layer, ...]


class Registry:
    """An OCI artifact in a registry."""

    def __init__(self, uri: str) -> None:
        """Take a URI with the scheme `oci`; raises `Unavailable`."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise Unavailable("must be oci://HOST/REPOSITORY:TAG", is_final=True)
        self._repository, self._reference = found["repository"], found["digest"] or found["tag"] or "latest"
        local = urlsplit(f"//{found['host']}").hostname in ("127.0.0.1", "localhost", "::1")
        plain = local or os.environ.get("OCI_ALLOW_HTTP", "") == "true"
        self._base = f"{'http' if plain else 'https'}://{found['host']}/v2/{self._repository}"
        self._secret = ""

    def files(self) -> Mapping[str, int | None]:
        """Raise `Unavailable`: a manifest has layers, see `manifest`."""
        raise Unavailable("an OCI artifact has no directory to list", is_final=True)

    def manifest(self, digest: str | None) -> Manifest:
        """Return the manifest with this digest; None: that of the tag."""
        url = f"{self._base}/manifests/{digest or self._reference}"
        headers = {"Accept": ", ".join(MANIFESTS)}
        content = self._authorized(lambda: document(url, headers, self._secret))[0]
        algorithm = (digest or "sha256:").partition(":")[0]
        try:
            layers = tuple(_layer(each) for each in json.loads(content)["layers"])
        except (ValueError, KeyError, TypeError) as error:
            said = "its manifest is none of an image or an OCI artifact: name that of one platform, not an index"
            raise Unavailable(said, is_final=True) from error
        return Manifest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}", layers)

    def open(self, path: str, offset: int) -> Opened:
        """Return the blob with this digest from an offset on."""
        return self._authorized(lambda: Web(f"{self._base}/blobs/{path}", self._secret).open("", offset))

    def _authorized(self, act: Callable[[], ResultT]) -> ResultT:
        """Return what `act` returns, which is tried again with the token that the registry asks for."""
        try:
            return act()
        except HttpStatus as error:
            if error.code != 401:
                raise
            self._secret = self._answer(error.headers.get("WWW-Authenticate", ""))
            if not self._secret:
                raise
        return act()

    def _answer(self, challenge: str) -> str:
        """Return the Authorization that a registry asks for; empty: there are no credentials for it."""
        user, password = os.environ.get("OCI_USERNAME", ""), os.environ.get("OCI_PASSWORD", "")
        own = basic(user, password) if user else ""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return own
        asked = dict(_CHALLENGE.findall(rest))
        realm = asked.get("realm", "")
        if urlsplit(realm).scheme != "https" and not self._base.startswith("http://"):
            raise Unavailable("the registry names a token service without TLS", is_final=True)
        query = {name: asked[name] for name in ("service", "scope") if name in asked}
        content, _ = document(f"{realm}?{urlencode(query)}", secret=own)
        try:
            found = json.loads(content)
            return f"Bearer {found.get('token') or found['access_token']}"
        except (ValueError, KeyError, AttributeError) as error:
            raise Unavailable("the token service of the registry gave no token") from error


def _layer(raw: Any) -> Layer:
    digest, notes = str(raw["digest"]), raw.get("annotations") or {}
    if _DIGEST.fullmatch(digest) is None:
        raise ValueError(digest)
    title = notes.get(TITLE)
    return Layer(digest, None if title is None or notes.get(UNPACK) == "true" else str(title))
