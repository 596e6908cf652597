"""The operator's own metrics: what they say of an object, and that they go with it."""

from dataclasses import replace

import pytest
from prometheus_client import Counter, Gauge, generate_latest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.controller.reconciler import Reconciler
from pennant.controller.source_breaker import SourceBreaker
from pennant.core.decide import decide
from pennant.core.facts.decision import Decision
from pennant.core.facts.observation import Observation, Snapshot
from pennant.runtime.telemetry import Telemetry
from simulation.support.story import Story
from simulation.support.world import KEY, OTHER
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
    seen = Observation(NOON, snapshot)
    telemetry.decided(KEY, seen, decide(seen))
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
    assert f"pennant_tag_holders{{{where}}} 1.0" in lines
    assert f'pennant_rollouts_total{{{where},result="completed"}} 0.0' in lines, "counters begin at 0"
    assert f'pennant_rollbacks_total{{{where},reason="MetricBreach"}} 0.0' in lines
    assert f'pennant_metric_check_threshold{{metric="accuracy",{where}}} 0.9' in lines


def test_nothing_is_left_of_an_object_that_is_gone() -> None:
    telemetry = observed()
    telemetry.decided(KEY, None, None)
    assert not [each for each in text(telemetry) if "fraud" in each]


def test_to_forget_an_object_no_other_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of others that would stop the process for seconds."""
    telemetry = observed()
    seen = Observation(NOON, replace(a_snapshot(), key=OTHER))
    telemetry.decided(OTHER, seen, decide(seen))
    with monkeypatch.context() as patched:
        for kind in (Gauge, Counter):
            patched.setattr(kind, "collect", lambda _: pytest.fail("all series are looked through"))
        telemetry.decided(KEY, None, None)
    lines = [each for each in text(telemetry) if 'namespace="default"' in each]
    assert lines
    assert all('name="other"' in each for each in lines)


def test_an_object_has_one_info_at_a_time() -> None:
    telemetry = observed()
    seen = Observation(NOON, a_snapshot())
    moved = decide(seen).status.model_copy(update={"desired": None})
    telemetry.decided(KEY, seen, Decision(moved))
    assert len([each for each in text(telemetry) if each.startswith("pennant_modeldeployment_info{")]) == 1


def test_an_object_has_a_bounded_number_of_series() -> None:
    assert len([each for each in text(observed()) if "fraud" in each]) <= 49


async def test_a_story_is_told_by_the_counters() -> None:
    """A promotion that is rolled back, with the passes of the simulated operator."""
    telemetry = Telemetry()
    story = Story()
    story.operator.reconciler = Reconciler(
        story.cluster, story.measurements, story.world, telemetry, SourceBreaker(0, 50, lambda: 1)
    )
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.5}
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: bool(story.status.stable))
    story.version("1.0.0")
    story.version("1.1.0", "production")
    await story.until(lambda: len(story.history) == 3 and story.history[-1].verified_at is not None)

    where = 'name="fraud",namespace="default"'
    lines = text(telemetry)
    assert f'pennant_rollouts_total{{{where},result="completed"}} 3.0' in lines
    assert f'pennant_rollouts_total{{{where},result="rolled_back"}} 1.0' in lines
    assert f'pennant_rollbacks_total{{{where},reason="MetricBreach"}} 1.0' in lines
    assert f'pennant_metric_checks_total{{metric="accuracy",{where},result="breach"}} 1.0' in lines
    assert f'pennant_metric_check_value{{metric="accuracy",{where}}} 0.95' in lines
    assert "pennant_rollback_duration_seconds_count 1.0" in lines
