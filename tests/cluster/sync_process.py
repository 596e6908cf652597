"""`pennant sync` as a process that tests start, kill and start again, with the rights that the chart gives it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from chart.rendering import NAMESPACE, is_of_sync, only, rendered
from cluster.installation import RIGHTS
from cluster.scenario import Scenario
from rig.addresses import free_port


class SyncProcess:
    """`python -m pennant sync` for the namespace of a scenario."""

    def __init__(self, scenario: Scenario, directory: Path, *registries: Any, **values: Any) -> None:
        """Install what the chart makes of these registries; `values` are other values of `sync`."""
        self.scenario, self.log = scenario, directory / "sync.log"
        directory.mkdir(parents=True, exist_ok=True)
        known = [{"kind": "mlflow", "namespace": scenario.namespace, "pollSeconds": 1, **each} for each in registries]
        values = {"sync": {"enabled": True, "registries": known, "resyncSeconds": 10, **values}}
        values |= {"crds": {"install": False}, "fullnameOverride": scenario.namespace[-50:].strip("-")}
        manifests = [each for each in rendered(values) if is_of_sync(each)]
        rights = [each for each in manifests if each["kind"] in RIGHTS]
        scenario.rig.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": rights})
        )
        self.account = str(only(manifests, "ServiceAccount", "-sync")["metadata"]["name"])
        self.user = f"system:serviceaccount:{NAMESPACE}:{self.account}"
        self.file = directory / "sync.yaml"
        self._write(only(manifests, "ConfigMap", "-sync")["data"]["sync.yaml"], directory)
        self.port, self.webhook_port = free_port(), free_port()
        self.environment = {
            "KUBECONFIG": str(scenario.rig.kubeconfig_for(NAMESPACE, self.account)),
            "PENNANT_SYNC_CONFIG": str(self.file),
            "PENNANT_SYNC_PORT": str(self.port),
            "PENNANT_SYNC_WEBHOOK_PORT": str(self.webhook_port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def _write(self, text: str, directory: Path) -> None:
        """Write the file of the chart, with the paths of its mounts in this directory."""
        moved = text.replace("/etc/pennant-credentials", f"{directory}/credentials").replace(
            "/etc/pennant/", f"{directory}/"
        )
        for each in yaml.safe_load(moved)["registries"]:
            for path in (each.get("credentialsDirectory"), each.get("webhookSecretFile")):
                if path is not None:
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(moved)

    def start(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PENNANT_", "MLFLOW_"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pennant", "sync"], env=environment | self.environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def fetch(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            text: str = response.read().decode()
            return text

    def value(self, series: str) -> float:
        """Return the value of a series of `/metrics`."""
        (line,) = (each for each in self.fetch("/metrics").splitlines() if each.startswith(f"{series} "))
        return float(line.rpartition(" ")[2])

    def requests(self) -> list[tuple[str, str, int]]:
        """Return the requests of its account: verb, resource and code."""
        found = []
        for line in self.scenario.rig.audit_log.read_bytes().splitlines():
            if self.user.encode() in line:
                entry = json.loads(line)
                if entry.get("user", {}).get("username") == self.user and "responseStatus" in entry:
                    resource = entry.get("objectRef", {}).get("resource", "")
                    found.append((entry["verb"], resource, int(entry["responseStatus"]["code"])))
        return found


def holders(scenario: Scenario) -> list[str]:
    """Return the versions that have the tag production."""
    return sorted(
        each["spec"]["version"]
        for each in scenario.all_of("modelversion")
        if "production" in each["spec"].get("tags", [])
    )


def is_held_by(scenario: Scenario, version: str) -> bool:
    """Return whether this version alone has the tag production."""
    return holders(scenario) == [version]
