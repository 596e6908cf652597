"""Tags of a Git repository as versions: which they are, what they become, and what is said of the rest."""

import hashlib
import os
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pennant.api.model_version import ModelVersionSpec
from pennant.cli.main import main
from pennant.core.versions.completeness import missing
from pennant.record.artifacts import FORMATS
from pennant.registries import catalogue, fields, flat
from pennant.registries.catalogue import Given
from pennant.registries.digest import verified
from pennant.registries.git import artifact, evidence, finding, lfs, objects, tag_names
from pennant.registries.git.opening import Address, Opened
from pennant.registries.git.repository import Repository, Tag
from pennant.registries.names import kept
from pennant.registries.notes import Notes
from pennant.registries.protocol import (
    Failed,
    FoundVersion,
    NoAccess,
    NotThere,
    Registry,
    RegistryError,
    Selection,
    Skipped,
    Unreadable,
)
from unit.registries.git_project import POINTER, SHA256, commit, repository, run, tag
from unit.registries.records import spec

ALL = Selection(is_all=True)
DAY = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@asynccontextmanager
async def opened(address: str, repository: str | None = None, kind: str = "git") -> AsyncIterator[Registry]:
    given = Given(address, os.environ, lambda: DAY, repository)
    async with catalogue.opened(kind, given) as registry:
        yield registry


async def read(address: str | Path, model: str = "fraud", selection: Selection = ALL, **options: Any) -> list[Any]:
    async with opened(str(address), **options) as registry:
        return [each async for each in registry.versions(model, selection)]


async def one(address: str | Path, model: str = "fraud", **options: Any) -> FoundVersion:
    found = (await read(address, model, **options))[-1]
    assert isinstance(found, FoundVersion), found
    return found


@pytest.fixture
def fraud(tmp_path: Path) -> Path:
    """A repository of one model: annotated and lightweight tags, and one that moves."""
    root = repository(tmp_path / "checkout")
    evidence_files = {
        "metrics.json": '{"test": {"auc": 0.91}, "val_f1": 0.8, "note": "x"}',
        "params.yaml": "train:\n  lr: 2e-05\n  layers: [64, 32]\n",
        "uv.lock": '[[package]]\nname = "numpy"\nversion = "2.3.5"\n',
        "train.py": "fit()\n",
    }
    commit(root, {"models/fraud.onnx": POINTER, **evidence_files}, "First model")
    tag(root, "v1.0.0", "Retrained on Q3 data", day=2)
    commit(root, {"models/fraud.onnx": "small enough for git"}, "Fix a leak", day=3)
    tag(root, "v1.0.1")
    tag(root, "production")
    tag(root, "before-the-move", at="v1.0.0^{commit}")
    return root


async def test_an_annotated_tag_has_all_that_tag_and_commit_say(fraud: Path) -> None:
    found = (await read(fraud))[0]
    record = spec(found)
    # Nothing in a repository says which data it was.
    assert [each.value for each in missing(record)] == ["TrainingData"]
    assert (found.version, record.reason, str(record.created_at)) == (
        "v1.0.0",
        "Retrained on Q3 data",
        "2026-01-02 10:00:00+00:00",
    )
    assert (record.author and record.author.name, record.author and record.author.email) == ("ada", "ada")
    number = run(fraud, "rev-parse", "v1.0.0^{commit}")
    assert record.code is not None
    assert (record.code.repository, record.code.commit, record.code.tag) == (
        "https://git.example/shop/fraud.git",
        number,
        "v1.0.0",
    )
    (artifact,) = record.artifacts
    assert artifact.uri == f"git+https://git.example/shop/fraud.git@{number}#models/fraud.onnx"
    assert (artifact.digest, artifact.size_bytes, artifact.format and artifact.format.name) == (
        f"sha256:{SHA256}",
        12345,
        "onnx",
    )
    assert [(each.name, each.value, each.split) for each in record.metrics] == [
        ("auc", "0.91", "Test"),
        ("val_f1", "0.8", "Validation"),
    ]
    assert {each.name: each.value for each in record.hyperparameters} == {
        "train.layers": "[64, 32]",
        "train.lr": "2e-05",
    }
    assert record.environment is not None
    assert [(each.name, each.version) for each in record.environment.frameworks] == [("numpy", "2.3.5")]
    assert record.source is not None
    assert record.source.annotations["tagger"] == "bob <bob@shop.example>"
    assert record.source.annotations["commit.message"] == "First model"
    assert found.unknown == ("metrics.json: note is no number, so it is left out",)
    assert "secret" not in record.model_dump_json()


