"""`import wandb`: runs that the real client logged without a server, and a server that the real client accepts."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries import http
from pennant.registries.wandb.offline.log import payloads
from registries.fake_wandb import FakeWandb, Node, served

CLIENT = Path(__file__).parent / "wandb_client.py"
TRAIN = b"a,b\n1,2\n"
Run = tuple[int, str, str]


def client(*arguments: str, cwd: Path, **variables: str) -> str:
    """Return what the program of the client prints."""
    quiet = {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_CACHE_DIR": f"{cwd}/cache"}
    quiet |= {"WANDB_DATA_DIR": f"{cwd}/data", "WANDB_CONFIG_DIR": f"{cwd}/config", "HOME": str(cwd)}
    inherited = {name: each for name, each in os.environ.items() if not name.startswith("WANDB_")}
    command = [sys.executable, str(CLIENT), *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=inherited | quiet | variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> Run:
    code = main(["import", "wandb", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def specs(out: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(out)}


def valid(out: str) -> bool:
    return [each for each in report([("out", out)]).findings if each.severity == "error"] == []


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with two runs that the real client logged in a checkout of git."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "train.csv").write_bytes(TRAIN)
    author = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
    for command in (
        ("init", "-q"),
        ("remote", "add", "origin", "https://bot:s3cr3t@git.example/churn.git"),
        ("add", "train.csv"),
        (*author, "commit", "-qm", "begin"),
    ):
        subprocess.run(["git", "-C", str(checkout), *command], check=True)
    root = tmp_path_factory.mktemp("runs")
    client("log", str(root), cwd=checkout)
    return root


@pytest.fixture
def runs(logged: Path, tmp_path: Path) -> Path:
    shutil.copytree(logged / "wandb", tmp_path / "wandb", symlinks=True)
    return tmp_path / "wandb"


def test_a_run_without_a_server_is_imported_with_all_that_its_log_has(
    capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    """Rule: R212."""
    code, out, err = ran(capsys, "--from", str(runs), "--all-versions", "--verify", "churn-model")
    assert code == 0, err
    assert valid(out)
    found = specs(out)
    assert list(found) == ["churn-model-first-v0", "churn-model-first-v1", "churn-model-second-v0"]
    first, last = found["churn-model-first-v0"], found["churn-model-first-v1"]
    assert (first["description"], first["reason"]) == ("Churn of customers", "less noise")
    parameters = {each["name"]: each["value"] for each in first["hyperparameters"]}
    assert parameters == {"lr": "1e-05", "optimizer.name": "adam", "optimizer.betas": "[0.9, 0.99]"}
    assert first["metrics"] == [
        {"name": "loss.last", "value": "0.125"},
        {"name": "loss.min", "value": "0.125"},
        {"name": "test/acc", "value": "0.875", "split": "Test"},
        {"name": "val/acc", "value": "0.9", "split": "Validation"},
    ]
    assert first["code"]["repository"] == "https://git.example/churn.git"
    assert len(first["code"]["commit"]) == 40
    assert first["environment"]["lockDigest"].startswith("sha256:")
    assert first["training"]["run"] == "first"
    assert first["training"]["startedAt"] < first["createdAt"] <= last["createdAt"] <= first["training"]["finishedAt"]
    assert first["artifacts"][0]["format"] == {"name": "onnx"}
    assert first["artifacts"][0]["manifestDigest"].startswith("sha256:")
    annotations = first["source"]["annotations"]
    assert (annotations["aliases"], annotations["run.tags"], annotations["project"]) == (
        "production",
        "weekly",
        "acme/churn",
    )
    assert annotations["digest.model"].startswith("md5:")
    assert last["source"]["annotations"]["metadata.note"] == "last"
    assert last["source"]["annotations"]["tags"] == "approved"
    assert "s3cr3t" not in out + err
    assert "first-v0: it was logged at step 4; W&B has the metrics at the end of the run, at step 5" in err
    assert "first-v0: hub_token may be a secret, so the record does not have its value" in err
    assert "first-v0: metric gap is null, which is no number that a record can have" in err
    assert "first-v0: the summary has table, which are no numbers, so the record does not have them" in err
    assert err.splitlines()[-2:] == ["digests of artefacts: 3 Verified", "3 imported"]


def test_a_second_import_changes_nothing(capsys: pytest.CaptureFixture[str], runs: Path, tmp_path: Path) -> None:
    target = tmp_path / "manifests"
    code, out, err = ran(capsys, "--from", str(runs), "--write", str(target), "--tag-alias=production")
    assert (code, len(out.splitlines()), err.splitlines()[-1]) == (0, 3, "3 imported")
    written = {path.name: path.read_text() for path in target.iterdir()}
    assert set(written) == {"churn-model-first-v0.yaml", "churn-model-second-v0.yaml", "by-reference-second-v0.yaml"}
    assert yaml.safe_load(written["churn-model-first-v0.yaml"])["spec"]["tags"] == ["production"]
    code, out, err = ran(capsys, "--from", str(runs), "--write", str(target), "--all-versions", "--verify")
    assert (code, len(out.splitlines()), err.splitlines()[-1]) == (0, 1, "1 imported, 3 unchanged")
    assert {path.name: path.read_text() for path in target.iterdir() if path.name in written} == written


def test_a_reference_is_the_place_of_the_file(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    code, out, _ = ran(capsys, "--from", str(runs), "--verify", "by-reference")
    (artifact,) = specs(out)["by-reference-second-v0"]["artifacts"]
    assert (code, artifact["uri"].startswith("file:///")) == (0, True)
    assert artifact["digest"] == f"sha256:{hashlib.sha256(TRAIN).hexdigest()}"


def test_a_log_that_was_cut_off_has_what_is_before(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    log = next(runs.glob("offline-run-*-first/*.wandb"))
    log.write_bytes(log.read_bytes()[:-7])
    code, out, err = ran(capsys, "--from", str(log), "--all-versions", "-o", "name")
    assert (code, len(out.split())) == (0, 2)
    assert (
        f"{log} ends in the middle of a record: the run was killed or it was cut, and its last values are missing"
        in err
    )


def test_a_log_that_was_cut_between_two_records_has_no_end(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    log = next(runs.glob("offline-run-*-first/*.wandb"))
    code, _, err = ran(capsys, "--from", str(log), "--all-versions", "-o", "name")
    assert (code, "no end record" in err) == (0, False)
    while True:
        log.write_bytes(log.read_bytes()[:-1])
        cuts: list[str] = []
        assert list(payloads(log, cuts.append))
        if not cuts:
            break
    code, out, err = ran(capsys, "--from", str(log), "--all-versions", "-o", "name")
    assert (code, len(out.split())) == (0, 2)
    assert "first-v0: the log of the run has no end record, so it may be incomplete" in err


def test_a_log_that_is_damaged_is_an_error_and_the_others_are_imported(
    capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    log = next(runs.glob("offline-run-*-first/*.wandb"))
    content = bytearray(log.read_bytes())
    content[100] ^= 0xFF
    log.write_bytes(bytes(content))
    code, out, err = ran(capsys, "--from", str(runs), "-o", "name")
    assert (code, len(out.split())) == (1, 2)
    assert f"error: the list of models: {log} is damaged at byte " in err
    assert "a checksum is wrong. Copy the file again from the machine of the run" in err


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nope", "there is no directory and no file "),
        ("checkout", "there is no run-*.wandb below"),
    ],
)
def test_a_directory_without_runs_is_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "checkout").mkdir()
    code, out, err = ran(capsys, "--from", str(tmp_path / place))
    assert (code, out) == (1, "")
    assert said in err


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    for each in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(each)
    return FakeWandb()


@pytest.fixture(autouse=True)
def address(wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with served(wandb) as url:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        monkeypatch.setenv("WANDB_API_KEY", wandb.key)
        yield url


@pytest.fixture
def collection(wandb: FakeWandb) -> Node:
    """Return a collection with three versions of one run, of which the last one is in a registry as well."""
    project = wandb.project("churn")
    data = wandb.artifact(wandb.collection(project, "churn-train", "dataset"), {"train.csv": b"1"}, "latest", "v0")
    found = wandb.collection(project, "churn-model", description="Churn of customers", tags=["risk"])
    metadata = {"python": "CPython 3.11.7", "codePath": "train.py", "email": "ada@example.com"}
    metadata["git"] = {"remote": "https://bot:s3cr3t@git.example/churn.git", "commit": "a" * 40}  # type: ignore[assignment]
    own = {"m": [{"1": "loss", "8": 1}]}
    run = wandb.run(
        project,
        "abc123",
        {"requirements.txt": b"numpy==2.3.1\n", "wandb-metadata.json": json.dumps(metadata).encode()},
        [data],
        config=json.dumps({"lr": {"value": 1e-05}, "_wandb": {"value": own}}),
        summaryMetrics=json.dumps({"loss": 0.125, "val/acc": 0.9, "test/acc": 0.8, "_step": 9}),
        commit="a" * 40,
        createdAt="2026-05-01T08:00:00",
        heartbeatAt="2026-05-01T09:00:00",
        displayName="sunny-moon-1",
        notes="less noise",
    )
    for number in range(3):
        aliases = (f"v{number}", *(("production",) if number == 1 else ()), *(("latest",) if number == 2 else ()))
        files = {"model.onnx": b"weights-%d" % number, "tokenizer/vocab.txt": b"vocabulary"}
        last = wandb.artifact(
            found, files, *aliases, createdBy=run, metadata='{"framework": "onnx"}', description="d", historyStep=9
        )
    registry = wandb.project("wandb-registry-model", "acme-org")
    wandb.link(wandb.collection(registry, "Churn"), last, "champion", "v0")
    return found


def of_record(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says, in the words of W&B's client."""
    annotations, source = spec["source"]["annotations"], spec["source"]
    of_model = spec["artifacts"][0]
    place = f"{source['instance'].rpartition('/')[0].rpartition('/')[2]}/{source['instance'].rpartition('/')[2]}"
    return {
        "version": source["version"],
        "aliases": [each for each in annotations.get("aliases", "").split(",") if each],
        "tags": [],
        "source": annotations.get("linkedFrom", f"{place}/{source['modelName']}:{source['version']}"),
        "digest": of_model["manifestDigest"].removeprefix("md5:"),
        "size": of_model["sizeBytes"],
        "description": spec["description"],
        "metadata": {"framework": annotations["metadata.framework"]},
        "created": spec["createdAt"].replace(".000Z", "Z"),
        "url": source["uri"],
        "config": {each["name"]: float(each["value"]) for each in spec["hyperparameters"]},
        "metrics": {each["name"]: float(each["value"]) for each in spec["metrics"]},
        "commit": spec["code"]["commit"],
        "notes": spec["reason"],
        "user": spec["author"]["name"],
        "run": spec["training"]["runUri"],
        "used": {f"{each['name']}:{each['version']}": each["digest"].removeprefix("md5:") for each in spec["datasets"]},
    }


