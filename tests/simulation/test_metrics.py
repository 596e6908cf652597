"""What else a metric can be than a number under a threshold: a comparison, an alert, a matter of samples, an aside."""

import math
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from pennant.core.analysis.kinds.alert import Alert
from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, serving
from simulation.support.story import ACCURACY, Story
from simulation.support.world import KEY

COMPARED: dict[str, Any] = {
    "name": "accuracy",
    "prometheus": {"query": ACCURACY},
    "compareTo": "Stable",
    "maxDecreasePercent": "10",
}
ALERTED: dict[str, Any] = {"name": "slow", "alert": {"matchLabels": {"alertname": "Slow", "version": "${version}"}}}
OF_ALL: dict[str, Any] = {"name": "slow", "alert": {"matchLabels": {"alertname": "Slow"}}}
ROLLED_BACK = [
    ("1.0.0", "TagMoved", "Superseded"),
    ("1.1.0", "TagMoved", "RolledBack"),
    ("1.0.0", "AutomaticRollback", "Verified"),
]


def watching(*metrics: dict[str, Any]) -> dict[str, Any]:
    return {"intervalSeconds": 10, "bakeSeconds": 30, "metrics": list(metrics)}


def fires(story: Story, version: str, seconds_ago: float = 0) -> None:
    since = story.world.time - timedelta(seconds=seconds_ago)
    story.accuracy.alerts.append(Alert({"alertname": "Slow", "version": version}, since))


async def test_a_version_that_is_much_worse_than_the_stable_one_is_rolled_back() -> None:
    story = await serving("1.0.0", analysis=watching(COMPARED))
    story.accuracy.values["1.1.0"] = 0.8
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].trigger == "AutomaticRollback")
    assert story.history[1].evidence[0].threshold == "at most 10 % below 0.95 of 1.0.0"
    assert "accuracy is 0.8, more than 10 % below 0.95 of 1.0.0, in 3 of 3 checks" in story.history[-1].reason
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert outcomes(story) == ROLLED_BACK
    assert_golden(story, "worse_than_stable")


def is_stable(story: Story, version: str) -> bool:
    return story.status.stable is not None and story.status.stable.version == version


def is_put_back(story: Story) -> bool:
    return story.history[-1].trigger == "AutomaticRollback"


async def test_a_version_that_is_a_little_worse_than_the_stable_one_becomes_it() -> None:
    story = await serving("1.0.0", analysis=watching(COMPARED))
    for old, new, accuracy in (("1.0.0", "1.1.0", 0.9), ("1.1.0", "1.2.0", 0.85)):
        story.accuracy.values[new] = accuracy
        await move_tag(story, old, new)
        await story.until(partial(is_stable, story, new))
    assert len(story.history) == 2 + 1, "each is compared with the one before, not with the first"


async def test_a_version_is_compared_with_the_stable_one_though_another_one_served_between() -> None:
    story = await serving("1.0.0", analysis=watching(COMPARED) | {"bakeSeconds": 60})
    story.accuracy.values |= {"1.1.0": 0.95, "1.2.0": 0.3}
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(45)
    assert story.history[-1].verified_at is None
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(partial(is_put_back, story))
    assert story.served() == "1.0.0"


async def test_what_a_version_is_compared_with_is_asked_for_again_where_the_source_did_not_answer() -> None:
    """Rule: R35."""
    story = await serving("1.0.0", analysis=watching({**COMPARED, "onError": "Breach"}))
    story.accuracy.values["1.1.0"] = 0.95
    await move_tag(story, "1.0.0", "1.1.0")
    story.accuracy.down = True
    await story.passes(20)
    assert story.condition("MetricsHealthy") == ("Unknown", "SourceUnavailable")
    story.accuracy.down = False
    await story.until(partial(is_stable, story, "1.1.0"))
    assert len(story.history) == 2


async def test_what_is_known_good_is_compared_with_nothing() -> None:
    """Rule: R41."""
    story = await serving("1.0.0", analysis=watching(COMPARED))
    await promoted(story, "1.0.0", "1.1.0")
    story.accuracy.values["1.1.0"] = 0.1
    await story.passes(60)
    assert story.served() == "1.1.0"
    assert story.status.analysis[0].reason == "NothingToCompare"


