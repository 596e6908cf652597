"""The main job on a real control plane: each scenario has a namespace of its own, and the API server tells its end."""

import time
from collections.abc import Callable

import pytest

from cluster.stage import Stage


def test_first_deploy(serving: Stage) -> None:
    """Rule: R46."""
    assert serving.versions_in_history() == [("1.0.0", "TagMoved", "Verified")]
    assert serving.condition("Ready") == ("True", "Serving")
    assert len(serving.pods("1.0.0")) == 2
    environment = serving.get("deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MODEL_URI", "value": "file:///models/fraud/1.0.0"} in environment
    serving.kubectl("wait", "--for=condition=Ready", "modeldeployment/fraud", "--timeout=5s")
    serving.assert_silent()


def test_a_model_is_found_by_the_recorded_place_whatever_its_name(stage: Stage) -> None:
    """Rule: R18."""
    uri, digest = "s3://models/pre$$fix/$(MODEL_VERSION)/m", "etag:a$$b"
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production", artifacts=[{"name": "model", "uri": uri, "digest": digest}])
    manifest = stage.a_deployment(replicas=1)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    told = stage.directory / "environment"
    container["command"] = [
        "sh",
        "-c",
        f'echo "$MODEL_URI $MODEL_DIGEST" >{told}; exec "$@"',
        "sh",
        *container["command"],
    ]
    stage.apply(manifest)
    stage.until_verified("1.0.0")
    assert told.read_text() == f"{uri} {digest}\n"


