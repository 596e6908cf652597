"""The rights that the chart grants are sufficient, and the operator uses each of them, by the API server's audit log.

That they suffice is checked after every scenario; here it is shown that each of them is used.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.installation import Installation, Right, install
from cluster.operator_process import Operator
from cluster.scenario import Scenario
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind
from rig import Rig

MAY_OWN: Right = ("pennant.dev", "modeldeployments/finalizers", "update")
MAY_ADOPT: Right = ("apps", "deployments", "delete")
MAY_APPLY: Right = ("apps", "deployments", "create")
TO_TAKE_OVER: frozenset[Right] = frozenset({MAY_ADOPT, ("apps", "replicasets", "patch"), ("", "pods", "patch")})
BY_HAND = {"fieldManager": "kubectl"}
WRITERS, DISTURBED_SECONDS = 8, 60


def test_every_right_that_is_granted_is_used(
    rolled_back: Scenario, second: Operator, installation: Installation
) -> None:
    def unused() -> set[Right]:
        return set(installation.granted - installation.used())

    # A history that is full lets the oldest record go.
    rolled_back.deployment(historyLimit=2, rollback={"budget": {"count": 1}})
    rolled_back.until(lambda: ("apps", "controllerrevisions", "delete") not in unused())
    # A version that others write all the time is read again before it is marked.
    asyncio.run(disturbed(rolled_back, lambda: ("pennant.dev", "modelversions", "get") not in unused()))
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))
    # A rollout that gets nowhere has its pods looked at.
    rolled_back.unready("1.2.0")
    rolled_back.version("1.2.0")
    rolled_back.deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 2})
    rolled_back.move_tag("1.1.0", "1.2.0")
    rolled_back.until(lambda: ("1.2.0", "ProgressDeadlineExceeded") in rolled_back.quarantined())
    # A Service that belongs to somebody else is looked at, another one is created and deleted.
    rolled_back.kubectl("create", "service", "clusterip", "taken", "--tcp=80:80")
    rolled_back.deployment(service={"name": "taken", "ports": [{"port": 80}]})
    rolled_back.until(lambda: ("", "services", "get") not in unused())
    rolled_back.deployment(service={"ports": [{"port": 80}]})
    rolled_back.until(lambda: rolled_back.exists("service", "fraud"))
    rolled_back.deployment()
    rolled_back.until(lambda: not rolled_back.exists("service", "fraud"))
    # A watch is in the audit log when it is over. That of the Lease is the standby's.
    rolled_back.until(lambda: second.fetch("/readyz", second.port)[0] == 200)
    rolled_back.operator.restart()
    # What is left is asked for by admission, so that no request shows it, see below, or used in test_adoption.py.
    asked = {MAY_OWN, *TO_TAKE_OVER}
    rolled_back.until(lambda: unused() == asked, what=f"the use of {unused() - asked}")


async def disturbed(scenario: Scenario, done: Callable[[], bool]) -> None:
    """Remove the mark of quarantine from a version again and again, and change the version, until it is done."""
    path = RESOURCES[Kind.MODEL_VERSION].path(scenario.namespace, "fraud-1.1.0")
    over = asyncio.Event()

    async def write(client: Client, number: int) -> None:
        count = 0
        while not over.is_set():
            count += 1
            note = {"metadata": {"annotations": {f"written-by-{number}": str(count)}}}
            unmarked = {"status": {"quarantinedBy": None}}
            for target, body in ((path, note), (f"{path}/status", unmarked)):
                await client.request(
                    ApiVerb.PATCH, Kind.MODEL_VERSION, target, params=BY_HAND, body=body, content_type=MERGE
                )

    async with (
        Client(Connection(str(scenario.rig.kubeconfig))) as client,
        asyncio.timeout(DISTURBED_SECONDS),
        asyncio.TaskGroup() as group,
    ):
        for number in range(WRITERS):
            group.create_task(write(client, number))
        while not await asyncio.to_thread(done):
            await asyncio.sleep(0.2)
        over.set()


def a_record(scenario: Scenario) -> tuple[str, ...]:
    """Return the words for kubectl that create a record as the operator does, and the manifest."""
    found = scenario.get("controllerrevision", "fraud-1")
    metadata = {key: found["metadata"][key] for key in ("labels", "ownerReferences")}
    manifest = {**found, "metadata": {**metadata, "name": "fraud-9", "namespace": scenario.namespace}}
    return "create", "-f", "-", json.dumps(manifest)


def an_application(scenario: Scenario) -> tuple[str, ...]:
    """Return the words for kubectl that apply a Deployment where there is none, and the manifest."""
    found = scenario.get("deployment")
    metadata = {"name": "another", "namespace": scenario.namespace}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": found["spec"]}
    return "apply", "--server-side", "-f", "-", json.dumps(manifest)


def an_adoption(scenario: Scenario) -> tuple[str, ...]:
    """Return the words for kubectl that give an owner to a Deployment without one, and nothing to read."""
    found = scenario.get("deployment")
    metadata = {"name": "another", "namespace": scenario.namespace}
    spec = {**found["spec"], "replicas": 0}
    scenario.kubectl("create", "-f", "-", stdin=json.dumps({**found, "metadata": metadata, "spec": spec}))
    patch = json.dumps({"metadata": {"ownerReferences": found["metadata"]["ownerReferences"]}})
    return "patch", "deployment", "another", "--namespace", scenario.namespace, "--type=merge", "-p", patch, ""


@pytest.mark.parametrize(
    ("right", "attempt", "says"),
    [
        pytest.param(MAY_OWN, a_record, "cannot set blockOwnerDeletion", id="to own what delays the owner's deletion"),
        pytest.param(MAY_ADOPT, an_adoption, "set an ownerRef on a resource you can't delete", id="to take up again"),
        pytest.param(
            MAY_APPLY, an_application, 'cannot create resource "deployments"', id="to apply what is not there"
        ),
    ],
)
def test_a_right_that_no_request_names_is_asked_for(
    rig: Rig, serving: Scenario, tmp_path: Path, right: Right, attempt: Callable[[Scenario], tuple[str, ...]], says: str
) -> None:
    *words, manifest = attempt(serving)
    for without, code in ((None, 0), (right, 1)):
        installed = install(rig, tmp_path, release="lacking", namespace="lacking", without=without)
        account = ("--kubeconfig", installed.environment["KUBECONFIG"])
        done = rig.kubectl(*account, *words, "--dry-run=server", stdin=manifest, check=False)
        assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert says in installed.refusals()[-1], "what is checked after every scenario would show it"


@pytest.mark.parametrize(
    ("right", "named"),
    [
        (MAY_OWN, "update modeldeployments.pennant.dev/finalizers in all namespaces"),
        (("apps", "deployments", "watch"), "watch deployments.apps in all namespaces"),
        (("apps", "controllerrevisions", "create"), "create controllerrevisions.apps in all namespaces"),
        (("coordination.k8s.io", "leases", "create"), "create leases.coordination.k8s.io in namespace poor"),
        (("coordination.k8s.io", "leases", "update"), "update leases.coordination.k8s.io in namespace poor"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_operator_that_lacks_a_right_ends_and_names_it(rig: Rig, tmp_path: Path, right: Right, named: str) -> None:
    operator = Operator(rig, tmp_path, install(rig, tmp_path, release="poor", namespace="poor", without=right))
    operator.start()
    assert operator.process is not None
    assert operator.process.wait(30) == 1
    assert f"rights are missing: {named}; the roles of the chart grant them (rbac.create)" in operator.tail()
    assert "Traceback" not in operator.tail()