async def test_an_alert_that_began_after_the_promotion_rolls_back_and_the_old_one_does_not() -> None:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    await move_tag(story, "1.0.0", "1.1.0")
    fires(story, "1.1.0", seconds_ago=5)
    await story.passes(60)
    assert story.served() == "1.1.0", "the alert is about what was there before"
    assert story.condition("MetricsHealthy") == ("Unknown", "AlertFiringBefore")
    assert story.history[-1].verified_at is None, "and as long as it fires nobody knows of another"
    fires(story, "1.1.0")
    await story.until(lambda: story.history[-1].trigger == "AutomaticRollback")
    story.accuracy.alerts.clear()
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert outcomes(story) == ROLLED_BACK
    assert_golden(story, "alert")


async def test_an_alert_that_names_no_version_and_began_before_the_first_pod_is_about_what_was_there() -> None:
    story = await serving("1.0.0", analysis=watching(OF_ALL))
    await move_tag(story, "1.0.0", "1.1.0")
    fires(story, "")
    await story.passes(30)
    available = story.history[-1].available_at
    assert available is not None
    assert story.accuracy.alerts[0].since < available
    assert story.served() == "1.1.0"
    fires(story, "")
    await story.until(lambda: story.history[-1].trigger == "AutomaticRollback")


async def test_an_alert_from_before_that_stops_holds_nothing_back() -> None:
    story = await serving("1.0.0", analysis=watching(OF_ALL))
    fires(story, "")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("MetricsHealthy") == ("Unknown", "AlertFiringBefore"))
    story.accuracy.alerts.clear()
    await story.until(partial(is_stable, story, "1.1.0"))


async def test_an_alert_that_nobody_defined_makes_no_version_good() -> None:
    """Rule: R43."""
    story = Story()
    story.accuracy.rules = frozenset({"Slower"})
    story.version("1.0.0", "production")
    story.deployment(analysis=watching(OF_ALL))
    await story.passes(90)
    assert story.condition("MetricsHealthy") == ("Unknown", "AlertUnknown")
    assert not story.status.stable
    story.accuracy.rules = frozenset({"Slow"})
    await story.until(partial(is_stable, story, "1.0.0"))


async def test_an_alert_about_another_version_says_nothing() -> None:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(5)
    fires(story, "1.0.0")
    await story.passes(60)
    assert story.served() == "1.1.0"
    assert story.status.analysis[0].reason == "NoAlertFiring"


async def test_a_hint_has_alerts_asked_for_before_the_next_check() -> None:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(15)
    fires(story, "1.1.0")
    await story.passes(2)
    assert story.served() == "1.1.0", "the next check is some seconds away"
    story.operator.hint()
    await story.passes(1)
    assert story.served() == "1.0.0"


async def test_a_hint_without_an_alert_changes_nothing() -> None:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    before = story.status
    for _ in range(5):
        story.operator.hint()
        await story.passes()
    assert story.status == before


async def test_a_check_on_too_few_samples_holds_and_is_a_check_once_there_are_enough() -> None:
    """Rule: R40."""
    enough = {"query": 'requests{version="${version}"}', "count": 100}
    metric = {**COMPARED, "threshold": {"min": "0.9"}, "minimumSamples": enough}
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.2}
    story.accuracy.requests = {"1.0.0": 500, "1.1.0": 99}
    story.version("1.0.0", "production")
    story.deployment(analysis=watching(metric))
    await story.until(lambda: bool(story.status.stable))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(120)
    assert story.served() == "1.1.0"
    assert story.condition("MetricsHealthy") == ("Unknown", "TooFewSamples")
    assert story.history[-1].verified_at is None
    story.accuracy.requests["1.1.0"] = 100
    await story.until(lambda: story.served() == "1.0.0")


async def test_an_observed_metric_is_reported_and_nothing_follows() -> None:
    """Rule: R45."""
    observed = {"name": "accuracy", "prometheus": {"query": ACCURACY}, "threshold": {"min": "0.9"}, "mode": "Observe"}
    story = await serving("1.0.0", analysis=watching(observed))
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].verified_at is not None)
    await story.passes(30)
    assert story.served() == "1.1.0"
    assert story.condition("Ready") == ("True", "Serving")
    assert story.condition("MetricsHealthy") == ("True", "NoMetrics")
    (metric,) = story.status.analysis
    assert (metric.state, metric.reason) == ("Breaching", "ThresholdBreached")
    assert metric.message.endswith("mode is Observe, so this has no effect")


