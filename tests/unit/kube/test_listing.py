from typing import Any

import pytest
from aiohttp import web

from pennant.core.facts.observation import Key
from pennant.kube.cache.listing import KINDS, MOST_SINGLE_READS, compare, relist, relist_kind, resync
from pennant.kube.cache.store import Store
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.ports import Unavailable
from unit.kube.api_server import Answers
from unit.kube.metadata_body import an_answer, an_item
from unit.kube.raw import raw_deployment, raw_version, raw_workload

BEHIND = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}


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


def an_entry(version: str, at: int, namespace: str = "default") -> bytes:
    return an_item(namespace, f"fraud-{version}", f"uid-fraud-{version}", at)


async def test_a_comparison_reads_only_what_differs(client: Client, answers: Answers) -> None:
    """Rule: R220."""
    store = Store()
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        store.update("ModelVersion", "ADDED", raw_version(version, at=10))
    answers.replies.append(lambda: an_answer(20, an_entry("1.0.0", 10), an_entry("2.0.0", 15)))
    answers.json(raw_version("2.0.0", "production", at=15))
    await compare(client, store, Kind.MODEL_VERSION)
    list_, single = answers.asked
    assert (list_.query["resourceVersion"], list_.query["resourceVersionMatch"]) == ("10", "NotOlderThan")
    assert "limit" not in list_.query, "a page would be read from etcd"
    assert single.path.endswith("/modelversions/fraud-2.0.0")
    assert store.keys(Kind.MODEL_VERSION) == (Key("default", "fraud-1.0.0"), Key("default", "fraud-2.0.0"))
    assert store.resource_version(Kind.MODEL_VERSION, Key("default", "fraud-2.0.0")) == 15
    assert Kind.MODEL_VERSION not in store.freshness, "the watch cache may be older than the newest state"


async def test_a_comparison_with_an_older_list_removes_no_newer_object(client: Client, answers: Answers) -> None:
    """Rule: R220."""
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", at=10))

    def answer_late() -> web.Response:
        # Events that overtake the list: one of a new object, one of an object that the list has in an older state.
        store.update("ModelVersion", "ADDED", raw_version("2.0.0", at=21))
        store.update("ModelVersion", "MODIFIED", raw_version("1.0.0", at=22))
        return an_answer(20, an_entry("1.0.0", 10))

    answers.replies.append(answer_late)
    await compare(client, store, Kind.MODEL_VERSION)
    assert len(store.keys(Kind.MODEL_VERSION)) == 2
    assert store.resource_version(Kind.MODEL_VERSION, Key("default", "fraud-1.0.0")) == 22
    assert len(answers.asked) == 1


async def test_a_comparison_in_one_namespace_removes_nothing_in_another(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", namespace="elsewhere", at=5))
    answers.replies.append(lambda: an_answer(20))
    await compare(client, store, Kind.MODEL_VERSION, "default")
    assert len(store.keys(Kind.MODEL_VERSION)) == 1


async def test_a_deployment_that_a_comparison_lacks_is_read_by_name(client: Client, answers: Answers) -> None:
    store = Store()
    store.update("Deployment", "ADDED", raw_workload(at=5))
    answers.replies.append(lambda: an_answer(20))
    answers.json(raw_workload(at=6))
    await compare(client, store, Kind.DEPLOYMENT)
    assert store.resource_version(Kind.DEPLOYMENT, Key("default", "fraud")) == 6


async def test_all_are_listed_where_too_many_differ(client: Client, answers: Answers) -> None:
    store = Store()
    many = [f"{number}.0.0" for number in range(MOST_SINGLE_READS + 1)]
    answers.replies.append(lambda: an_answer(20, *(an_entry(each, 10) for each in many)))
    answers.json(a_page(20, *(raw_version(each, at=10) for each in many)))
    await compare(client, store, Kind.MODEL_VERSION)
    assert len(answers.asked) == 2
    assert store.count(Kind.MODEL_VERSION) == len(many)


@pytest.mark.parametrize("is_bumped", [False, True], ids=["resourceVersions went back", "they went on higher"])
async def test_a_comparison_notices_that_etcd_was_restored(client: Client, answers: Answers, is_bumped: bool) -> None:
    """Rule: R220."""
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", "production", at=1000))
    if is_bumped:
        answers.replies.append(lambda: an_answer(5000, an_entry("1.0.0", 400)))
    else:
        answers.status(504, "Timeout: Too large resource version: 1000, current: 500", details=BEHIND)
        answers.json(a_page(500))
    answers.json(a_page(500, raw_version("1.0.0", at=400)))
    await compare(client, store, Kind.MODEL_VERSION)
    assert store.resource_version(Kind.MODEL_VERSION, Key("default", "fraud-1.0.0")) == 400
    assert Kind.DEPLOYMENT not in store.freshness


async def test_a_watch_cache_that_is_late_is_waited_for(client: Client, answers: Answers) -> None:
    """Rule: R220."""
    store = Store()
    store.update("ModelVersion", "ADDED", raw_version("1.0.0", at=1000))
    answers.status(504, "Timeout: Too large resource version: 1000, current: 500", details=BEHIND)
    answers.json(a_page(1001))
    with pytest.raises(Unavailable, match="Too large resource version"):
        await compare(client, store, Kind.MODEL_VERSION)
    assert [each.query.get("limit") for each in answers.asked] == [None, "1"], "all objects were not listed"
    assert store.count(Kind.MODEL_VERSION) == 1


async def test_whole_objects_are_listed_until_nothing_is_stale(client: Client, answers: Answers) -> None:
    """Rule: R220."""
    store = Store()
    answers.json(a_page(20))
    for _ in range(2):
        answers.asked.clear()
        await resync(client, store)
        assert len(answers.asked) == len(KINDS)
        assert all("limit" in each.query for each in answers.asked), "pages of whole objects, by a quorum"
        store.mark_all_stale()
    await resync(client, store)
    answers.replies.clear()
    answers.replies.append(lambda: an_answer(20))
    answers.asked.clear()
    await resync(client, store)
    assert [each.query["resourceVersionMatch"] for each in answers.asked] == ["NotOlderThan"] * len(KINDS)


@pytest.mark.parametrize(
    ("deployments", "leads", "listed"),
    [(MOST_SINGLE_READS, True, False), (MOST_SINGLE_READS + 1, True, True), (MOST_SINGLE_READS + 1, False, False)],
    ids=["few are unknown", "a leader that knows none of many", "a standby"],
)
async def test_revisions_are_listed_together_where_a_leader_lacks_many(
    client: Client, answers: Answers, deployments: int, leads: bool, listed: bool
) -> None:
    """Rule: R221."""
    store = Store()
    found = [raw_deployment(f"fraud-{number}", uid=f"uid-{number}") for number in range(deployments)]
    answers.json(a_page(20, *found))
    answers.json(a_page(20))
    await relist(client, store, with_revisions=leads)
    assert store.count(Kind.MODEL_DEPLOYMENT) == deployments
    assert any("controllerrevisions" in each.path for each in answers.asked) is listed
    assert ("uid-1" in store.revisions) is listed
