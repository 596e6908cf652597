"""Argo CD beside a rig: its application controller, repository server, API server and cache, and its command line."""

import base64
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rig import Rig
from rig.addresses import free_port
from rig.binaries import ensure
from rig.build import module_source
from rig.processes import Process
from rig.programs import ARGOCD

BUNDLE = Path(__file__).parents[2] / "argocd"
MODULE = "github.com/argoproj/argo-cd/v3"
NAMESPACE = "argocd"
CONFIG_MAPS = ("argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm", "argocd-notifications-cm")
EMPTY_CONFIG_MAPS = ("argocd-gpg-keys-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm")
READY_SECONDS = 60
CLI_SECONDS = 120
# Signatures are not checked; the repository server still looks for the program that would.
VERIFIER = "#!/bin/sh\nexit 0\n"


class ArgoCd:
    """One Argo CD that manages the cluster of a rig, with the bundle of `argocd/` installed as the guide says."""

    def __init__(self, rig: Rig, directory: Path) -> None:
        self.rig, self.directory = rig, directory
        self.program = ensure(["argocd"])["argocd"]
        names = ("redis", "repo-server", "controller", "server")
        self._ports = {name: free_port() for name in (*names, "repo-server-metrics", "server-metrics")}
        self._processes = {name: self._process(name) for name in names}

    def start(self) -> None:
        """Install what Argo CD needs in the cluster, and start its parts."""
        bin_directory = self.directory / "bin"
        bin_directory.mkdir(parents=True)
        (bin_directory / "git-verify-wrapper.sh").write_text(VERIFIER)
        (bin_directory / "git-verify-wrapper.sh").chmod(0o755)
        self._install()
        for process in self._processes.values():
            process.start()
            process.wait_ready(READY_SECONDS)

    def stop(self) -> None:
        for process in reversed(self._processes.values()):
            process.stop(grace_seconds=0)

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `argocd` against the API server of Argo CD."""
        server = ("--server", f"127.0.0.1:{self._ports['server']}", "--plaintext", "--auth-token", "none")
        return self._run(*arguments, *server, check=check)

    def post(self, path: str, body: Any) -> None:
        """Send a request to the API server of Argo CD, as its UI does."""
        headers = {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self._ports['server']}/api/v1/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            urllib.request.urlopen(request, timeout=CLI_SECONDS).close()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{url}: {error.read().decode()}") from None

    def admin(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `argocd admin`, which reads the cluster or files."""
        return self._run("admin", *arguments, check=check)

    def _run(self, *arguments: str, check: bool) -> subprocess.CompletedProcess[str]:
        own = {"HOME": str(self.directory), "KUBECONFIG": str(self.rig.kubeconfig)}
        command = [str(self.program), *arguments]
        done = subprocess.run(
            command, env=os.environ | own, capture_output=True, text=True, timeout=CLI_SECONDS, check=False
        )
        assert not check or done.returncode == 0, f"$ argocd {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done

    def logs(self) -> str:
        return "\n".join(each.last_words() for each in self._processes.values())

    def _process(self, name: str) -> Process:
        ready: dict[str, Callable[[], bool]] = {
            "redis": lambda: _accepts(self._ports["redis"]),
            "repo-server": lambda: _accepts(self._ports["repo-server"]),
            "controller": lambda: _answers(self._ports["controller"]),
            "server": lambda: _answers(self._ports["server"]),
        }
        return Process(name, self._command(name), self.directory / f"{name}.log", ready[name])

    def _command(self, name: str) -> list[str]:
        address = {part: f"127.0.0.1:{port}" for part, port in self._ports.items()}
        if name == "redis":
            return [str(ensure(["argocd-redis"])["argocd-redis"]), address["redis"]]
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        binary = {"controller": "argocd-application-controller"}.get(name, f"argocd-{name}")
        environment = {"ARGOCD_BINARY_NAME": binary, "ARGOCD_GPG_ENABLED": "false", "PATH": path}
        environment |= {"TMPDIR": str(self.directory), "HOME": str(self.directory)}
        return [
            "/usr/bin/env",
            *(f"{key}={value}" for key, value in environment.items()),
            *(str(self.program), "--redis", address["redis"], "--loglevel", "info"),
            *getattr(self, f"_{name.replace('-', '_')}_flags")(address),
        ]

    def _repo_server_flags(self, address: dict[str, str]) -> list[str]:
        ports = ("--port", str(self._ports["repo-server"]), "--metrics-port", str(self._ports["repo-server-metrics"]))
        hosts = ("--address", "127.0.0.1", "--metrics-address", "127.0.0.1")
        return [*ports, *hosts, "--disable-tls", "--client-ca-path", ""]

    def _controller_flags(self, address: dict[str, str]) -> list[str]:
        return [
            *self._in_the_cluster(address),
            # The only port that is not on 127.0.0.1 alone: its address is not configurable.
            *("--metrics-port", str(self._ports["controller"])),
            *("--app-resync", "10", "--app-resync-jitter", "0"),
            *("--self-heal-timeout-seconds", "1", "--self-heal-backoff-timeout-seconds", "1"),
            *("--self-heal-backoff-cap-seconds", "2", "--persist-resource-health"),
        ]

    def _server_flags(self, address: dict[str, str]) -> list[str]:
        ports = ("--port", str(self._ports["server"]), "--metrics-port", str(self._ports["server-metrics"]))
        hosts = ("--address", "127.0.0.1", "--metrics-address", "127.0.0.1")
        return [*self._in_the_cluster(address), *ports, *hosts, "--insecure", "--disable-auth"]

    def _in_the_cluster(self, address: dict[str, str]) -> list[str]:
        kubernetes = ["--kubeconfig", str(self.rig.kubeconfig), "--namespace", NAMESPACE]
        return [*kubernetes, "--repo-server", address["repo-server"], "--repo-server-plaintext"]

    def _install(self) -> None:
        rig = self.rig
        rig.kubectl("apply", "--server-side", "-k", str(module_source(ARGOCD, MODULE) / "manifests" / "crds"))
        items = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            *(_part("ConfigMap", name) for name in (*CONFIG_MAPS, *EMPTY_CONFIG_MAPS)),
            _part("Secret", "argocd-secret", stringData={"server.secretkey": "none"}),
            self._cluster(),
        ]
        rig.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(items))
        rig.until_crds_are_served()
        rig.kubectl("apply", "-f", "-", stdin=json.dumps(PROJECT))
        files = [argument for name in CONFIG_MAPS for argument in ("-f", str(BUNDLE / f"{name}.yaml"))]
        rig.kubectl("apply", "--server-side", "--namespace", NAMESPACE, *files)

    def _cluster(self) -> Any:
        """Return the Secret that names the cluster: its usual name is known in pods only."""
        authority = base64.b64encode(self.rig.ca_file.read_bytes()).decode()
        config = {"bearerToken": self.rig.admin_token, "tlsClientConfig": {"caData": authority}}
        data = {"name": "rig", "server": self.rig.api_server, "config": json.dumps(config)}
        made = _part("Secret", "rig", stringData=data)
        made["metadata"]["labels"]["argocd.argoproj.io/secret-type"] = "cluster"
        return made


PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}


def _part(kind: str, name: str, **content: Any) -> Any:
    labels = {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def _accepts(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
    except OSError:
        return False
    return True