LONG: dict[str, Any] = {
    "name": "accuracy",
    "prometheus": {"query": 'avg_over_time(accuracy{version="${version}"}[60s])'},
    "threshold": {"min": "0.9"},
}
ERRORS: dict[str, Any] = {
    "name": "errors",
    "prometheus": {"query": "avg_over_time(errors[60s])"},
    "threshold": {"max": "0.05"},
}


async def test_a_version_gone_back_to_is_not_judged_by_what_the_bad_one_did() -> None:
    """Rule: R31."""
    story = Story()
    story.accuracy.of_all = {("errors", "1.0.0"): 0.0, ("errors", "1.1.0"): 0.5}
    story.version("1.0.0", "production")
    story.deployment(analysis=watching(ERRORS))
    await story.until(partial(is_stable, story, "1.0.0"), 200)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(partial(is_put_back, story), 200)
    await story.until(lambda: story.history[-1].verified_at is not None, 200)
    assert outcomes(story) == ROLLED_BACK
    first, available = story.status.analysis[0].since, story.history[-1].available_at
    assert available is not None
    assert timedelta(seconds=60) <= first - available < timedelta(seconds=70)


@pytest.mark.parametrize("leaves", ["by itself", "by an undo", "by a hotfix"])
async def test_the_bad_pods_that_a_rollout_has_not_taken_away_yet_are_held_against_nobody(leaves: str) -> None:
    """A query that names no revision is answered by both.

    Rule: R31.
    """
    story = Story()
    story.accuracy.of_all = {("errors", "1.0.0"): 0.0, ("errors", "1.1.0"): 0.5, ("errors", "1.2.0"): 0.0}
    story.version("1.0.0", "production")
    now = {**ERRORS, "prometheus": {"query": "errors"}}
    story.deployment(replicas=6, analysis=watching(now))
    await story.until(partial(is_stable, story, "1.0.0"))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].rolled_out_at is not None)
    story.world.slow |= {"1.0.0", "1.2.0"}
    if leaves == "by an undo":
        story.world.annotate(KEY, rollback_to="1.0.0", requested_at="t1")
    elif leaves == "by a hotfix":
        await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: len(story.history) == 3)
    known = story.status.quarantine
    for _ in range(50):
        await story.passes(1)
        assert len(story.world.deployments[KEY].pods) > 6, "the rollout lasts"
        assert (len(story.history), story.status.quarantine) == (3, known)
        assert story.condition("Stalled")[1] in ("RolledBack", "NotStalled")
    story.world.slow.clear()
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert story.served() == ("1.2.0" if leaves == "by a hotfix" else "1.0.0")


async def test_a_retry_is_judged_by_what_it_does_itself() -> None:
    """Rule: R31."""
    story = await serving("1.0.0", analysis=watching(LONG))
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(partial(is_put_back, story))
    story.accuracy.values["1.1.0"] = 0.95
    story.world.annotate(KEY, retry="1.1.0", requested_at="t1")
    await story.until(partial(is_stable, story, "1.1.0"), 200)
    assert outcomes(story)[2:] == [("1.0.0", "AutomaticRollback", "Superseded"), ("1.1.0", "Retry", "Verified")]


async def test_a_version_whose_series_begin_with_it_is_judged_at_the_first_check() -> None:
    story = await serving("1.0.0", analysis=watching(LONG))
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(partial(is_put_back, story), 50)


async def test_a_source_that_takes_longer_than_the_interval_is_used_all_the_same() -> None:
    """Rule: R33."""
    story = await serving("1.0.0")
    story.accuracy.seconds_to_answer = 15
    await promoted(story, "1.0.0", "1.1.0")
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.served() == "1.1.0", 90)


async def test_a_source_that_rounds_times_to_whole_steps_changes_nothing() -> None:
    """Rule: R32."""
    traces = []
    for aligned in (False, True):
        story = Story()
        story.accuracy.aligned = aligned
        story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.2}
        story.world.time += timedelta(milliseconds=123)
        story.version("1.0.0", "production")
        story.deployment()
        await story.until(partial(is_stable, story, "1.0.0"))
        await move_tag(story, "1.0.0", "1.1.0")
        await story.until(partial(is_put_back, story))
        traces.append(story.world.trace)
    assert traces[0] == traces[1]


