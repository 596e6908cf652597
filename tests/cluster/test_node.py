"""The test node runs pods as it documents, and their statuses on the API server are right."""

import json
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.api import Api
from rig import Rig
from rig.processes import Identity
from unit.rig.conftest import until

Object = dict[str, Any]
FOREVER = ["sleep", "3600"]
POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
# Serves the files of the directory in which the container works: what a test puts there is what a probe finds.
FILES = {
    "command": [sys.executable, "-m", "http.server", "--bind", "$(POD_IP)", "8080"],
    "env": [POD_IP],
    "ports": [{"name": "http", "containerPort": 8080}],
}
TRAP = 'trap "echo asked; {then}" TERM; echo ready; while :; do sleep 0.05; done'


class Workspace:
    """A namespace on a rig, and the pods in it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.api, self.namespace = rig, Api(rig), f"node-{uuid.uuid4().hex[:8]}"
        self.api.create_namespace(self.namespace)
        self.until(lambda: self.api.get("serviceaccounts", self.namespace, "default"))

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.rig.kubectl("--namespace", self.namespace, *args, stdin=stdin).stdout

    def make(self, manifest: Object) -> None:
        self.api.create(self.namespace, manifest)

    def pod(self, container: Object, **spec: Any) -> None:
        """Make the pod `p` with one container, bound to the node without a scheduler."""
        spec = {"nodeName": "rig-node", "containers": [{"name": "c", "image": "any:1"} | container]} | spec
        self.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec})

    def deployment(self, container: Object, replicas: int = 2) -> None:
        labels = {"app": "d"}
        pods = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "any:1"} | container]}
        template = {"metadata": {"labels": labels}, "spec": pods}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        self.make({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec})

    @property
    def pods(self) -> list[Object]:
        return self.api.all_of("pods", self.namespace)

    @property
    def the_pod(self) -> Object:
        (pod,) = self.pods
        return pod

    @property
    def container(self) -> Object:
        """What the API server says of the only container of the only pod."""
        (status,) = self.the_pod["status"].get("containerStatuses") or [{"state": {}, "lastState": {}}]
        return dict(status)

    def place(self, pod: Object) -> Path:
        """Where the container of a pod works, as the node's documentation says."""
        metadata = pod["metadata"]
        name = f"{self.namespace}_{metadata['name']}_{metadata['uid']}"
        return self.rig.directory / "pods" / name / "c"

    def log(self, pod: Object) -> str:
        path = self.place(pod) / "log"
        return path.read_text() if path.exists() else ""

    def processes(self) -> list[Identity]:
        found = [self.process(each) for pod in self.pods for each in pod["status"].get("containerStatuses", [])]
        return [each for each in found if each is not None]

    def process(self, status: Object) -> Identity | None:
        return Identity.of(int(status["containerID"].removeprefix("process://")))

    def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not happen within {seconds} s\n{json.dumps(self.pods, indent=1)}")
            time.sleep(0.05)

    def until_available(self) -> None:
        self.until(self._is_available)

    def _is_available(self) -> bool:
        deployment = self.api.get("deployments", self.namespace, "d") or {}
        return bool(deployment["status"].get("availableReplicas") == deployment["spec"]["replicas"])

    def until_ready(self) -> None:
        """Wait until the container said `ready`, and the status of the pod, which is written later, has its process."""
        self.until(lambda: "ready" in self.log(self.the_pod) and self.processes() and "podIP" in self.the_pod["status"])

    def until_running(self) -> None:
        self.until(lambda: "running" in self.container["state"])


@pytest.fixture
def workspace(rig: Rig) -> Iterator[Workspace]:
    made = Workspace(rig)
    yield made
    made.api.delete_namespace(made.namespace)


