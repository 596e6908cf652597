"""What the process says of its archive: at its start, and in its metrics.

Rule: R193.
Rule: R197.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from pennant.runtime.archives import Archives, archive_at
from pennant.runtime.preflight import CannotStart
from pennant.runtime.telemetry import Telemetry
from unit.controller.archives import Clock
from unit.core.builders import after
from unit.kube.raw import raw_version


def given(where: Path, clock: Clock, telemetry: Telemetry) -> Archives:
    archive = archive_at(str(where), "https://api.example", clock)
    assert archive is not None
    return Archives(archive, clock, lambda _: None, telemetry, lambda: True)


async def run(archives: Archives) -> None:
    task = asyncio.create_task(archives.run())
    await asyncio.sleep(0.5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await archives.archiver.aclose()


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(name, labels)


async def test_an_archive_that_cannot_be_written_is_a_warning_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = Telemetry()
    await run(given(tmp_path / "away", Clock(), telemetry))
    (line,) = caplog.records
    assert line.message == "The archive cannot be written; what is due stays in the cluster"
    assert "the directory of the archive does not exist" in vars(line)["error"]
    assert value(telemetry, "pennant_archive_writes_total", result="unavailable") == 1


async def test_an_archive_that_can_be_written_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        await run(given(tmp_path, Clock(), Telemetry()))
    assert caplog.text == ""
    assert [each.name for each in tmp_path.iterdir()] == ["pennant.txt"], "which has no document"


async def test_a_version_that_waits_for_the_archive_is_in_the_metrics(tmp_path: Path) -> None:
    clock, telemetry = Clock(), Telemetry()
    archives = given(tmp_path / "away", clock, telemetry)
    archives.versions.expect(8)
    with suppress(Exception):
        await archives.versions.add_version(raw_version("1.0.0"))
    clock.time = after(1000)
    archives.sample()
    assert value(telemetry, "pennant_archive_pending") == 8
    assert value(telemetry, "pennant_archive_oldest_pending_seconds") == 1000
    await archives.archiver.aclose()


def test_what_cannot_be_an_archive_stops_the_start() -> None:
    with pytest.raises(CannotStart, match="archive ftp://x: scheme ftp is not known"):
        archive_at("ftp://x", "https://api.example", Clock())
