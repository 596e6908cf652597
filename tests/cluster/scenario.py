"""One scenario in its own namespace: acts of users, what tests read, and checks at its end."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.api import Api, plural
from cluster.audit import is_tried_only, size, without_precondition
from cluster.operator_process import Operator
from rig import Rig

SERVER = Path(__file__).with_name("model_server.py")
QUERY = 'avg(model_accuracy{namespace="${namespace}",pennant_dev_template_hash="${templateHash}"})'
NAME = "fraud"
OWNED = ("deployment", "replicaset", "controllerrevision", "pod")
Manifest = dict[str, Any]
LOOK_SECONDS = 0.2
QUIET_SECONDS = 2.5
"""The operator is at rest when it has written nothing for so long; two checks of metrics come in this time."""


class Scenario:
    """One namespace with one ModelDeployment, to which a test applies manifests as users do."""

    def __init__(self, rig: Rig, namespace: str, directory: Path, operator: Operator) -> None:
        self.rig, self.namespace, self.directory, self.operator = rig, namespace, directory, operator
        self._api = Api(rig)
        self.applied: dict[str, Manifest] = {}
        self.begins_at = size(rig.audit_log)
        self.touched_at = datetime.now(UTC)
        directory.mkdir(parents=True)
        self._api.create_namespace(namespace)

    # What users do.
    def version(self, version: str, *tags: str, **record: Any) -> None:
        self.apply(self.a_version(version, *tags, **record))

    def move_tag(self, old: str, new: str) -> None:
        """Move the tag by applying both manifests one after the other."""
        self.apply(self.a_version(old), self.a_version(new, "production"))

    def deployment(self, **spec: Any) -> None:
        self.apply(self.a_deployment(**spec))

    def apply(self, *manifests: Manifest) -> None:
        for each in manifests:
            self._api.apply(self.noted(each))
        self.touched_at = datetime.now(UTC)

    def kubectl_apply(self, *manifests: Manifest) -> None:
        """Apply with kubectl. Use it for all manifests of a scenario or for none, as fields have owners."""
        self.kubectl("apply", "-f", "-", stdin=_list([self.noted(each) for each in manifests]))

    def noted(self, manifest: Manifest) -> Manifest:
        """Remember the manifest for the checks at the end, and return it."""
        self.applied[f"{manifest['kind']}/{manifest['metadata']['name']}"] = manifest
        return manifest

    def delete(self, kind: str, name: str, propagation: str = "Background") -> None:
        """Delete an object and wait until it is gone."""
        self._api.delete(f"{kind}s", self.namespace, name, propagation)
        self.touched_at = datetime.now(UTC)

    def merge(self, kind: str, name: str, change: Manifest, subresource: str = "") -> None:
        """Merge a change into an object; None removes a field."""
        self._api.merge(self._named(kind, name), change, subresource)
        self.touched_at = datetime.now(UTC)

    def patch(self, kind: str, name: str, *operations: Manifest, subresource: str = "") -> None:
        """Apply the operations of a JSON patch to an object."""
        self._api.patch(self._named(kind, name), list(operations), subresource)
        self.touched_at = datetime.now(UTC)

    def create(self, manifest: Manifest) -> None:
        """Create an object; fails where its name is taken."""
        self._api.create(self.namespace, manifest)
        self.touched_at = datetime.now(UTC)

    def patch_status(self, *operations: Manifest) -> None:
        """Patch the status of the ModelDeployment; paths are relative to it."""
        below = [{**each, "path": f"/status{each['path']}"} for each in operations]
        self.patch("modeldeployment", NAME, *below, subresource="status")

    def wipe_status(self) -> None:
        """Replace the status of the ModelDeployment by that of a new object."""
        self.patch_status({"op": "replace", "path": "", "value": {"observedGeneration": -1}})

    def _named(self, kind: str, name: str) -> Manifest:
        return {"kind": kind, "metadata": {"name": name, "namespace": self.namespace}}

    def accuracy(self, version: str, value: float | str | None) -> None:
        path = self.directory / f"{version}.accuracy"
        if value is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(str(value))
        self.touched_at = datetime.now(UTC)

    def unready(self, version: str, unready: bool = True) -> None:
        self._mark(f"{version}.unready", unready)

    def crash(self, version: str, crash: bool = True) -> None:
        """Have the model servers of a version exit as soon as they start."""
        self._mark(f"{version}.crash", crash)

    def _mark(self, name: str, there: bool) -> None:
        path = self.directory / name
        if there:
            path.touch()
        else:
            path.unlink(missing_ok=True)
        self.touched_at = datetime.now(UTC)

    def command(self, **annotations: str | None) -> None:
        """Give a command by annotations; None removes one."""
        given = {f"pennant.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self.merge("modeldeployment", NAME, {"metadata": {"annotations": given}})

    # The manifests.
    def a_version(self, version: str, *tags: str, **record: Any) -> Manifest:
        digest = f"sha256:{version.encode().hex():0>64}"
        spec = {
            "model": NAME,
            "version": version,
            "tags": list(tags),
            "artifacts": [{"name": "model", "uri": f"file:///models/{NAME}/{version}", "digest": digest}],
        }
        return self._manifest("ModelVersion", f"{NAME}-{version}", spec | record)

    def a_deployment(self, **spec: Any) -> Manifest:
        probe = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1}
        container = {
            "name": "server",
            "image": "pennant.test/model-server:1",
            "command": [sys.executable, str(SERVER), "$(POD_IP)", f"{self.directory}/$(MODEL_VERSION)"],
            "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "readinessProbe": probe,
        }
        annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
        pods = {"terminationGracePeriodSeconds": 1, "containers": [container]}
        metric = {"name": "accuracy", "prometheus": {"query": QUERY}, "threshold": {"min": "0.9"}}
        known = {
            "model": NAME,
            "replicas": 1,
            "template": {"metadata": {"annotations": annotations}, "spec": pods},
            "rollout": {"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 60},
            "analysis": {"intervalSeconds": 1, "bakeSeconds": 1, "metrics": [metric]},
        }
        return self._manifest("ModelDeployment", NAME, known | spec)

    def _manifest(self, kind: str, name: str, spec: Any) -> Manifest:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}

    # What there is.
    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        done = self.rig.kubectl("--namespace", self.namespace, *args, stdin=stdin, check=check)
        self.touched_at = datetime.now(UTC)
        return done.stdout

    def get(self, kind: str, name: str = NAME) -> Manifest:
        found = self._api.get(f"{kind}s", self.namespace, name)
        assert found is not None, f"there is no {kind} {name}"
        return found

    def exists(self, kind: str, name: str) -> bool:
        return self._api.get(f"{kind}s", self.namespace, name) is not None

    def all_of(self, kind: str, selector: str = "") -> list[Manifest]:
        return self._api.all_of(f"{kind}s", self.namespace, selector)

    @property
    def status(self) -> Manifest:
        status: Manifest = self.get("modeldeployment").get("status", {})
        return status

    @property
    def history(self) -> list[Manifest]:
        history: list[Manifest] = self.status.get("history", [])
        return history

    def versions_in_history(self) -> list[tuple[str, str, str]]:
        return [(each["version"], each["trigger"], each["outcome"]) for each in self.history]

    def condition(self, kind: str) -> tuple[str, str]:
        for each in self.status.get("conditions", []):
            if each["type"] == kind:
                return each["status"], each["reason"]
        return "", ""

    def message(self, kind: str) -> str:
        found = (each["message"] for each in self.status.get("conditions", []) if each["type"] == kind)
        return str(next(found, ""))

    def said(self) -> tuple[str, str]:
        command = self.status.get("lastCommand", {})
        return command.get("result", ""), command.get("message", "")

    def served(self) -> str:
        template = self.get("deployment")["spec"]["template"]
        return str(template["metadata"]["labels"]["pennant.dev/version"])

    def pods(self, version: str | None = None) -> list[str]:
        selector = f"pennant.dev/modeldeployment={NAME}" + (f",pennant.dev/version={version}" if version else "")
        pods = self.all_of("pod", selector)
        return sorted(each["metadata"]["name"] for each in pods if "deletionTimestamp" not in each["metadata"])

    def left(self) -> list[str]:
        """Return the names of the objects that ModelDeployments own."""
        return [f"{kind}/{each['metadata']['name']}" for kind in OWNED for each in self.all_of(kind)]

    # Waiting, always with a bound.
    def until(self, holds: Callable[[], object], seconds: float = 45, what: str = "") -> None:
        """Wait until it holds. Polls read the watch cache; what they find is confirmed by reading from etcd."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._api.from_memory():
                hopeful = holds()
            if hopeful and holds():
                return
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"{what or 'it'} did not happen within {seconds} s\n{self.report()}")

    def until_verified(self, version: str) -> None:
        def verified() -> bool:
            history = self.history
            return bool(history) and history[-1]["version"] == version and "verifiedAt" in history[-1]

        self.until(verified, what=f"{version} becoming known good")

    def until_rolled_back_to(self, version: str, seconds: float = 60) -> None:
        def rolled_back() -> bool:
            status = self.status
            last = status["history"][-1]
            return (last["version"], last["trigger"]) == (version, "AutomaticRollback") and "rolledOutAt" in last

        self.until(rolled_back, seconds, f"the rollback to {version}")

    def until_told(self, *reasons: str) -> None:
        """Wait for Events with these reasons, which come shortly after the change."""

        def told() -> bool:
            return {each["reason"] for each in self.all_of("event")} >= set(reasons)

        self.until(told, what=f"the Events {', '.join(reasons)}")

    def until_no_longer_stalled(self) -> None:
        self.until(lambda: self.condition("Stalled") == ("False", "NotStalled"), what="the end of Stalled")

    def quarantined(self) -> list[tuple[str, str]]:
        """Return the quarantined versions, each with its reason."""
        return [(each["version"], each["reason"]) for each in self.status.get("quarantine", [])]

    def until_stalled(self, reason: str) -> None:
        self.until(lambda: self.condition("Stalled") == ("True", reason), what=f"Stalled, {reason}")

    def stays(self, holds: Callable[[], object], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert holds(), f"{what} did not stay\n{self.report()}"
            time.sleep(LOOK_SECONDS)

    def report(self) -> str:
        status = json.dumps(self.status, indent=1)
        pods = self.kubectl("get", "pods,deployments,replicasets,modelversions", "-o", "wide", check=False)
        return f"{status}\n{pods}\n{self.operator.tail()}"

    # What the audit log knows of the operator.
    def operator_writes(self) -> list[Manifest]:
        """Return the mutating requests of the operator in this namespace."""
        return list(self.operator.installation.audit_log.writes_in(self.namespace))

    def assert_left_alone(self) -> None:
        """Fail where an object is no longer what was applied, or where the operator made a write that is not allowed.

        Rule: R84.
        """
        for each in self.applied.values():
            metadata = each["metadata"]
            if (found := self._api.get(plural(each), metadata["namespace"], metadata["name"])) is not None:
                is_said, was_said = _asked_for(found), _asked_for(self._api.if_applied(each))
                assert is_said == was_said, f"{is_said}\nis no more what was applied:\n{was_said}"
        adopts = any(each["spec"].get("adopt") for each in self.applied.values())
        allowed = ALLOWED | ALLOWED_TO_ADOPT if adopts else ALLOWED
        for each in self.operator_writes():
            reference = each["objectRef"]
            what = (reference["resource"], reference.get("subresource", ""), each["verb"])
            if is_tried_only(each):
                continue
            assert what in allowed, f"the operator must not {what}"

    def end(self) -> None:
        """Begin to delete the namespace."""
        self._api.delete_namespace(self.namespace)

    def assert_preconditioned(self) -> None:
        """Fail where a write of the operator since the beginning, in any namespace, had no precondition.

        Rule: R16.
        """
        found = without_precondition(self.operator.installation.audit_log.writes(self.begins_at))
        assert not found, found

    def assert_no_leaks(self) -> None:
        """Fail where the operator has published a secret or text of another server.

        Rule: R100.
        """
        found = self.operator.leaks(self.begins_at)
        assert not found, found

    def assert_silent(self, seconds: float = QUIET_SECONDS) -> None:
        """Fail where the operator writes anything in this time, once the version in place is verified.

        Rule: R83.
        """
        self.until(lambda: "verifiedAt" in self.history[-1], what="a revision known good")
        # What nobody waits for is written up to two seconds later.
        time.sleep(3)
        before = len(self.operator_writes())
        time.sleep(seconds)
        assert self.operator_writes()[before:] == [], self.report()

    def assert_falls_silent(self) -> None:
        """Fail where the operator does not come to rest."""
        assert_all_fall_silent([self])


def assert_well_ended(scenarios: Sequence[Scenario]) -> None:
    """Check what must hold at the end of scenarios that ran at the same time under one operator.

    Objects of users are as they were applied, each write had a precondition, no secret was published, and the operator
    is healthy and at rest.
    """
    first = scenarios[0]
    for each in scenarios:
        each.assert_left_alone()
    assert first.operator.installation.refusals() == [], "the rights of the chart suffice"
    assert_all_fall_silent(scenarios)
    # These look at all that the operator has done since the first one began.
    first.assert_preconditioned()
    first.operator.assert_healthy()
    first.assert_no_leaks()


def assert_all_fall_silent(scenarios: Sequence[Scenario], quiet: float = QUIET_SECONDS, within: float = 40) -> None:
    """Wait until the operator is at rest in all scenarios; fails after `within` seconds.

    It is at rest when this many seconds have passed since its last write, by the audit log, and since the last act of a
    user.
    """
    deadline = time.monotonic() + within
    while (rest := quiet - _seconds_at_rest(scenarios)) > 0:
        if time.monotonic() > deadline:
            reports = "\n".join(each.report() for each in scenarios)
            raise AssertionError(f"the operator does not come to rest\n{reports}")
        time.sleep(rest)


def _seconds_at_rest(scenarios: Sequence[Scenario]) -> float:
    """Return the seconds since the last write of the operator or act of a user."""
    now = datetime.now(UTC)
    last = [write["stageTimestamp"] for each in scenarios for write in each.operator_writes()[-1:]]
    acts = (each.touched_at for each in scenarios)
    return (now - max([*acts, *map(datetime.fromisoformat, last)])).total_seconds()


def _asked_for(stored: Manifest) -> Manifest:
    """Return the part of an object that users write."""
    metadata = {name: each for name, each in stored["metadata"].items() if name not in BOOKKEEPING}
    return {"metadata": metadata, "spec": stored["spec"]}


def _list(manifests: Sequence[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


BOOKKEEPING = ("managedFields", "resourceVersion")
"""Metadata that each write changes."""
ALLOWED = {
    ("modeldeployments", "status", "update"),
    ("modelversions", "status", "patch"),
    ("controllerrevisions", "", "create"),
    ("controllerrevisions", "", "patch"),
    ("controllerrevisions", "", "delete"),
    ("deployments", "", "patch"),
    ("services", "", "patch"),
    ("services", "", "delete"),
    ("events", "", "create"),
}
ALLOWED_TO_ADOPT = {
    ("deployments", "", "delete"),
    ("replicasets", "", "patch"),
    ("pods", "", "patch"),
}
"""Besides, where a Deployment that existed before is taken over."""
