"""Where everything of one rig is: files under its directory, ports and addresses of its block."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rig.addresses import HOST, Block
from rig.errors import RigError, StartError

DEFAULT_PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "prometheus", "node")
OPTIONAL_PARTS = ("alertmanager", "kwok")
NODE = "rig-node"
MARKER = "rig.json"
_OFFSETS = {"etcd": 1, "etcd-peer": 2, "kube-apiserver": 3, "prometheus": 4, "alertmanager": 5, "kwok": 6}


@dataclass(frozen=True, slots=True)
class Place:
    """The directory and the block of one rig, and what is found in them."""

    directory: Path
    block: Block
    parts: tuple[str, ...]
    scrape_interval: str
    admin_token: str

    @classmethod
    def load(cls, state: dict[str, Any], directory: Path) -> Self:
        """Return the place that `rig.json` describes."""
        return cls(
            directory, Block(state["block"]), tuple(state["parts"]), state["scrape_interval"], state["admin_token"]
        )

    def address(self, part: str) -> str:
        """Return host:port of a part that serves."""
        return f"{HOST}:{self.block.port(_OFFSETS[part])}"

    def port(self, part: str) -> int:
        """Return the port of a part that serves."""
        return self.block.port(_OFFSETS[part])

    @property
    def urls(self) -> dict[str, str]:
        """What users talk to, by part."""
        serving = (part for part in self.parts if part in ("kube-apiserver", "prometheus", "alertmanager"))
        return {part: f"{'https' if part == 'kube-apiserver' else 'http'}://{self.address(part)}" for part in serving}

    def url(self, part: str) -> str:
        """Return the URL of a part that this rig has."""
        if part not in self.urls:
            raise RigError(f"this rig runs without {part}: it has {', '.join(self.parts)}")
        return self.urls[part]

    @property
    def certificates(self) -> Path:
        """Where the API server keeps the certificate and the key that it makes when it first starts."""
        return self.directory / "pki"

    @property
    def ca_file(self) -> Path:
        """The certificate that the API server's is checked against."""
        return self.certificates / "apiserver.crt"

    @property
    def token_file(self) -> Path:
        """The administrator's token."""
        return self.certificates / "token"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON line for each request to the API server."""
        return self.directory / "audit.log"

    def log(self, part: str) -> Path:
        """Return the log of a part."""
        return self.directory / "logs" / f"{part}.log"


def checked(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts in the order of starting; raises where one is unknown or what all need is missing."""
    known = (*DEFAULT_PARTS, *OPTIONAL_PARTS)
    if unknown := set(parts) - set(known):
        raise StartError(f"the rig has no part {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    if not {"etcd", "kube-apiserver"} <= set(parts):
        raise StartError("every rig needs etcd and kube-apiserver")
    return tuple(part for part in known if part in parts)


def read_state(directory: Path) -> dict[str, Any] | None:
    """Return what the rig of this directory last wrote about itself, or None."""
    try:
        state: dict[str, Any] = json.loads((directory / MARKER).read_text())
    except FileNotFoundError:
        return None
    return state