def test_the_client_of_w_and_b_reads_the_same(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, collection: Node, address: str, tmp_path: Path
) -> None:
    code, out, err = ran(capsys, "--from", "acme/churn", "--all-versions")
    assert code == 0, err
    assert valid(out)
    found = [of_record(each) for each in specs(out).values()]
    code, out, err = ran(capsys, "--from", "wandb-registry-model", "--all-versions")
    assert code == 0, err
    found += [of_record(each) for each in specs(out).values()]
    names = [f"acme/churn/churn-model:v{number}" for number in (2, 1, 0)] + ["acme-org/wandb-registry-model/Churn:v0"]
    variables = {"WANDB_BASE_URL": address, "WANDB_API_KEY": wandb.key}
    theirs = json.loads(client("read", *names, cwd=tmp_path, **variables))
    for each in theirs:
        # `latest` is W&B's own alias; the record has the repository without credentials, and no digest of each file.
        each["aliases"] = [alias for alias in each["aliases"] if alias != "latest"]
        each["created"] = each["created"].replace("+00:00", "Z").removesuffix("Z") + "Z"
        assert each.pop("remote") == "https://bot:s3cr3t@git.example/churn.git"
        assert set(each.pop("files")) == {"model.onnx", "tokenizer/vocab.txt"}
    assert found == theirs


