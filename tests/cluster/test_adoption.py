"""A Deployment that existed before is taken over, and put back, by the real controllers; a Service has pods throughout.

Pods of the rig have loopback addresses, which no EndpointSlice may have, so the pods that a Service sends requests to
are found as its controller finds them: those that its selector selects and that are ready.

Rule: R125.
Rule: R126.
Rule: R127.
Rule: R129.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.api import Api
from cluster.installation import Installation
from cluster.scenario import NAME, Manifest, Scenario
from cluster.test_cli_adopt import adopt as adopt_by_command
from cluster.test_permissions import TO_TAKE_OVER

APP = {"app": "fraud-server"}
REPLICAS = 2


class Serving:
    """How many pods a Service with the selector `APP` had, looked at again and again."""

    def __init__(self, scenario: Scenario) -> None:
        self._api, self._namespace = Api(scenario.rig), scenario.namespace
        self.counts: list[int] = []
        self._over = threading.Event()

    def look(self) -> None:
        while not self._over.wait(0.02):
            pods = self._api.all_of("pods", self._namespace, f"app={APP['app']}")
            self.counts.append(sum(is_ready(each) for each in pods))

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self.look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def is_ready(pod: Manifest) -> bool:
    conditions = pod["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def template(scenario: Scenario, **annotations: str) -> Manifest:
    """Return the pod template of the Deployment that was there before: it names its model itself."""
    found: Manifest = scenario.a_deployment()["spec"]["template"]
    container = found["spec"]["containers"][0]
    container["env"] = [*container["env"], {"name": "MODEL_VERSION", "value": "1.0.0"}]
    found["metadata"] = {"labels": APP, "annotations": {**found["metadata"]["annotations"], **annotations}}
    return found


def deploy_by_hand(scenario: Scenario, **annotations: str) -> None:
    spec: dict[str, Any] = {"replicas": REPLICAS, "selector": {"matchLabels": APP}}
    spec["template"] = template(scenario, **annotations)
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}
    scenario.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    scenario.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=60s")


@pytest.fixture
def existing(scenario: Scenario) -> Scenario:
    """Return a scenario with a Deployment that has two ReplicaSets, of which one has pods."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    deploy_by_hand(scenario, by="hand")
    deploy_by_hand(scenario)
    scenario.until(lambda: len(scenario.all_of("pod")) == REPLICAS, what="the end of the first pods")
    return scenario


def adopt(scenario: Scenario, *, with_variables: bool = False, **spec: Any) -> None:
    wanted = {"adopt": True, "replicas": REPLICAS, "template": template(scenario)}
    inject: Manifest = {} if with_variables else {"inject": {"containers": []}}
    scenario.deployment(**wanted | inject | spec)


def pods(scenario: Scenario) -> set[tuple[str, int]]:
    """Return the uid of each pod, and how often its container was restarted."""
    return {
        (each["metadata"]["uid"], each["status"]["containerStatuses"][0]["restartCount"])
        for each in scenario.all_of("pod", f"app={APP['app']}")
        if "deletionTimestamp" not in each["metadata"]
    }


def phase(scenario: Scenario) -> str:
    return str(scenario.status.get("adoption", {}).get("phase", ""))


def test_a_deployment_is_taken_over_without_a_restart_and_put_back(existing: Scenario) -> None:
    before, old = pods(existing), existing.get("deployment")
    sets = {each["metadata"]["uid"] for each in existing.all_of("replicaset")}
    serving = Serving(existing)
    with serving.watched():
        adopt(existing)
        existing.until_verified("1.0.0")
        assert pods(existing) == before, "no pod was replaced or restarted"
        new = existing.get("deployment")
        assert new["metadata"]["uid"] != old["metadata"]["uid"]
        found = existing.all_of("replicaset", f"pennant.dev/modeldeployment={NAME}")
        assert {each["metadata"]["uid"] for each in found} == sets
        owners = {each["metadata"]["ownerReferences"][0]["uid"] for each in found}
        assert owners == {new["metadata"]["uid"]}
        assert len(existing.pods("1.0.0")) == REPLICAS, "the pods have the labels of the operator"
        assert phase(existing) == "Adopted"
        existing.until_told("Adopting", "Adopted")
        assert min(serving.counts) == REPLICAS

        # Afterwards they get the variables of the record, by a rolling update.
        adopt(existing, with_variables=True)
        existing.until(lambda: len(existing.history) == 2 and "verifiedAt" in existing.history[-1], what="variables")
        assert not pods(existing) & before

        existing.kubectl("delete", "modeldeployment", NAME, "--cascade=orphan")
        existing.kubectl("delete", "deployment", NAME, "--cascade=orphan")
        kept = existing.kubectl("get", "controllerrevision", f"{NAME}-adopted", "-o", "jsonpath={.data}")
        existing.kubectl("create", "-f", "-", stdin=kept)
        existing.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=60s")
    assert min(serving.counts) >= REPLICAS, "each rolling update keeps the old pods until the new ones are ready"
    back = existing.get("deployment")
    assert back["spec"] == old["spec"]
    assert set(back["metadata"]["annotations"]) == set(old["metadata"]["annotations"])
    existing.until(lambda: len(pods(existing)) == REPLICAS, what="the end of the pods of the operator")


