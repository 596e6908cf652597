"""Certificates of authorities, for tests that look at what is trusted and need no key."""

import re
from pathlib import Path

import certifi

_BUNDLE = Path(certifi.where()).read_text(encoding="utf-8")
CERTIFICATES = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", _BUNDLE, re.DOTALL)[:2]
"""Two of them, in PEM."""
