"""Deployments, promotions and rollbacks on a real control plane, each scenario in a namespace of its own."""

import time
from collections.abc import Callable

import pytest

from cluster.chain import assert_chained
from cluster.scenario import Manifest, Scenario


def test_a_first_version_and_the_next_one_are_served_by_kubectl_apply(scenario: Scenario) -> None:
    """The main job with kubectl alone, as users do it.

    Rule: R2.
    Rule: R46.
    """
    scenario.accuracy("1.0.0", 0.95)
    scenario.kubectl_apply(scenario.a_version("1.0.0", "production"), scenario.a_deployment(replicas=2))
    scenario.until_verified("1.0.0")
    assert scenario.versions_in_history() == [("1.0.0", "TagMoved", "Verified")]
    assert scenario.condition("Ready") == ("True", "Serving")
    assert len(scenario.pods("1.0.0")) == 2
    environment = scenario.get("deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MODEL_URI", "value": "file:///models/fraud/1.0.0"} in environment
    scenario.kubectl("wait", "--for=condition=Ready", "modeldeployment/fraud", "--timeout=5s")
    # Longer than a resync takes.
    scenario.assert_silent(6)

    scenario.accuracy("1.1.0", 0.97)
    scenario.kubectl_apply(scenario.a_version("1.0.0"), scenario.a_version("1.1.0", "production"))
    scenario.until_verified("1.1.0")
    assert scenario.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Verified"),
    ]
    status = scenario.status
    assert (status["serving"]["version"], status["stable"]["version"]) == ("1.1.0", "1.1.0")
    assert scenario.served() == "1.1.0"
    scenario.until(lambda: len(scenario.pods()) == len(scenario.pods("1.1.0")) == 2, what="the end of the old pods")


def test_a_model_is_found_by_the_recorded_place_whatever_its_name(scenario: Scenario) -> None:
    """Rule: R18."""
    uri, digest = "s3://models/pre$$fix/$(MODEL_VERSION)/m", "etag:a$$b"
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production", artifacts=[{"name": "model", "uri": uri, "digest": digest}])
    manifest = scenario.a_deployment(replicas=1)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    told = scenario.directory / "environment"
    container["command"] = [
        "sh",
        "-c",
        f'echo "$MODEL_URI $MODEL_DIGEST" >{told}; exec "$@"',
        "sh",
        *container["command"],
    ]
    scenario.apply(manifest)
    scenario.until_verified("1.0.0")
    assert told.read_text() == f"{uri} {digest}\n"


def test_the_tag_is_moved_in_two_steps(serving: Scenario) -> None:
    """It passes through no holder the first time, and through two holders the second time.

    Rule: R3.
    Rule: R4.
    """
    for version in ("1.1.0", "1.2.0"):
        serving.accuracy(version, 0.97)
        serving.version(version)
    serving.version("1.0.0")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "TagUnassigned"))
    assert (serving.condition("Reconciling")[0], serving.served()) == ("True", "1.0.0")
    serving.version("1.1.0", "production")
    serving.until_verified("1.1.0")

    serving.version("1.2.0", "production")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "TagAmbiguous"))
    assert (serving.condition("Reconciling")[0], serving.served()) == ("True", "1.1.0")
    serving.version("1.1.0")
    serving.until_verified("1.2.0")
    assert serving.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Superseded"),
        ("1.2.0", "TagMoved", "Verified"),
    ]


