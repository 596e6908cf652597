"""The digest of an artefact of a registry, computed from its bytes as they arrive.

It is that of a directory as `pennant register` computes it; `record/hashing.py` says how a user can compute it.
"""

import hashlib
from dataclasses import dataclass

from pennant.record.errors import RegisterError
from pennant.record.hashing import check_name, of_list
from pennant.registries.protocol import FoundVersion, Registry, RegistryError


@dataclass(frozen=True, slots=True)
class Hashed:
    """The digest of the list of files, and the bytes of all of them."""

    digest: str
    size: int


async def hashed(registry: Registry, found: FoundVersion) -> Hashed:
    """Download the files of the artefact of a version and return their digest. Nothing is stored."""
    digests: dict[str, str] = {}
    total = 0
    async for file in registry.files(found):
        try:
            check_name(file.path)
        except RegisterError as error:
            raise RegistryError(str(error)) from error
        digest, size = hashlib.sha256(), 0
        async for part in registry.content(found, file):
            digest.update(part)
            size += len(part)
        if file.size is not None and size != file.size:
            raise RegistryError(
                f"{file.path} has {size} bytes, and the registry lists {file.size}. Run the import again"
            )
        digests[file.path] = digest.hexdigest()
        total += size
    if not digests:
        raise RegistryError("the artefact has no files, so it has no digest")
    return Hashed(of_list(digests), total)