@pytest.fixture(scope="module")
def own_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Start a control plane whose parts a test may stop without disturbing others."""
    parts = ("etcd", "kube-apiserver", "kube-controller-manager", "node")
    with Rig.start(tmp_path_factory.mktemp("node") / "rig", parts) as running:
        yield running


def condition(pod: Object, kind: str) -> str:
    conditions = pod["status"].get("conditions", [])
    return next((str(each["status"]) for each in conditions if each["type"] == kind), "")


def waiting(workspace: Workspace) -> str:
    return str(workspace.container["state"].get("waiting", {}).get("reason", ""))


def test_the_node_is_ready_says_what_it_is_and_renews_its_lease(rig: Rig) -> None:
    node = json.loads(rig.kubectl("get", "node", "rig-node", "-o", "json").stdout)
    assert condition(node, "Ready") == "True"
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "rig-node"
    assert node["status"]["allocatable"]["pods"] == "200"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "rig-node"
    lease = json.loads(rig.kubectl("get", "lease", "rig-node", "-n", "kube-node-lease", "-o", "json").stdout)
    age = datetime.now(UTC) - datetime.fromisoformat(lease["spec"]["renewTime"])
    assert age.total_seconds() < 15


def test_a_deployment_becomes_available_on_addresses_of_its_own(workspace: Workspace) -> None:
    workspace.deployment({"command": FOREVER})
    workspace.until_available()
    addresses = {each["status"]["podIP"] for each in workspace.pods}
    block = workspace.pods[0]["status"]["hostIP"].removesuffix(".1")
    assert len(addresses) == 2
    assert all(re.fullmatch(rf"{re.escape(block)}\.\d+", each) for each in addresses)
    for pod in workspace.pods:
        assert pod["status"]["phase"] == "Running"
        assert {condition(pod, each) for each in ("PodScheduled", "Initialized", "ContainersReady", "Ready")} == {
            "True"
        }
        assert pod["status"]["observedGeneration"] == pod["metadata"]["generation"]


def test_environment_and_references_reach_the_process(workspace: Workspace) -> None:
    environment = [
        POD_IP,
        {"name": "URL", "value": "http://$(POD_IP):$(PORT)/$$(PORT)"},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}},
    ]
    container = {"command": ["sh", "-c", 'echo "$@"; env | sort', "-"], "args": ["$(URL)", "$(X)"], "env": environment}
    workspace.pod(container, restartPolicy="Never")
    workspace.until(lambda: workspace.the_pod["status"].get("phase") == "Succeeded")
    pod = workspace.the_pod
    url = f"http://{pod['status']['podIP']}:$(PORT)/$(PORT)"
    first, *rest = workspace.log(pod).splitlines()
    assert first == f"{url} $(X)"
    variables = dict(each.split("=", 1) for each in rest)
    assert (variables.pop("URL"), variables.pop("LABEL")) == (url, "b")
    assert variables.pop("HOME") == variables.pop("PWD") == str(workspace.place(pod))
    assert variables.keys() - {"_", "OLDPWD", "SHLVL"} == {"PATH", "POD_IP"}


def test_readiness_gates_availability(workspace: Workspace) -> None:
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    workspace.deployment(FILES | {"readinessProbe": probe}, replicas=1)
    workspace.until(lambda: len(workspace.pods) == 1 and "404" in workspace.log(workspace.the_pod))
    assert workspace.the_pod["status"]["phase"] == "Running"
    assert condition(workspace.the_pod, "Ready") == "False"
    ready = workspace.place(workspace.the_pod) / "ready"
    ready.touch()
    workspace.until_available()
    assert workspace.container["ready"] is True
    ready.unlink()
    workspace.until(lambda: condition(workspace.the_pod, "Ready") == "False")
    assert workspace.container["restartCount"] == 0


def test_a_container_that_is_not_alive_is_restarted(workspace: Workspace) -> None:
    probe = {"exec": {"command": ["test", "!", "-e", "broken"]}, "periodSeconds": 1, "failureThreshold": 1}
    workspace.pod({"command": ["sh", "-c", "rm -f broken; exec sleep 3600"], "livenessProbe": probe})
    workspace.until_running()
    before = workspace.container["containerID"]
    (workspace.place(workspace.the_pod) / "broken").touch()
    # The next probe may come before the container has taken the file away: then it is restarted once more.
    workspace.until(lambda: workspace.container["restartCount"] >= 1 and "running" in workspace.container["state"])
    assert workspace.container["lastState"]["terminated"]["exitCode"] == 143
    assert workspace.container["containerID"] != before


def test_a_container_that_crashes_is_restarted_with_back_off(workspace: Workspace) -> None:
    workspace.pod({"command": ["sh", "-c", "echo one more; exit 7"]})
    workspace.until(lambda: waiting(workspace) == "CrashLoopBackOff" and workspace.container["restartCount"] >= 2)
    container, pod = workspace.container, workspace.the_pod
    assert container["lastState"]["terminated"]["exitCode"] == 7
    assert container["ready"] is False
    assert (pod["status"]["phase"], condition(pod, "Ready")) == ("Running", "False")
    assert workspace.log(pod).count("one more") >= 3


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
def test_a_pod_that_is_not_restarted_ends(workspace: Workspace, code: int, phase: str) -> None:
    workspace.pod({"command": ["sh", "-c", f"exit {code}"]}, restartPolicy="Never")
    workspace.until(lambda: workspace.the_pod["status"].get("phase") == phase)
    container = workspace.container
    assert container["state"]["terminated"]["exitCode"] == code
    assert (container["restartCount"], container["lastState"]) == (0, {})


def test_a_command_that_is_not_there_is_a_start_error(workspace: Workspace) -> None:
    workspace.pod({"command": ["no-such-command"]}, restartPolicy="Never")
    workspace.until(lambda: workspace.the_pod["status"].get("phase") == "Failed")
    ended = workspace.container["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert "no-such-command" in ended["message"]


def test_a_bad_image_cannot_be_pulled(workspace: Workspace) -> None:
    workspace.pod({"image": "unpullable.example/server:1", "command": FOREVER})
    seen = []

    def next_reason() -> bool:
        seen.append(waiting(workspace))
        return seen[-1] == "ImagePullBackOff"

    workspace.until(next_reason)
    assert set(seen) <= {"", "ContainerCreating", "ErrImagePull", "ImagePullBackOff"}
    assert "unpullable.example/server:1" in workspace.container["state"]["waiting"]["message"]
    assert workspace.the_pod["status"]["phase"] == "Pending"


def test_what_the_node_does_not_do_is_said_in_the_status(workspace: Workspace) -> None:
    workspace.pod({"command": FOREVER, "workingDir": "/srv"})
    workspace.until(lambda: waiting(workspace) == "CreateContainerConfigError")
    assert workspace.container["state"]["waiting"]["message"] == "the test node does not support workingDir"


def test_a_container_may_use_its_grace_and_is_not_ready_meanwhile(workspace: Workspace) -> None:
    script = TRAP.format(then="while [ ! -e go ]; do sleep 0.05; done; echo done; exit 0")
    workspace.pod({"command": ["sh", "-c", script]}, terminationGracePeriodSeconds=30)
    workspace.until(
        lambda: "ready" in workspace.log(workspace.the_pod) and condition(workspace.the_pod, "Ready") == "True"
    )
    pod = workspace.the_pod
    workspace.kubectl("delete", "pod", "p", "--wait=false")
    workspace.until(lambda: condition(workspace.the_pod, "Ready") == "False")
    workspace.until(lambda: "asked" in workspace.log(pod))
    assert len(workspace.processes()) == 1
    (workspace.place(pod) / "go").touch()
    workspace.until(lambda: not workspace.pods)
    assert "done" in workspace.log(pod)


def test_a_container_that_ignores_the_question_is_killed_after_its_grace(workspace: Workspace) -> None:
    workspace.pod({"command": ["sh", "-c", TRAP.format(then=":")]}, terminationGracePeriodSeconds=1)
    workspace.until_ready()
    pod, (process,) = workspace.the_pod, workspace.processes()
    begun = time.monotonic()
    workspace.kubectl("delete", "pod", "p", "--timeout=20s")
    assert 1 <= time.monotonic() - begun < 10
    assert "asked" in workspace.log(pod)
    assert not process.runs


def test_a_forced_deletion_ends_a_container_within_its_grace(workspace: Workspace) -> None:
    workspace.pod({"command": ["sh", "-c", TRAP.format(then=":")]}, terminationGracePeriodSeconds=60)
    workspace.until_ready()
    pod, (process,) = workspace.the_pod, workspace.processes()
    workspace.kubectl("delete", "pod", "p", "--wait=false")
    workspace.until(lambda: "asked" in workspace.log(pod))
    assert process.runs
    workspace.kubectl("delete", "pod", "p", "--force", "--grace-period=0")
    assert process.ended_within(5)


def test_a_pod_with_the_name_of_one_that_still_ends_is_another_pod(workspace: Workspace) -> None:
    workspace.pod({"command": ["sh", "-c", TRAP.format(then=":")]}, terminationGracePeriodSeconds=60)
    workspace.until_ready()
    old, (process,) = workspace.the_pod, workspace.processes()
    workspace.kubectl("delete", "pod", "p", "--force", "--grace-period=0")
    workspace.pod({"command": FOREVER})
    workspace.until(lambda: condition(workspace.the_pod, "Ready") == "True")
    assert process.ended_within(5)
    assert workspace.the_pod["metadata"]["uid"] != old["metadata"]["uid"]
    assert workspace.the_pod["status"]["podIP"] != old["status"]["podIP"]
    assert len(workspace.processes()) == 1


def test_deleting_the_namespace_ends_all_processes(rig: Rig) -> None:
    workspace = Workspace(rig)
    workspace.deployment({"command": ["sh", "-c", "sleep 3600 & echo $!; wait"]}, replicas=3)
    workspace.until_available()
    workspace.until(lambda: all(workspace.log(each) for each in workspace.pods))
    begun = [Identity.of(int(workspace.log(each))) for each in workspace.pods]
    processes = [*workspace.processes(), *(each for each in begun if each is not None)]
    assert len(processes) == 6
    rig.kubectl("delete", "namespace", workspace.namespace, "--timeout=60s")
    assert all(each.ended_within(1) for each in processes)


def test_pods_outlive_a_restart_of_the_api_server_and_news_reaches_the_node_again(own_rig: Rig) -> None:
    workspace = Workspace(own_rig)
    probe = {"exec": {"command": ["test", "-e", "ready"]}, "periodSeconds": 1, "failureThreshold": 1}
    workspace.pod({"command": FOREVER, "readinessProbe": probe})
    workspace.until_running()
    pod, (process,) = workspace.the_pod, workspace.processes()
    own_rig.stop_part("kube-apiserver")
    (workspace.place(pod) / "ready").touch()
    until(lambda: "p: not told" in own_rig.log("node").read_text())
    own_rig.start_part("kube-apiserver")
    # What happened meanwhile is told, and what is asked from now on is done.
    workspace.until(lambda: condition(workspace.the_pod, "Ready") == "True")
    assert process.runs
    assert workspace.container["restartCount"] == 0
    workspace.kubectl("delete", "pod", "p", "--grace-period=1", "--timeout=20s")
    assert not process.runs


def test_a_node_that_comes_back_starts_its_pods_again_on_their_addresses(own_rig: Rig) -> None:
    workspace = Workspace(own_rig)
    workspace.pod({"command": FOREVER})
    workspace.until_running()
    before, (process,) = workspace.the_pod["status"], workspace.processes()
    own_rig.stop_part("node")
    assert not process.runs
    own_rig.start_part("node")
    workspace.until(lambda: workspace.container["restartCount"] == 1 and "running" in workspace.container["state"])
    after = workspace.the_pod["status"]
    assert after["podIPs"] == before["podIPs"]
    assert after["startTime"] == before["startTime"]
    assert workspace.container["lastState"]["terminated"]["exitCode"] == 137
    assert len(workspace.processes()) == 1
