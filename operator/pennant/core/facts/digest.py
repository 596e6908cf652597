"""Digests of JSON values: the same content has the same digest, whoever wrote it and in which order."""

import hashlib
import json
from typing import Any

from pennant.api.meta import Json


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no white space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(value: Any) -> str:
    """Return `sha256:` and the hexadecimal digest of the canonical JSON of a value."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def short_hash(value: Any) -> str:
    """Return the first 12 hexadecimal digits of the digest: a name for a content, fit for a label."""
    return sha256(value).removeprefix("sha256:")[:12]


def content_digest(record: Json) -> str:
    """Return the digest of what a version makes its server do.

    Two records with the same artefacts, preprocessing and serving needs are the same thing to serve, under
    whatever name, description or tag: so a bad content stays recognised when its record is made anew.
    An artefact without a digest is known by its URI alone.
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
    return {"name": part.get("name", ""), "id": part.get(by, "") if by else "", "by": by or ""}
