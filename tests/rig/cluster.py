"""The local control plane: its parts, in the order in which they need each other."""

import json
import os
import random
import secrets
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rig import binaries, config
from rig.processes import Process

DEFAULT_PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "prometheus", "node")
OPTIONAL_PARTS = ("alertmanager", "kwok")
READY_SECONDS = 60
KWOK_NODE_LABEL = "rig.pennant.dev/kwok"


class Rig:
    """A running control plane; close it, or use it as a context."""

    def __init__(self, directory: Path, parts: tuple[str, ...] = DEFAULT_PARTS, scrape_interval: str = "1s") -> None:
        """Describe a control plane in a directory; nothing is started yet."""
        self.directory, self.parts = directory.resolve(), parts
        self._scrape_interval = scrape_interval
        self._programs = binaries.ensure(sorted({*(set(parts) - {"node"}), "kubectl"}))
        self._ports = dict(zip(("peer", *parts), _free_ports(len(parts) + 1), strict=True))
        self.address_block = f"127.{random.randint(10, 250)}.{random.randint(1, 250)}"
        self.admin_token = secrets.token_hex(16)
        self.processes: dict[str, Process] = {}

    @classmethod
    def start(cls, directory: Path, parts: tuple[str, ...] = DEFAULT_PARTS, scrape_interval: str = "1s") -> Self:
        """Start a control plane and return when it is ready; raises `StartError` with the right log's end."""
        rig = cls(directory, parts, scrape_interval)
        try:
            rig._start()
        except BaseException:
            rig.close()
            raise
        return rig

    def __enter__(self) -> Self:
        """Return the running control plane."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Stop all parts, those that need others first."""
        for process in reversed(self.processes.values()):
            process.stop()

    # Where things are.
    @property
    def api_server(self) -> str:
        """URL of the API server."""
        return f"https://127.0.0.1:{self._ports['kube-apiserver']}"

    @property
    def prometheus_url(self) -> str:
        """URL of Prometheus."""
        return f"http://127.0.0.1:{self._ports['prometheus']}"

    @property
    def alertmanager_url(self) -> str:
        """URL of Alertmanager."""
        return f"http://127.0.0.1:{self._ports['alertmanager']}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def ca_file(self) -> Path:
        """The certificate that the API server's is checked against."""
        return self.directory / "pki" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        """One JSON line for each request to the API server, with its user agent, verb and object."""
        return self.directory / "audit.log"

    def log(self, part: str) -> Path:
        """Return the log of a part."""
        return self.directory / "logs" / f"{part}.log"

    def binary(self, name: str) -> Path:
        """Return a program of the control plane."""
        return self._programs.get(name) or binaries.ensure([name])[name]

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; raises `RuntimeError` with what it said where it fails."""
        command = [str(self.binary("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"$ kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done

    # Faults.
    def stop_part(self, name: str) -> None:
        """Stop one part; the others run on."""
        self.processes[name].stop()

    def start_part(self, name: str) -> None:
        """Start one part again, with the same port and data."""
        self.processes[name].start()
        self.processes[name].wait_ready(READY_SECONDS)

    # Starting.
    def _start(self) -> None:
        for place in ("pki", "logs", "etcd", "prometheus", "pods"):
            (self.directory / place).mkdir(parents=True, exist_ok=True)
        self._write_secrets()
        for wave in (("etcd",), ("kube-apiserver",), self.parts[2:]):
            begun = [self._add(name) for name in wave if name in self.parts]
            for process in begun:
                process.start()
            for process in begun:
                process.wait_ready(READY_SECONDS)
            if wave == ("kube-apiserver",):
                self._write_kubeconfig()
        state = {"kubeconfig": str(self.kubeconfig), "urls": self._urls(), "pids": self._pids()}
        config.write(self.directory / "rig.json", state)

    def _urls(self) -> dict[str, str]:
        served = {"kube-apiserver": self.api_server}
        return served | {
            name: f"http://127.0.0.1:{self._ports[name]}"
            for name in ("prometheus", "alertmanager")
            if name in self.parts
        }

    def _pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.processes.items() if process.pid is not None}

    def _write_secrets(self) -> None:
        pki = self.directory / "pki"
        os.chmod(self.directory, 0o700)
        (pki / "tokens.csv").write_text(f"{self.admin_token},admin,admin,system:masters\n")
        (pki / "token").write_text(self.admin_token)
        for command in (
            ["openssl", "genrsa", "-out", str(pki / "sa.key"), "2048"],
            ["openssl", "rsa", "-in", str(pki / "sa.key"), "-pubout", "-out", str(pki / "sa.pub")],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        config.write(self.directory / "audit-policy.json", config.AUDIT_POLICY)

    def _write_kubeconfig(self) -> None:
        config.write(self.kubeconfig, config.kubeconfig(self.api_server, self.ca_file, self.admin_token))
        scraping = config.prometheus(
            self.api_server, self.ca_file, self.directory / "pki" / "token", self._scrape_interval
        )
        config.write(self.directory / "prometheus.json", scraping)

    def _add(self, name: str) -> Process:
        ready = {"etcd": self._answers("etcd", "/health"), "kube-apiserver": self._is_api_server_ready}
        watched = {"prometheus": "/-/ready", "alertmanager": "/-/ready"}
        is_ready = ready.get(name) or (self._answers(name, watched[name]) if name in watched else _started)
        if name == "kube-controller-manager":
            is_ready = self._has_default_account
        elif name == "node":
            is_ready = self._is_node_ready
        self.processes[name] = Process(name, self._command(name), self.log(name), is_ready, {})
        return self.processes[name]

    def _command(self, name: str) -> list[str]:
        if name == "node":
            arguments = ["--name", "rig-node", "--directory", str(self.directory / "pods")]
            return [
                *(sys.executable, "-m", "rig.node", "--kubeconfig", str(self.kubeconfig)),
                *(*arguments, "--address-block", self.address_block),
            ]
        return [str(self.binary(name)), *self._flags(name)]

    def _flags(self, name: str) -> list[str]:
        directory, port = self.directory, self._ports[name]
        pki = directory / "pki"
        # What slows these down by default is meant for clusters that others share.
        client = [f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0"]
        speed = ["--kube-api-qps=2000", "--kube-api-burst=4000"]
        flags: dict[str, list[str]] = {
            "etcd": [
                f"--data-dir={directory / 'etcd'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls=http://127.0.0.1:{port}",
                f"--advertise-client-urls=http://127.0.0.1:{port}",
                f"--listen-peer-urls=http://127.0.0.1:{self._ports['peer']}",
                "--log-level=warn",
            ],
            "kube-apiserver": [
                f"--etcd-servers=http://127.0.0.1:{self._ports['etcd']}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={port}",
                f"--cert-dir={pki}",
                f"--token-auth-file={pki / 'tokens.csv'}",
                "--service-account-issuer=https://rig.pennant.dev",
                f"--service-account-key-file={pki / 'sa.pub'}",
                f"--service-account-signing-key-file={pki / 'sa.key'}",
                "--authorization-mode=RBAC",
                "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.0.0.0/24",
                f"--audit-policy-file={directory / 'audit-policy.json'}",
                f"--audit-log-path={self.audit_log}",
                "--audit-log-mode=blocking",
            ],
            "kube-controller-manager": [
                *client,
                *speed,
                "--concurrent-deployment-syncs=20",
                "--concurrent-replicaset-syncs=20",
                f"--service-account-private-key-file={pki / 'sa.key'}",
            ],
            "kube-scheduler": [*client, *speed],
            "prometheus": [
                f"--config.file={directory / 'prometheus.json'}",
                f"--storage.tsdb.path={directory / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle",
                "--log.level=warn",
            ],
            "alertmanager": [
                f"--config.file={self._alertmanager_config()}",
                f"--storage.path={directory / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            "kwok": [
                f"--kubeconfig={self.kubeconfig}",
                f"--manage-nodes-with-label-selector={KWOK_NODE_LABEL}=true",
            ],
        }
        return flags[name]

    def _alertmanager_config(self) -> Path:
        return config.write(
            self.directory / "alertmanager.json", {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
        )

    # Being ready.
    def _answers(self, name: str, path: str) -> Callable[[], bool]:
        return lambda: _get(f"http://127.0.0.1:{self._ports[name]}{path}") is not None

    def _is_api_server_ready(self) -> bool:
        # The API server makes its certificate when it starts.
        return self.ca_file.exists() and self._ask("/readyz") == b"ok"

    def _has_default_account(self) -> bool:
        return self._ask("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _is_node_ready(self) -> bool:
        node = json.loads(self._ask("/api/v1/nodes/rig-node") or b"{}")
        conditions = node.get("status", {}).get("conditions", [])
        return not node.get("spec", {}).get("taints") and {"type": "Ready", "status": "True"} in [
            {key: each[key] for key in ("type", "status")} for each in conditions
        ]

    def _ask(self, path: str) -> bytes | None:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return _get(f"{self.api_server}{path}", {"Authorization": f"Bearer {self.admin_token}"}, context)


def _started() -> bool:
    """Some parts have no port; what they do shows whether they work."""
    return True


def _get(url: str, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None) -> bytes | None:
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, ValueError):
        return None


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on; all are held until the last one is found."""
    with _sockets(count) as sockets:
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def _sockets(count: int) -> Iterator[list[socket.socket]]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        yield sockets
    finally:
        for each in sockets:
            each.close()
