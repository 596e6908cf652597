"""The digests of the artefacts of a version, computed from their bytes as they arrive. Nothing is stored.

The digest of a directory is that of `pennant register`; `record/hashing.py` says how a user can compute it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pennant.core.facts.digest import comparable
from pennant.record.errors import RegisterError
from pennant.record.hashing import check_name, of_list
from pennant.registries.fields import MAX_ANNOTATIONS
from pennant.registries.protocol import File, FoundVersion, Registry, RegistryError

COMPUTED = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
"""Algorithms of registries that are compared with the bytes; others, such as an etag, cannot be."""


@dataclass(slots=True)
class _Hashed:
    digests: dict[str, str] = field(default_factory=dict)
    """The hexadecimal sha256 of each file, by its path."""
    size: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        if "" in self.digests:
            return {"sizeBytes": self.size, "digest": f"sha256:{self.digests['']}"}
        return {"sizeBytes": self.size, "manifestDigest": of_list(self.digests)}


async def verified(registry: Registry, found: FoundVersion) -> dict[str, Any]:
    """Return the record of a version with the sha256 of all artefacts, from their bytes.

    Another digest that the registry has of an artefact moves into an annotation of the source. Raises `RegistryError`
    where the bytes cannot be read, or are not those that the registry lists.
    """
    hashed: dict[str, _Hashed] = {}
    async for file in registry.files(found):
        await _add(registry, found, file, hashed.setdefault(file.artifact, _Hashed()))
    artifacts, others = [], {}
    for artifact in found.record.get("artifacts", ()):
        name = artifact["name"]
        if name not in hashed:
            raise RegistryError(f"the artefact {name} has no files, so it has no digest")
        fields = hashed[name].fields
        before = _digest(artifact)
        if before is not None and before not in fields.values():
            others[registry_digest(name)] = before
        kept = {key: value for key, value in artifact.items() if key not in ("digest", "manifestDigest")}
        artifacts.append({**kept, **fields})
    record = {**found.record, "artifacts": artifacts}
    if others:
        annotations = {**others, **record["source"].get("annotations", {})}
        bounded = dict(list(annotations.items())[:MAX_ANNOTATIONS])
        record["source"] = {**record["source"], "annotations": bounded}
    return record


def registry_digest(artifact: str) -> str:
    """Return the name of the annotation with the registry's own digest of an artefact."""
    return f"digest.{artifact}"


async def _add(registry: Registry, found: FoundVersion, file: File, hashed: _Hashed) -> None:
    try:
        check_name(file.path)
    except RegisterError as error:
        raise RegistryError(str(error)) from error
    shown = file.path or f"the artefact {file.artifact}"
    if file.path in hashed.digests or (hashed.digests and "" in (file.path, *hashed.digests)):
        raise RegistryError(f"the registry lists {shown} twice")
    algorithm, expected = _expected(file.digest)
    digest, theirs, size = hashlib.sha256(), hashlib.new(algorithm, usedforsecurity=False), 0
    async for part in registry.content(found, file):
        digest.update(part)
        theirs.update(part)
        size += len(part)
    if file.size is not None and size != file.size:
        remedy = file.remedy or "Run the import again"
        raise RegistryError(f"{shown} has {size} bytes, and the registry lists {file.size}. {remedy}")
    if expected is not None and theirs.hexdigest() != expected:
        raise RegistryError(
            f"{shown} has the digest {algorithm}:{theirs.hexdigest()}, and the registry lists {file.digest}: the bytes "
            f"are not those that were registered{f'. {file.remedy}' if file.remedy else ''}"
        )
    hashed.digests[file.path] = digest.hexdigest()
    hashed.size += size


def _expected(digest: str | None) -> tuple[str, str | None]:
    """Return the algorithm of a digest and its value in hexadecimal; None: it cannot be compared with bytes."""
    algorithm, _, value = (comparable(digest) or "").partition(":")
    return (algorithm, value) if algorithm in COMPUTED else ("sha256", None)


def aligned(there: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two specs without the digests of artefacts that cannot contradict each other.

    A digest that was computed from the bytes is of another algorithm than the registry's own. The annotation beside it
    has that one; without it, nothing is known.
    """
    there_by, found_by = ({each["name"]: dict(each) for each in spec.get("artifacts", ())} for spec in (there, found))
    for name in there_by.keys() & found_by.keys():
        one, other = _digest(there_by[name]), _digest(found_by[name])
        if one is None or other is None or _algorithm(one) == _algorithm(other):
            continue
        annotations = (spec.get("source", {}).get("annotations", {}) for spec in (there, found))
        known = next((each[registry_digest(name)] for each in annotations if registry_digest(name) in each), None)
        if known is None or comparable(known) in (comparable(one), comparable(other)):
            for artifact in (there_by[name], found_by[name]):
                artifact.pop("digest", None)
                artifact.pop("manifestDigest", None)
    return {**there, "artifacts": [*there_by.values()]}, {**found, "artifacts": [*found_by.values()]}


def _digest(artifact: Mapping[str, Any]) -> str | None:
    digest = artifact.get("digest") or artifact.get("manifestDigest")
    return str(digest) if digest is not None else None


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]