async def test_a_source_that_lags_behind_is_read_as_far_as_two_intervals_reach() -> None:
    story = await serving("1.0.0")
    story.accuracy.lag_seconds = 15
    await promoted(story, "1.0.0", "1.1.0")
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.served() == "1.1.0")
    story.accuracy.lag_seconds = 30
    await story.until(lambda: story.condition("MetricsHealthy") == ("Unknown", "NoData"))


async def test_an_answer_that_says_that_it_is_partial_is_not_believed() -> None:
    """Rule: R36."""
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    story.accuracy.partial = True
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(90)
    assert story.condition("MetricsHealthy") == ("Unknown", "SourcePartial")
    assert (story.served(), story.history[-1].verified_at) == ("1.1.0", None)
    story.accuracy.partial = False
    await story.until(partial(is_put_back, story), 15)


async def test_a_source_that_is_too_slow_never_makes_a_version_good_and_finds_a_bad_one() -> None:
    """Rule: R34."""
    story = await serving("1.0.0")
    story.accuracy.values |= {"1.1.0": 0.95}
    story.accuracy.seconds_to_answer = 45
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(60)
    slow, written = (story.condition("MetricsHealthy"), story.world.writes)
    await story.passes(300)
    assert slow == story.condition("MetricsHealthy") == ("Unknown", "SourceSlow")
    assert story.history[-1].verified_at is None
    assert story.world.writes - written <= 1, "it says so once"
    story.accuracy.values["1.1.0"] = 0.2
    await story.until(lambda: story.served() == "1.0.0", 150)
    assert "accuracy is 0.2, below 0.9, in 3 of 3 checks" in story.history[-1].reason


async def test_a_source_that_never_answers_is_slow_after_two_intervals_and_says_since_when() -> None:
    story = await serving("1.0.0")
    assert story.condition("MetricsHealthy") == ("True", "MetricsPassing")
    hangs_from = story.world.time
    story.accuracy.seconds_to_answer = math.inf
    await story.until(lambda: story.condition("MetricsHealthy") == ("Unknown", "SourceSlow"), 41)
    (metric,) = story.status.analysis
    since = datetime.fromisoformat(metric.message.rpartition(" ")[2])
    assert since - hangs_from <= timedelta(seconds=10)
    written = story.world.writes
    await story.passes(300)
    assert story.world.writes == written
    story.accuracy.seconds_to_answer = 0


@pytest.mark.parametrize("while_at_zero", [None, 0.0])
async def test_what_is_scaled_to_zero_is_not_measured(while_at_zero: float | None) -> None:
    """Rule: R48."""
    metric = {**COMPARED, "onNoData": "Breach", "threshold": {"min": "0.9"}}
    del metric["compareTo"], metric["maxDecreasePercent"]
    spec = {"analysis": watching(metric)}
    story = await serving("1.0.0", **spec)
    await promoted(story, "1.0.0", "1.1.0")
    good = story.accuracy.values.pop("1.1.0")
    if while_at_zero is not None:
        story.accuracy.values["1.1.0"] = while_at_zero
    story.deployment(**spec, replicas=0)
    await story.passes(100)
    assert story.condition("MetricsHealthy") == ("Unknown", "ScaledToZero")
    story.deployment(**spec, replicas=2)
    await story.passes(2)
    story.accuracy.values["1.1.0"] = good
    await story.passes(60)
    assert (story.served(), story.status.quarantine) == ("1.1.0", ())
    assert story.condition("Ready") == ("True", "Serving")

    story.accuracy.values["1.1.0"] = 0.5
    await story.until(partial(is_put_back, story))
    assert story.served() == "1.0.0"


async def test_new_values_wait_for_the_next_write_of_the_status() -> None:
    """Rule: R103."""
    story = await serving("1.0.0")
    verified, stored = story.history[-1].verified_at, story.status.analysis[0]
    assert verified is not None
    assert (stored.value, stored.checked_at) == ("0.95", verified)
    writes = list[str]()
    story.world.after_write = writes.append
    story.accuracy.values["1.0.0"] = 0.96
    await story.passes(100)
    assert (writes, story.status.analysis[0]) == ([], stored)
    story.deployment(replicas=2)
    await story.until(lambda: story.status.ready_replicas == 2)
    assert story.status.analysis[0].value == "0.96"
