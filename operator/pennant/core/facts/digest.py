"""Digests of JSON values, which do not depend on the order of keys or on white space."""

import base64
import hashlib
import json
from typing import Any

from pennant.api.meta import Json


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of a value: sorted keys, no white space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(value: Any) -> str:
    """Return `sha256:` and the hexadecimal digest of the canonical JSON of a value."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def short_hash(value: Any) -> str:
    """Return the first 12 hexadecimal digits of the digest, which are a valid label value."""
    return sha256(value).removeprefix("sha256:")[:12]


def comparable(digest: str | None) -> str | None:
    """Return a digest of a record so that two of the same bytes are equal: in small letters, and an md5 not in base64.

    Digests of different algorithms stay different. None stays None.
    """
    if digest is None:
        return None
    algorithm, _, value = digest.partition(":")
    if algorithm == "md5" and value.endswith("=="):
        return f"md5:{base64.b64decode(value).hex()}"
    return digest if algorithm in ("crc32c", "etag") else f"{algorithm}:{value.lower()}"


def content_digest(record: Json) -> str:
    """Return the content digest of a record: of its artefacts, preprocessing and serving configuration.

    Version, description and tags do not count, so a content that failed is recognised in another record. An artefact
    without a digest is identified by its URI.
    """
    return sha256(
        {
            "artifacts": [_identity(each) for each in record.get("artifacts") or ()],
            "preprocessing": _identity(record.get("preprocessing") or {}),
            "serving": record.get("serving") or {},
        }
    )


def _identity(part: Json) -> Json:
    by = next((key for key in ("digest", "manifestDigest", "uri", "manifestUri") if part.get(key)), None)
    known = str(part[by]) if by else ""
    value = (comparable(known) or "") if by in ("digest", "manifestDigest") else known
    return {"name": part.get("name", ""), "id": value, "by": by or ""}
