"""The archiver writes beside the passes, in order, and again after an error.

Rule: R195.
Rule: R197.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pennant.api.deployment_status import Archived, ModelDeploymentStatus
from pennant.core.facts.observation import Key, Revision, Snapshot, Unreadable
from pennant.ports import Refused, Unavailable
from unit.controller.archives import Archiving
from unit.core.builders import a_revision, a_snapshot, after

pytestmark = pytest.mark.looptime
FRAUD, OTHER = Key("default", "fraud"), Key("default", "other")


def revisions(count: int) -> tuple[Revision, ...]:
    found = [a_revision(1)]
    for number in range(2, count + 1):
        found.append(a_revision(number, previous=found[-1].entry, started_at=after(number)))
    return tuple(found)


def snapshot(count: int, archived: Archived | None = None, name: str = "fraud", **fields: Any) -> Snapshot:
    """Return a ModelDeployment with so many revisions, all but the last ended."""
    own = revisions(count)
    history = [each.entry.model_copy(update={"ended_at": after(each.entry.revision + 1)}) for each in own[:-1]]
    status = ModelDeploymentStatus(history=(*history, own[-1].entry), archived=archived)
    return replace(a_snapshot(name), revisions=own, status=status, **fields)


async def done() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_what_is_due_is_written_in_order_and_then_confirmed() -> None:
    given = Archiving()
    assert given.archiver.take(snapshot(3)) == Archived(), "a pass does not wait for the archive"
    assert given.archiver.pending == 3
    await done()
    assert given.events == ["fraud 1 ended", "fraud 2 ended", "fraud 3 recorded"]
    assert given.woken == [FRAUD]
    assert given.archiver.take(snapshot(3)) == Archived(recorded=3, ended=2)
    assert (given.archiver.pending, given.place.creations) == (0, 3)
    assert given.archiver.take(snapshot(4, Archived(recorded=3, ended=2))) == Archived(recorded=3, ended=2)
    await done()
    assert given.events[3:] == ["fraud 3 recorded", "fraud 4 recorded"]
    assert "fraud 3 ended" in given.events


async def test_of_one_modeldeployment_one_write_is_under_way() -> None:
    given = Archiving()
    for _ in range(3):
        given.archiver.take(snapshot(3))
    await done()
    assert given.place.creations == 3


async def test_a_place_that_fails_is_tried_by_one_modeldeployment_at_a_time_and_then_by_all() -> None:
    given = Archiving()
    given.place.error = Unavailable("no route to host")
    for name in ("fraud", "other"):
        given.archiver.take(snapshot(1, name=name))
    await done()
    assert given.place.creations == 2, "both were under way"
    for seconds in (1.5, 2.5, 4.5):
        given.clock.time = after(seconds)
        before = given.place.creations
        await asyncio.sleep(seconds)
        (key,) = given.woken
        given.woken.clear()
        for name in ("fraud", "other"):
            given.archiver.take(snapshot(1, name=name))
        await done()
        assert given.place.creations == before + 1, f"only {key} tried it"
    assert given.archiver.oldest_seconds == 4.5
    assert given.archiver.pending == 2
    given.place.error = None
    await asyncio.sleep(10)
    given.archiver.take(snapshot(1, name=given.woken[-1].name))
    await done()
    assert set(given.woken) == {FRAUD, OTHER}, "all are due again"
    for name in ("fraud", "other"):
        given.archiver.take(snapshot(1, name=name))
    await done()
    assert given.events == ["fraud 1 recorded", "other 1 recorded"]
    assert given.counted.results[-2:] == ["success", "success"]


async def test_a_key_that_does_not_come_stops_no_other() -> None:
    given = Archiving()
    given.place.error = Refused("403")
    for name in ("fraud", "other"):
        given.archiver.take(snapshot(1, name=name))
    await done()
    given.place.error = None
    await asyncio.sleep(2)
    assert given.woken == [FRAUD]
    await asyncio.sleep(61)
    assert given.woken == [FRAUD, OTHER]
    assert given.counted.results == ["refused", "refused"]


async def test_what_was_written_before_an_error_is_confirmed() -> None:
    given = Archiving()

    def fail_at_second(name: str) -> None:
        given.place.error = Unavailable("full") if "000000002" in name else None

    given.place.before_create = fail_at_second
    given.archiver.take(snapshot(3))
    await done()
    assert given.events == ["fraud 1 ended"]
    assert given.archiver.take(snapshot(3)) == Archived(ended=1)


async def test_nothing_is_written_of_a_status_that_cannot_be_read() -> None:
    given = Archiving()
    given.archiver.take(snapshot(3, unreadable=Unreadable("status.history", {})))
    await done()
    assert given.events == []


async def test_what_was_confirmed_for_another_modeldeployment_of_the_name_does_not_count() -> None:
    given = Archiving()
    given.archiver.take(snapshot(2))
    await done()
    assert given.archiver.take(snapshot(2)) == Archived(recorded=2, ended=1)
    assert given.archiver.take(snapshot(2, uid="another")) == Archived()


async def test_revisions_that_left_the_history_before_are_counted_once() -> None:
    given = Archiving()
    given.place.error = Unavailable("full")
    status = snapshot(5).status
    left = replace(
        snapshot(5), status=status.model_copy(update={"history": status.history[3:], "archived": Archived(ended=1)})
    )
    given.archiver.take(left)
    await done()
    assert given.counted.results == ["lost", "lost", "unavailable"]


async def test_a_bug_does_not_keep_a_modeldeployment_busy(caplog: pytest.LogCaptureFixture) -> None:
    given = Archiving()

    def broken(_: str) -> None:
        raise KeyError("a bug")

    given.place.before_create = broken
    given.archiver.take(snapshot(1))
    await done()
    assert "Archiving failed by a bug" in caplog.text
    given.place.before_create = lambda _: None
    given.archiver.take(snapshot(1))
    await done()
    assert given.events == ["fraud 1 recorded"]
    await given.archiver.aclose()
