"""Official release binaries with their published checksums, for those who have the open internet and ask for it.

The layout is that of Kubernetes' releases: `<base>/v<version>/bin/linux/<architecture>/<program>` with the hexadecimal
sha256 beside it as `<program>.sha256`. etcd, Prometheus and the others are not published so, and are built.
"""

import hashlib
import platform
import shutil
import tempfile
import urllib.request
from collections.abc import Iterable
from http.client import HTTPResponse
from pathlib import Path

from rig.errors import DownloadError
from rig.programs import KUBERNETES_VERSION, Program
from rig.store import alone, cached, install

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PUBLISHED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
TIMEOUT_SECONDS = 60


def download(programs: Iterable[Program], base: str) -> None:
    """Install into the cache those of the programs that are published, each only if its checksum is right."""
    for program in programs:
        if program.name in PUBLISHED:
            with alone(cached(program).parent):
                _install(program, base.rstrip("/"))


def _install(program: Program, base: str) -> None:
    url = f"{base}/{KUBERNETES_VERSION}/bin/linux/{_architecture()}/{program.name}"
    with _open(f"{url}.sha256") as answer:
        published = answer.read(1000).decode("ascii", errors="replace").split()[:1]
    with tempfile.TemporaryDirectory(dir=cached(program).parent, prefix=".download-") as scratch:
        path = Path(scratch) / program.name
        try:
            with _open(url) as answer, path.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except OSError as error:
            raise DownloadError(f"{url}: {error}") from error
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if [actual] != published:
            said = published[0] if published else "nothing"
            raise DownloadError(f"{url} has the sha256 {actual}, but {said} was published; it was not installed")
        install(path, cached(program))
    print(f"{program.name} {KUBERNETES_VERSION} downloaded, sha256 {actual}")


def _architecture() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise DownloadError(f"no releases are known for {machine}")
    return ARCHITECTURES[machine]


def _open(url: str) -> HTTPResponse:
    try:
        answer: HTTPResponse = urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)
    except OSError as error:
        raise DownloadError(f"{url}: {error}") from error
    return answer
