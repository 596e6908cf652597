"""What the session of kopf does with requests for kinds that are not served, and with lists."""

import asyncio
from pathlib import Path

from pennant.kube.http.resources import Kind
from pennant.kube.presence import Presence
from pennant.runtime.watches import WATCHED, EmptyLists, EventCounter, Patience, open_session
from unit.kube.api_server import Answers, a_connection, serving

VERSIONS = "/apis/pennant.dev/v1alpha1/modelversions"


async def test_a_request_for_a_kind_that_is_not_served_waits_for_it(tmp_path: Path) -> None:
    """Rule: R97."""
    answers, presence = Answers(), Presence()
    answers.text("404 page not found", 404)
    answers.json({"items": []})
    async with (
        serving(answers) as url,
        open_session(a_connection(tmp_path, url), Patience(presence)) as session,
        asyncio.timeout(10),
    ):
        asking = asyncio.create_task(session.get(f"{url}{VERSIONS}"))
        while presence.is_complete:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not asking.done()
        assert len(answers.asked) == 1
        presence.found(Kind.MODEL_VERSION)
        assert (await asking).status == 200


async def test_what_is_no_kind_of_ours_is_not_waited_for(tmp_path: Path) -> None:
    answers, presence = Answers(), Presence()
    answers.text("404 page not found", 404)
    async with serving(answers) as url, open_session(a_connection(tmp_path, url), Patience(presence)) as session:
        assert (await session.get(f"{url}/apis/apps/v1/deployments")).status == 404
    assert presence.is_complete


async def test_a_list_asks_for_no_object_and_tells_that_a_watch_begins(tmp_path: Path) -> None:
    answers, events = Answers(), EventCounter()
    answers.json({"items": []})
    async with (
        serving(answers) as url,
        open_session(a_connection(tmp_path, url), EmptyLists(events)) as session,
        asyncio.timeout(10),
    ):
        for group, version, plural in WATCHED.values():
            await session.get(f"{url}/apis/{group}/{version}/{plural}?labelSelector=a")
        await events.open()
        await session.get(f"{url}{VERSIONS}?watch=true&resourceVersion=7")
    lists, watch = answers.asked[:-1], answers.asked[-1]
    for each in lists:
        assert each.query == {"labelSelector": "a", "fieldSelector": "metadata.name=-", "resourceVersion": "0"}
    assert watch.query == {"watch": "true", "resourceVersion": "7"}
