"""How versions and models of registries are named in a record.

A name is kept where it can be: in small letters without accents, each other sign as a dash. So `3` stays `3`,
`Release_7` becomes `release-7`, and `Café` becomes `cafe`. As a semantic version, `3` is `3.0.0`, `v1.2` is `1.2.0`,
`2024-05-01` is `2024.5.1`, and the hash of a commit has no order, so there is none. `spec.source` has the names of
the registry.
"""

import re
import unicodedata
from datetime import date

from pennant.core.versions.semver import is_semantic
from pennant.registries.protocol import RegistryError

LONGEST = 63
REMEDY = "Rename it in the registry, or register it there a second time under a name that a record can have"
_SHORT = re.compile(r"v?(0|[1-9]\d{0,17})(?:\.(0|[1-9]\d{0,17}))?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def kept(name: str) -> str:
    """Return a name as a record can have it; raises `RegistryError` where nothing of it is left or it is too long."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    without_accents = "".join(each for each in parts if not unicodedata.combining(each))
    plain = re.sub("[^a-z0-9.]+", "-", without_accents)
    fitting = ".".join(part for each in plain.split(".") if (part := each.strip("-")))
    if not fitting or len(fitting) > LONGEST:
        why = (
            "no letters from a to z and no digits, and a record needs one"
            if not fitting
            else f"{len(fitting)} characters, and a record has at most {LONGEST}"
        )
        raise RegistryError(f"the name {name!r} has {why}. {REMEDY}")
    return fitting


def semantic(version: str) -> str:
    """Return a version as a semantic one; raises `RegistryError` where it has no order."""
    name = version.lower()
    if is_semantic(name):
        return name.removeprefix("v")
    if (numbers := _SHORT.fullmatch(name)) is not None:
        return f"{numbers[1]}.{numbers[2] or 0}.0"
    if (day := _DATE.fullmatch(name)) is not None and _is_day(name):
        return f"{day[1]}.{int(day[2])}.{int(day[3])}"
    raise RegistryError(
        f"the version {version!r} has no order, so it is no semantic version; leave --as-semver out to keep its name"
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
