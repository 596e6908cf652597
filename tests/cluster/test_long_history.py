"""A history of more revisions than its limit keeps."""

import asyncio
import json
from copy import deepcopy

from cluster.chain import assert_chained, records
from cluster.plugin import kubectl_pennant
from cluster.scenario import NAME, Scenario
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind

REVISIONS, LIMIT, SHORT = 20, 10, 6
DEPLOYMENT = RESOURCES[Kind.MODEL_DEPLOYMENT]


async def change_often(scenario: Scenario, times: int) -> None:
    """Change the pod template as soon as the operator has followed the change before."""
    path = DEPLOYMENT.path(scenario.namespace, NAME)
    async with Client(Connection(str(scenario.rig.kubeconfig))) as client, asyncio.timeout(180):
        for turn in range(2, times + 1):
            body = {"spec": {"template": {"metadata": {"annotations": {"turn": str(turn)}}}}}
            asked = {"fieldManager": "kubectl"}
            await client.request(
                ApiVerb.PATCH, Kind.MODEL_DEPLOYMENT, path, params=asked, body=body, content_type=MERGE
            )
            while (await _newest(client, scenario))["revision"] < turn:
                await asyncio.sleep(0.02)


async def _newest(client: Client, scenario: Scenario) -> dict[str, int]:
    found = await client.get(Kind.MODEL_DEPLOYMENT, scenario.namespace, NAME)
    assert found is not None
    newest: dict[str, int] = found["status"]["history"][-1]
    return newest


def test_many_revisions_keep_the_newest_and_lose_no_number(scenario: Scenario) -> None:
    """The Deployment has no pods, so the operator alone decides how long this takes."""
    scenario.version("1.0.0", "production")
    manifest = scenario.a_deployment(
        replicas=0, historyLimit=LIMIT, statusHistoryLimit=LIMIT, analysis={"bakeSeconds": 0}
    )
    scenario.apply(manifest)
    scenario.until(lambda: scenario.history)
    asyncio.run(change_often(scenario, REVISIONS))
    scenario.applied.clear()  # The template is no longer the one of the file.
    scenario.until(
        lambda: scenario.status.get("applied", {}).get("revision") == REVISIONS, what="the last revision being applied"
    )
    scenario.until(lambda: len(records(scenario)) == LIMIT, what="the end of the older records")
    assert len(scenario.history) == LIMIT
    assert_chained(scenario, first=REVISIONS - LIMIT + 1)
    assert scenario.get("deployment")["metadata"]["annotations"]["pennant.dev/revision"] == str(REVISIONS)


def test_the_status_has_the_newest_entries_and_the_command_line_shows_all(scenario: Scenario) -> None:
    """A ControllerRevision of an older revision that is missing or was changed is reported.

    Rule: R227.
    """
    scenario.version("1.0.0", "production")
    scenario.apply(scenario.a_deployment(replicas=0, statusHistoryLimit=3, analysis={"bakeSeconds": 0}))
    scenario.until(lambda: scenario.history)
    asyncio.run(change_often(scenario, SHORT))
    scenario.applied.clear()
    scenario.assert_falls_silent()
    # The next write of the status leaves out what the ControllerRevisions have by then.
    scenario.merge("modeldeployment", NAME, {"spec": {"paused": True}})
    scenario.until(lambda: _older(scenario) == [1, 2, 3], what="the entries that are in the ControllerRevisions alone")
    assert [each["revision"] for each in scenario.history] == [4, 5, 6]
    known = {each["revision"]: each["data"]["entry"]["hash"] for each in records(scenario)}
    assert {each["revision"]: each["hash"] for each in scenario.status["olderRevisions"]} == {
        number: known[number] for number in (1, 2, 3)
    }
    shown = json.loads(kubectl_pennant(scenario, "history", NAME, "-o", "json")[1])["items"]
    assert [(each["revision"], each["hash"], each["outcome"]) for each in shown] == [
        (number, known[number], "Superseded" if number < SHORT else shown[-1]["outcome"]) for number in known
    ]
    assert all("endedAt" in each for each in shown[:-1])

    scenario.merge("modeldeployment", NAME, {"spec": {"paused": False}})
    scenario.until(lambda: scenario.condition("Suspended")[0] == "False")
    scenario.assert_falls_silent()
    before = scenario.get("modeldeployment")["metadata"]["resourceVersion"]
    scenario.operator.restart()
    scenario.stays(
        lambda: scenario.get("modeldeployment")["metadata"]["resourceVersion"] == before, 3, "no write after a restart"
    )
    scenario.command(rollback_to="2", requested_at="1")
    scenario.until(lambda: scenario.history[-1]["revision"] == SHORT + 1, what="the revision of the undo")
    assert scenario.history[-1]["templateHash"] == shown[1]["templateHash"]

    forged = deepcopy(records(scenario)[0]) | {"apiVersion": "apps/v1", "kind": "ControllerRevision"}
    forged["data"]["entry"]["version"] = "6.6.6"
    forged["metadata"] = {name: forged["metadata"][name] for name in ("name", "labels", "ownerReferences")}
    for number in (1, 2):
        scenario.delete("controllerrevision", f"{NAME}-{number}")
    scenario.create(forged)
    scenario.operator.restart()
    wrong = ("the ControllerRevision of revision 2 is missing", "the ControllerRevision of revision 1 does not match")
    scenario.until(lambda: all(each in scenario.message("HistoryIntact") for each in wrong))
    assert [(each["revision"], each["version"]) for each in scenario.status["olderRevisions"][:2]] == [
        (1, "1.0.0"),
        (2, "1.0.0"),
    ]
    scenario.assert_falls_silent()
    assert records(scenario)[0]["data"] == forged["data"], "it is left for a user to look at"


def _older(scenario: Scenario) -> list[int]:
    return [each["revision"] for each in scenario.status.get("olderRevisions", [])]
