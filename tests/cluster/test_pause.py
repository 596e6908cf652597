"""Which version is asked for and whether it may be rolled out, on a real control plane."""

from typing import Any

from cluster.stage import Stage


def auc(value: str) -> dict[str, Any]:
    return {"metrics": [{"name": "auc", "value": value, "split": "Test", "direction": "Maximize"}]}


def test_a_pinned_version_is_served_whatever_its_tags(serving: Stage) -> None:
    """Rule: R6."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.deployment(version="1.1.0")
    serving.until_verified("1.1.0")
    assert serving.condition("TagResolved") == ("True", "VersionPinned")
    assert serving.history[-1]["reason"] == "spec.version asks for 1.1.0"

    serving.deployment(version="9.9.9")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "VersionNotFound"))
    serving.stays(lambda: serving.served() == "1.1.0", 2, "1.1.0")


def test_the_newest_of_several_holders_counts_where_that_is_asked_for(serving: Stage) -> None:
    serving.deployment(promotion={"onAmbiguousTag": "Newest"})
    serving.accuracy("1.10.0", 0.97)
    serving.version("1.10.0", "production")
    serving.until_verified("1.10.0")
    assert serving.condition("TagResolved") == ("True", "NewestOfSeveral")
    assert serving.condition("Ready") == ("True", "Serving")


def test_after_its_grace_a_tag_that_nobody_holds_is_a_matter_for_a_person(serving: Stage) -> None:
    serving.version("1.0.0")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "TagUnassigned"))
    conditions = serving.status["conditions"]
    index = next(number for number, each in enumerate(conditions) if each["type"] == "TagResolved")
    path = f"/status/conditions/{index}/lastTransitionTime"
    long_ago = f'[{{"op":"replace","path":"{path}","value":"2026-01-01T00:00:00Z"}}]'
    serving.kubectl("patch", "modeldeployment", "fraud", "--subresource=status", "--type=json", "-p", long_ago)
    serving.until_stalled("TagUnassigned")
    assert serving.served() == "1.0.0"


def test_a_pause_in_mid_rollout_freezes_it(serving: Stage) -> None:
    serving.deployment(replicas=3)
    serving.until(lambda: serving.status.get("readyReplicas") == 3)
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.unready("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until(lambda: len(serving.pods("1.1.0")) == 1)
    serving.deployment(replicas=3, paused=True)
    serving.until(lambda: serving.condition("Suspended") == ("True", "Paused"))
    serving.until(lambda: serving.get("deployment")["spec"].get("paused"))
    serving.unready("1.1.0", False)
    frozen = serving.pods()
    serving.stays(lambda: serving.pods() == frozen, 4, "the pods of both versions")
    assert serving.condition("Ready") == ("False", "Paused")
    serving.until_told("Paused")

    serving.deployment(replicas=3)
    serving.until_verified("1.1.0")
    assert serving.condition("Suspended") == ("False", "NotPaused")
    assert len(serving.history) == 2


def test_while_paused_health_is_measured_and_nothing_is_rolled_back(serving: Stage) -> None:
    """Rule: R13."""
    serving.deployment(paused=True)
    serving.until(lambda: serving.condition("Suspended") == ("True", "Paused"))
    assert serving.condition("Ready") == ("True", "Serving")
    serving.accuracy("1.0.0", 0.2)
    serving.until(lambda: serving.condition("MetricsHealthy") == ("False", "ThresholdBreached"))
    serving.stays(lambda: len(serving.history) == 1 and not serving.status.get("quarantine"), 3, "the history")


def test_an_incomplete_record_is_not_rolled_out(serving: Stage) -> None:
    serving.deployment(promotion={"requireComplete": True})
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_stalled("RecordIncomplete")
    assert "missing: TrainingData, Hyperparameters, Code" in serving.message("Stalled")
    assert serving.condition("Ready") == ("False", "RecordIncomplete")
    serving.until_told("RecordIncomplete")
    serving.stays(lambda: serving.served() == "1.0.0", 2, "1.0.0")


def test_a_version_that_is_worse_by_its_record_is_not_rolled_out(stage: Stage) -> None:
    """Rule: R10."""
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production", **auc("0.90"))
    gate = {"metric": "auc", "split": "Test", "maxRegression": "0.01"}
    stage.deployment(promotion={"gates": [gate]})
    stage.until_verified("1.0.0")
    stage.version("1.1.0", **auc("0.80"))
    stage.apply(stage.a_version("1.0.0", **auc("0.90")), stage.a_version("1.1.0", "production", **auc("0.80")))
    stage.until_stalled("GateFailed")
    assert stage.message("Stalled").startswith(
        "gate auc/Test: 0.80 of 1.1.0 is worse than 0.90 of 1.0.0 by 0.1, and 0.01 is allowed; 1.0.0 goes on serving. "
    )
    stage.stays(lambda: stage.served() == "1.0.0", 2, "1.0.0")
    stage.accuracy("1.2.0", 0.95)
    stage.version("1.2.0", **auc("0.895"))
    stage.apply(stage.a_version("1.1.0", **auc("0.80")), stage.a_version("1.2.0", "production", **auc("0.895")))
    stage.until_verified("1.2.0")
