"""The last revision of a ModelDeployment that was deleted is archived by the leader.

Rule: R198.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from pennant.api.deployment_status import Archived, ModelDeploymentStatus
from pennant.controller.deletions import Deletions
from pennant.ports import Unavailable
from unit.controller.archives import Archiving
from unit.controller.test_archiver import done, snapshot

pytestmark = pytest.mark.looptime


class Given(Archiving):
    def __init__(self) -> None:
        super().__init__()
        self.is_leading = True
        self.deletions = Deletions(self.archiver, self.clock, lambda: self.is_leading)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.deletions.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_deletion_archives_what_was_left_and_the_end() -> None:
    given = Given()
    async with given.running():
        given.deletions.add(snapshot(3, Archived(recorded=3, ended=1)))
        await done()
    assert given.events == ["fraud 2 ended", "fraud 3 deleted"]
    assert b'"deletedAt":"2026-01-01T12:00:00.000Z"' in next(
        text for name, text in given.place.files.items() if "deleted" in name
    )
    assert given.deletions.pending == 0


async def test_a_modeldeployment_without_a_revision_leaves_nothing() -> None:
    given = Given()
    given.deletions.add(replace(snapshot(1), status=ModelDeploymentStatus()))
    assert given.deletions.pending == 0


async def test_while_the_archive_fails_a_deletion_waits() -> None:
    given = Given()
    given.place.error = Unavailable("no route to host")
    async with given.running():
        given.deletions.add(snapshot(1))
        await asyncio.sleep(10)
        assert given.events == []
        assert given.deletions.pending == 1
        assert 3 <= given.place.creations <= 5, "the pauses grow"
        given.clock.time += timedelta(seconds=10)
        assert given.deletions.oldest_seconds == 10
        given.place.error = None
        await asyncio.sleep(10)
    assert given.events == ["fraud 1 deleted"]


async def test_a_replica_that_begins_to_lead_archives_what_the_last_leader_may_not_have() -> None:
    given = Given()
    given.is_leading = False
    async with given.running():
        given.deletions.add(snapshot(1))
        await asyncio.sleep(60)
        assert given.events == []
        given.is_leading = True
        await asyncio.sleep(2)
    assert given.events == ["fraud 1 deleted"]


async def test_a_replica_that_does_not_lead_forgets_after_five_minutes() -> None:
    given = Given()
    given.is_leading = False
    async with given.running():
        given.deletions.add(snapshot(1))
        given.clock.time += timedelta(minutes=6)
        await asyncio.sleep(2)
        assert given.deletions.pending == 0


async def test_of_too_many_deletions_the_oldest_is_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pennant.controller.deletions.MOST", 1)
    given = Given()
    given.deletions.add(snapshot(1))
    given.deletions.add(snapshot(1, name="other"))
    assert given.deletions.pending == 1
    assert "A deletion is not archived" in caplog.text
    async with given.running():
        await done()
    assert given.events == ["other 1 deleted"]
