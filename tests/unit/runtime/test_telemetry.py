"""The operator's own metrics: what they say of an object, and that they go with it."""

from prometheus_client import generate_latest

from pennant.api.model_deployment import ModelDeploymentStatus
from pennant.core.decide import decide
from pennant.core.observation import Observation, Snapshot
from pennant.runtime.telemetry import Telemetry
from simulation.world import KEY
from unit.core.builders import NOON, a_version, the_spec


def a_snapshot() -> Snapshot:
    return Snapshot(
        key=KEY,
        uid="u",
        resource_version="1",
        generation=1,
        deleting=False,
        spec=the_spec(),
        status=ModelDeploymentStatus(),
        versions=(a_version("1.0.0", "production"),),
        revisions=(),
        workload=None,
    )


def text(telemetry: Telemetry) -> list[str]:
    return generate_latest(telemetry.registry).decode().splitlines()


def observed() -> Telemetry:
    telemetry = Telemetry()
    snapshot = a_snapshot()
    telemetry.decided(KEY, snapshot, decide(Observation(NOON, snapshot)))
    return telemetry


def test_an_object_has_its_info_conditions_and_counters_from_the_first_pass_on() -> None:
    lines = text(observed())
    where = 'name="fraud",namespace="default"'
    info = f'desired_version="1.0.0",model="fraud",{where},serving_version="",tag="production"'
    assert f"pennant_modeldeployment_info{{{info}}} 1.0" in lines
    ready = f'pennant_modeldeployment_status_condition{{condition="Ready",{where},status='
    assert [each for each in lines if each.startswith(ready)] == [
        f'{ready}"true"}} 0.0',
        f'{ready}"false"}} 1.0',
        f'{ready}"unknown"}} 0.0',
    ]
    assert f'pennant_revisions_total{{{where},trigger="TagMoved"}} 1.0' in lines
    assert f'pennant_revisions_total{{{where},trigger="AutomaticRollback"}} 0.0' in lines, "counters begin at 0"
    assert f'pennant_versions_found_bad_total{{{where},reason="MetricBreach"}} 0.0' in lines


def test_nothing_is_left_of_an_object_that_is_gone() -> None:
    telemetry = observed()
    telemetry.decided(KEY, None, None)
    assert not [each for each in text(telemetry) if "fraud" in each]


def test_an_object_has_one_info_at_a_time() -> None:
    telemetry = observed()
    snapshot = a_snapshot()
    decision = decide(Observation(NOON, snapshot))
    moved = decision.status.model_copy(update={"desired": None})
    telemetry.decided(KEY, snapshot, type(decision)(moved))
    assert len([each for each in text(telemetry) if each.startswith("pennant_modeldeployment_info{")]) == 1


def test_an_object_has_a_bounded_number_of_series() -> None:
    assert len([each for each in text(observed()) if "fraud" in each]) <= 45
