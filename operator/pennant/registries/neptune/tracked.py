"""The list of files of an artefact of Neptune, which tracks data by the hashes of its files and keeps none of it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pennant.record.secrecy import without_credentials
from pennant.registries.protocol import RegistryError

LARGEST = 64 * 1024 * 1024
PLACES = ("location", "file_path")
"""Metadata of a file that says where it is: in an object store, or on the machine where it was tracked."""


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """A file that Neptune tracked."""

    path: str
    digest: str | None
    """None: of no known kind."""
    size: int | None
    uri: str
    """Empty: Neptune does not say it."""


def read(path: Path) -> tuple[TrackedFile, ...]:
    """Return the files of a `files_list.json`, sorted; raises `RegistryError` where it is no such list."""
    try:
        if path.stat().st_size > LARGEST:
            raise RegistryError(f"{path} has more than {LARGEST >> 20} MiB")
        listed = json.loads(path.read_bytes())
        return tuple(sorted((_file(each) for each in listed), key=lambda each: each.path))
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RegistryError(f"{path} is no list of files of Neptune: {error!r}") from error


def _file(known: Mapping[str, Any]) -> TrackedFile:
    metadata = {str(each.get("key")): str(each.get("value")) for each in known.get("metadata") or ()}
    size = known.get("size")
    uri = next((metadata[each] for each in PLACES if metadata.get(each)), "")
    return TrackedFile(
        path=str(known["filePath"]),
        digest=_digest(str(known.get("fileHash") or ""), str(known.get("type") or "")),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        uri=without_credentials(uri),
    )


def _digest(value: str, kind: str) -> str | None:
    """Return the hash of a file: of a local one it is a sha1, of one in an object store what the store says."""
    if kind == "Local" and re.fullmatch("[0-9a-f]{40}", value):
        return f"sha1:{value}"
    return f"etag:{value}" if re.fullmatch(r"[!-~]{1,128}", value) else None


def uri_of(files: tuple[TrackedFile, ...]) -> str | None:
    """Return where the files are; a directory ends with a slash. None: Neptune does not say it, or they lie apart."""
    if len(files) == 1:
        return files[0].uri or None
    roots = {each.uri.removesuffix(f"/{each.path}") if each.uri.endswith(f"/{each.path}") else "" for each in files}
    return f"{roots.pop()}/" if len(roots) == 1 and "" not in roots else None


def digest_of(files: tuple[TrackedFile, ...]) -> str | None:
    """Return the digest of one file, or that of a list of files with their hashes, as sha1sum writes it."""
    if not files or any(each.digest is None for each in files):
        return None
    if len(files) == 1:
        return files[0].digest
    lines = "".join(f"{str(each.digest).partition(':')[2]}  {each.path}\n" for each in files)
    return f"sha1:{hashlib.sha1(lines.encode(), usedforsecurity=False).hexdigest()}"
