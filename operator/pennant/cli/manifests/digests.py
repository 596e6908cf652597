"""What the digest of a known algorithm must look like; the API server lists all algorithms."""

import string
from collections.abc import Mapping

from pennant.api.meta import DIGEST_PATTERN, MEANINGS

_HEXADECIMAL = {
    **{"sha256": "64", "sha384": "96", "sha512": "128", "sha1": "40", "blake3": "64", "md5-dir": "32"},
    **{"gitSha1": "40", "xxh128": "32", "mlflow": "8 to 64"},
}
NEEDS: Mapping[str, str] = {
    **{name: f"{digits} hexadecimal digits" for name, digits in _HEXADECIMAL.items()},
    "md5": "32 hexadecimal digits, or 24 characters of base64 that end in ==",
    "crc32c": "6 to 16 characters of base64",
    "etag": "1 to 128 printable characters without spaces",
}
"""By algorithm: what follows its name and a colon."""


def requirement(text: str) -> str:
    """Return what a digest that is refused must be; the general sentence where its algorithm is not known."""
    written, colon, value = text.partition(":")
    name = {each.lower(): each for each in NEEDS}.get(written.lower())
    if name is None or not colon:
        return MEANINGS[DIGEST_PATTERN]
    said = f"must be {name}: and {NEEDS[name]}"
    if name != written:
        return f"{said}; write {name} instead of {written}"
    other = next((each for each in value if each not in string.hexdigits), None)
    if name in _HEXADECIMAL and other is not None:
        return f"{said}; '{other}' is no hexadecimal digit"
    return f"{said}; after the colon there are {len(value)} characters"
