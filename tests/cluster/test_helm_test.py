"""`helm test`, run by the real Helm: its pod runs as a process on the node of the rig and asks a real operator."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chart.rendering import CHART, HELMS, HelmError, run_helm
from cluster.operator_process import Operator
from rig import Rig

Install = Callable[[int, int], Callable[[], str]]


@pytest.fixture
def install(rig: Rig) -> Iterator[Install]:
    """Return how to install a release without pods, whose Service stands for this port of 127.0.0.1.

    The rig has no DNS. With the name `localhost` the URL of the Service is that of the operator's process.
    """
    namespace = f"helm-test-{uuid.uuid4().hex[:6]}"

    def installed(major: int, port: int) -> Callable[[], str]:
        values: Any = {"fullnameOverride": "localhost", "replicas": 0, "service": {"port": port}}
        values |= {"crds": {"install": False}, "rbac": {"create": False}}
        values |= {"governance": {"workloads": False, "roles": False}}
        release = ("release", "--namespace", namespace)
        run_helm(major, "install", *release, str(CHART), "--create-namespace", values=values, kubeconfig=rig.kubeconfig)
        return lambda: run_helm(major, "test", *release, "--timeout", "2m", kubeconfig=rig.kubeconfig)

    yield installed
    run_helm(4, "uninstall", "release", "--namespace", namespace, kubeconfig=rig.kubeconfig)
    rig.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.parametrize("major", HELMS, ids=lambda major: f"helm {major}")
def test_it_passes_where_the_operator_is_ready(install: Install, operator: Operator, major: int) -> None:
    said = install(major, operator.port)()
    assert "Phase:          Succeeded" in said


@pytest.fixture
def other_server() -> Iterator[int]:
    """Start a server that answers every request with a word, and return its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello\n")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_it_fails_where_something_else_answers(rig: Rig, install: Install, other_server: int) -> None:
    tested = install(4, other_server)
    with pytest.raises(HelmError, match="localhost-test"):
        tested()
    asked = ("get", "pods", "--all-namespaces", "--selector", "app.kubernetes.io/component=test", "-o", "json")
    (pod,) = json.loads(rig.kubectl(*asked).stdout)["items"]
    (status,) = pod["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 1
