"""`pennant fetch` from a real S3 server, with credentials that only the environment has."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from pennant.record.hashing import of_list
from rig.addresses import free_port

MODEL = os.urandom(50 * 1024 * 1024 + 17)
"""More parts than are fetched at the same time."""
SECRET = "s3cret-access-key"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(scope="module")
def environment() -> Iterator[Mapping[str, str]]:
    """Start the server, and return what a client needs."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
    try:
        _fill(client(found))
        yield found
    finally:
        server.terminate()
        server.wait(10)


def client(environment: Mapping[str, str]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="writer",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )


def _fill(s3: Any) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            s3.create_bucket(Bucket="models")
            break
        except BotoCoreError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    for name, content in {"fraud/model.bin": MODEL, "fraud/b/ü.json": b"{}", "frau": b"x"}.items():
        s3.put_object(Bucket="models", Key=name, Body=content)


def fetched(
    environment: Mapping[str, str], volume: Path, *words: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "pennant", "fetch", f"--to={volume}", *words],
        env={**own, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done


def test_an_object_arrives_in_parts_with_the_digest_of_the_record(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    word = f"--artifact=model=s3://models/fraud/model.bin@{sha256(MODEL)}"
    fetched(environment, tmp_path, word)
    assert (tmp_path / "model" / "model.bin").read_bytes() == MODEL
    assert "is there" in fetched(environment, tmp_path, word).stderr


def test_the_rest_of_an_object_is_fetched(environment: Mapping[str, str], tmp_path: Path) -> None:
    """Rule: R163."""
    part = tmp_path / ".pennant" / "model_model.bin.part"
    part.parent.mkdir()
    part.write_bytes(MODEL[:40_000_000])
    said = fetched(environment, tmp_path, f"--artifact=model=s3://models/fraud/model.bin@{sha256(MODEL)}").stderr
    assert "fetched 11.9 MiB" in said
    assert (tmp_path / "model" / "model.bin").read_bytes() == MODEL


def test_a_prefix_is_a_directory(environment: Mapping[str, str], tmp_path: Path) -> None:
    files = {"model.bin": MODEL, "b/ü.json": b"{}"}
    digest = of_list({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    fetched(environment, tmp_path, f"--artifact=model=s3://models/fraud/@{digest}")
    found = {each.relative_to(tmp_path / "model").as_posix() for each in (tmp_path / "model").rglob("*.*")}
    assert found == set(files)


def test_an_object_that_was_replaced_is_a_mismatch(environment: Mapping[str, str], tmp_path: Path) -> None:
    """Rule: R162."""
    s3 = client(environment)
    s3.put_object(Bucket="models", Key="replaced", Body=b"other")
    said = fetched(environment, tmp_path, f"--artifact=model=s3://models/replaced@{sha256(MODEL)}", code=65).stderr
    assert f"artefact model has the digest {sha256(b'other')}, not {sha256(MODEL)} as recorded (s3://models" in said
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("s3://models/none", "the object store says: not found"),
        ("s3://nobody/x", "the object store says: not found"),
        ("s3://models/none/", "there is no file below s3://models/none/"),
    ],
)
def test_what_is_not_there_is_named(environment: Mapping[str, str], tmp_path: Path, uri: str, says: str) -> None:
    """Rule: R166."""
    said = fetched(environment, tmp_path, f"--artifact=model={uri}@{sha256(b'')}", code=1).stderr
    assert f"artefact model cannot be fetched: {says}" in said


def test_a_server_that_is_away_is_named_and_asked_again(environment: Mapping[str, str], tmp_path: Path) -> None:
    away = {**environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    script = (
        "import sys; from pennant.fetching import command, download; download.PAUSES = (0.1,); "
        "sys.exit(command.main(sys.argv[1:]))"
    )
    options = [f"--to={tmp_path}", f"--artifact=model=s3://models/x@{sha256(b'')}"]
    done = subprocess.run(
        [sys.executable, "-c", script, *options],
        env={**os.environ, **away},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "it gives no answer that can be used (Connect); trying again in 0.1 s" in done.stderr
