"""The real registries, and the control plane and operator of tests/cluster."""

from collections.abc import Iterator

import pytest

from cluster.conftest import front_end, installation, operator, scenario
from registries.mlflow_server import MlflowServer

__all__ = ["front_end", "installation", "mlflow", "operator", "scenario"]


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Start an MLflow server once for all tests; a test uses models of its own."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.stop()