def test_promote(serving: Stage) -> None:
    """Rule: R2."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")

    assert serving.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Verified"),
    ]
    status = serving.status
    assert (status["serving"]["version"], status["stable"]["version"]) == ("1.1.0", "1.1.0")
    assert serving.served() == "1.1.0"
    serving.assert_silent()


def test_promote_twice_fast(serving: Stage) -> None:
    for version in ("1.1.0", "1.2.0"):
        serving.accuracy(version, 0.97)
        serving.version(version)
    serving.move_tag("1.0.0", "1.1.0")
    serving.move_tag("1.1.0", "1.2.0")
    serving.until_verified("1.2.0")

    history = serving.history
    assert [each["revision"] for each in history] == list(range(1, len(history) + 1))
    assert history[-1]["version"] == "1.2.0"
    assert {each["outcome"] for each in history[:-1]} == {"Superseded"}
    assert serving.served() == "1.2.0"


def take_then_give(stage: Stage) -> None:
    stage.version("1.0.0")
    stage.until(lambda: stage.condition("TagResolved") == ("False", "TagUnassigned"))
    assert stage.condition("Reconciling")[0] == "True"
    assert stage.served() == "1.0.0"
    stage.version("1.1.0", "production")


def give_then_take(stage: Stage) -> None:
    stage.version("1.1.0", "production")
    stage.until(lambda: stage.condition("TagResolved") == ("False", "TagAmbiguous"))
    assert stage.condition("Reconciling")[0] == "True"
    assert stage.served() == "1.0.0"
    stage.version("1.0.0")


@pytest.mark.parametrize(
    "move",
    [pytest.param(take_then_give, id="through no holder"), pytest.param(give_then_take, id="through two holders")],
)
def test_the_tag_is_moved_in_two_steps(serving: Stage, move: Callable[[Stage], None]) -> None:
    """Rule: R3.

    Rule: R4.
    """
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    pods = serving.pods()
    move(serving)
    serving.until_verified("1.1.0")

    assert not set(pods) & set(serving.pods())
    assert serving.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Verified"),
    ]


def test_a_breach_during_the_rollout_leaves_the_old_pods_that_still_run(serving: Stage) -> None:
    """Rule: R17.

    Rule: R29.
    """
    serving.deployment(replicas=3)
    serving.until(lambda: serving.status.get("readyReplicas") == 3)
    before = set(serving.pods("1.0.0"))
    serving.accuracy("1.1.0", 0.5)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    # The first new pod takes traffic; the second one never becomes ready, so the rollout cannot end.
    serving.until(lambda: len(serving.pods("1.1.0")) == 2)
    serving.unready("1.1.0")
    serving.until_rolled_back_to("1.0.0")
    serving.until(lambda: len(serving.pods()) == 3)

    bad, good = serving.history[-2:]
    assert "rolledOutAt" not in bad, "the rollout was not over"
    assert bad["outcome"] == "RolledBack"
    assert good["templateHash"] == serving.history[0]["templateHash"]
    survivors = before & set(serving.pods("1.0.0"))
    assert survivors, "pods that still ran were not restarted"
    replica_sets = serving.all_of("replicaset")
    assert len(replica_sets) == 2, "the old ReplicaSet was taken up again"


def test_a_breach_long_after_the_promotion_is_rolled_back(serving: Stage) -> None:
    """Rule: R52.

    Rule: R53.
    """
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.assert_silent()
    serving.accuracy("1.1.0", 0.41)
    serving.until_rolled_back_to("1.0.0")

    bad = serving.history[1]
    assert "verifiedAt" in bad
    assert bad["outcome"] == "RolledBack"
    assert bad["evidence"][0]["value"] == "0.41"
    assert bad["evidence"][0]["threshold"] == "min 0.9"
    assert bad["evidence"][0]["breaches"] == "3 of 3"
    assert serving.condition("RolledBack") == ("True", "MetricBreach")
    assert serving.condition("Stalled") == ("True", "RolledBack")
    assert serving.condition("Ready")[0] == "False"
    serving.until_told("MetricBreach", "RolledBack", "RevisionCreated", "Verified")
    serving.until(lambda: "verifiedAt" in serving.history[-1])
    serving.assert_silent()


def test_no_data_is_neither_good_nor_bad(serving: Stage) -> None:
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until(lambda: serving.condition("MetricsHealthy") == ("Unknown", "NoData"))
    serving.stays(lambda: serving.served() == "1.1.0" and len(serving.history) == 2, 6, "1.1.0")

    assert "verifiedAt" not in serving.history[-1]
    assert serving.status["stable"]["version"] == "1.0.0"


def test_not_a_number_is_neither_good_nor_bad(serving: Stage) -> None:
    serving.accuracy("1.0.0", "NaN")
    serving.until(lambda: serving.condition("MetricsHealthy") == ("Unknown", "NotANumber"))
    serving.stays(lambda: serving.served() == "1.0.0" and len(serving.history) == 1, 5, "1.0.0")


def test_prometheus_down_rolls_nothing_back(serving: Stage) -> None:
    serving.rig.stop_part("prometheus")
    try:
        serving.until(lambda: serving.condition("MetricsHealthy") == ("Unknown", "SourceUnavailable"))
        serving.accuracy("1.0.0", 0.1)
        serving.stays(lambda: len(serving.history) == 1, 6, "1.0.0")
        assert serving.condition("Ready")[0] == "True", "not knowing is not a failure"
    finally:
        serving.rig.start_part("prometheus")
    serving.accuracy("1.0.0", 0.95)
    serving.until(lambda: serving.condition("MetricsHealthy") == ("True", "MetricsPassing"))


def test_a_version_that_never_becomes_ready_is_rolled_back(serving: Stage) -> None:
    """Rule: R19."""
    serving.deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 5})
    before = set(serving.pods("1.0.0"))
    serving.unready("1.1.0")
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_rolled_back_to("1.0.0")

    assert serving.history[-2]["outcome"] == "Failed"
    assert serving.condition("RolledBack") == ("True", "ProgressDeadlineExceeded")
    assert set(serving.pods("1.0.0")) == before


def test_a_rolled_back_version_is_not_deployed_by_applying_it_again(rolled_back: Stage) -> None:
    rolled_back.apply(*rolled_back.applied.values())
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 4, "1.0.0")
    assert len(rolled_back.history) == 3


def test_a_rolled_back_version_is_not_deployed_by_a_restart_of_the_operator(rolled_back: Stage) -> None:
    rolled_back.operator.restart()
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 8, "1.0.0")
    assert len(rolled_back.history) == 3


def test_a_rolled_back_version_is_not_deployed_by_deleting_and_creating_it(rolled_back: Stage) -> None:
    rolled_back.delete("modelversion", "fraud-1.1.0")
    rolled_back.until(lambda: rolled_back.condition("TagResolved") == ("False", "TagUnassigned"))
    rolled_back.version("1.1.0", "production")
    rolled_back.until(lambda: rolled_back.condition("TagResolved")[0] == "True")
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 4, "1.0.0")
    assert len(rolled_back.history) == 3
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))


def test_a_rolled_back_version_is_not_deployed_by_deleting_and_creating_the_deployment(rolled_back: Stage) -> None:
    """Rule: R65."""
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))
    rolled_back.until(lambda: "verifiedAt" in rolled_back.get("modelversion", "fraud-1.0.0")["status"]["servedBy"][0])
    rolled_back.delete("modeldeployment", "fraud")
    rolled_back.deployment()
    rolled_back.until_verified("1.0.0")
    rolled_back.stays(lambda: not rolled_back.pods("1.1.0"), 4, "no pod of 1.1.0")
    assert rolled_back.condition("Ready") == ("False", "RolledBack")


def test_the_tag_moves_on_and_releases_the_version(rolled_back: Stage) -> None:
    """Rule: R63."""
    rolled_back.accuracy("1.2.0", 0.97)
    rolled_back.version("1.2.0")
    rolled_back.move_tag("1.1.0", "1.2.0")
    rolled_back.until_verified("1.2.0")

    assert rolled_back.condition("RolledBack")[0] == "False"
    assert rolled_back.condition("Ready") == ("True", "Serving")
    assert rolled_back.status.get("quarantine", []) == []
    rolled_back.until(lambda: not rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))

    # A tag that comes back later is a person's wish: the version gets a second chance.
    rolled_back.accuracy("1.1.0", 0.95)
    rolled_back.move_tag("1.2.0", "1.1.0")
    rolled_back.until_verified("1.1.0")


def test_a_version_deleted_while_it_serves_goes_on_serving(serving: Stage) -> None:
    """Rule: R8."""
    pods = serving.pods()
    serving.delete("modelversion", "fraud-1.0.0")
    serving.stays(lambda: serving.pods() == pods, 4, "the pods")
    assert serving.condition("Available")[0] == "True"


def test_deleting_the_deployment_leaves_nothing_behind(serving: Stage) -> None:
    """Rule: R99."""
    serving.delete("modeldeployment", "fraud")
    serving.until(lambda: not serving.left())


def test_a_deployment_of_the_same_name_that_is_not_ours_is_not_touched(stage: Stage) -> None:
    foreign = ("create", "deployment", "fraud", "--image=registry.example/other", "--replicas=0")
    stage.kubectl(*foreign)
    before = stage.get("deployment")
    stage.version("1.0.0", "production")
    stage.deployment()
    stage.until_stalled("NameConflict")
    stage.assert_falls_silent()
    after = stage.get("deployment")
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_a_random_write_it_comes_to_the_same_end(stage: Stage, seed: int) -> None:
    """The story has about forty writes; the process is killed as soon as the audit log shows the chosen one.

    The seeds are spread over it from its first write to those after the rollback.
    """
    doomed = 1 + seed * 33 // 19
    stage.accuracy("1.0.0", 0.95)
    stage.accuracy("1.1.0", 0.5)
    stage.version("1.0.0", "production")
    stage.version("1.1.0")
    stage.deployment(replicas=1)
    killed = kill_at(stage, doomed, lambda: stage.status.get("stable"))
    stage.until_verified("1.0.0")
    stage.move_tag("1.0.0", "1.1.0")
    if not killed:
        killed = kill_at(stage, doomed, lambda: len(stage.history) == 3 and "verifiedAt" in stage.history[-1])
    stage.until_rolled_back_to("1.0.0")
    stage.until(lambda: "verifiedAt" in stage.history[-1])

    assert killed, f"write {doomed} did not come"
    assert stage.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert [each["revision"] for each in stage.history] == [1, 2, 3]
    assert stage.history[1]["previousHash"] == stage.history[0]["hash"]
    assert stage.history[2]["previousHash"] == stage.history[1]["hash"]
    assert stage.served() == "1.0.0"


def kill_at(stage: Stage, doomed: int, over: Callable[[], object]) -> bool:
    """Kill the operator as soon as it has made so many writes here, and start it anew; False: it was over before."""
    deadline = time.monotonic() + 60
    checked = 0.0
    while time.monotonic() < deadline:
        if len(stage.operator_writes()) >= doomed:
            stage.operator.restart()
            return True
        if time.monotonic() - checked > 0.5:
            checked = time.monotonic()
            if over():
                return False
        time.sleep(0.005)
    raise AssertionError(f"neither write {doomed} nor the end came\n{stage.report()}")
