"""Official release binaries with their published checksums, for those who have the open internet and ask for it.

The directory layout is that of the Kubernetes release mirror: `<base>/v<version>/bin/linux/amd64/<program>` with the
hexadecimal sha256 beside it as `<program>.sha256`.
"""

import hashlib
import os
import platform
import urllib.request
from pathlib import Path

from rig.build import KUBERNETES

BASE_VARIABLE = "PENNANT_RIG_RELEASES"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class DownloadError(Exception):
    """A program could not be had, or is not what its publisher says; nothing was installed."""


def download(names: list[str], directory: Path, base: str | None = None) -> None:
    """Install the programs that the release mirror has, each only if its checksum is right."""
    base = base or os.environ.get(BASE_VARIABLE)
    if not base:
        raise DownloadError(f"set {BASE_VARIABLE} to the URL of a Kubernetes release mirror")
    directory.mkdir(parents=True, exist_ok=True)
    for name in (each for each in names if each in PROGRAMS):
        url = f"{base}/v{KUBERNETES}/bin/linux/{ARCHITECTURES[platform.machine()]}/{name}"
        content = _fetch(url)
        expected = _fetch(f"{url}.sha256").decode().split()[0]
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise DownloadError(f"{url} has the sha256 {actual}, but {expected} was published; nothing was installed")
        scratch = directory / f".{name}"
        scratch.write_bytes(content)
        scratch.chmod(0o755)
        scratch.rename(directory / name)
        print(f"{name} v{KUBERNETES} downloaded, sha256 {expected}")


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=600) as answer:
            body: bytes = answer.read()
            return body
    except OSError as error:
        raise DownloadError(f"{url}: {error}") from error
