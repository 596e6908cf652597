"""A CustomResourceDefinition is deleted while the operator runs, and created again.

Rule: R97.
"""

import time
import urllib.error
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.plugin import kubectl_pennant
from cluster.scenario import NAME, Scenario
from rig import Rig

CRDS = Path(__file__).parents[2] / "crds"
MISSING = "A CustomResourceDefinition is missing"
RETURNED = "A CustomResourceDefinition is there again"
# Longer than kopf would need to end the process.
LONG_ENOUGH = 12


@pytest.fixture
def operator(own_rig: Rig, tmp_path: Path) -> Iterator[Operator]:
    """Start an operator on a control plane of its own: here objects of all namespaces are lost."""
    process = Operator(own_rig, tmp_path / "operator", install(own_rig, tmp_path))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def scenario(own_rig: Rig, operator: Operator, tmp_path: Path) -> Scenario:
    return Scenario(own_rig, f"crds-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)


def remove(scenario: Scenario, *plurals: str) -> None:
    scenario.kubectl("delete", "crd", *(f"{each}.pennant.dev" for each in plurals), "--wait=true", "--timeout=60s")


def bring_back(scenario: Scenario) -> None:
    scenario.kubectl("apply", "--server-side", "-f", str(CRDS))
    scenario.rig.until_crds_are_served()


def readiness(operator: Operator) -> tuple[int, str]:
    try:
        return operator.fetch("/readyz", operator.port)
    except urllib.error.URLError:
        return 0, ""


def until_readiness(operator: Operator, code: int, says: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not (readiness(operator)[0] == code and says in readiness(operator)[1]):
        assert time.monotonic() < deadline, f"{readiness(operator)}: {operator.tail()}"
        time.sleep(0.2)


def as_it_is(scenario: Scenario) -> Any:
    """Return identity, generation and spec of the Deployment, and its pods."""
    found = scenario.get("deployment")
    return found["metadata"]["uid"], found["metadata"]["generation"], found["spec"], scenario.pods()


def assert_waits(scenario: Scenario, plural: str) -> None:
    """Fail where the operator does not stay alive and unready, logs the reason twice, or writes anything."""
    operator = scenario.operator
    until_readiness(operator, 503, f"crds: {plural}.pennant.dev missing; apply crds/")
    time.sleep(1)
    before = len(scenario.operator_writes())
    deadline = time.monotonic() + LONG_ENOUGH
    while time.monotonic() < deadline:
        assert operator.alive, operator.tail()
        assert operator.fetch("/livez", operator.port)[0] == 200
        time.sleep(0.5)
    assert scenario.operator_writes()[before:] == []
    log = operator.log.read_text()
    assert log.count(MISSING) == 1, operator.tail()
    assert "Traceback" not in log


def assert_goes_on(scenario: Scenario, process: object) -> None:
    """Fail where a promotion is not followed by the same process."""
    scenario.accuracy("1.1.0", 0.97)
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until_verified("1.1.0")
    assert scenario.served() == "1.1.0"
    assert scenario.operator.process is process
    scenario.operator.assert_healthy()
    assert "Traceback" not in scenario.operator.log.read_text()


def test_what_serves_goes_on_without_the_definition_of_versions_and_a_promotion_works_when_it_is_back(
    serving: Scenario, operator: Operator
) -> None:
    """Versions go one after the other, so the second of two holders of the tag is for a moment the only one."""
    serving.version("1.2.0", "production")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "TagAmbiguous"), what="two holders")
    process, before = operator.process, as_it_is(serving)
    remove(serving, "modelversions")
    assert_waits(serving, "modelversions")
    assert as_it_is(serving) == before
    bring_back(serving)
    until_readiness(operator, 200, "crds: ok")
    serving.stays(lambda: as_it_is(serving) == before, 3, "the Deployment while no version is there again")
    serving.version("1.0.0", "production")
    serving.until_no_longer_stalled()
    assert_goes_on(serving, process)
    assert as_it_is(serving)[0] == before[0]
    assert [each["version"] for each in serving.history] == ["1.0.0", "1.1.0"]


def test_without_the_definition_of_deployments_it_waits_and_serves_when_they_are_applied_again(
    serving: Scenario, operator: Operator
) -> None:
    process = operator.process
    remove(serving, "modeldeployments")
    assert_waits(serving, "modeldeployments")
    assert {each["metadata"]["name"] for each in serving.all_of("modelversion")} == {f"{NAME}-1.0.0"}
    bring_back(serving)
    until_readiness(operator, 200, "crds: ok")
    serving.deployment()
    serving.until_verified("1.0.0")
    assert_goes_on(serving, process)


def test_an_operator_that_starts_before_its_definitions_waits_for_them(scenario: Scenario, operator: Operator) -> None:
    operator.kill()
    remove(scenario, "modelversions", "modeldeployments")
    operator.restart()
    process = operator.process
    until_readiness(operator, 503, "crds: modeldeployments.pennant.dev, modelversions.pennant.dev missing")
    code, out, err = kubectl_pennant(scenario, "get")
    assert (code, out) == (1, "")
    assert err.endswith(
        "has no ModelDeployments (pennant.dev). Install Pennant's CustomResourceDefinitions with its chart, or choose "
        "another cluster with --context\n"
    )
    time.sleep(LONG_ENOUGH / 2)
    assert operator.fetch("/livez", operator.port)[0] == 200
    bring_back(scenario)
    until_readiness(operator, 200, "crds: ok")
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment()
    scenario.until_verified("1.0.0")
    assert_goes_on(scenario, process)