def test_the_rights_that_this_takes_are_used(existing: Scenario, installation: Installation) -> None:
    adopt(existing)
    existing.until(lambda: phase(existing) == "Adopted", what="the adoption")
    assert installation.used() >= TO_TAKE_OVER
    existing.until_verified("1.0.0")


def test_an_operator_that_dies_in_the_middle_is_followed_by_one_that_completes_it(existing: Scenario) -> None:
    """Rule: R128."""
    before, old = pods(existing), existing.get("deployment")["metadata"]["uid"]

    def is_under_way() -> bool:
        found = existing.all_of("deployment")
        return not any(each["metadata"]["uid"] == old and "deletionTimestamp" not in each["metadata"] for each in found)

    adopt(existing)
    while not is_under_way():
        pass
    existing.operator.kill()
    assert pods(existing) == before
    existing.operator.start()
    existing.until_verified("1.0.0")
    assert (phase(existing), pods(existing)) == ("Adopted", before)


def test_what_the_command_line_writes_restarts_no_pod(existing: Scenario, tmp_path: Path) -> None:
    before, serving = pods(existing), Serving(existing)
    file, steps = adopt_by_command(existing, tmp_path, f"deployment/{NAME}")
    manifests = yaml.safe_load_all(file.read_text())
    with serving.watched():
        # The version is there already.
        existing.kubectl_apply(*(each for each in manifests if each["kind"] == "ModelDeployment"))
        existing.until(lambda: phase(existing) == "Adopted", what=f"the adoption, by {steps}")
        existing.until(lambda: existing.condition("Ready") == ("True", "Serving"), what="Ready")
    assert pods(existing) == before
    assert min(serving.counts) == REPLICAS


def test_another_pod_template_is_rolled_out_while_the_old_pods_serve(existing: Scenario) -> None:
    before, serving = pods(existing), Serving(existing)
    with serving.watched():
        adopt(existing, with_variables=True)
        existing.until_verified("1.0.0")
    assert not pods(existing) & before
    assert min(serving.counts) >= REPLICAS
    assert existing.status["adoption"]["replacesPods"].startswith("spec.template.spec.containers[name=server].env")


def test_what_prevents_it_is_said_until_it_is_gone(existing: Scenario) -> None:
    before = pods(existing)
    existing.kubectl("rollout", "pause", f"deployment/{NAME}")
    adopt(existing, replicas=1)
    existing.until_stalled("AdoptionBlocked")
    assert "paused" in existing.message("Stalled")
    existing.kubectl("rollout", "resume", f"deployment/{NAME}")
    existing.until(lambda: "has 2 replicas, and spec.replicas is 1" in existing.message("Stalled"), what="the number")
    existing.unready("1.0.0")
    existing.until(lambda: not existing.get("deployment")["status"].get("availableReplicas"), what="unready pods")
    adopt(existing)
    existing.until(lambda: existing.condition("Reconciling") == ("True", "AdoptionWaiting"), what="AdoptionWaiting")
    existing.unready("1.0.0", False)
    existing.until_verified("1.0.0")
    assert pods(existing) == before


def test_a_deployment_that_is_written_again_is_named_with_its_field_manager(existing: Scenario) -> None:
    adopt(existing)
    existing.until_verified("1.0.0")
    existing.operator.kill()
    existing.delete("deployment", NAME, "Orphan")
    deploy_by_hand(existing)
    existing.operator.start()
    existing.until_stalled("NameConflict")
    assert "kubectl-client-side-apply wrote Deployment fraud again after it was taken over" in existing.message(
        "Stalled"
    )
    adopt(existing, adopt=False)
    existing.until(lambda: phase(existing) == "", what="the end of the adoption")
    adopt(existing)
    existing.until(lambda: phase(existing) == "Adopted", what="another adoption")
    existing.until_no_longer_stalled()
    assert "which was taken over before, has the same pod template" in existing.status["adoption"]["replacesPods"]
    existing.until_verified("1.0.0")
