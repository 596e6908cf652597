"""A history of more revisions than its limit keeps."""

import asyncio

from cluster.chain import assert_chained, records
from cluster.scenario import NAME, Scenario
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind

REVISIONS, LIMIT = 20, 10
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
    manifest = scenario.a_deployment(replicas=0, historyLimit=LIMIT, analysis={"bakeSeconds": 0})
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
