"""What users get with a release of the chart."""

import tarfile
from pathlib import Path

from chart.rendering import CHART, run_helm

SHIPPED = ("kustomization.yaml", "configuration.yaml", "schema.json")


def test_the_component_for_kustomize_is_in_the_package(major: int, tmp_path: Path) -> None:
    run_helm(major, "package", str(CHART), "--destination", str(tmp_path))
    (package,) = tmp_path.glob("pennant-*.tgz")
    with tarfile.open(package) as archive:
        for name in SHIPPED:
            content = archive.extractfile(f"pennant/kustomize/{name}")
            assert content is not None
            assert content.read() == (CHART / "kustomize" / name).read_bytes()
        assert not [each for each in archive.getnames() if each.startswith("pennant/ci/")]
    assert {path.name for path in (CHART / "kustomize").iterdir()} == set(SHIPPED)
