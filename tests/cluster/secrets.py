"""Secrets of the operator, text that comes from other servers, and a search for both in what the operator publishes.

Rule: R100.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from pathlib import Path

# With its colon it fills whole groups of base64, so that what follows is encoded as if it stood alone.
USER = "agent"
FOREIGN_TEXT = "foreign-4f1d"
"""Is part of all that a hostile server sends, and of nothing else."""
# A part is enough to be found: texts are cut.
PART = 20


def a_secret(name: str) -> str:
    return f"secret-{name}-{uuid.uuid4().hex}"


def written(directory: Path, name: str) -> Path:
    """Make a secret, and return the file that it is in."""
    path = directory / name
    path.write_text(f"{a_secret(name)}\n")
    return path


def account_token(kubeconfig: Path) -> str:
    """Return the token by which the API server knows the operator."""
    (user,) = json.loads(kubeconfig.read_text())["users"]
    return str(user["user"]["token"])


def leaks(said: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets and words are found, in which of the places."""
    needles = [(f"the {name}", part) for name, secret in secrets.items() for part in _parts(secret)]
    needles.append(("text of another server", FOREIGN_TEXT.encode()))
    return sorted({f"{name} in its {place}" for place, text in said.items() for name, part in needles if part in text})


def _parts(secret: str) -> list[bytes]:
    """Return the beginning and the end of a secret, as it is and as basic authentication sends it."""
    whole = secret.encode()
    sent = base64.b64encode(whole)
    return [whole[:PART], whole[-PART:], sent[:PART], sent[-PART:]]