async def test_a_lightweight_tag_has_what_its_commit_says(fraud: Path) -> None:
    found = (await read(fraud))[1]
    record = spec(found)
    assert (record.reason, str(record.created_at), record.parent) == (
        "Fix a leak",
        "2026-01-03 10:00:00+00:00",
        "v1.0.0",
    )
    blob = run(fraud, "rev-parse", "v1.0.1:models/fraud.onnx")
    assert (record.artifacts[0].digest, record.artifacts[0].size_bytes) == (f"gitSha1:{blob}", 20)
    assert found.aliases == ("production",)


async def test_the_newest_version_and_those_with_another_tag_are_read(fraud: Path) -> None:
    """Rule: R210."""
    assert [each.version for each in await read(fraud, selection=Selection())] == ["v1.0.0", "v1.0.1"]
    run(fraud, "tag", "--delete", "before-the-move")
    assert [each.version for each in await read(fraud, selection=Selection())] == ["v1.0.1"]
    since = Selection(since=DAY + timedelta(days=1))
    assert [each.version for each in await read(fraud, selection=since)] == ["v1.0.0", "v1.0.1"]
    assert [each.version for each in await read(fraud, selection=Selection(since=DAY + timedelta(days=2)))] == [
        "v1.0.1"
    ]


async def checked(root: Path, version: str) -> dict[str, Any]:
    """Return the artefact of a version with the digest of its bytes."""
    async with opened(str(root)) as registry:
        async for each in registry.versions("fraud", ALL):
            if each.version == version:
                assert isinstance(each, FoundVersion), each
                (artifact,) = (await verified(registry, each))["artifacts"]
                return dict(artifact)
    raise AssertionError(version)


async def test_the_digest_is_that_of_the_bytes(fraud: Path) -> None:
    digest = f"sha256:{hashlib.sha256(b'small enough for git').hexdigest()}"
    assert (await checked(fraud, "v1.0.1"))["digest"] == digest
    with pytest.raises(RegistryError, match=r"fraud\.onnx are in Git LFS and cannot be fetched"):
        await checked(fraud, "v1.0.0")


async def test_the_bytes_of_git_lfs_are_those_of_the_local_store(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    digest = hashlib.sha256(b"weights").hexdigest()
    commit(root, {"m.onnx": POINTER.replace(SHA256, digest).replace("12345", "7")})
    tag(root, "v1.0.0")
    stored = root / ".git" / "lfs" / "objects" / digest[:2] / digest[2:4] / digest
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"weights")
    assert await checked(root, "v1.0.0") == (await one(root)).record["artifacts"][0]
    stored.write_bytes(b"forgery")
    with pytest.raises(
        RegistryError, match=r"not those that were registered\. The object of Git LFS is damaged: remove"
    ):
        await checked(root, "v1.0.0")
    stored.write_bytes(b"short")
    with pytest.raises(
        RegistryError, match=r"has 5 bytes, and the registry lists 7\. The object of Git LFS is damaged"
    ):
        await checked(root, "v1.0.0")


async def test_a_directory_has_the_digest_of_the_list_of_its_files(tmp_path: Path) -> None:
    """`find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` says the same."""
    root = repository(tmp_path / "r")
    commit(root, {"model/a.safetensors": POINTER, "model/b.safetensors": POINTER, "model/config.json": "{}"})
    tag(root, "v1.0.0")
    (artifact,) = (await one(root)).record["artifacts"]
    lines = f"{SHA256}  a.safetensors\n{SHA256}  b.safetensors\n{hashlib.sha256(b'{}').hexdigest()}  config.json\n"
    assert artifact["manifestDigest"] == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert (artifact["sizeBytes"], artifact["uri"].partition("#")[2]) == (2 * 12345 + 2, "model")
    commit(root, {"model/config.json": "x" * 1_048_577})
    tag(root, "v1.0.1")
    (artifact,) = (await one(root)).record["artifacts"]
    assert artifact["digest"] == f"gitSha1:{run(root, 'rev-parse', 'HEAD:model')}"