def test_versions_of_a_server_are_written_once_and_verified(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, collection: Node, tmp_path: Path
) -> None:
    place = ("--from", "acme/churn", "--write", str(tmp_path))
    code, out, err = ran(capsys, *place, "--verify", "churn-model")
    assert (code, err.splitlines()[-2:]) == (0, ["digests of artefacts: 2 Verified", "2 imported"])
    spec = yaml.safe_load((tmp_path / "churn-model-v1.yaml").read_text())["spec"]
    assert spec["artifacts"][0]["manifestDigest"].startswith("sha256:")
    code, out, err = ran(capsys, *place, "--all-versions")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 2 unchanged")
    # The credentials are for the server only, never for a store.
    assert {key for path, key in wandb.asked if path.startswith("/storage")} == {None}
    assert "X-Amz-Signature" not in "".join(each.read_text() for each in tmp_path.iterdir()) + out + err


def test_a_version_that_changed_under_its_number_is_an_error(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, collection: Node, tmp_path: Path
) -> None:
    place = ("--from", "acme/churn", "--write", str(tmp_path))
    ran(capsys, *place)
    wandb.project("churn")["runs"]["abc123"]["summaryMetrics"] = json.dumps({"loss": 0.5, "late": 1})
    code, _, err = ran(capsys, *place)
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "0 imported, 2 failed")
    assert "error: churn-model v1: the registry says something else than" in err
    assert "in spec.metrics[loss].value" in err


