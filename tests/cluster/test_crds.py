"""A CustomResourceDefinition goes under the operator, and comes back.

Rule: R97.
"""

import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.stage import NAME, Stage
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
def stage(own_rig: Rig, operator: Operator, tmp_path: Path) -> Stage:
    return Stage(own_rig, "crds", tmp_path / "models", operator)


def remove(stage: Stage, *plurals: str) -> None:
    stage.kubectl("delete", "crd", *(f"{each}.pennant.dev" for each in plurals), "--wait=true", "--timeout=60s")


def bring_back(stage: Stage) -> None:
    stage.kubectl("apply", "--server-side", "-f", str(CRDS))
    stage.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


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


def as_it_is(stage: Stage) -> Any:
    """Return what there is of the Deployment, and its pods."""
    found = stage.get("deployment")
    return found["metadata"]["uid"], found["metadata"]["generation"], found["spec"], stage.pods()


def assert_waits(stage: Stage, plural: str) -> None:
    """The operator runs on, alive and not ready, has said once what is missing, and writes nothing."""
    operator = stage.operator
    until_readiness(operator, 503, f"crds: {plural}.pennant.dev missing; apply crds/")
    time.sleep(1)
    before = len(stage.operator_writes())
    deadline = time.monotonic() + LONG_ENOUGH
    while time.monotonic() < deadline:
        assert operator.alive, operator.tail()
        assert operator.fetch("/livez", operator.port)[0] == 200
        time.sleep(0.5)
    assert stage.operator_writes()[before:] == []
    log = operator.log.read_text()
    assert log.count(MISSING) == 1, operator.tail()
    assert "Traceback" not in log


def assert_goes_on(stage: Stage, process: object) -> None:
    """What is promoted now is served, by the same process."""
    stage.accuracy("1.1.0", 0.97)
    stage.version("1.1.0")
    stage.move_tag("1.0.0", "1.1.0")
    stage.until_verified("1.1.0")
    assert stage.served() == "1.1.0"
    assert stage.operator.process is process
    stage.operator.assert_sound()
    assert "Traceback" not in stage.operator.log.read_text()


def test_what_serves_goes_on_without_the_definition_of_versions_and_a_promotion_works_when_it_is_back(
    serving: Stage, operator: Operator
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
    serving: Stage, operator: Operator
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


def test_an_operator_that_starts_before_its_definitions_waits_for_them(stage: Stage, operator: Operator) -> None:
    operator.kill()
    remove(stage, "modelversions", "modeldeployments")
    operator.restart()
    process = operator.process
    until_readiness(operator, 503, "crds: modeldeployments.pennant.dev, modelversions.pennant.dev missing")
    time.sleep(LONG_ENOUGH / 2)
    assert operator.fetch("/livez", operator.port)[0] == 200
    bring_back(stage)
    until_readiness(operator, 200, "crds: ok")
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production")
    stage.deployment()
    stage.until_verified("1.0.0")
    assert_goes_on(stage, process)
