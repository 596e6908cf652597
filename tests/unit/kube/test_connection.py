import ssl
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest
from kubernetes.config import incluster_config

from pennant.kube.http import connection
from pennant.kube.http.connection import Connection
from pennant.ports import Unavailable
from unit.certificates import CERTIFICATES
from unit.kube.api_server import a_connection, a_kubeconfig

SERVER = "https://127.0.0.1:6443"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(connection, "DEFAULT_KUBECONFIG", str(tmp_path / "default"))


async def test_a_kubeconfig_has_the_server_and_the_credentials(tmp_path: Path) -> None:
    connection = a_connection(tmp_path, f"{SERVER}/", token="secret")
    assert connection.server == SERVER
    assert await connection.headers() == {"Authorization": "Bearer secret"}
    assert (connection.namespace, connection.server_name, connection.proxy) == ("default", None, None)


def test_another_context_has_another_namespace(tmp_path: Path) -> None:
    path = a_kubeconfig(tmp_path, SERVER, token="secret")
    assert Connection(str(path), "two").namespace == "models"


def test_the_environment_names_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(a_kubeconfig(tmp_path, SERVER)))
    assert Connection().server == SERVER


def test_the_proxy_of_the_environment_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert a_connection(tmp_path, SERVER).proxy is None


def test_no_configuration_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no usable configuration"):
        Connection()


@pytest.mark.parametrize("text", ["", "{", "{}", "a: b"], ids=["empty", "broken", "bare", "foreign"])
def test_a_broken_kubeconfig_is_unavailable(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(Unavailable, match="no usable configuration"):
        Connection(str(path))


@pytest.mark.parametrize("token", ["*hush", "!hush x", '"\\hush"', "hush: hush: hush", "\udcff hush", "\x00 hush"])
def test_no_line_of_a_broken_kubeconfig_is_quoted(tmp_path: Path, token: str) -> None:
    """Rule: R100."""
    path = tmp_path / "kubeconfig"
    path.write_bytes(f"users:\n- user: {{token: {token}}}\n".encode(errors="surrogateescape"))
    with pytest.raises(Unavailable, match="no usable configuration") as caught:
        Connection(str(path))
    assert "hush" not in str(caught.value)


async def test_an_exec_plugin_returns_the_token_and_another_one_when_it_is_refused(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import json, pathlib\n"
        f"calls = pathlib.Path({str(tmp_path / 'calls')!r})\n"
        "calls.write_text(calls.read_text() + '.' if calls.exists() else '.')\n"
        "status = {'token': f'token-{len(calls.read_text())}'}\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': status}))\n"
    )
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin)],
        "interactiveMode": "Never",
    }
    connection = a_connection(tmp_path, SERVER, exec=command)
    first = await connection.headers()
    assert first == {"Authorization": "Bearer token-1"}
    assert await connection.reload(first)
    assert await connection.headers() == {"Authorization": "Bearer token-2"}


async def test_of_two_refused_requests_one_reads_the_token_again(tmp_path: Path) -> None:
    connection = a_connection(tmp_path, SERVER, token="secret")
    assert not await connection.reload(await connection.headers())
    assert await connection.reload({"Authorization": "Bearer old"})


async def test_an_unreadable_token_leaves_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = a_connection(tmp_path, SERVER, token="secret")
    (tmp_path / "kubeconfig").unlink()
    assert not await connection.reload(await connection.headers())
    assert await connection.headers() == {"Authorization": "Bearer secret"}
    assert "cannot be read" in caplog.text


@pytest.fixture
def token_of_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the files and variables of a pod, and read its token again for each request."""
    token = tmp_path / "token"
    token.write_text("first")
    (tmp_path / "namespace").write_text("pennant-system\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(connection, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", certifi.where())
    monkeypatch.setattr("pennant.kube.http.connection.REFRESH_SECONDS", 0.0)
    loader = incluster_config.InClusterConfigLoader
    begin: Any = loader.__init__

    def impatient(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._token_refresh_period = timedelta(0)

    monkeypatch.setattr(loader, "__init__", impatient)
    return token


async def test_in_a_pod_the_token_follows_its_rotation(token_of_the_pod: Path) -> None:
    connection = Connection()
    assert (connection.server, connection.namespace) == ("https://10.0.0.1:443", "pennant-system")
    assert await connection.headers() == {"Authorization": "bearer first"}
    token_of_the_pod.write_text("second")
    assert await connection.headers() == {"Authorization": "bearer second"}


async def test_in_a_pod_a_kubeconfig_that_is_named_is_used(token_of_the_pod: Path, tmp_path: Path) -> None:
    assert a_connection(tmp_path, SERVER).server == SERVER


async def test_in_a_pod_the_certificates_follow_their_rotation(
    token_of_the_pod: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, (first, second) = tmp_path / "ca.crt", CERTIFICATES
    path.write_text(first)
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(path))
    connection = Connection()
    before = connection.tls
    await connection.headers()
    assert connection.tls is before
    path.write_text("half a certif")
    await connection.headers()
    assert connection.tls is before, "an unreadable file leaves the former context"
    assert "cannot be read" in caplog.text
    path.write_text(second)
    await connection.headers()
    assert connection.tls.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(second)]


async def test_a_replaced_kubeconfig_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennant.kube.http.connection.REFRESH_SECONDS", 0.0)
    connection = a_connection(tmp_path, SERVER, token="first")
    before = connection.tls
    a_kubeconfig(tmp_path, "https://127.0.0.2:6443", token="second")
    assert await connection.headers() == {"Authorization": "Bearer second"}
    assert connection.server == "https://127.0.0.2:6443"
    assert connection.tls is before, "connections are reused"
