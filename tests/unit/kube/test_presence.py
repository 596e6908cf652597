import asyncio
from typing import Any

import pytest

from pennant.kube import presence as module
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.kube.presence import Presence
from unit.kube.api_server import Answers

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
GROUPS = {"groups": [{"name": "pennant.dev", "versions": [{"version": "v1alpha1"}]}]}
NO_GROUPS = {"groups": [{"name": "apps", "versions": [{"version": "v1"}]}]}
A_PAGE = {"metadata": {"resourceVersion": "1"}, "items": []}


def resources(**verbs: list[str]) -> dict[str, Any]:
    return {"resources": [{"name": name, "verbs": each} for name, each in verbs.items()]}


ALL = resources(modelversions=VERBS, modeldeployments=VERBS)


async def look(client: Client, answers: Answers, *said: Any) -> str:
    for each in said:
        answers.json(each)
    found = Presence()
    await found.look(client)
    return found.problem()


async def test_nothing_is_missing_where_discovery_has_both_kinds(client: Client, answers: Answers) -> None:
    assert await look(client, answers, GROUPS, ALL) == ""


async def test_a_kind_that_discovery_lacks_is_missing(client: Client, answers: Answers) -> None:
    problem = await look(client, answers, GROUPS, resources(modelversions=VERBS))
    assert problem == "modeldeployments.pennant.dev missing; apply crds/"


async def test_a_kind_that_is_being_deleted_is_missing(client: Client, answers: Answers) -> None:
    """Its objects are deleted one by one, while it can still be listed."""
    going = [each for each in VERBS if each not in ("create", "patch", "update")]
    problem = await look(client, answers, GROUPS, resources(modelversions=going, modeldeployments=VERBS))
    assert problem == "modelversions.pennant.dev missing; apply crds/"


async def test_without_the_group_both_are_missing(client: Client, answers: Answers) -> None:
    problem = await look(client, answers, NO_GROUPS)
    assert problem == "modeldeployments.pennant.dev, modelversions.pennant.dev missing; apply crds/"


async def test_kinds_of_others_are_ignored() -> None:
    found = Presence()
    found.lost(Kind.DEPLOYMENT)
    assert found.is_complete


async def test_a_callback_is_called_when_nothing_is_missing_any_more(
    client: Client, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discovery may have a kind before it can be listed."""
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)
    answers.json(NO_GROUPS)
    for each in (GROUPS, ALL):
        answers.json(each)
    answers.text("404 page not found", 404)
    for each in (GROUPS, ALL, A_PAGE):
        answers.json(each)
    found, returned = Presence(), asyncio.Event()
    found.lost(Kind.MODEL_VERSION)
    task = asyncio.create_task(found.run(client, "", returned.set))
    async with asyncio.timeout(10):
        await found.complete()
    task.cancel()
    assert returned.is_set()
    assert len(answers.asked) == 7


async def test_concurrent_calls_share_a_request(client: Client, answers: Answers) -> None:
    for each in (GROUPS, ALL, GROUPS, ALL):
        answers.json(each)
    found = Presence()
    await asyncio.gather(*(found.look(client) for _ in range(20)))
    assert len(answers.asked) <= 4
