"""A history of hundreds of revisions, and one that holds as much as it may."""

import asyncio

from cluster.chain import assert_chained, records
from cluster.stage import NAME, Stage
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind

REVISIONS, LIMIT = 200, 10
DEPLOYMENT = RESOURCES[Kind.MODEL_DEPLOYMENT]


async def change_often(stage: Stage, times: int) -> None:
    """Change the pod template as soon as the operator has followed the change before."""
    path = DEPLOYMENT.path(stage.namespace, NAME)
    async with Client(Connection(str(stage.rig.kubeconfig))) as client, asyncio.timeout(180):
        for turn in range(2, times + 1):
            body = {"spec": {"template": {"metadata": {"annotations": {"turn": str(turn)}}}}}
            asked = {"fieldManager": "kubectl"}
            await client.request(
                ApiVerb.PATCH, Kind.MODEL_DEPLOYMENT, path, params=asked, body=body, content_type=MERGE
            )
            while (await _newest(client, stage))["revision"] < turn:
                await asyncio.sleep(0.02)


async def _newest(client: Client, stage: Stage) -> dict[str, int]:
    found = await client.get(Kind.MODEL_DEPLOYMENT, stage.namespace, NAME)
    assert found is not None
    newest: dict[str, int] = found["status"]["history"][-1]
    return newest


def test_hundreds_of_revisions_keep_the_newest_and_lose_no_number(stage: Stage) -> None:
    """No pod has to run for that, so it is as fast as the operator."""
    stage.version("1.0.0", "production")
    manifest = stage.a_deployment(replicas=0, historyLimit=LIMIT, analysis={"bakeSeconds": 0})
    stage.apply(manifest)
    stage.until(lambda: stage.history)
    asyncio.run(change_often(stage, REVISIONS))
    stage.applied.clear()  # The template is no longer the one of the file.
    stage.until(lambda: stage.status["applied"]["revision"] == REVISIONS, what="the Deployment of the last revision")
    stage.until(lambda: len(records(stage)) == LIMIT, what="the end of the older records")
    assert len(stage.history) == LIMIT
    assert_chained(stage, first=REVISIONS - LIMIT + 1)
    assert stage.get("deployment")["metadata"]["annotations"]["pennant.dev/revision"] == str(REVISIONS)
