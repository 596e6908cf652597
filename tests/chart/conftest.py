"""A control plane that knows nothing of Pennant yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chart.rendering import CI_VALUES, HELMS
from rig import Rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Start a control plane without our CRDs, on which nothing runs: the chart is to be installed."""
    with Rig.start(tmp_path_factory.mktemp("rig"), ("etcd", "kube-apiserver", "kube-controller-manager")) as running:
        yield running


@pytest.fixture(params=HELMS, ids=lambda major: f"helm {major}")
def major(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture(params=CI_VALUES, ids=lambda path: path.stem)
def values_file(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found
