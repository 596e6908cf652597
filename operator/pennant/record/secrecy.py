"""Addresses as a record may have them: without passwords, tokens and signatures."""

import re
from urllib.parse import parse_qsl, urlsplit

SECRET = re.compile(r"sig(nature)?$|token|credential|secret|password|api_?key|access_?key", re.IGNORECASE)
"""Names of the parameters of a signed URL, such as `X-Amz-Signature` or `sig`."""

SECRET_VALUE = re.compile(
    r"passw(or)?d|secret|credential|(api|access|account|private)[-_]?key|^token$"
    r"|(api|auth|access|bearer|github|gitlab|hf|hub|refresh|session|wandb)[-_]?token$",
    re.IGNORECASE,
)
"""Names of values that people log and that no record may have. A `max_token` or a `pad_token` is none of them."""


def without_credentials(url: str) -> str:
    """Return a URL without a password or token, and without its query where that is signed."""
    if re.match(r"[a-z][a-z0-9+.-]*://", url, re.IGNORECASE) is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    # The user of an object store is the bucket or container, as in abfs://container@account.
    is_name = user and ":" not in user and parts.scheme not in ("http", "https")
    keeps_user = is_name or (parts.scheme == "ssh" and user)
    netloc = f"{user.partition(':')[0]}@{host}" if keeps_user else host
    is_signed = any(SECRET.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return parts._replace(netloc=netloc, query="" if is_signed else parts.query).geturl()
