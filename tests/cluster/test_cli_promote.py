"""`kubectl pennant promote`, `get`, `versions` and `why` on a real control plane, by the real kubectl."""

import json
from datetime import UTC, datetime
from typing import Any

from cluster.plugin import kubectl_pennant
from cluster.scenario import Scenario

AUC = {"name": "auc", "dataset": "holdout", "split": "Test", "direction": "Maximize"}
VERSIONS = "/apis/pennant.dev/v1alpha1/namespaces/{}/modelversions"


def run(scenario: Scenario, *args: str) -> str:
    """Run a verb that must succeed; what it writes to the objects counts as an act of a user."""
    code, out, err = kubectl_pennant(scenario, *args)
    scenario.touched_at = datetime.now(UTC)
    assert code == 0, f"{out}\n{err}\n{scenario.report()}"
    return out


def forget(scenario: Scenario, *names: str) -> None:
    """Take versions whose tags the verb wrote out of what must be as it was applied."""
    for name in names:
        del scenario.applied[f"ModelVersion/{name}"]


def listed_at(scenario: Scenario) -> str:
    raw = scenario.kubectl("get", "--raw", VERSIONS.format(scenario.namespace))
    return str(json.loads(raw)["metadata"]["resourceVersion"])


def holders_since(scenario: Scenario, resource_version: str, tag: str = "production") -> list[set[str]]:
    """Return who had the tag after each change since a list, as a watch of the API server tells it."""
    path = f"{VERSIONS.format(scenario.namespace)}?watch=1&timeoutSeconds=2&resourceVersion={resource_version}"
    holders = {"fraud-1.0.0"}
    seen = [set(holders)]
    for line in scenario.kubectl("get", "--raw", path).splitlines():
        changed: dict[str, Any] = json.loads(line)["object"]
        name = changed["metadata"]["name"]
        (holders.add if tag in changed["spec"].get("tags", []) else holders.discard)(name)
        seen.append(set(holders))
    return seen


def test_a_tag_moves_and_some_version_has_it_at_each_moment(serving: Scenario) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    before = listed_at(serving)
    out = run(serving, "promote", "fraud-1.1.0", "--timeout", "60s")
    forget(serving, "fraud-1.0.0", "fraud-1.1.0")
    assert out.splitlines()[:2] == [
        "modelversion.pennant.dev/fraud-1.1.0 tagged production",
        "modelversion.pennant.dev/fraud-1.0.0 untagged production",
    ]
    assert out.splitlines()[-1].startswith('modeldeployment "fraud" successfully rolled out: 1.1.0 serves')
    seen = holders_since(serving, before)
    assert all(seen), "no moment without a version that has the tag"
    assert {"fraud-1.0.0", "fraud-1.1.0"} in seen
    assert seen[-1] == {"fraud-1.1.0"}
    serving.until_verified("1.1.0")
    assert serving.versions_in_history()[-1][:2] == ("1.1.0", "TagMoved")
    assert serving.history[-1]["actor"] == "kubectl-pennant"

    table = [line.split()[:2] for line in run(serving, "versions", "fraud").splitlines()]
    assert table == [["VERSION", "TAGS"], ["1.1.0", "production"], ["1.0.0", "<none>"]]
    tree = run(serving, "get", "fraud")
    assert "✔ Healthy" in tree
    assert "# revision:2" in tree
    assert all(pod in tree for pod in serving.pods("1.1.0"))
    assert "1.1.0 (revision 2) was verified" in tree
    metric = next(line.split() for line in tree.splitlines() if line.startswith("accuracy "))
    assert metric[1:6] == ["✔", "Passing", "0.97", "min", "0.9"]
    assert run(serving, "get").splitlines()[1].split()[:5] == ["fraud", "fraud", "production", "1.1.0", "1.1.0"]
    assert "Nothing is blocked." in run(serving, "why", "fraud")


def test_a_promotion_that_a_gate_blocks_is_foreseen_and_explained(scenario: Scenario) -> None:
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production", metrics=[{**AUC, "value": "0.95"}])
    scenario.deployment(promotion={"gates": [{"metric": "auc", "dataset": "holdout", "split": "Test"}]})
    scenario.until_verified("1.0.0")
    scenario.version("1.1.0", metrics=[{**AUC, "value": "0.90"}])
    for kind in ("client", "server"):
        foreseen = run(scenario, "promote", "1.1.0", f"--dry-run={kind}")
        assert "promotion gate auc/holdout/Test blocks 1.1.0: 0.90 is worse than 0.95 of 1.0.0" in foreseen
        assert "auc/holdout/Test   0.95    0.90    worse by 0.05" in foreseen
    assert scenario.get("modelversion", "fraud-1.1.0")["spec"]["tags"] == []

    code, _, err = kubectl_pennant(scenario, "promote", "mv/fraud-1.1.0", "--timeout", "60s")
    scenario.touched_at = datetime.now(UTC)
    forget(scenario, "fraud-1.0.0", "fraud-1.1.0")
    assert code == 1
    warning, error = err.splitlines()
    assert warning.startswith("Warning: the manifest that was applied last gives the tag production to fraud-1.0.0")
    assert error.startswith('error: modeldeployment "fraud" is stalled: promotion gate auc/holdout/Test')
    assert scenario.condition("Stalled") == ("True", "GateFailed")

    why = run(scenario, "why", "fraud")
    assert "✖ the rollout of 1.1.0: GateFailed (R9, R11)" in why
    assert scenario.message("Stalled") in why
    assert "The operator has nothing to do until you act" in why
    assert scenario.served() == "1.0.0"


def test_a_wrong_name_is_an_error(scenario: Scenario) -> None:
    scenario.version("1.0.0")
    scenario.deployment()
    for args in (("get", "froud"), ("why", "froud"), ("promote", "fraud-1.0.1"), ("versions", "froud")):
        code, out, err = kubectl_pennant(scenario, *args)
        assert (code, out) == (1, ""), args
        assert err.startswith("error: ")
        assert "Did you mean" in err
