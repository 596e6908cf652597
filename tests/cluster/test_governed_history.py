"""The users whom the API server has authenticated, in the history, the Events and the command line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.governance import Governed, bind, govern, kubernetes_role
from cluster.operator_process import Operator
from cluster.plugin import kubectl_pennant
from cluster.scenario import Manifest, Scenario
from rig import Rig


@pytest.fixture
def stamped(rig: Rig, operator: Operator, tmp_path: Path, scenario: Scenario) -> Iterator[tuple[Scenario, Governed]]:
    """Return a scenario in a governed namespace, under an operator that believes the annotations."""
    with under_policies(rig, operator, tmp_path, scenario) as made:
        yield made


@pytest.fixture
def four_eyed(rig: Rig, operator: Operator, tmp_path: Path, scenario: Scenario) -> Iterator[tuple[Scenario, Governed]]:
    """Return the same with four eyes."""
    with under_policies(rig, operator, tmp_path, scenario, four_eyes=True) as made:
        yield made


@contextmanager
def under_policies(
    rig: Rig, operator: Operator, tmp_path: Path, scenario: Scenario, *, four_eyes: bool = False
) -> Iterator[tuple[Scenario, Governed]]:
    governed = govern(rig, scenario.namespace, promote={"enabled": True, "fourEyes": four_eyes})
    operator.stop()
    settings = {"PENNANT_STAMPED": "true", "PENNANT_FOUR_EYES": str(four_eyes).lower()}
    believing = Operator(rig, tmp_path / "believing", operator.installation, **settings)
    believing.start()
    scenario.operator = believing
    yield scenario, governed
    believing.stop()
    scenario.operator = operator
    operator.start()
    governed.end()


def test_history_audit_and_events_name_the_users(stamped: tuple[Scenario, Governed]) -> None:
    """A tag, a command and a spec of three users: each revision, its Event and `audit` have the right name.

    Rule: R150.
    Rule: R151.
    """
    scenario, governed = stamped
    bind(governed, "carl", "operator-on-duty", "--user=carl")
    kubernetes_role(governed, "carl", "edit")

    def applies(user: str, *manifests: Manifest) -> None:
        assert governed.apply(user, *map(scenario.noted, manifests)) == ""

    scenario.accuracy("1.0.0", 0.95)
    applies("rita", scenario.a_version("1.0.0"))
    applies("admin", scenario.a_deployment())
    applies("paul", scenario.a_version("1.0.0", "production"))
    scenario.until_verified("1.0.0")
    restart = ("pennant.dev/restart=", "pennant.dev/requested-by=somebody-else", "pennant.dev/requested-at=1")
    assert governed.says("olga", "annotate", "modeldeployment/fraud", *restart) == ""
    # `audit` leaves out a revision that served for less than a second.
    scenario.until(lambda: [each.get("verifiedAt") is not None for each in scenario.history] == [True, True])
    time.sleep(1.5)
    changed = scenario.a_deployment()
    changed["spec"]["template"]["metadata"]["annotations"]["changed"] = "yes"
    applies("carl", changed)
    scenario.until(lambda: len(scenario.history) == 3, what="the new template")
    said = [(each["trigger"], each["actor"], each["user"]) for each in scenario.history]
    assert [(trigger, user) for trigger, _, user in said] == [
        ("TagMoved", "paul"),
        ("Restart", "olga"),
        ("SpecChanged", "carl"),
    ]
    assert said[1][1] == "somebody-else"
    for verb in ("history", "audit"):
        _, shown, _ = kubectl_pennant(scenario, verb, "fraud")
        assert {"paul", "olga", "carl"} <= set(shown.split()), shown
    assert scenario.status["lastCommand"]["user"] == "olga"
    changed["spec"]["paused"] = True
    applies("olga", changed)
    scenario.until(lambda: "set by the user olga" in scenario.message("Suspended"))
    told = (
        "; by the user paul",
        "all pods are restarted; by the user olga",
        "; by the user carl",
        "set by the user olga",
    )
    scenario.until(lambda: all(each in events(scenario) for each in told), what="the Events")
    changed["spec"]["paused"] = False
    applies("olga", changed)


def events(scenario: Scenario) -> str:
    return "\n".join(each["message"] for each in scenario.all_of("event"))


def test_a_fixed_version_that_somebody_replaces_is_not_rolled_out(stamped: tuple[Scenario, Governed]) -> None:
    """A user who may delete and create versions, and not promote, does not choose what `spec.version` serves.

    Rule: R155.
    """
    scenario, governed = stamped
    scenario.accuracy("1.0.0", 0.95)
    assert governed.apply("rita", scenario.noted(scenario.a_version("1.0.0"))) == ""
    fixed = scenario.a_deployment()
    fixed["spec"]["version"] = "1.0.0"
    assert governed.apply("admin", scenario.noted(fixed)) == ""
    scenario.until_verified("1.0.0")
    other = scenario.a_version("1.0.0")
    other["spec"]["artifacts"][0] |= {"uri": "s3://models/fraud/other", "digest": f"sha256:{'e' * 64}"}
    assert governed.says("dora", "delete", "modelversion", "fraud-1.0.0") == ""
    assert governed.apply("dora", scenario.noted(other)) == ""
    scenario.until_stalled("VersionReplaced")
    assert "1.0.0 was deleted and created again by the user dora with another content" in scenario.message("Stalled")
    assert [each["version"] for each in scenario.history] == ["1.0.0"]


def test_with_four_eyes_a_version_is_not_chosen_by_who_created_it(four_eyed: tuple[Scenario, Governed]) -> None:
    """Not by `spec.version`, also not after somebody changed something else; another user may choose it.

    Rule: R156.
    """
    scenario, governed = four_eyed
    for role in ("deployer", "promoter"):
        bind(governed, f"dave-{role}", role, "--user=dave")
    bind(governed, "paul-deployer", "deployer", "--user=paul")
    for version in ("1.0.0", "1.1.0"):
        scenario.accuracy(version, 0.95)
    assert governed.apply("rita", scenario.noted(scenario.a_version("1.0.0"))) == ""
    assert governed.apply("admin", scenario.noted(scenario.a_deployment(version="1.0.0"))) == ""
    scenario.until_verified("1.0.0")
    assert governed.apply("dave", scenario.noted(scenario.a_version("1.1.0"))) == ""
    asked = {"spec": {"version": "1.1.0"}}
    assert governed.merge("dave", "modeldeployment", "fraud", asked) == ""
    scenario.until_stalled("FourEyes")
    assert "dave created 1.1.0 and set spec.version to it" in scenario.message("Stalled")
    assert governed.merge("olga", "modeldeployment", "fraud", {"spec": {"historyLimit": 20}}) == ""
    scenario.stays(lambda: scenario.condition("Stalled") == ("True", "FourEyes"), 3, "the refusal")
    assert [each["version"] for each in scenario.history] == ["1.0.0"]
    assert governed.merge("paul", "modeldeployment", "fraud", {"spec": {"version": "1.0.0"}}) == ""
    assert governed.merge("olga", "modeldeployment", "fraud", {"spec": {"paused": True}}) == ""
    assert governed.merge("paul", "modeldeployment", "fraud", asked) == ""
    assert governed.merge("olga", "modeldeployment", "fraud", {"spec": {"historyLimit": 30, "paused": False}}) == ""
    scenario.until_verified("1.1.0")
    assert scenario.history[-1]["user"] == "paul"
    scenario.noted(scenario.a_deployment(version="1.1.0", historyLimit=30, paused=False))
