"""An archive and a cluster after a week in which a version failed: what an auditor finds long after."""

import asyncio
import hashlib
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from pennant.archive.directory import Directory
from pennant.archive.writer import PlaceArchive
from pennant.core.facts.observation import Snapshot
from simulation.support.steps import move_tag
from simulation.support.world import KEY
from simulation.test_archive import BAD, GOOD, ArchivedStory
from unit.cli import exports
from unit.cli.fake_api import FakeApi
from unit.cli.states import snapshot_of

MODEL = b"a model that was trained\n"
ARTIFACT = {"name": "model", "uri": "s3://models/fraud/1.2.0/model.onnx"}
RECORD = {"artifacts": [ARTIFACT | {"digest": f"sha256:{hashlib.sha256(MODEL).hexdigest()}"}]}
LIMITS = {"historyLimit": 2, "rollback": {"budget": {"count": 1, "windowSeconds": 1}}}


@dataclass(frozen=True)
class Week:
    """What is left of it."""

    files: dict[str, bytes]
    snapshot: Snapshot
    end: datetime


async def played() -> Week:
    story = ArchivedStory()
    story.accuracy.values = {"1.0.0": GOOD, "1.1.0": BAD, "1.2.0": GOOD}
    story.version("1.0.0", "production")
    story.deployment(**LIMITS)
    await story.until(lambda: bool(story.status.stable))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].revision == 3 and story.history[-1].verified_at is not None)
    story.version("1.2.0", "production", **RECORD)
    story.version("1.1.0")
    await story.until(lambda: story.history[-1].version == "1.2.0" and story.history[-1].verified_at is not None)
    await story.passes(3)
    return Week(story.place.files, snapshot_of(story), story.world.time)


@cache
def week() -> Week:
    return asyncio.run(played())


def fill(api: FakeApi, directory: Path) -> Week:
    """Put what is left into the cluster and the directory; retention has deleted 1.1.0."""
    found = week()
    exports.fill(api, found.snapshot)
    write(directory, found.files)

    class Later:
        def now(self) -> datetime:
            return found.end + timedelta(days=30)

    raw = api.objects.pop(("modelversions", "default", "fraud-1.1.0"))
    raw["status"]["servedBy"] = [
        {"deployment": "fraud", "revision": 2, "from": "2026-01-01T12:00:52Z", "until": "2026-01-01T12:01:30Z"}
    ]
    archive = PlaceArchive(Directory(str(directory)), "https://api.example:6443", Later())
    asyncio.run(archive.add_version(raw))
    archive.close()
    return found


def write(directory: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def deletion(directory: Path, at: datetime) -> None:
    """Add to the archive that the ModelDeployment was deleted."""
    found = week()
    archive = PlaceArchive(Directory(str(directory)), "https://api.example:6443", _Fixed(at))
    asyncio.run(archive.add_revision(found.snapshot, found.snapshot.status.history[-1], at))
    archive.close()


@dataclass(frozen=True)
class _Fixed:
    time: datetime

    def now(self) -> datetime:
        return self.time


DIRECTORY = Path(KEY.namespace) / "modeldeployments" / KEY.name