def test_a_breach_during_the_rollout_leaves_the_old_pods_that_still_run(serving: Scenario) -> None:
    """Rule: R17.

    Rule: R29.
    """
    # A busy machine must not miss the moment at which there are two new pods.
    timing = {"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 60, "minReadySeconds": 2}
    serving.deployment(replicas=3, rollout=timing)
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


def test_a_breach_long_after_the_promotion_is_rolled_back(serving: Scenario) -> None:
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


def test_prometheus_down_rolls_nothing_back(serving: Scenario) -> None:
    serving.rig.stop_part("prometheus")
    try:
        serving.until(lambda: serving.condition("MetricsHealthy") == ("Unknown", "SourceUnavailable"))
        serving.accuracy("1.0.0", 0.1)
        serving.stays(lambda: len(serving.history) == 1, 3, "1.0.0")
        assert serving.condition("Ready")[0] == "True", "not knowing is not a failure"
    finally:
        serving.rig.start_part("prometheus")
    serving.accuracy("1.0.0", 0.95)
    serving.until(lambda: serving.condition("MetricsHealthy") == ("True", "MetricsPassing"))


def test_a_rolled_back_version_is_not_deployed_by_applying_restarting_or_creating_it_again(
    rolled_back: Scenario,
) -> None:
    """Rule: R63."""
    rolled_back.apply(*rolled_back.applied.values())
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 2, "1.0.0")
    rolled_back.operator.restart()
    rolled_back.operator.wait_for("Leading")
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 2, "1.0.0")
    rolled_back.delete("modelversion", "fraud-1.1.0")
    rolled_back.until(lambda: rolled_back.condition("TagResolved") == ("False", "TagUnassigned"))
    rolled_back.version("1.1.0", "production")
    rolled_back.until(lambda: rolled_back.condition("TagResolved")[0] == "True")
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 2, "1.0.0")
    assert len(rolled_back.history) == 3


def test_a_rolled_back_version_is_not_deployed_by_deleting_and_creating_the_deployment(rolled_back: Scenario) -> None:
    """Rule: R65."""
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))
    rolled_back.until(lambda: "verifiedAt" in rolled_back.get("modelversion", "fraud-1.0.0")["status"]["servedBy"][0])
    rolled_back.delete("modeldeployment", "fraud")
    rolled_back.deployment()
    rolled_back.until_verified("1.0.0")
    rolled_back.stays(lambda: not rolled_back.pods("1.1.0"), 2, "no pod of 1.1.0")
    assert rolled_back.condition("Ready") == ("False", "RolledBack")


def test_the_tag_moves_on_and_releases_the_version(rolled_back: Scenario) -> None:
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


def test_a_version_deleted_while_it_serves_goes_on_serving(serving: Scenario) -> None:
    """Rule: R8."""
    pods = serving.pods()
    serving.delete("modelversion", "fraud-1.0.0")
    serving.stays(lambda: serving.pods() == pods, 2, "the pods")
    assert serving.condition("Available")[0] == "True"


def test_a_deployment_of_the_same_name_that_is_not_ours_is_not_touched(scenario: Scenario) -> None:
    foreign = ("create", "deployment", "fraud", "--image=registry.example/other", "--replicas=0")
    scenario.kubectl(*foreign)
    before = scenario.get("deployment")
    scenario.version("1.0.0", "production")
    scenario.deployment()
    scenario.until_stalled("NameConflict")
    scenario.assert_falls_silent()
    after = scenario.get("deployment")
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])


WRITES, KILLS = 34, 5


