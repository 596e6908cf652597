"""Which version is asked for, and whether it may be rolled out: pins, tags that several hold, pauses and gates."""

from typing import Any

import pytest

from simulation.support.steps import assert_golden, move_tag, promoted, serving
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY

DIGEST = f"sha256:{'0' * 64}"
WHOLE: dict[str, Any] = {
    "datasets": [{"name": "payments", "role": "Training", "uri": "s3://d", "digest": DIGEST}],
    "hyperparameters": [{"name": "depth", "value": "6"}],
    "code": {"repository": "https://git.example.com/fraud", "commit": "0123abc"},
    "metrics": [
        {"name": "auc", "value": "0.9", "split": "Validation"},
        {"name": "auc", "value": "0.9", "split": "Test", "direction": "Maximize"},
    ],
    "createdAt": "2026-01-01T00:00:00Z",
    "author": {"name": "ada"},
    "reason": "a new month",
    "environment": {"lockDigest": DIGEST},
}


def auc(value: str, **fields: Any) -> dict[str, Any]:
    return {"metrics": [{"name": "auc", "value": value, "split": "Test", "direction": "Maximize"} | fields]}


GATE = {"metric": "auc", "split": "Test", "maxRegression": "0.01"}


async def test_a_deployment_that_is_created_before_its_versions_waits_with_one_write_and_no_event() -> None:
    """Rule: R7."""
    story = Story()
    story.accuracy.values["1.0.0"] = 0.95
    story.deployment()
    await story.passes(290)
    assert story.condition("Reconciling") == ("True", "TagUnassigned")
    assert (story.world.writes, story.cluster.events) == (1, [])
    await story.passes(600)
    assert story.condition("Stalled") == ("True", "TagUnassigned")
    assert [each.reason.value for each in story.cluster.events] == ["TagUnassigned"], "it is told once"
    story.version("1.0.0", "production")
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"))


async def test_a_pinned_version_is_served_whatever_its_tags() -> None:
    """Rule: R6."""
    story = await serving("1.0.0")
    story.version("1.1.0")
    story.accuracy.values["1.1.0"] = 0.97
    spec = pinned("1.1.0")
    story.world.apply_deployment(KEY, spec)
    await story.until(lambda: story.history[-1].version == "1.1.0" and story.history[-1].verified_at is not None)
    assert story.condition("TagResolved") == ("True", "VersionPinned")
    assert story.condition("Ready") == ("True", "Serving")
    assert story.history[-1].reason == "spec.version is 1.1.0"
    assert story.status.desired is not None
    assert story.status.desired.tag is None


def pinned(version: str) -> dict[str, Any]:
    return {**a_spec(), "version": version}


async def test_a_pinned_version_that_does_not_exist_changes_nothing() -> None:
    story = await serving("1.0.0")
    story.world.apply_deployment(KEY, pinned("9.9.9"))
    await story.passes(10)
    assert story.condition("TagResolved") == ("False", "VersionNotFound")
    assert story.condition("Reconciling")[0] == "True"
    assert story.served() == "1.0.0"
    await story.passes(300)
    assert story.condition("Stalled") == ("True", "VersionNotFound")


async def test_a_pinned_version_that_is_bad_is_rolled_back_too() -> None:
    story = await serving("1.0.0")
    story.version("1.1.0")
    story.accuracy.values["1.1.0"] = 0.2
    story.world.apply_deployment(KEY, pinned("1.1.0"))
    await story.until(lambda: len(story.history) == 3 and story.served() == "1.0.0")
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    rolled = next(each for each in story.status.conditions if each.type == "RolledBack")
    assert rolled.message.startswith("Rolled back from 1.1.0 to 1.0.0: ")
    assert rolled.message.endswith("Set spec.version to a fixed version, or retry: kubectl pennant retry fraud 1.1.0")


async def test_the_newest_of_several_holders_counts_where_that_is_asked_for() -> None:
    story = await serving("1.9.0", promotion={"onAmbiguousTag": "Newest"})
    story.accuracy.values |= {"1.10.0": 0.95, "1.10.0-rc.1": 0.95}
    story.version("1.10.0-rc.1", "production")
    story.version("1.10.0", "production")
    await story.until(lambda: story.history[-1].version == "1.10.0" and story.history[-1].verified_at is not None)
    assert story.condition("TagResolved") == ("True", "NewestOfSeveral")
    assert story.condition("Ready") == ("True", "Serving")


async def test_a_pause_in_mid_rollout_freezes_it_and_resuming_goes_on() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2)
    story.deployment(paused=True)
    await story.passes(1)
    frozen = story.pods()
    assert len({name.rsplit("-", 1)[0] for name in frozen}) == 2, "pods of both versions"
    await story.passes(200)
    assert story.pods() == frozen
    assert story.condition("Suspended") == ("True", "Paused")
    assert story.condition("Ready") == ("False", "Paused")
    assert story.condition("Stalled")[0] == "False"

    story.deployment()
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert story.served() == "1.1.0"
    assert len(story.history) == 2
    assert_golden(story, "pause_in_mid_rollout")


