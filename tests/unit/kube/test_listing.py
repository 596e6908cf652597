from typing import Any

import pytest
from aiohttp import web

from pennant.core.facts.observation import Key
from pennant.kube.cache.listing import relist_kind
from pennant.kube.cache.store import Store
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.ports import Unavailable
from unit.kube.api_server import Answers
from unit.kube.raw import raw_deployment, raw_version, raw_workload


def a_page(at: int, *items: Any, more: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(at), "continue": more}, "items": list(items)}


async def test_an_object_newer_than_the_list_is_kept(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", at=15))

    def answer_late() -> web.Response:
        # An event that overtakes the list.
        store.update("ModelVersion", "ADDED", raw_version("2.0.0", at=21))
        return web.json_response(a_page(20))

    answers.replies.append(answer_late)
    await relist_kind(client, store, Kind.MODEL_VERSION)
    assert store.keys(Kind.MODEL_VERSION) == (Key("default", "fraud-2.0.0"),)


async def test_everything_is_read_again_where_resource_versions_went_back(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", "production", at=1000))
    store.update("ModelVersion", "DELETED", raw_version("2.0.0", at=1000))
    store.update("ModelDeployment", "ADDED", raw_deployment(at=1000))
    store.revisions.put("uid-fraud", ())
    fraud = Key("default", "fraud")
    for each in (fraud, Kind.MODEL_VERSION):
        store.freshness.mark_fresh(each, store.freshness.mark())
    answers.json(a_page(500, raw_version("1.0.0", at=400), raw_version("2.0.0", at=400)))
    await relist_kind(client, store, Kind.MODEL_VERSION)
    assert store.resource_version(Kind.MODEL_VERSION, Key("default", "fraud-1.0.0")) == 400
    assert len(store.keys(Kind.MODEL_VERSION)) == 2
    assert Kind.MODEL_VERSION in store.freshness, "these were just read"
    assert fraud not in store.freshness
    assert "uid-fraud" not in store.revisions


async def test_an_incomplete_list_is_stale_and_removes_nothing(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("9.0.0", at=5))
    answers.json(a_page(20, raw_version("1.0.0", at=6), more="token"))
    answers.status(410, "the continue token is too old")
    with pytest.raises(Unavailable):
        await relist_kind(client, store, Kind.MODEL_VERSION)
    assert Kind.MODEL_VERSION not in store.freshness
    assert len(store.keys(Kind.MODEL_VERSION)) == 2


async def test_the_list_of_one_namespace_removes_nothing_in_another(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", namespace="elsewhere", at=5))
    answers.json(a_page(20))
    await relist_kind(client, store, Kind.MODEL_VERSION, "default")
    assert len(store.keys(Kind.MODEL_VERSION)) == 1


async def test_a_deployment_that_is_not_in_the_list_is_read_by_name(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("Deployment", "ADDED", raw_workload(at=5))
    answers.json(a_page(20))
    answers.json(raw_workload(at=6))
    await relist_kind(client, store, Kind.DEPLOYMENT)
    assert store.resource_version(Kind.DEPLOYMENT, Key("default", "fraud")) == 6
    assert [each.path for each in answers.asked][-1].endswith("/namespaces/default/deployments/fraud")
