"""The test node: what runs on it lives and dies as Kubernetes says."""

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig import Rig

PYTHON = sys.executable
SLEEP = [PYTHON, "-c", "import time; time.sleep(600)"]


class Namespace:
    """A namespace with pods."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.name = rig, f"node-{uuid.uuid4().hex[:8]}"
        rig.kubectl("create", "namespace", self.name)
        self.until(
            lambda: rig.kubectl("get", "sa", "default", "-n", self.name, "-o", "name", check=False).stdout, "account"
        )

    def run(self, *containers: dict[str, Any], name: str = "pod", **spec: Any) -> None:
        body = {"terminationGracePeriodSeconds": 1, "containers": [*containers], **spec}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"l": "v"}}, "spec": body}
        self.rig.kubectl("apply", "-n", self.name, "-f", "-", stdin=json.dumps(pod))

    def status(self, name: str = "pod") -> dict[str, Any]:
        found = self.rig.kubectl("get", "pod", name, "-n", self.name, "-o", "json", "--ignore-not-found").stdout
        return dict(json.loads(found)["status"]) if found else {}

    def container(self, name: str = "pod") -> dict[str, Any]:
        statuses = self.status(name).get("containerStatuses") or [{"state": {}, "lastState": {}, "restartCount": 0}]
        return dict(statuses[0])

    def is_ready(self, name: str = "pod") -> bool:
        conditions = self.status(name).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def log(self, name: str = "pod", container: str = "c") -> str:
        (path,) = (self.rig.directory / "pods").glob(f"{self.name}_{name}_*/{container}/log")
        return path.read_text()

    def until(self, holds: Callable[[], object], what: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{what} did not come: {self.status()}"
            time.sleep(0.05)

    def until_logged(self, name: str) -> None:
        """Wait until the pod is ready and has said something."""
        self.until(lambda: self.is_ready(name) and self.log(name), f"a word of {name}")

    def delete(self, name: str = "pod", *options: str) -> float:
        begun = time.monotonic()
        self.rig.kubectl("delete", "pod", name, "-n", self.name, *options)
        return time.monotonic() - begun


@pytest.fixture
def namespace(rig: Rig) -> Iterator[Namespace]:
    made = Namespace(rig)
    yield made
    rig.kubectl("delete", "namespace", made.name, "--wait=false")


def container(command: list[str], **more: Any) -> dict[str, Any]:
    return {"name": "c", "image": "any", "command": command, **more}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"fieldPath": path}}


def test_environment_and_arguments_are_expanded(namespace: Namespace) -> None:
    program = "import os, sys, time; print(sys.argv[1:], os.environ['URL'], flush=True); time.sleep(600)"
    environment = [
        {"name": "POD_IP", "valueFrom": field("status.podIP")},
        {"name": "NAME", "valueFrom": field("metadata.name")},
        {"name": "LABEL", "valueFrom": field("metadata.labels['l']")},
        {"name": "URL", "value": "http://$(POD_IP)/$(NAME)/$(LABEL)"},
    ]
    namespace.run(container([PYTHON, "-c", program], args=["$(URL)", "$(UNKNOWN)", "$$(URL)"], env=environment))
    namespace.until(namespace.is_ready, "readiness")
    namespace.until(lambda: "http" in namespace.log(), "output")
    url = f"http://{namespace.status()['podIP']}/pod/v"
    assert namespace.log() == f"['{url}', '$(UNKNOWN)', '$(URL)'] {url}\n"


def test_pods_have_addresses_of_their_own(namespace: Namespace) -> None:
    for name in ("one", "two"):
        namespace.run(container(SLEEP), name=name)
    namespace.until(lambda: namespace.is_ready("one") and namespace.is_ready("two"), "readiness")
    addresses = {namespace.status(name)["podIP"] for name in ("one", "two")}
    assert len(addresses) == 2
    assert all(each.startswith("127.") for each in addresses)


def test_a_readiness_probe_decides_on_readiness(namespace: Namespace, tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    probe = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 1}
    namespace.run(container(SLEEP, readinessProbe=probe))
    namespace.until(lambda: "running" in namespace.container()["state"], "running")
    assert not namespace.is_ready()
    flag.touch()
    namespace.until(namespace.is_ready, "readiness")
    flag.unlink()
    namespace.until(lambda: not namespace.is_ready(), "unreadiness")
    assert namespace.container()["restartCount"] == 0


def test_a_liveness_probe_that_fails_restarts_the_container(namespace: Namespace, tmp_path: Path) -> None:
    flag = tmp_path / "alive"
    flag.touch()
    probe = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 2}
    namespace.run(container(SLEEP, livenessProbe=probe))
    namespace.until(namespace.is_ready, "readiness")
    flag.unlink()
    namespace.until(lambda: namespace.container()["restartCount"] == 1, "a restart")
    assert namespace.container()["lastState"]["terminated"]["exitCode"] == 137


def test_a_container_that_ends_is_restarted_with_back_off_and_its_code_is_told(namespace: Namespace) -> None:
    namespace.run(container([PYTHON, "-c", "raise SystemExit(3)"]))
    namespace.until(lambda: namespace.container()["restartCount"] >= 2, "two restarts")
    namespace.until(
        lambda: namespace.container()["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff", "back-off"
    )
    assert namespace.container()["lastState"]["terminated"]["exitCode"] == 3


def test_a_pod_that_is_not_restarted_succeeds_or_fails(namespace: Namespace) -> None:
    for name, code in (("good", 0), ("bad", 4)):
        namespace.run(container([PYTHON, "-c", f"raise SystemExit({code})"]), name=name, restartPolicy="Never")
    namespace.until(lambda: namespace.status("good").get("phase") == "Succeeded", "success")
    namespace.until(lambda: namespace.status("bad").get("phase") == "Failed", "failure")
    assert namespace.container("bad")["state"]["terminated"]["exitCode"] == 4


def test_an_image_of_the_bad_set_is_not_pulled(namespace: Namespace) -> None:
    namespace.run({"name": "c", "image": "unpullable.example/x:1", "command": SLEEP})
    namespace.until(
        lambda: namespace.container()["state"].get("waiting", {}).get("reason") == "ErrImagePull", "ErrImagePull"
    )
    assert namespace.status()["phase"] == "Pending"


def test_what_the_node_cannot_do_it_says(namespace: Namespace) -> None:
    namespace.run(container(SLEEP), volumes=[{"name": "data", "emptyDir": {}}])
    namespace.until(
        lambda: "volume data" in namespace.container()["state"].get("waiting", {}).get("message", ""), "a reason"
    )


def test_a_pod_gets_its_grace_and_not_more(namespace: Namespace) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    namespace.run(container([PYTHON, "-c", stubborn]), name="stubborn", terminationGracePeriodSeconds=2)
    polite = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (time.sleep(1), print('bye', flush=True), sys.exit(0)))\n"
        "print('up', flush=True); time.sleep(600)"
    )
    namespace.run(container([PYTHON, "-c", polite]), name="polite", terminationGracePeriodSeconds=20)
    for name in ("stubborn", "polite"):
        namespace.until_logged(name)
    assert 2 <= namespace.delete("stubborn") < 6
    assert 1 <= namespace.delete("polite") < 6
    assert "bye" in namespace.log("polite")


def test_a_deleted_namespace_ends_every_process(namespace: Namespace) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    for name in ("one", "two"):
        namespace.run(container([PYTHON, "-c", program]), name=name)
        namespace.until_logged(name)
    pids = [int(namespace.log(name)) for name in ("one", "two")]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    namespace.rig.kubectl("delete", "namespace", namespace.name, "--wait=false")
    namespace.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the end")


def test_pods_outlive_a_restart_of_the_api_server(namespace: Namespace) -> None:
    namespace.run(container(SLEEP))
    namespace.until(namespace.is_ready, "readiness")
    namespace.rig.stop_part("kube-apiserver")
    namespace.rig.start_part("kube-apiserver")
    namespace.run(container(SLEEP), name="after")
    namespace.until(lambda: namespace.is_ready("after"), "readiness of a pod made afterwards")
    assert namespace.is_ready()
    assert namespace.container()["restartCount"] == 0
