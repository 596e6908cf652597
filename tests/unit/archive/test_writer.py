"""What an archive has: one line for each event, which is written once and never changed.

Rule: R194.
"""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.archive.directory import Directory
from pennant.archive.documents import is_sealed, sealed
from pennant.archive.place import Place, check, opened
from pennant.archive.writer import PlaceArchive
from pennant.cli.exporting import check as checking
from pennant.core.facts.observation import Snapshot
from pennant.ports import Refused, Unavailable
from unit.archive.places import MemoryPlace
from unit.core.builders import NOON, a_revision, a_snapshot, after
from unit.kube.raw import raw_version

FIRST = a_revision(1)
ENDED = FIRST.entry.model_copy(update={"ended_at": after(60)})


class Noon:
    def now(self) -> datetime:
        return NOON


def owner(**fields: Any) -> Snapshot:
    return replace(a_snapshot("fraud"), revisions=(FIRST,), status=ModelDeploymentStatus(history=(ENDED,)), **fields)


def archive(place: Place) -> PlaceArchive:
    return PlaceArchive(place, "https://api.example", Noon())


async def test_each_event_of_a_revision_is_a_document_that_verifies() -> None:
    place = MemoryPlace()
    for entry, deleted_at in ((FIRST.entry, None), (ENDED, None), (FIRST.entry, after(90))):
        await archive(place).add_revision(owner(), entry, deleted_at)
    short = FIRST.entry.hash.removeprefix("sha256:")[:12]
    assert sorted(place.files) == [
        f"default/modeldeployments/fraud/000000001-{short}-{event}.jsonl" for event in ("deleted", "ended", "recorded")
    ]
    for name, text in place.files.items():
        assert text.endswith(b"\n")
        assert text.count(b"\n") == 1, "one line"
        part = checking.document(text, name, NOON).export.deployment
        assert part is not None
        assert part.history[0].hash == FIRST.entry.hash
        assert part.revisions[0].data["record"] == FIRST.record
        assert part.omitted == ()
        assert (part.deleted_at == after(90)) == ("deleted" in name)


async def test_a_revision_without_its_controllerrevision_says_so() -> None:
    place = MemoryPlace()
    await archive(place).add_revision(replace(owner(), revisions=()), ENDED)
    (text,) = place.files.values()
    part = checking.document(text, "line", NOON).export.deployment
    assert part is not None
    assert part.revisions == ()
    assert part.history == (ENDED,)
    assert part.omitted[0].problem == "its ControllerRevision was not found, or must not be used"


async def test_a_version_is_exported_with_its_record_and_who_served_it() -> None:
    place = MemoryPlace()
    await archive(place).add_version(raw_version("1.0.0", at=7))
    assert list(place.files) == ["default/modelversions/fraud-1.0.0/uid-fraud-1.0.0-7.jsonl"]
    (version,) = checking.document(next(iter(place.files.values())), "line", NOON).export.versions
    assert (version.name, version.spec["version"]) == ("fraud-1.0.0", "1.0.0")


async def test_what_is_there_already_is_not_written_again() -> None:
    place = MemoryPlace()
    await archive(place).add_revision(owner(), ENDED)
    before = dict(place.files)
    later = ENDED.model_copy(update={"verified_at": after(5)})
    await archive(place).add_revision(owner(), later)
    assert place.files == before


def other(document: dict[str, object]) -> dict[str, object]:
    return sealed({**document, "deployment": {**document["deployment"], "name": "other"}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: b"[]",
        lambda text: text.replace(b"kubectl", b"mallory"),
        lambda text: json.dumps(other(json.loads(text))).encode(),
    ],
    ids=["cut off", "something else", "changed", "of another object"],
)
async def test_a_file_with_another_content_does_not_count_as_written(change: Callable[[bytes], bytes]) -> None:
    place = MemoryPlace()
    await archive(place).add_revision(owner(), ENDED)
    (name, text), *_ = place.files.items()
    assert is_sealed(json.loads(text))
    place.files[name] = change(text)
    with pytest.raises(Refused, match="exists in the archive with another content"):
        await archive(place).add_revision(owner(), ENDED)


async def test_a_directory_keeps_files_and_never_a_part_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Directory(str(tmp_path))
    assert await place.create("a/b/1.jsonl", b"one\n")
    assert not await place.create("a/b/1.jsonl", b"two\n")
    assert await place.read("a/b/1.jsonl") == b"one\n"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        await place.create("a/b/2.jsonl", b"two\n")
    monkeypatch.undo()
    assert [each async for each in place.names("a")] == ["a/b/1.jsonl"]
    assert [each.name for each in (tmp_path / "a" / "b").iterdir()] == ["1.jsonl"]
    (tmp_path / "a" / "b" / ".half").write_bytes(b"t")
    assert [each async for each in place.names("")] == ["a/b/1.jsonl"], "what a crash left is no file of the archive"


async def test_a_directory_that_is_missing_or_not_writable_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="the directory of the archive does not exist"):
        await Directory(str(tmp_path / "away")).create("1", b"")
    assert not (tmp_path / "away").exists(), "a volume that is not mounted must not be replaced by the container's disk"


async def test_a_place_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hangs(MemoryPlace):
        async def create(self, name: str, content: bytes) -> bool:
            await asyncio.Event().wait()
            return True

    monkeypatch.setattr("pennant.archive.writer.TIMEOUT_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="did not answer within"):
        await archive(Hangs()).add_revision(owner(), ENDED)


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("archive", "must be an absolute path"),
        ("ftp://host/archive", "scheme ftp is not known"),
        ("s3://key:secret@bucket/archive", "must not contain credentials"),
        ("s3:///archive", "must name a bucket"),
    ],
)
def test_what_cannot_be_an_archive_is_refused(where: str, problem: str) -> None:
    assert problem in check(where)
    with pytest.raises(Refused):
        opened(where)


@pytest.mark.parametrize(
    "where", ["/archive", "s3://bucket", "gs://bucket/pennant", "abfss://container@account.dfs.core.windows.net/x"]
)
def test_what_can_be_an_archive(where: str) -> None:
    assert check(where) == ""
