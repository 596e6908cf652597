"""The manifest of an artefact of W&B: its files, their digests, and where files lie that W&B only refers to."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pennant.api.meta import Json
from pennant.record.artifacts import FORMATS
from pennant.record.secrecy import without_credentials
from pennant.registries.protocol import File

ARTIFACT = "model"
"""Name of the only artefact of a version."""
ALGORITHMS: Mapping[str, str] = {"MANIFEST_MD5": "md5", "MANIFEST_XXH128": "xxh128"}
"""How a digest is computed, by the name that W&B has for it."""


def contents(manifest: Any) -> dict[str, Json]:
    """Return the entries of a manifest in JSON; raises `ValueError` where it is of another form."""
    found = manifest.get("contents") if isinstance(manifest, dict) else None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise ValueError("the manifest has no contents")
    return found


def digest(artifact: Json) -> str | None:
    """Return the digest of an artefact, which is that of its manifest; None: there is none of a known kind."""
    value = str(artifact.get("digest") or "").lower()
    algorithm = ALGORITHMS.get(str(artifact.get("digestAlgorithm") or "MANIFEST_MD5"))
    is_hexadecimal = len(value) == 32 and all(each in "0123456789abcdef" for each in value)
    return f"{algorithm}:{value}" if algorithm is not None and is_hexadecimal else None


def files(entries: Mapping[str, Json]) -> Iterator[File]:
    """Yield the files of a manifest, each with the digest that the bytes must have.

    An artefact that is one reference is that file, whose path in the artefact is empty.
    """
    is_one = len(entries) == 1 and reference(entries) is not None
    for path, entry in entries.items():
        size = entry.get("size")
        yield File(
            "" if is_one else path,
            size if isinstance(size, int) else None,
            ARTIFACT,
            None if entry.get("ref") else _of(entry),
        )


def entry_of(entries: Mapping[str, Json], file: File) -> Json:
    """Return the entry of a file of a manifest; empty: there is none."""
    return entries.get(file.path, {}) if file.path else next(iter(entries.values()), {})


def _of(entry: Json) -> str | None:
    algorithm = str((entry.get("extra") or {}).get("alg") or "MD5").lower()
    try:
        value = base64.b64decode(str(entry.get("digest") or ""), validate=True).hex()
    except (binascii.Error, ValueError):
        return None
    return f"{algorithm}:{value}" if len(value) == 32 else None


def reference(entries: Mapping[str, Json]) -> str | None:
    """Return the URI of a file or directory that has all files; None: W&B keeps some of them, or they lie apart."""
    refs = {path: str(entry.get("ref") or "") for path, entry in entries.items()}
    if not refs or not all(refs.values()):
        return None
    if len(refs) == 1:
        return without_credentials(*refs.values())
    roots = {ref.removesuffix(f"/{path}") if ref.endswith(f"/{path}") else "" for path, ref in refs.items()}
    return f"{without_credentials(*roots)}/" if len(roots) == 1 and "" not in roots else None


def file_format(entries: Mapping[str, Json]) -> str | None:
    """Return the format that the names of the files say; None: they say none, or several."""
    found = {FORMATS[suffix] for path in entries if (suffix := PurePosixPath(path).suffix.lower()) in FORMATS}
    return found.pop() if len(found) == 1 else None
