"""The artefacts to fetch, as they are named on the command line: `NAME=URI@DIGEST`."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from pennant.api.artifacts import Artifact
from pennant.api.meta import DIGEST_PATTERN
from pennant.core.facts.digest import comparable
from pennant.core.rollout import delivery
from pennant.record.secrecy import without_credentials

_WORD = re.compile(f"(?P<name>[^=/]+)=(?P<uri>.+?)(@(?P<digest>{DIGEST_PATTERN.strip('^$')}))?")
_BROKEN = re.compile(f"[^@]@(?P<digest>({'|'.join(delivery.COMPUTABLE)}):[^@/]*)$")
"""What looks like the digest of a URI, and is not valid as one."""
_LENGTHS = "sha256 has 64 hexadecimal digits, sha384 96, sha512 128, sha1 40, md5 32"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An artefact to fetch."""

    name: str
    uri: str
    digest: str | None
    """In small letters; None: the record has none, and none is required."""
    is_directory: bool
    is_unpacked: bool
    target: str
    """Its path in the volume."""
    signature: str | None = None
    """The URI of its signature; None: it has none."""

    @property
    def shown(self) -> str:
        """The URI without credentials."""
        return without_credentials(self.uri)


def wanted(
    words: Iterable[str], unpack: Collection[str], signatures: Mapping[str, str] | None = None, *, by_digest: bool
) -> tuple[Wanted, ...]:
    """Return the artefacts that these words name; raises `ValueError` with what is wrong with one.

    `signatures` has the URI of a signature by the name of the artefact.
    """
    signed = signatures or {}
    found = tuple(_wanted(each, unpack, by_digest) for each in words)
    names = [each.name for each in found]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise ValueError(f"the name {twice} is there twice")
    if unknown := sorted(set(unpack) - set(names)):
        raise ValueError(f"--unpack names {', '.join(unknown)}, which is no --artifact")
    if unknown := sorted(signed.keys() - set(names)):
        raise ValueError(f"--signature names {', '.join(unknown)}, which is no --artifact")
    return tuple(replace(each, signature=signed.get(each.name)) for each in found)


def _wanted(word: str, unpack: Collection[str], by_digest: bool) -> Wanted:
    parts = _WORD.fullmatch(word)
    if parts is None:
        raise ValueError(f"{without_credentials(word)!r} must be NAME=URI@DIGEST")
    name, uri, digest = parts["name"], parts["uri"], comparable(parts["digest"])
    if digest is None and (broken := _BROKEN.search(uri)):
        raise ValueError(f"{name}: the digest {broken['digest']} is not valid: {_LENGTHS}")
    try:
        artifact = Artifact(name=name, uri=uri, digest=digest)
    except ValidationError as error:
        field = error.errors()[0]["loc"][0]
        raise ValueError(
            f"{name}: its {field} is not valid; a name has lower-case letters, digits and dashes"
        ) from error
    known = delivery.computable(artifact)
    if digest is not None and digest.partition(":")[0] not in known:
        raise ValueError(f"{name}: the digest must be one of {', '.join(known)}")
    if by_digest and digest is None:
        raise ValueError(f"{name}: --by-digest needs a digest")
    target = delivery.target(artifact, name in unpack, by_digest=by_digest)
    return Wanted(name, uri, digest, uri.endswith("/"), name in unpack, target)
