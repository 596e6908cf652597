"""The operator's own metrics: what they say of an object, and that they go with it."""

from dataclasses import replace

from prometheus_client import generate_latest

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
    ready = f'pennant_modeldeployment_status_condition{{condition="Ready",{where},'
    assert [each for each in lines if each.startswith(ready)] == [
        f'{ready}reason="RolloutInProgress",status="false"}} 1.0'
    ]
    assert f"pennant_tag_holders{{{where}}} 1.0" in lines
    assert f'pennant_rollouts_total{{{where},result="completed"}} 0.0' in lines, "counters begin at 0"
    assert f'pennant_rollbacks_total{{{where},reason="MetricBreach"}} 0.0' in lines
    assert f'pennant_metric_check_threshold{{bound="min",metric="accuracy",{where}}} 0.9' in lines


def test_nothing_is_left_of_an_object_that_is_gone() -> None:
    telemetry = observed()
    telemetry.decided(KEY, None, None)
    assert not [each for each in text(telemetry) if "fraud" in each]


def test_to_forget_an_object_leaves_the_others() -> None:
    telemetry = observed()
    seen = Observation(NOON, replace(a_snapshot(), key=OTHER))
    telemetry.decided(OTHER, seen, decide(seen))
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


def test_the_holders_of_a_tag_are_not_counted_where_none_is_followed() -> None:
    telemetry = Telemetry()
    pinned = the_spec().model_copy(update={"version": "1.0.0"})
    seen = Observation(NOON, replace(a_snapshot(), spec=pinned))
    telemetry.decided(KEY, seen, decide(seen))
    lines = [each for each in text(telemetry) if "fraud" in each]
    assert not [each for each in lines if each.startswith("pennant_tag_holders")]
    assert [each for each in lines if 'tag=""' in each]


def watched(telemetry: Telemetry, mass_breach_count: int = 0) -> Story:
    """Return a story whose operator reports to `telemetry`."""
    story = Story()
    story.operator.reconciler = Reconciler(
        story.cluster,
        story.measurements,
        story.world,
        telemetry,
        SourceBreaker(mass_breach_count, 50, lambda: 1),
        steady_keys=story.operator.steady_keys,
    )
    return story


def test_a_condition_that_another_client_wrote_adds_no_word_of_its_own() -> None:
    """Rule: R100."""
    telemetry = Telemetry()
    seen = Observation(NOON, a_snapshot())
    status = decide(seen).status
    ready = next(each for each in status.conditions if each.type == "Ready")
    forged = (ready.model_copy(update={"reason": "Secret1"}), ready.model_copy(update={"type": "Secret2"}))
    telemetry.decided(KEY, seen, Decision(status.model_copy(update={"conditions": forged})))
    conditions = [each for each in text(telemetry) if each.startswith("pennant_modeldeployment_status_condition{")]
    assert len(conditions) == 1
    assert 'condition="Ready"' in conditions[0]
    assert 'reason="Other"' in conditions[0]


async def test_a_story_is_told_by_the_counters() -> None:
    """A promotion that is rolled back, with the passes of the simulated operator."""
    telemetry = Telemetry()
    story = watched(telemetry)
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


async def test_a_suspect_source_is_counted_while_it_blocks_rollbacks() -> None:
    telemetry = Telemetry()
    story = watched(telemetry, mass_breach_count=1)
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment()
    suspected = 'pennant_suspect_metric_source_modeldeployments{source="default"}'
    await story.until(lambda: bool(story.status.stable))
    assert suspected not in "\n".join(text(telemetry))
    story.accuracy.values = {"1.0.0": 0.5}
    await story.until(lambda: story.condition("Stalled") == ("True", "MassBreachSuspected"))
    assert f"{suspected} 1.0" in text(telemetry)
    story.accuracy.values = {"1.0.0": 0.95}
    await story.until(lambda: story.condition("Stalled") == ("False", "NotStalled"))
    assert suspected not in "\n".join(text(telemetry))


async def test_a_metric_that_leaves_the_spec_takes_its_series_along() -> None:
    telemetry = Telemetry()
    story = watched(telemetry)
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: bool(story.status.stable))
    assert [each for each in text(telemetry) if 'metric="accuracy"' in each]
    story.deployment(analysis={"bakeSeconds": 1})
    await story.until(lambda: not [each for each in text(telemetry) if 'metric="accuracy"' in each])
