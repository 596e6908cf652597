"""`pennant import dvc` of a project that real DVC and GTO made."""

import hashlib
import json
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.completeness import missing
from registries.commands import ran
from registries.dvc_project import Project, begun, made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, once for all tests: making it takes half a minute."""
    return made(tmp_path_factory.mktemp("dvc"))


def test_each_version_has_a_complete_and_valid_record(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = ran(capsys, "dvc", "churn", "--from", str(project.root), "--all-versions")
    assert (said.code, said.errors) == (0, [])
    assert [each["version"] for each in said.specs] == ["v1.0.0", "v1.1.0"]
    assert [missing(ModelVersionSpec.model_validate(each)) for each in said.specs] == [(), ()]
    first, second = said.specs
    assert (first["reason"], second["reason"], second["parent"]) == ("Train on Q2", "retrained on Q3 data", "v1.0.0")
    locked = json.loads(project.run("dvc", "ls", "--json", "--dvc-only", str(project.root), "models"))
    assert {each["path"] for each in locked} >= {"model.pkl", "index"}
    assert "Warning: churn v2.0.0 is skipped: the tag churn@v2.0.0!" in said.err
    assert "secret" not in said.out + said.err


def test_stages_are_those_that_gto_shows(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Rule: R211. Assigned anew, taken back, and assigned to a version that was deregistered."""
    shown = json.loads(project.run("gto", "show", "--json"))
    of_gto = {
        model: {stage: version for stage, version in each["stage"].items() if version} for model, each in shown.items()
    }
    said = ran(capsys, "dvc", "--from", str(project.root), "--all-versions")
    found: dict[str, dict[str, str]] = {"churn": {}, "index": {}, "raw": {}}
    for each in said.specs:
        for stage in filter(None, each["source"]["annotations"].get("aliases", "").split(",")):
            found[each["model"]][stage] = each["version"]
    assert found == of_gto == {"churn": {"prod": "v1.1.0"}, "index": {}, "raw": {}}
    said = ran(capsys, "dvc", "churn", "--from", str(project.root), "--tag-alias=prod=production", "--as-semver")
    assert [(each["version"], each["parent"], each.get("tags")) for each in said.specs if each["model"] == "churn"] == [
        ("1.1.0", "1.0.0", ["production"])
    ]


def test_the_digests_are_those_of_the_bytes_in_the_store(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = ran(capsys, "dvc", "--from", str(project.root), "--verify")
    assert said.code == 0
    artifacts = {each["model"]: each["artifacts"][0] for each in said.specs}
    project.run("git", "checkout", "--quiet", "churn@v1.1.0")
    project.run("dvc", "checkout", "--quiet")
    assert artifacts["churn"]["digest"] == f"sha256:{project.run('sha256sum', 'models/model.pkl').split()[0]}"
    project.run("git", "checkout", "--quiet", "index@v0.1.0")
    project.run("dvc", "checkout", "--quiet")
    listing = "cd models/index && find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    assert artifacts["index"]["manifestDigest"] == f"sha256:{project.run('sh', '-c', listing).split()[0]}"
    assert said.err.splitlines()[-2:] == ["digests of artefacts: 2 Verified", "2 imported, 1 skipped"]


def test_a_second_import_changes_nothing(project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("dvc", "--from", str(project.root), "--all-versions", "--write", str(tmp_path))
    assert ran(capsys, *words).err.splitlines()[-1] == "3 imported, 2 skipped"
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    assert ran(capsys, *words, "--verify").err.splitlines()[-1] == "0 imported, 3 unchanged, 2 skipped"
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before
    changed = tmp_path / "churn-v1.1.0.yaml"
    changed.write_text(changed.read_text().replace("value: '0.1'", "value: '0.7'"))
    said = ran(capsys, *words)
    assert said.code == 1
    assert "in spec.hyperparameters[train.lr].value. A record does not change" in said.err


def test_a_clone_without_the_bytes_says_what_to_do(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    project.run("git", "clone", "--quiet", "--bare", str(project.root), str(clone))
    hidden = project.store.rename(project.store.with_name("hidden"))
    try:
        said = ran(capsys, "dvc", "churn", "--from", str(clone), "--verify")
    finally:
        hidden.rename(project.store)
    assert said.code == 1
    assert "cannot be read: No such file or directory. Run `dvc push`" in said.err
    assert ran(capsys, "dvc", "churn", "--from", str(clone), "--verify").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "/nowhere"), "error: /nowhere is no directory, and no URL of a Git repository"),
        (("nope",), "error: nope: no tag of GTO in https://git.example/shop/churn.git is a version of nope"),
    ],
)
def test_wrong_input_is_a_sentence(
    project: Project, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    ended = ran(capsys, "dvc", "--from", str(project.root), *words)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_bytes_are_read_from_an_object_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store of moto, which boto3 fills with the objects that `dvc push` made."""
    project = Project(tmp_path / "project", tmp_path / "store")
    begun(project)
    project.write({"model.pkl": "weights", "dvc.yaml": "artifacts:\n  churn:\n    path: model.pkl\n"})
    project.run("dvc", "add", "--quiet", "model.pkl")
    project.run("dvc", "push", "--quiet")
    project.run("dvc", "remote", "modify", "store", "url", "s3://models/churn")
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message=Train")
    project.gto("register", "churn", "--version", "v1.0.0")
    variables = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "none", "REGION": "us-east-1", "ALLOW_HTTP": "true"}
    for name, value in variables.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="models")
        for path in filter(Path.is_file, project.store.rglob("*")):
            client.put_object(Bucket="models", Key=f"churn/{path.relative_to(project.store)}", Body=path.read_bytes())
        clone = tmp_path / "clone"
        project.run("git", "clone", "--quiet", "--bare", str(project.root), str(clone))
        said = ran(capsys, "dvc", "--from", str(clone), "--verify")
    finally:
        server.stop()
    assert (said.code, said.err.splitlines()[-1]) == (0, "1 imported"), said.err
    (artifact,) = said.specs[0]["artifacts"]
    assert artifact["uri"].startswith("s3://models/churn/files/md5/")
    assert artifact["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
