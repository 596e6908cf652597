"""An archive in a bucket of a server that speaks S3, by the same library and settings as in a cluster.

Rule: R194.
"""

import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pennant.archive.object_store import ObjectStore
from pennant.archive.place import opened
from pennant.archive.writer import PlaceArchive
from pennant.cli.main import main
from pennant.ports import Refused, Unavailable
from simulation.support.world import World
from unit.cli import archives
from unit.core.builders import after

BUCKET = "models-archive"
WHERE = f"s3://{BUCKET}/pennant"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "1",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "a secret",
    }.items():
        monkeypatch.setenv(name, value)
    # What another server of this process kept.
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket=BUCKET)
    yield client
    server.stop()


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


async def test_an_object_is_created_once_and_never_replaced(s3: Any) -> None:
    place = opened(WHERE)
    assert isinstance(place, ObjectStore)
    assert await place.create("a/1.jsonl", b"one\n")
    assert not await place.create("a/1.jsonl", b"two\n")
    assert await place.read("a/1.jsonl") == b"one\n"
    assert await place.create("b/2.jsonl", b"two\n")
    assert [each async for each in place.names("a")] == ["a/1.jsonl"]
    assert keys(s3) == ["pennant/a/1.jsonl", "pennant/b/2.jsonl"]


@pytest.mark.usefixtures("s3")
async def test_a_bucket_that_does_not_exist_and_a_server_that_is_down_are_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Unavailable) as caught:
        await opened("s3://nowhere/pennant").create("1", b"")
    assert "a secret" not in str(caught.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await opened(WHERE).create("1", b"")


async def test_a_history_is_archived_in_a_bucket(s3: Any) -> None:
    archive = PlaceArchive(opened(WHERE), "https://api.example:6443", World())
    found = await archives.played()
    history = found.snapshot.status.history
    for entry in history:
        await archive.add_revision(found.snapshot, entry)
        await archive.add_revision(found.snapshot, entry)
    assert len(keys(s3)) == len(history)
    await archive.add_revision(found.snapshot, history[-1], after(3600))
    assert len(keys(s3)) == len(history) + 1
    changed = s3.get_object(Bucket=BUCKET, Key=keys(s3)[0])["Body"].read().replace(b"AutomaticRollback", b"TagMoved")
    s3.put_object(Bucket=BUCKET, Key=keys(s3)[0], Body=changed)
    with pytest.raises(Refused, match="exists in the archive with another content"):
        await archive.add_revision(found.snapshot, history[0])


def test_audit_reads_a_bucket(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in archives.week().files.items():
        s3.put_object(Bucket=BUCKET, Key=f"pennant/{name}", Body=text)
    words = ["audit", "fraud", "--archive", WHERE, "--offline"]
    assert main([*words, "--verify"]) == 0
    assert "fraud: intact" in capsys.readouterr().out
    assert main([*words, "--at", "2026-01-01T12:01:00Z"]) == 0
    assert "1.1.0 (revision 2) served" in capsys.readouterr().out
