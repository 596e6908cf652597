"""Verbs that are run whole, against an API server in memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pennant.cli.main import main
from unit.cli.fake_api import FakeApi, served
from unit.kube.api_server import a_kubeconfig

Ran = tuple[int, str, str]
Run = Callable[..., Ran]


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def pennant(api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run `pennant` with arguments; return its exit code and what it wrote to standard output and error."""
    with served(api) as url:
        config = a_kubeconfig(tmp_path, url)

        def run(*args: str) -> Ran:
            code = main([*args, "--kubeconfig", str(config)])
            said = capsys.readouterr()
            return code, said.out, said.err

        yield run
