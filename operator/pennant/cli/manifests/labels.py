"""What Kubernetes refuses in labels and annotations of an object. The schema only says that they are strings."""

import re
from collections.abc import Iterator
from typing import Any

from pennant.api.meta import SUBDOMAIN_PATTERN
from pennant.cli.manifests.documents import Path, Problem

LONGEST, LONGEST_DOMAIN = 63, 253
_NAME = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?", flags=re.ASCII)
_SHAPE = "begin and end with a letter or digit, and have at most 63 characters"
_SIGNS = "letters, digits, dashes, underscores and dots"
NO_VALUE = f"the value of a label must be empty, or be {_SIGNS}, {_SHAPE}; an annotation can have any text"
NO_KEY = f"the key must be {_SIGNS}, {_SHAPE}; a domain in lower case and a slash may precede it: example.com/team"


def problems(metadata: Any, path: Path) -> Iterator[Problem]:
    """Yield the keys and values that Kubernetes refuses; values of a wrong type are left to the schema."""
    for field in ("labels", "annotations"):
        listed = metadata.get(field) if isinstance(metadata, dict) else None
        for key, value in listed.items() if isinstance(listed, dict) else ():
            # Of annotations, Kubernetes does not look at the case of the domain.
            if not is_key(key if field == "labels" else key.lower()):
                yield Problem((*path, field, key), NO_KEY)
            elif field == "labels" and isinstance(value, str) and not is_value(value):
                yield Problem((*path, field, key), NO_VALUE)


def is_key(text: str) -> bool:
    """Return whether Kubernetes takes a text as the key of a label."""
    domain, slash, name = text.rpartition("/")
    is_domain = len(domain) <= LONGEST_DOMAIN and re.fullmatch(SUBDOMAIN_PATTERN[1:-1], domain) is not None
    return (is_domain or not slash) and bool(name) and is_value(name)


def is_value(text: str) -> bool:
    """Return whether Kubernetes takes a text as the value of a label."""
    return len(text) <= LONGEST and (not text or _NAME.fullmatch(text) is not None)