async def test_while_paused_nothing_is_promoted_or_rolled_back_and_health_is_measured() -> None:
    """Rule: R13."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.deployment(paused=True)
    await story.passes(2)
    assert story.condition("Ready") == ("True", "Serving")
    story.accuracy.values["1.1.0"] = 0.2
    await story.passes(60)
    assert story.condition("MetricsHealthy") == ("False", "ThresholdBreached")
    assert story.served() == "1.1.0"
    story.version("1.2.0", "production")
    story.version("1.1.0")
    await story.passes(60)
    assert len(story.history) == 2

    story.accuracy.values["1.2.0"] = 0.97
    story.deployment()
    await story.until(lambda: story.served() == "1.2.0")


async def test_the_number_of_pods_is_followed_while_paused() -> None:
    story = await serving("1.0.0")
    story.deployment(paused=True)
    await story.passes(2)
    story.deployment(paused=True, replicas=5)
    await story.passes(2)
    assert story.world.deployments[KEY].replicas == 5


async def test_an_incomplete_record_is_not_rolled_out_where_a_complete_one_is_asked_for() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.95}
    story.version("1.0.0", "production", **WHOLE)
    story.deployment(promotion={"requireComplete": True})
    await story.passes(1)
    await story.until(lambda: bool(story.status.stable))
    await move_tag(story, "1.0.0", "1.1.0", **{**WHOLE, "author": None, "reason": None})
    await story.passes(10)
    assert story.served() == "1.0.0"
    assert story.condition("Stalled") == ("True", "RecordIncomplete")
    stalled = next(each for each in story.status.conditions if each.type == "Stalled")
    assert "Missing: Author, Reason; 1.0.0 keeps serving. " in stalled.message
    assert [each.reason.value for each in story.cluster.events].count("RecordIncomplete") == 1


@pytest.mark.parametrize(
    ("candidate", "gate", "blocked"),
    [
        pytest.param(auc("0.895"), {}, None, id="a little worse"),
        pytest.param(auc("0.89"), {}, None, id="exactly what is allowed"),
        pytest.param(auc("0.88"), {}, "0.88 is worse than 0.90 of 1.0.0 by 0.02, maximum 0.01", id="worse"),
        pytest.param({}, {}, "1.1.0 has no recorded value", id="missing"),
        pytest.param({}, {"required": False}, None, id="missing, not required"),
        pytest.param(auc("0.5", slice="country=DE"), {}, "1.1.0 has no recorded value", id="a slice is another number"),
        pytest.param(
            auc("0.80"),
            {"maxRegression": None, "maxRegressionPercent": "10"},
            "by 0.1, maximum 0.09",
            id="in percent",
        ),
        pytest.param(auc("0.81"), {"maxRegression": None, "maxRegressionPercent": "10"}, None, id="within percent"),
        pytest.param(auc("0.5", direction="Minimize"), {}, "have different directions", id="directions differ"),
    ],
)
async def test_the_comparison_gate(candidate: dict[str, Any], gate: dict[str, Any], blocked: str | None) -> None:
    """Rule: R10."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.95}
    story.version("1.0.0", "production", **auc("0.90"))
    wanted = {name: value for name, value in (GATE | gate).items() if value is not None}
    story.deployment(promotion={"gates": [wanted]})
    await story.passes(1)
    await story.until(lambda: bool(story.status.stable))
    story.version("1.1.0", "production", **candidate)
    story.version("1.0.0", **auc("0.90"))
    await story.passes(10)
    if blocked is None:
        assert story.served() == "1.1.0"
        return
    assert story.served() == "1.0.0"
    stalled = next(each for each in story.status.conditions if each.type == "Stalled")
    assert stalled.reason == "GateFailed"
    assert blocked in stalled.message


async def test_a_version_that_was_known_good_here_passes_every_gate() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.95}
    story.version("1.0.0", "production", **auc("0.8"))
    story.deployment(promotion={"gates": [GATE]})
    await story.passes(1)
    await story.until(lambda: bool(story.status.stable))
    story.version("1.1.0", "production", **auc("0.9"))
    story.version("1.0.0", **auc("0.8"))
    await story.until(lambda: story.history[-1].version == "1.1.0" and story.history[-1].verified_at is not None)
    story.version("1.0.0", "production", **auc("0.8"))
    story.version("1.1.0", **auc("0.9"))
    await story.passes(10)
    assert story.served() == "1.0.0"
    assert_golden(story, "back_by_the_tag")