async def test_git_lfs_brings_the_bytes_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program `git-lfs` answers as the real one does: with the bytes, or with the pointer itself."""
    root = repository(tmp_path / "r")
    commit(root, {"m.onnx": POINTER.replace(SHA256, hashlib.sha256(b"weights").hexdigest()).replace("12345", "7")})
    tag(root, "v1.0.0")
    program = tmp_path / "bin" / "git-lfs"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for script, said in (("printf weights", None), ("cat", "git lfs gives nothing"), ("echo no >&2; exit 2", "no")):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        if said is None:
            assert (await checked(root, "v1.0.0"))["sizeBytes"] == 7
        else:
            with pytest.raises(RegistryError, match=f"m.onnx are in Git LFS and cannot be fetched: {said}. Install"):
                await checked(root, "v1.0.0")


async def test_a_repository_with_longer_hashes_has_no_digest_of_its_own(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", hashes="sha256")
    commit(root, {"deep/m.onnx": "weights", "lfs.pkl": POINTER})
    tag(root, "v1.0.0", "first")
    found = await one(f"{root}#deep/m.onnx")
    assert (len(found.record["code"]["commit"]), found.record["artifacts"][0].get("digest")) == (64, None)
    spec(found)
    assert (await one(f"{root}#lfs.pkl")).record["artifacts"][0]["digest"] == f"sha256:{SHA256}"


SEVERAL: Mapping[str, tuple[str, str]] = {
    "churn/v1.2.3": ("churn", "v1.2.3"),
    "churn-1.2.3": ("churn", "1.2.3"),
    "churn@1.2.3-rc.1": ("churn", "1.2.3-rc.1"),
    "shop/churn_v2": ("shop/churn", "v2"),
    "churn-2-1.0.0": ("churn-2", "1.0.0"),
    "churn/2026-05-01": ("churn", "2026-05-01"),
    "v1.2.3": ("fraud", "v1.2.3"),
    "1.2.3": ("fraud", "1.2.3"),
    "v1.2.3+gpu": ("fraud", "v1.2.3+gpu"),
}


def of_name(name: str, number: str = "1" * 40, day: int = 0) -> Tag:
    return Tag(name, number, True, number, "commit", DAY + timedelta(days=day))


@pytest.mark.parametrize("name", SEVERAL)
def test_a_version_is_in_the_name_of_its_tag(name: str) -> None:
    """Rule: R210."""
    found = tag_names.models([of_name(name)], "fraud").versions
    assert [(each.model, each.version) for versions in found.values() for each in versions] == [SEVERAL[name]]


@pytest.mark.parametrize("name", ["production", "release", "release-3", "1.2", "churn#prod#1", "v1.2.3.4", "v01.2.3"])
def test_another_tag_is_no_version(name: str) -> None:
    assert tag_names.models([of_name(name)], "fraud").versions == {}


def test_the_parent_is_the_highest_lower_version_that_was_there() -> None:
    names = ("v1.0.0", "v2.0.0", "v1.0.1", "v2.0.0-rc.1", "v3")
    versions = tag_names.models([of_name(name, day=day) for day, name in enumerate(names)], "m").versions["m"]
    # The version v3 has no order until it is imported with --as-semver.
    assert tag_names.parents(versions) == {"v2.0.0": "v1.0.0", "v1.0.1": "v1.0.0", "v2.0.0-rc.1": "v1.0.1"}


async def test_each_of_several_models_has_its_own_files_and_names(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    shared = {"metrics.json": '{"auc": 0.1}', "requirements.lock": "numpy==2.3.5\n"}
    commit(root, {"churn/m.pkl": "c", "churn/metrics.json": '{"auc": 0.9}', "models/fraud/m.onnx": "f", **shared})
    for name in ("churn-1.0.0", "fraud/v1.0.0", "churn/production", "latest"):
        tag(root, name)
    async with opened(str(root)) as registry:
        assert [each async for each in registry.models()] == ["churn", "fraud"]
    churn, fraud = await one(root, "churn"), await one(root, "fraud")
    assert [each.record["artifacts"][0]["uri"].partition("#")[2] for each in (churn, fraud)] == [
        "churn/m.pkl",
        "models/fraud/m.onnx",
    ]
    assert [each.record.get("metrics", [{}])[0].get("value") for each in (churn, fraud)] == ["0.9", None]
    assert {each.record["environment"]["lockUri"] for each in (churn, fraud)} == {"requirements.lock"}
    assert (churn.aliases, fraud.aliases) == (("production",), ())
    assert not any("metrics.json" in each for each in churn.unknown)
    assert any(each.startswith("metrics.json, the tag latest: left out") for each in fraud.unknown)


async def test_what_a_stray_tag_makes_ambiguous_is_told(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    commit(root, {"models/fraud/m.pkl": "f", "metrics.json": '{"auc": 0.9}', "params.yaml": "lr: 1\n"})
    for name in ("v1.0.0", "production"):
        tag(root, name)
    assert (await one(root)).aliases == ("production",)
    tag(root, "café-1.0.0")
    found = await one(root)
    assert found.aliases == ()
    assert found.record.keys().isdisjoint({"metrics", "hyperparameters"})
    said = (
        "metrics.json, params.yaml, the tag production: left out, because nothing says of which model, and the tags "
        "name several: café (café-1.0.0), fraud (v1.0.0). Rename a tag that is of no model"
    )
    assert any(each.startswith(said) for each in found.unknown), found.unknown


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"train.py": "x"},
            "no file of the commit looks like a model, and none is in Git LFS; name it after the address",
        ),
        ({"a.onnx": "x", "b.pkl": "y"}, "the commit has several files that may be the model (a.onnx, b.pkl)"),
        ({"x/a.onnx": "x", "y/b.pkl": "y"}, "several files that may be the model (x/a.onnx, y/b.pkl)"),
    ],
)
async def test_a_commit_without_one_model_fails_and_says_how_to_name_it(
    tmp_path: Path, files: Mapping[str, str], said: str
) -> None:
    root = repository(tmp_path / "r")
    commit(root, files)
    tag(root, "v1.0.0")
    (found,) = await read(root)
    assert isinstance(found, Failed)
    assert said in found.why


@pytest.mark.parametrize(
    ("part", "path"),
    [("b.pkl", "b.pkl"), ("{model}.bin", "fraud.bin"), ("deep", "deep"), (".", ""), ("./deep/", "deep")],
)
async def test_the_model_can_be_named(tmp_path: Path, part: str, path: str) -> None:
    root = repository(tmp_path / "r")
    commit(root, {"a.onnx": "x", "b.pkl": "y", "fraud.bin": "z", "deep/c.txt": "c"})
    tag(root, "v1.0.0")
    found = await one(f"{root}#{part}")
    assert found.record["artifacts"][0]["uri"].partition("#")[2] == path
    async with opened(f"{root}#{part}") as registry:
        assert "sha256:" in str((await verified(registry, found))["artifacts"])


@pytest.mark.parametrize("part", ["nope", "a.onnx/b", "link"])
async def test_a_named_model_that_is_not_there_fails(tmp_path: Path, part: str) -> None:
    root = repository(tmp_path / "r")
    (root / "link").symlink_to("/etc/passwd")
    commit(root, {"a.onnx": "x"})
    tag(root, "v1.0.0")
    (found,) = await read(f"{root}#{part}")
    assert isinstance(found, Failed)
    assert found.why == f"the commit has no file and no directory {part}"


async def test_files_of_git_lfs_count_where_no_name_is_that_of_a_model(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    commit(root, {"weights.bin": POINTER, "data.csv": "1,2", ".hidden.bin": POINTER})
    tag(root, "v1.0.0")
    assert (await one(root)).record["artifacts"][0]["digest"] == f"sha256:{SHA256}"


async def test_a_version_whose_record_is_in_the_commit_is_skipped(fraud: Path) -> None:
    record = "apiVersion: pennant.dev/v1alpha1\nkind: ModelVersion\nspec: {}\n"
    commit(fraud, {"records/fraud-1.1.0.yaml": record, "other/fraud-1.0.0.yaml": "kind: ConfigMap\n"}, day=4)
    tag(fraud, "v1.1.0")
    why = "the commit has its record already, in records/fraud-1.1.0.yaml; apply that file"
    assert (await read(fraud))[-1] == Skipped("fraud", "v1.1.0", why)


async def test_a_tag_of_no_commit_is_skipped_and_a_tag_of_a_tag_is_followed(fraud: Path) -> None:
    tag(fraud, "v1.0.2", at="HEAD^{tree}", day=5)
    tag(fraud, "v1.0.3", "again", at="v1.0.0", day=6)
    *_, found = await read(fraud)
    assert spec(found).reason == "again"
    skipped = [each for each in await read(fraud) if isinstance(each, Skipped)]
    assert skipped == [Skipped("fraud", "v1.0.2", "the tag v1.0.2 is of a tree, and not of a commit")]


@pytest.mark.parametrize(("options", "versions"), [((), ("v1.0.0", "v1.0.1")), (("--as-semver",), ("1.0.0", "1.0.1"))])
def test_the_parent_is_named_as_its_own_record(
    fraud: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], versions: tuple[str, str]
) -> None:
    assert main(["import", "git", "--from", str(fraud), "--all-versions", *options]) == 0
    first, second = yaml.safe_load_all(capsys.readouterr().out)
    assert (first["spec"]["version"], second["spec"]["version"]) == versions
    assert (first["spec"].get("parent"), second["spec"]["parent"]) == (None, versions[0])


async def test_a_tag_that_moved_has_another_commit(fraud: Path) -> None:
    before = await one(fraud)
    commit(fraud, {"train.py": "fit(2)\n"}, day=9)
    run(fraud, "tag", "--force", "v1.0.1")
    assert (await one(fraud)).record["code"]["commit"] != before.record["code"]["commit"]


async def test_a_repository_without_an_origin_has_its_path_and_says_so(tmp_path: Path) -> None:
    root = repository(tmp_path / "fraud", origin=None)
    commit(root, {"a.onnx": "x"})
    tag(root, "v1.0.0")
    found = await one(root)
    assert found.record["code"]["repository"] == root.as_uri()
    assert found.unknown == (
        "the repository has no origin that others can read, so the record has a path of this machine; give its URL "
        "with --repository",
    )
    found = await one(root, repository="git@git.example:shop/fraud.git")
    assert found.record["code"]["repository"] == "git@git.example:shop/fraud.git"
    assert found.record["artifacts"][0]["uri"].startswith("git+ssh://git@git.example/shop/fraud.git@")
    assert found.unknown == ()


@pytest.fixture
def served(fraud: Path) -> str:
    """The repository at a URL, served by git's own program for plain files."""
    bare = fraud.parent / "served" / "fraud.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(fraud), str(bare)], check=True)
    run(bare, "config", "uploadpack.allowFilter", "true")
    run(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    return f"ext::git %s {bare}"


async def test_a_url_is_fetched_without_history_and_without_large_files(
    fraud: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only for this test git may run a program as a transport; a user cannot be made to."""
    commit(fraud, {"models/fraud.onnx": b"\0" * 1_100_000}, day=5)
    tag(fraud, "v1.2.0")
    bare = Path(served.partition("%s ")[2])
    run(fraud, "push", "--quiet", str(bare), "v1.2.0")
    with pytest.raises(NoAccess, match="transport 'ext' not allowed"):
        await read(served)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:file")
    async with opened(served, repository="https://git.example/shop/fraud.git") as registry:
        found = [each async for each in registry.versions("fraud", ALL)][-1]
        assert isinstance(found, FoundVersion), found
        artifact = found.record["artifacts"][0]
        # Its server has not sent it yet, so its size is not known.
        assert (artifact.get("sizeBytes"), artifact["digest"][:8]) == (None, "gitSha1:")
        (artifact,) = (await verified(registry, found))["artifacts"]
        assert (artifact["sizeBytes"], artifact["digest"]) == (
            1_100_000,
            f"sha256:{hashlib.sha256(bytes(1_100_000)).hexdigest()}",
        )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/nowhere", "/nowhere is no directory, and no URL of a Git repository such as https://HOST/PATH.git"),
        ("file:///nowhere", "/nowhere is no directory; give the path or the URL of a Git repository with --from"),
        ("--upload-pack=x", "is no directory, and no URL"),
        ("https://ada:secret@127.0.0.1:9/x.git", "https://127.0.0.1:9/x.git cannot be read with git: "),
        ("https://ada:secret@127.0.0.1:9/x.git", "it, clone it and give the path of the clone with --from"),
    ],
)
async def test_a_wrong_address_is_a_sentence(address: str, said: str) -> None:
    with pytest.raises(NoAccess) as caught:
        await read(address)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_directory_that_is_no_repository_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="cannot be read as a Git repository: fatal: not a git repository"):
        await read(tmp_path)


async def test_without_git_the_error_names_it(fraud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoAccess, match="reading a Git repository needs git, which is not installed"):
        await read(fraud)


async def test_a_repository_without_versions_and_an_unknown_model_are_sentences(tmp_path: Path, fraud: Path) -> None:
    with pytest.raises(NotThere, match=r"no tag of https://git\.example/shop/fraud\.git is a version of nope, such as"):
        await read(fraud, "nope")
    async with opened(str(repository(tmp_path / "empty"))) as registry:
        with pytest.raises(RegistryError, match=r"has no tags that are versions, such as v1\.2\.3, churn/v1\.2\.3"):
            _ = [each async for each in registry.models()]


async def test_a_damaged_object_fails_its_version_and_the_others_are_read(fraud: Path) -> None:
    tree = run(fraud, "rev-parse", "v1.0.0^{tree}")
    path = fraud / ".git" / "objects" / tree[:2] / tree[2:]
    path.chmod(0o644)
    path.write_bytes(b"no object")
    damaged, whole = await read(fraud)
    assert isinstance(damaged, Failed)
    assert "run `git fsck`" in damaged.why
    assert isinstance(whole, FoundVersion)


async def test_the_variables_of_a_hook_do_not_lead_to_another_repository(
    fraud: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert len(await read(fraud)) == 2


def fast_import(root: Path, count: int) -> None:
    """Make many commits and tags at once."""
    lines = []
    for number in range(count):
        at = 1_700_000_000 + number
        lines.append(f"commit refs/heads/main\nmark :{number + 1}\nauthor Ada <ada@x> {at} +0000\n")
        lines.append(f"committer Ada <ada@x> {at} +0000\ndata 5\nTrain\n")
        lines.append(f"M 100644 inline m.onnx\ndata {len(str(number))}\n{number}\n")
        lines.append("M 100644 inline params.yaml\ndata 8\nlr: 0.10\n\n")
        lines.append(f"tag v1.0.{number}\nfrom :{number + 1}\ntagger Bob <bob@x> {at} +0000\ndata 5\nAgain\n")
    run(root, "fast-import", "--quiet", text="".join(lines).encode())


@pytest.mark.parametrize("count", [1_000])
async def test_many_versions_need_as_little_memory_as_a_few(tmp_path: Path, count: int) -> None:
    root = repository(tmp_path / "many")
    fast_import(root, count)

    async def peak(most: int) -> tuple[int, int]:
        tracemalloc.start()
        async with opened(str(root)) as registry:
            seen = 0
            async for each in registry.versions("fraud", ALL):
                assert isinstance(each, FoundVersion), each
                seen += 1
                if seen == most:
                    break
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return seen, found

    await peak(10)
    (_, few), (seen, many) = await peak(10), await peak(count)
    assert seen == count
    assert many < few + 1_000_000


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_an_error(data: bytes) -> None:
    for parse in (objects.commit, objects.annotation, lambda each: objects.tree(each, 40)):
        with suppress(Unreadable):
            parse(data)
    lfs.pointer(data)


@given(st.text(max_size=60))
def test_any_name_of_a_tag_is_a_version_or_not(name: str) -> None:
    for versions in tag_names.models([of_name(name)], "m").versions.values():
        for each in versions:
            assert each.version in name
            tag_names.precedence(each.version)
            kept(each.version)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(("metrics.json", "test_metrics.yaml", "metrics.csv", "params.toml")))
def test_any_value_in_a_file_is_read_or_noted(value: Any, name: str) -> None:
    import json

    files = {name: json.dumps(value).encode()}
    notes = Notes()
    metrics, parameters = evidence.metrics(files, notes), evidence.parameters(files, notes)
    ModelVersionSpec.model_validate(
        {
            "model": "m",
            "version": "1",
            "artifacts": [{"name": "model", "uri": "x"}],
            "metrics": metrics,
            "hyperparameters": fields.parameters(flat.parameters(parameters, notes), notes),
        }
    )


def test_the_page_names_each_suffix_each_lock_file_and_each_tag() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-git.md").read_text(encoding="utf-8")
    for word in (*FORMATS, *evidence.LOCKS, *tag_names.FORMS.replace(" and ", ", ").split(", ")):
        assert f"`{word}`" in page, word
    assert f"{artifact.SMALL // 2**20} MiB" in page
    for file in ("metrics.json", "test_metrics.json", "metrics-test.json"):
        assert finding.METRICS.fullmatch(file)
        assert f"`{file}`" in page


def test_an_address_has_a_part_after_its_sign() -> None:
    assert Address.of(None) == Address(".")
    assert Address.of("https://h/x.git#models/{model}") == Address("https://h/x.git", "models/{model}")
    assert Address.of("#models") == Address(".", "models")


def test_an_address_of_a_file_is_that_of_spdx() -> None:
    local = Opened(Repository(Path(), {}), "git@git.example:shop/fraud.git", None)
    assert local.uri("abc", "a b#c") == "git+ssh://git@git.example/shop/fraud.git@abc#a%20b%23c"
    assert Opened(local.repository, "git://h/x", None).uri("abc") == "git://h/x@abc"
