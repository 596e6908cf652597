"""Signatures of artefacts by OpenSSF's model-signing, checked with the public key of the ModelDeployment.

Rule: R167.
"""

import hashlib
import importlib
import uuid
from pathlib import Path
from typing import Any

from pennant.fetching.download import Downloads
from pennant.fetching.errors import FetchError, Refused
from pennant.fetching.progress import say
from pennant.fetching.sources.choice import source_of
from pennant.fetching.sources.registry import Registry
from pennant.fetching.wanted import Wanted

LARGEST_SIGNATURE = 16 * 1024 * 1024
"""Bytes of a signature: it lists each file of a directory."""
NONE = "-"


class Signatures:
    """Checks signatures, if there is a key to check them with."""

    def __init__(self, public_key: bytes | None) -> None:
        """Take a public key as PEM; None: no signature is checked."""
        self._key = public_key
        self.signer = hashlib.sha256(public_key).hexdigest() if public_key is not None else NONE
        """What the key is known by; `-` where there is none."""

    def check(self, artifact: Wanted, place: Path, own: Path, downloads: Downloads) -> None:
        """Raise `Refused` where an artefact has no valid signature by the key. `own` is a directory for files."""
        if self._key is None:
            return
        if artifact.signature is None:
            raise Refused("it has no signature, and spec.delivery.publicKey is set")
        signature, key = (own / f"{uuid.uuid4().hex}.{kind}" for kind in ("sig", "pub"))
        try:
            source = downloads.tried(lambda: source_of(artifact.signature or ""))
            if isinstance(source, Registry):
                raise Refused("its signature cannot be read from a registry")
            if downloads.fetch(source, "", signature, "sha256").size > LARGEST_SIGNATURE:
                raise Refused("its signature is too large")
            key.write_bytes(self._key)
            _verify(place, signature, key)
        finally:
            for each in (signature, key):
                downloads.forget(each)
        say(f"{artifact.name}: has a valid signature")


def _verify(place: Path, signature: Path, key: Path) -> None:
    try:
        verifying: Any = importlib.import_module("model_signing.verifying")
    except ModuleNotFoundError as error:
        raise FetchError("to check signatures needs model-signing: pip install 'pennant[signatures]'") from error
    try:
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=key)
    except Exception as error:
        raise Refused("spec.delivery.publicKey is no public key of an elliptic curve in PEM") from error
    try:
        verifier.verify(place, signature)
    except OSError:
        raise
    except Exception as error:
        # It raises errors of many kinds, and their texts quote the signature.
        said = f"its signature is not one of the key in spec.delivery.publicKey ({type(error).__name__})"
        raise Refused(said) from error