def test_bytes_that_changed_are_an_error_without_the_signature(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, collection: Node
) -> None:
    stored = next(path for path in wandb.files if path.endswith("model.onnx"))
    wandb.files[stored] = b"tampered!"
    del wandb.files[
        next(path for path in wandb.files if path.endswith("vocab.txt") and not path.startswith(stored[:-10]))
    ]
    code, _, err = ran(capsys, "--from", "acme/churn", "--all-versions", "--verify")
    assert code == 1
    assert "model.onnx has the digest md5:" in err
    assert "vocab.txt does not exist (404)" in err
    assert "signed" not in err.replace("was signed for a short time", "")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of an object store that keeps versions, with the bucket models."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    for name, each in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, each)
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    client.create_bucket(Bucket="models")
    client.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    yield client
    client.close()
    moto.stop()


def test_a_reference_into_a_store_is_read_in_the_version_that_was_logged(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, bucket: Any
) -> None:
    first = bucket.put_object(Bucket="models", Key="churn/m.onnx", Body=b"abc")
    bucket.put_object(Bucket="models", Key="churn/m.onnx", Body=b"xyz")
    found = wandb.collection(wandb.project("churn"), "churn-model")
    extra = {"etag": first["ETag"].strip('"'), "versionID": first["VersionId"]}
    wandb.artifact(found, {}, "v0", refs={"m.onnx": "s3://models/churn/m.onnx"}, extra=extra)
    wandb.artifact(found, {}, "v1", refs={"m.onnx": "s3://models/churn/gone.onnx"})
    code, out, err = ran(capsys, "--from", "acme/churn", "--all-versions", "--verify")
    (artifact,) = specs(out)["churn-model-v0"]["artifacts"]
    assert artifact["uri"] == "s3://models/churn/m.onnx"
    assert artifact["digest"] == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"
    assert (code, err.count("error: ")) == (1, 1)
    assert "error: churn-model v1: s3://models/churn/gone.onnx cannot be read: " in err
    assert "Set the credentials of the store, or import without --verify" in err


@pytest.mark.parametrize("count", [250])
def test_many_versions_are_read_page_by_page(capsys: pytest.CaptureFixture[str], wandb: FakeWandb, count: int) -> None:
    found = wandb.collection(wandb.project("churn"), "many")
    for number in range(count):
        wandb.artifact(found, {"m": b"%d" % number}, f"v{number}")
    code, out, _ = ran(capsys, "--from", "acme/churn", "--all-versions", "-o", "name")
    assert (code, len(out.split())) == (0, count)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from", "acme/churn", "nope"), "error: nope: acme/churn has no collection 'nope' of the type 'model'"),
        (("--from", "acme/churn/dataset", "churn-model"), "has no collection 'churn-model' of the type 'dataset'"),
        (("--from", "http://127.0.0.1:9/acme/churn"), "http://127.0.0.1:9 does not answer"),
        (("--from", "acme:churn"), "'acme:churn' is no place of W&B; write it as ENTITY/PROJECT"),
    ],
)
def test_wrong_input_is_a_sentence(
    capsys: pytest.CaptureFixture[str], collection: Node, args: tuple[str, ...], said: str
) -> None:
    code, out, err = ran(capsys, *args)
    assert (code, out) == (1, "")
    assert said in err


@pytest.mark.parametrize(
    ("code", "said"), [(401, "does not accept the credentials (401)"), (403, "may not be read (403)")]
)
def test_credentials_that_are_not_accepted_are_told_without_the_key(
    capsys: pytest.CaptureFixture[str], wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "wr0ng")
    wandb.denied = 0 if code == 401 else code
    result, _, err = ran(capsys, "--from", "acme/churn")
    assert result == 1
    assert said in err
    assert "Set WANDB_API_KEY, or log in with `wandb login`" in err
    assert "wr0ng" not in err
    assert base64.b64encode(b"api:wr0ng").decode() not in err
