"""A scenario whose manifests are in a Git repository, from which Argo CD applies them."""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from argocd.argo_cd import NAMESPACE, ArgoCd
from cluster.audit import READS, lines, size
from cluster.operator_process import Operator
from cluster.scenario import NAME, Manifest, Scenario
from rig import Rig

REFRESH = "argocd.argoproj.io/refresh"
WAVE = "argocd.argoproj.io/sync-wave"
FINALIZER = "resources-finalizer.argocd.argoproj.io"


class GitScenario(Scenario):
    """One namespace, one repository, and one Application with automated sync, self-heal and pruning."""

    def __init__(self, rig: Rig, namespace: str, directory: Path, operator: Operator, argo_cd: ArgoCd) -> None:
        super().__init__(rig, namespace, directory / "models", operator)
        self.argo_cd, self.repository = argo_cd, directory / "repository"
        self._git("init", "--quiet", "--initial-branch=main", str(self.repository), where=directory)

    # What users do in Git.
    def commit(self, *manifests: Manifest, remove: Iterable[Manifest] = ()) -> str:
        """Write manifests into the repository, take others out, commit, and return the name of the commit."""
        for each in manifests:
            self._file(each).write_text(yaml.safe_dump(each, sort_keys=False))
        for each in remove:
            self._file(each).unlink()
            self.applied.pop(f"{each['kind']}/{each['metadata']['name']}")
        return self.commit_all()

    def commit_all(self) -> str:
        """Commit what is in the work tree, as a webhook of the Git server reports it, and return the commit."""
        for path in self.repository.glob("model*.yaml"):
            self.noted(yaml.safe_load(path.read_text()))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "Change")
        head = self._git("rev-parse", "HEAD").strip()
        if self._stored() is not None:
            self.refresh()
        return head

    def _file(self, manifest: Manifest) -> Path:
        return self.repository / f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"

    def _git(self, *arguments: str, where: Path | None = None) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *arguments]
        done = subprocess.run(
            command, cwd=where or self.repository, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def status(self) -> Manifest:
        """The status of the ModelDeployment; empty before Argo CD has created it."""
        return super().status if self.exists("modeldeployment", NAME) else {}

    # The Application.
    def application(self, *options: str, **policy: Any) -> None:
        """Create the Application; `options` are sync options, `policy` are other fields of the sync policy."""
        automated = {"automated": {"prune": True, "selfHeal": True}}
        retry = {"limit": 5, "refresh": True, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "30s"}}
        spec = {
            "project": "default",
            "source": {"repoURL": f"file://{self.repository}", "targetRevision": "main", "path": "."},
            "destination": {"server": self.rig.api_server, "namespace": self.namespace},
            "syncPolicy": {**automated, "syncOptions": list(options), "retry": retry, **policy},
        }
        metadata = {"name": self.namespace, "namespace": NAMESPACE, "finalizers": [FINALIZER]}
        manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
        self._api.create(NAMESPACE, manifest)

    def refresh(self) -> None:
        self._change({"annotations": {REFRESH: "normal"}})

    def forget(self) -> None:
        """Delete the Application alone."""
        if self._stored() is not None:
            self._change({"finalizers": None})
            self._api.delete("applications", NAMESPACE, self.namespace)

    def _stored(self) -> Manifest | None:
        return self._api.get("applications", NAMESPACE, self.namespace)

    def _change(self, metadata: Manifest) -> None:
        named = {"kind": "Application", "metadata": {"name": self.namespace, "namespace": NAMESPACE}}
        self._api.merge(named, {"metadata": metadata})

    @property
    def app(self) -> Manifest:
        """The status of the Application."""
        status: Manifest = (self._stored() or {}).get("status", {})
        return status

    def state(self) -> tuple[str, str]:
        """Return the sync status and the health of the Application."""
        status = self.app
        return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")

    def health(self, name: str = NAME) -> tuple[str, str]:
        """Return health and message of one object as Argo CD has them."""
        found = [each for each in self.app.get("resources", []) if each["name"] == name and "health" in each]
        return (found[0]["health"]["status"], found[0]["health"].get("message", "")) if found else ("", "")

    def operation(self) -> tuple[str, str]:
        """Return phase and message of the last or present sync."""
        found = self.app.get("operationState", {})
        return found.get("phase", ""), found.get("message", "")

    def until_app(self, sync: str, health: str, commit: str = "", seconds: float = 60) -> None:
        """Wait for a state of the Application; with `commit`, also until that was synced."""

        def reached() -> bool:
            status = self.app
            synced = status.get("sync", {})
            done = not commit or (synced.get("revision") == commit and "operationState" in status)
            return done and (synced.get("status"), status.get("health", {}).get("status")) == (sync, health)

        self.wait_for(reached, f"the Application {sync} and {health}", seconds)

    def until_health(self, health: str, message: str, name: str = NAME) -> None:
        """Wait until Argo CD has this health for an object, with a message that begins so."""

        def reached() -> bool:
            found, said = self.health(name)
            return found == health and said.startswith(message)

        self.wait_for(reached, f"{name} being {health}: {message}")

    def wait_for(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait, and show the Application if it does not come."""
        try:
            self.until(holds, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.app, indent=1)}\n{self.argo_cd.logs()}") from None

    def until_served(self, version: str, commit: str = "") -> None:
        """Wait until a version is verified, and the Application is Synced and Healthy."""
        self.wait_for(lambda: self._verified() == version, f"{version} becoming verified")
        self.until_app("Synced", "Healthy", commit)
        assert self.served() == version

    def _verified(self) -> str:
        """Return the version of the newest revision, if that is verified."""
        history = self.history
        return history[-1]["version"] if history and "verifiedAt" in history[-1] else ""

    # Who writes.
    def writes_since(self, begin: int) -> list[str]:
        """Return all successful writes in the namespace, whoever made them, from this byte of the audit log on."""
        found = []
        for line in lines(self.rig.audit_log, begin):
            entry = json.loads(line)
            if "dryRun=" in entry["requestURI"]:
                continue
            reference = entry.get("objectRef", {})
            code = entry.get("responseStatus", {}).get("code", 0)
            if reference.get("namespace") == self.namespace and entry["verb"] not in READS and code < 300:
                found.append(
                    f"{entry['userAgent']} {entry['verb']} {reference.get('resource')}/{reference.get('name')}"
                )
        return found

    def now(self) -> int:
        """Return the present end of the audit log."""
        return size(self.rig.audit_log)


def in_wave(number: int, manifest: Manifest, **annotations: str) -> Manifest:
    """Return a manifest with a sync wave, and with other annotations whose names are given with underscores."""
    given = {name.replace("__", "/").replace("_", "-"): value for name, value in annotations.items()}
    metadata = {**manifest["metadata"], "annotations": {WAVE: str(number), **given}}
    return {**manifest, "metadata": metadata}