@pytest.mark.parametrize("first", [1, 3, 5, 7])
def test_killed_again_and_again_it_comes_to_the_same_end(scenario: Scenario, first: int) -> None:
    """The process is killed as soon as the audit log shows the chosen writes.

    The runs together choose twenty, from the first one to those after the rollback; a scenario has about forty.

    Rule: R15.
    """
    scenario.accuracy("1.0.0", 0.95)
    scenario.accuracy("1.1.0", 0.5)
    scenario.version("1.0.0", "production")
    scenario.version("1.1.0")
    scenario.deployment()
    chosen = [first + number * (WRITES // KILLS + 1) for number in range(KILLS)]
    killed = kill_at_each(scenario, chosen, lambda: is_at_rest(scenario, 1))
    scenario.until_verified("1.0.0")
    scenario.move_tag("1.0.0", "1.1.0")
    killed += kill_at_each(scenario, chosen[killed:], lambda: is_at_rest(scenario, 3))
    scenario.until_rolled_back_to("1.0.0")
    scenario.until(lambda: "verifiedAt" in scenario.history[-1])

    assert killed >= KILLS - 1, f"the story had only {len(scenario.operator_writes())} writes"
    assert scenario.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    assert_chained(scenario)
    assert scenario.served() == "1.0.0"


def is_at_rest(scenario: Scenario, revisions: int) -> bool:
    """Return whether there are so many revisions, and the last one is known good."""
    history = scenario.history
    return len(history) == revisions and "verifiedAt" in history[-1]


def kill_at_each(scenario: Scenario, writes: list[int], over: Callable[[], object]) -> int:
    """Kill and restart the operator at each of these writes; return how many came before it was over."""
    for number, write in enumerate(writes):
        if not kill_at(scenario, write, over):
            return number
    return len(writes)


def kill_at(scenario: Scenario, write: int, over: Callable[[], object]) -> bool:
    """Kill and restart the operator after so many writes in this namespace; False where it was over before."""
    deadline = time.monotonic() + 90
    checked = 0.0
    while time.monotonic() < deadline:
        if len(scenario.operator_writes()) >= write:
            scenario.operator.restart()
            return True
        if time.monotonic() - checked > 0.5:
            checked = time.monotonic()
            if over():
                # Some writes, such as marks on versions, come after that.
                time.sleep(0.5)
                if len(scenario.operator_writes()) < write:
                    return False
        time.sleep(0.005)
    raise AssertionError(f"neither write {write} nor the end came\n{scenario.report()}")


def test_names_and_versions_as_people_have_them(scenario: Scenario) -> None:
    """Dots in names, versions without an order, and a tag with a capital and an underscore."""
    name, tag = "llama-3.1-8b-instruct", "Champion_1"

    def version(each: str, *tags: str) -> Manifest:
        manifest = scenario.a_version(each, *tags, model=name)
        manifest["metadata"]["name"] = f"{name}-{each}"
        return manifest

    def verified(revision: int, served: str) -> bool:
        history = scenario.get("modeldeployment", name).get("status", {}).get("history", [])
        last = history[-1] if history else {}
        return (last.get("revision"), last.get("version"), last.get("outcome")) == (revision, served, "Verified")

    deployment = scenario.a_deployment(model=name, tag=tag)
    deployment["metadata"]["name"] = name
    scenario.accuracy("3", 0.95)
    scenario.accuracy("2024-05-01", 0.5)
    scenario.kubectl_apply(version("3", tag), version("2024-05-01"), deployment)
    scenario.until(lambda: verified(1, "3"), what="3 becoming verified")
    scenario.kubectl_apply(version("3"), version("2024-05-01", tag))
    scenario.until(lambda: verified(3, "3"), what="the rollback to 3")
    assert scenario.get("deployment", name)["spec"]["template"]["metadata"]["labels"]["pennant.dev/model"] == name


def test_what_the_template_says_itself_is_used_and_told(scenario: Scenario) -> None:
    """A variable of the record that the template sets, and a variable and a port that are there twice.

    Rule: R18.
    """
    manifest = scenario.a_deployment(replicas=1)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["env"] += [{"name": "MODEL_NAME", "value": "mine"}, *({"name": "A", "value": each} for each in "12")]
    container["ports"] = [{"containerPort": 8080, "name": each} for each in ("http", "metrics")]
    scenario.accuracy("1.0.0", 0.95)
    scenario.kubectl_apply(scenario.a_version("1.0.0", "production"), manifest)
    scenario.until_verified("1.0.0")
    scenario.until_told("VariableOverridden", "DuplicateIgnored")
    served = scenario.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each.get("value") for each in served["env"]}
    assert (environment["MODEL_NAME"], environment["MODEL_VERSION"], environment["A"]) == ("mine", "1.0.0", "2")
    assert [each["name"] for each in served["ports"]] == ["metrics"]
