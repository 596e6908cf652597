"""A version whose status is refused is told of once, and tried again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.observation import Key
from pennant.core.versions.status import VersionSeen
from pennant.ports import PortError, Refused, Unavailable
from simulation.support.story import a_record
from simulation.support.versions import VersionProcess, WorldVersions
from simulation.support.world import BEGINNING, World

NAME = "fraud-1.0.0"
MINUTE_LATER = BEGINNING + timedelta(seconds=60)


async def refuse(seen: VersionSeen, status: ModelVersionStatus) -> None:
    raise Refused("spec.metrics: must be an array")


def refusing(process: VersionProcess, monkeypatch: pytest.MonkeyPatch) -> WorldVersions:
    monkeypatch.setattr(process.versions, "write_status", refuse)
    return process.versions


async def test_what_no_status_can_say_is_said_by_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: R93."""
    world = World()
    broken = {**a_record("1.0.0"), "metrics": "0.9"}
    world.apply_version(broken)
    process = VersionProcess(world)
    versions = refusing(process, monkeypatch)
    for _ in range(3):
        with pytest.raises(Refused):
            await process.look(NAME)
    assert [each.reason for each in versions.events] == ["InvalidSpec"]
    world.apply_version(broken, ("staging",))
    with pytest.raises(Refused):
        await process.look(NAME)
    assert len(versions.events) == 2, "another generation is worth another word"


async def test_a_valid_record_whose_status_is_refused_has_no_fault_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.apply_version(a_record("1.0.0"))
    process = VersionProcess(world)
    versions = refusing(process, monkeypatch)
    with pytest.raises(Refused):
        await process.look(NAME)
    assert versions.events == []


@pytest.mark.parametrize("error", [Refused("statuses are frozen"), Unavailable("too many requests")], ids=repr)
async def test_a_status_that_could_not_be_written_for_a_minute_is_said_by_one_event(
    error: PortError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: R94."""

    async def fail(seen: VersionSeen, status: ModelVersionStatus) -> None:
        raise error

    world = World()
    world.apply_version(a_record("1.0.0"))
    process = VersionProcess(world)
    with monkeypatch.context() as patched:
        patched.setattr(process.versions, "write_status", fail)
        for seconds in (0, 50, 10, 60):
            world.time += timedelta(seconds=seconds)
            with pytest.raises(type(error)):
                await process.reconciler.reconcile(Key("default", NAME))
            assert [each.reason for each in process.versions.events] == ["WriteFailing"] * (world.time >= MINUTE_LATER)
    assert (
        process.versions.events[0].message == f"the status could not be written since 2026-01-01T12:00:00.000Z: {error}"
    )
    assert process.reconciler.failing == 1
    await process.reconciler.reconcile(Key("default", NAME))
    assert process.reconciler.failing == 0


async def test_a_version_that_is_gone_or_going_is_left_alone() -> None:
    world = World()
    process = VersionProcess(world)
    await process.look(NAME)
    world.apply_version(a_record("1.0.0"))
    await process.look(NAME)
    where = ("default", NAME)
    world.apply_version(a_record("1.0.0"), ("staging",))
    world.versions[where] = replace(world.versions[where], deleting=True)
    await process.look(NAME)
    world.delete_version(NAME)
    await process.look(NAME)
    assert process.versions.writes == [Key("default", NAME)]
