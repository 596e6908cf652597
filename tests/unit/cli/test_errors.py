"""What a user is told where a verb cannot do its work: the cause and what to do, in one line, and exit code 1."""

import socket
from pathlib import Path
from typing import Any

import pytest

from pennant.cli.main import main
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.kube.api_server import a_kubeconfig
from unit.kube.raw import raw_deployment


def test_a_server_that_cannot_be_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert main(["get", "--kubeconfig", str(a_kubeconfig(tmp_path, url))]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: the server at {url} does not answer: ")
    assert err.endswith("Is the address right?\n")


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        (401, "Unauthorized", "does not accept your credentials: Unauthorized. Log in again"),
        (403, "denied", "permission is missing: "),
        (404, "the server could not find the requested resource", "has no ModelDeployments (pennant.dev). Install"),
    ],
)
def test_an_answer_of_the_server(
    pennant: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch, code: int, message: str, says: str
) -> None:
    def refused(*_: Any) -> tuple[int, dict[str, Any]]:
        return code, {"kind": "Status", "code": code, "message": message}

    monkeypatch.setattr(api, "get", refused)
    monkeypatch.setattr(api, "list", refused)
    for verb in ("history", "status", "why", "restart"):
        exit_code, out, err = pennant(verb, "fraud")
        assert (exit_code, out, err.count("\n")) == (1, "", 1), err
        assert says in err


def test_an_operator_that_does_not_answer(pennant: Run, api: FakeApi) -> None:
    api.add("modeldeployments", raw_deployment())
    code, out, err = pennant("restart", "fraud", "--timeout", "100ms")
    assert (code, out) == (1, "")
    assert err.startswith("error: the operator did not answer `restart` within ")
    assert "Is it running, and does it watch namespace default?" in err


@pytest.mark.parametrize("verb", ["history", "status", "undo", "restart", "pause", "why", "audit", "get", "retry"])
def test_another_kind_of_object(pennant: Run, verb: str) -> None:
    code, _, err = pennant(verb, "deployment/web")
    assert code == 1
    assert err == (
        "error: deployment/web is not a ModelDeployment; name it as NAME, mdep/NAME or modeldeployment/NAME\n"
    )


@pytest.mark.parametrize(("verb", "kind"), [("get", "mdep"), ("versions", "mver")])
def test_a_format_that_only_kubectl_has(pennant: Run, verb: str, kind: str) -> None:
    code, _, err = pennant(verb, "fraud", "-o", "jsonpath={.spec}")
    assert code == 1
    assert f"jsonpath={{.spec}} is a format of kubectl; use `kubectl get {kind} -o jsonpath={{.spec}}`\n" in err
