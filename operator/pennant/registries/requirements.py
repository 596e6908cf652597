"""The software environment that a `requirements.txt` of a registry says."""

import hashlib
import re
from typing import Any

from pennant.record.environment import LIBRARIES, normal
from pennant.registries.notes import Notes

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[^\]]*\])?\s*={2,3}\s*(?P<version>[^\s;*,]+)\s*(;.*)?")


def environment(requirements: bytes, uri: str, notes: Notes, name: str = "requirements.txt") -> dict[str, Any]:
    """Return the environment that a `requirements.txt` says. It is a lock file only if each line has one version.

    `name` is how notes name the file.
    """
    lines = [each.partition(" #")[0].strip() for each in requirements.decode(errors="replace").splitlines()]
    wanted = [each for each in lines if each and not each.startswith(("#", "-"))]
    found: dict[str, Any] = {}
    pins = {normal(pin["name"]): pin["version"] for each in wanted if (pin := _PINNED.fullmatch(each)) is not None}
    if listed := [{"name": name, "version": pins[name][:63]} for name in sorted(LIBRARIES & pins.keys())]:
        found["frameworks"] = listed
    if loose := [each for each in wanted if _PINNED.fullmatch(each) is None]:
        notes.add(f"{name} has no exact version for {', '.join(loose[:5])}, so it is no lock file")
    elif wanted:
        found |= {"lockUri": uri, "lockDigest": f"sha256:{hashlib.sha256(requirements).hexdigest()}"}
    return found
