"""Versions of DVC and GTO: the journal of tags, what `dvc.lock` and `.dvc` files say, and where the bytes are."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.core.versions.completeness import missing
from pennant.record.dvc import HOLDOUT
from pennant.record.metrics import SPLITS
from pennant.registries.digest import verified
from pennant.registries.dvc import config, outputs, store
from pennant.registries.dvc.config import Remotes
from pennant.registries.dvc.journal import event, journals
from pennant.registries.dvc.outputs import Output
from pennant.registries.dvc.record import DATA, Facts, Found, record
from pennant.registries.git.evidence import Evidence
from pennant.registries.git.objects import Commit, Person
from pennant.registries.git.provenance import Provenance
from pennant.registries.git.repository import Tag
from pennant.registries.notes import Notes
from pennant.registries.protocol import Failed, FoundVersion, NotThere, RegistryError, Selection, Skipped
from unit.registries.git_project import commit, repository, tag
from unit.registries.records import spec
from unit.registries.test_git import ALL, DAY, JSON, opened, read

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python src/prepare.py
    deps:
    - {path: data/raw.csv, hash: md5, md5: 0cc175b9c0f1b6a831c399e269772661, size: 100}
    outs:
    - {path: prepared, hash: md5, md5: 92eb5ffee6ae2fec3ad71c777531578f.dir, size: 90, nfiles: 3}
  train:
    cmd:
    - echo begin
    - python src/train.py --fast
    deps:
    - {path: prepared, hash: md5, md5: 92eb5ffee6ae2fec3ad71c777531578f.dir, size: 90, nfiles: 3}
    - {path: src/train.py, hash: md5, md5: 8277e0910d750195b448797616e091ad, size: 12}
    - {path: notes.txt, hash: md5, md5: 8277e0910d750195b448797616e091ae, size: 12}
    - {path: 's3://lake/events.parquet', etag: '"9bd0-2"', size: 7}
    params:
      params.yaml: {train.lr: 2.0e-05, train: {layers: [64, 32]}}
    outs:
    - {path: models/model.pkl, hash: md5, md5: 20f35e630daf44dbfa4c3f68f5399d8c, size: 5}
  evaluate:
    cmd: python src/evaluate.py
    deps:
    - {path: models/model.pkl, hash: md5, md5: 20f35e630daf44dbfa4c3f68f5399d8c, size: 5}
    - {path: data/holdout.csv, hash: md5, md5: 4a8a08f09d37b73795649038408b5f33, size: 10}
    outs:
    - {path: metrics.json, hash: md5, md5: 4a8a08f09d37b73795649038408b5f34, size: 10}
"""
PIPELINE = """\
stages:
  evaluate:
    cmd: python src/evaluate.py
    metrics:
    - metrics.json: {cache: false}
    - cached.json
artifacts:
  churn:
    path: models/model.pkl
    type: model
    desc: Says who leaves
    labels: [risk, tabular]
    meta: {owner: team-risk, license: Apache-2.0, card: {reviewed: true}}
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "dvc.lock": LOCK,
    ".dvc/config": "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://dvc/churn/\n",
    "src/train.py": "fit()\n",
    "notes.txt": "read me\n",
    "metrics.json": '{"test": {"auc": 0.91}, "val_auc": 0.9}',
    "uv.lock": '[[package]]\nname = "numpy"\nversion = "2.3.5"\n',
}
LOGGED = """\
artifacts:
  churn: {path: model.onnx}
metrics: [dvclive/metrics.json]
params: [dvclive/params.yaml]
"""
POINTER = """\
outs:
- {md5: 20f35e630daf44dbfa4c3f68f5399d8c, size: 5, hash: md5, path: model.onnx}
meta: {a: b}
"""


def project(root: Path, files: Mapping[str, str | bytes | None] = FILES) -> Path:
    """Return a repository with the version 1.0.0 of `churn`."""
    repository(root)
    commit(root, files)
    tag(root, "churn@v1.0.0", "Registering artifact churn version v1.0.0", day=2)
    return root


async def versions(root: Path, model: str = "churn", selection: Selection = ALL) -> list[Any]:
    return await read(root, model, selection, kind="dvc")


async def one(root: Path, model: str = "churn") -> FoundVersion:
    found = (await versions(root, model))[-1]
    assert isinstance(found, FoundVersion), found
    return found


async def test_a_version_has_all_that_dvc_gto_and_git_say(tmp_path: Path) -> None:
    root = project(tmp_path / "r")
    found = await one(root)
    record = spec(found)
    assert missing(record) == ()
    # The message that GTO writes by itself is no reason.
    assert (record.reason, record.description, record.owner, record.license) == (
        "Train",
        "Says who leaves",
        "team-risk",
        "Apache-2.0",
    )
    (artifact,) = record.artifacts
    assert (artifact.uri, artifact.digest, artifact.size_bytes) == (
        "s3://dvc/churn/files/md5/20/f35e630daf44dbfa4c3f68f5399d8c",
        "md5:20f35e630daf44dbfa4c3f68f5399d8c",
        5,
    )
    assert [(each.name, each.role, each.digest, each.uri) for each in record.datasets] == [
        (
            "prepared",
            "Training",
            "md5-dir:92eb5ffee6ae2fec3ad71c777531578f",
            "s3://dvc/churn/files/md5/92/eb5ffee6ae2fec3ad71c777531578f.dir",
        ),
        ("events.parquet", "Training", "etag:9bd0-2", "s3://lake/events.parquet"),
        (
            "holdout.csv",
            "Test",
            "md5:4a8a08f09d37b73795649038408b5f33",
            "s3://dvc/churn/files/md5/4a/8a08f09d37b73795649038408b5f33",
        ),
    ]
    assert {each.name: each.value for each in record.hyperparameters} == {
        "train.lr": "2e-05",
        "train.layers": "[64, 32]",
    }
    assert record.code is not None
    assert (record.code.path, record.code.tag) == ("src/train.py", "churn@v1.0.0")
    assert [(each.name, each.value, each.split) for each in record.metrics] == [
        ("auc", "0.91", "Test"),
        ("val_auc", "0.9", "Validation"),
    ]
    assert record.source is not None
    assert {name: record.source.annotations[name] for name in ("labels", "meta.card.reviewed", "command")} == {
        "labels": "risk,tabular",
        "meta.card.reviewed": "true",
        "command": "echo begin && python src/train.py --fast",
    }
    assert found.unknown == (
        "the metrics in cached.json are not known: git does not have the file; set cache: false for it",
    )


async def test_secrets_in_parameters_metadata_and_commands_are_left_out(tmp_path: Path) -> None:
    lock = LOCK.replace("--fast", "--api-key s3cret").replace("{train.lr: 2.0e-05", "{hub_token: s3cret")
    pipeline = PIPELINE.replace("owner: team-risk", "password: s3cret, url: 'https://ada:s3cret@hub/'")
    config = FILES[".dvc/config"].replace("s3://dvc", "s3://key:s3cret@dvc")
    root = project(tmp_path / "r", {**FILES, "dvc.lock": lock, "dvc.yaml": pipeline, ".dvc/config": config})
    found = await one(root)
    assert "s3cret" not in str(found)
    assert found.record["source"]["annotations"]["meta.url"] == "https://hub/"
    assert "hub_token may be a secret, so the record does not have its value" in found.unknown


async def test_a_model_that_was_added_to_dvc_has_the_lists_of_its_dvc_yaml(tmp_path: Path) -> None:
    files = {
        **{name: FILES[name] for name in (".dvc/config", "uv.lock")},
        "dvc.yaml": LOGGED,
        "model.onnx.dvc": POINTER,
        "dvclive/metrics.json": '{"val": {"loss": 1}}',
        "dvclive/params.yaml": "lr: 0.1\n",
    }
    record = spec(await one(project(tmp_path / "r", files)))
    assert record.artifacts[0].digest == "md5:20f35e630daf44dbfa4c3f68f5399d8c"
    assert (record.metrics[0].split, record.hyperparameters[0].value) == ("Validation", "0.1")
    assert [each.value for each in missing(record)] == ["TrainingData", "Metrics"]
    several = LOGGED.replace("artifacts:\n", "artifacts:\n  other: {path: x}\n")
    found = await one(project(tmp_path / "s", {**files, "dvc.yaml": several}))
    assert ("metrics" in found.record, "hyperparameters" in found.record) == (False, False)
    assert "dvc.yaml has several models, so its own lists of metrics and params are not read" in found.unknown


async def test_a_model_of_a_directory_is_in_its_own_dvc_yaml(tmp_path: Path) -> None:
    files = {f"teams/risk/{name}": content for name, content in FILES.items() if not name.startswith(".dvc")}
    root = project(tmp_path / "r", {**files, ".dvc/config": FILES[".dvc/config"]})
    tag(root, "teams/risk=churn@v0.1.0", "first", day=3)
    found = await one(root, "teams/risk:churn")
    assert found.record["artifacts"][0]["digest"] == "md5:20f35e630daf44dbfa4c3f68f5399d8c"
    assert [each["name"] for each in found.record["datasets"]] == ["prepared", "events.parquet", "holdout.csv"]
    assert [each["value"] for each in found.record["metrics"]] == ["0.91", "0.9"]


async def test_a_stage_with_a_working_directory_and_one_of_a_template_have_paths_of_their_own(tmp_path: Path) -> None:
    lock = LOCK.replace("  train:", "  train@0:").replace("models/model.pkl", "../models/model.pkl")
    lock = lock.replace("path: prepared", "path: ../prepared").replace("path: src", "path: ../src")
    pipeline = PIPELINE.replace("stages:\n", "stages:\n  train: {foreach: [0], do: {cmd: x, wdir: work}}\n")
    pipeline = pipeline.replace("  evaluate:\n", "  evaluate:\n    wdir: work\n")
    root = project(tmp_path / "r", {**FILES, "dvc.lock": lock, "dvc.yaml": pipeline, "work/metrics.json": '{"f1": 1}'})
    record = (await one(root)).record
    assert (record["training"]["pipeline"], record["code"]["path"]) == ("train@0", "src/train.py")
    assert [each["name"] for each in record["metrics"]] == ["f1"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"dvc.yaml": None}, "the commit does not say which file is the model: dvc.yaml has no artifacts. Add "),
        ({"dvc.yaml": "artifacts: ["}, "dvc.yaml of the commit cannot be read: is no YAML"),
        ({"dvc.yaml": "artifacts: {other: {path: x}}"}, "dvc.yaml has the artifacts other. Add artifacts.churn.path"),
        ({"dvc.yaml": "artifacts: {churn: {path: 7}}"}, "dvc.yaml has the artifacts churn. Add artifacts.churn.path"),
        ({"dvc.lock": None}, "the commit has no models/model.pkl: no dvc.lock and no models/model.pkl.dvc tracks it"),
        ({"dvc.lock": "stages: ["}, "git does not have it (dvc.lock cannot be read: is no YAML"),
        ({"dvc.lock": "stages: 7"}, "the commit has no models/model.pkl"),
    ],
)
async def test_a_version_without_an_artefact_fails_and_says_what_to_do(
    tmp_path: Path, files: Mapping[str, str | None], said: str
) -> None:
    kept = {name: content for name, content in {**FILES, **files}.items() if content is not None}
    (found,) = await versions(project(tmp_path / "r", kept))
    assert isinstance(found, Failed)
    assert said in found.why


async def test_a_data_set_of_gto_is_skipped(tmp_path: Path) -> None:
    pipeline = PIPELINE.replace("type: model", "type: dataset")
    (found,) = await versions(project(tmp_path / "r", {**FILES, "dvc.yaml": pipeline}))
    assert found == Skipped("churn", "v1.0.0", "its type in dvc.yaml is dataset, and a record is of a model")


async def test_an_artefact_that_git_has_is_read_from_git(tmp_path: Path) -> None:
    root = project(tmp_path / "r", {"dvc.yaml": LOGGED, "model.onnx": "weights"})
    async with opened(str(root), kind="dvc") as registry:
        (found,) = [each async for each in registry.versions("churn", ALL)]
        assert isinstance(found, FoundVersion), found
        assert found.record["artifacts"][0]["digest"].startswith("gitSha1:")
        (artifact,) = (await verified(registry, found))["artifacts"]
        assert artifact["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"


def of_name(name: str, number: str = "1", day: int = 0) -> Tag:
    return Tag(name, f"tag of {name}", True, number * 40, "commit", DAY + timedelta(days=day))


def test_the_journal_of_stages_is_that_of_gto() -> None:
    """Rule: R211. `gto show` says the same of such tags; tests/registries runs it."""
    tags = [
        of_name("churn@v1.0.0", "1", 1),
        of_name("churn@v1.1.0", "2", 2),
        of_name("churn#prod#1", "1", 3),
        of_name("churn#prod#2", "2", 4),
        of_name("churn@v2.0.0", "3", 5),
        of_name("churn#prod#3", "3", 6),
        of_name("churn#canary#4", "2", 7),
        of_name("churn#canary!#5", "2", 8),
        # An assignment to an older version counts, as it is the last one.
        of_name("churn#qa#6", "2", 9),
        of_name("churn#qa#7", "1", 10),
        of_name("churn@v2.0.0!#8", "3", 11),
        of_name("churn#dev#9", "4", 12),
        of_name("sub=churn@v1.0.0", "1", 13),
        Tag("churn@v9.0.0", "x", False, "1" * 40, "commit", DAY),
        of_name("production"),
    ]
    found = journals(tags)
    assert list(found) == ["churn", "sub:churn"]
    churn = found["churn"]
    assert [(each.version, each.ended is not None) for each in churn.versions] == [
        ("v1.0.0", False),
        ("v1.1.0", False),
        ("v2.0.0", True),
    ]
    assert churn.stages == {"prod": "v1.1.0", "qa": "v1.0.0"}
    assert churn.unregistered == {"4" * 40: ["dev"]}
    assert churn.parents == {"v1.1.0": "v1.0.0", "v2.0.0": "v1.1.0"}


def test_tags_of_one_second_are_in_the_order_of_their_counters() -> None:
    tags = [of_name("churn@v1.0.0"), of_name("churn#prod!#3"), of_name("churn#prod#2"), of_name("churn#prod#10")]
    assert journals(tags)["churn"].stages == {"prod": "v1.0.0"}
    assert journals(tags[:3])["churn"].stages == {}


def test_a_version_that_was_deregistered_later_stays_the_parent() -> None:
    """Otherwise a record that was imported before would contradict the journal."""
    tags = [of_name("m@v1.0.0", "1", 1), of_name("m@v1.1.0", "2", 2), of_name("m@v1.2.0", "3", 4)]
    before = journals(tags)["m"].parents["v1.2.0"]
    assert journals([*tags, of_name("m@v1.1.0!#1", "2", 5)])["m"].parents["v1.2.0"] == before == "v1.1.0"
    assert journals([*tags, of_name("m@v1.1.0!#1", "2", 3)])["m"].parents["v1.2.0"] == "v1.0.0"


@pytest.mark.parametrize("name", ["churn@1.0.0", "churn@v1.0", "v1.0.0", "churn#", "churn@created", "-x@v1.0.0"])
def test_a_tag_that_is_none_of_gto_does_nothing(name: str) -> None:
    assert event(of_name(name)) is None


async def test_versions_that_count_are_chosen_and_what_is_gone_is_said(tmp_path: Path) -> None:
    """Rule: R211."""
    root = project(tmp_path / "r")
    for day, version in ((3, "v1.1.0"), (4, "v1.2.0"), (5, "v2.0.0")):
        commit(root, {"notes.txt": version}, day=day)
        tag(root, f"churn@{version}", f"reason of {version}", day=day)
    tag(root, "churn#prod#1", "x", day=6, at="churn@v1.1.0^{commit}")
    tag(root, "churn@v2.0.0!#2", "x", day=7)
    commit(root, {"notes.txt": "none"}, day=8)
    tag(root, "churn#dev#3", "x", day=8)
    tag(root, "churn@deprecated#4", "use churn2", day=9)
    chosen = await versions(root, selection=Selection())
    assert [(each.version, type(each)) for each in chosen[:2]] == [("v1.1.0", FoundVersion), ("v1.2.0", FoundVersion)]
    assert chosen[0].aliases == ("prod",)
    assert chosen[1].record["parent"] == "v1.1.0"
    assert chosen[1].record["source"]["annotations"]["deprecated"] == "2026-01-09T10:00:00.000Z use churn2"
    said = [each.why for each in await versions(root) if isinstance(each, Skipped)]
    number = chosen[-1].version
    assert said == [
        "the tag churn@v2.0.0!#2 of 2026-01-07T10:00:00.000Z deregisters it",
        f"the commit has the stage dev and is no version; run `gto register churn {number}`",
    ]


async def test_a_repository_without_tags_of_gto_is_a_sentence(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    async with opened(str(root), kind="dvc") as registry:
        with pytest.raises(RegistryError, match=r"has no tags of GTO, such as churn@v1\.2\.3; `pennant import git`"):
            _ = [each async for each in registry.models()]
    with pytest.raises(NotThere, match="no tag of GTO in"):
        await versions(root, "nope")


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def stored(directory: Path, content: bytes, suffix: str = "", prefix: str = "files/md5/") -> str:
    """Put an object into a store of DVC; returns its name."""
    key = md5(content) + suffix
    path = directory / f"{prefix}{key[:2]}" / key[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return key


def lock(path: str, key: str, more: str = ", hash: md5") -> str:
    return f"stages: {{train: {{cmd: x, outs: [{{path: {path}, md5: {key}{more}}}]}}}}\n"


def local(directory: str) -> str:
    return f"[core]\n    remote = store\n['remote \"store\"']\n    url = {directory}\n"


async def checked(root: Path) -> dict[str, Any]:
    async with opened(str(root), kind="dvc") as registry:
        (found,) = [each async for each in registry.versions("churn", ALL)]
        assert isinstance(found, FoundVersion), found
        (artifact,) = (await verified(registry, found))["artifacts"]
        return dict(artifact)


FOLDER = {"a.txt": b"a", "deep/b.txt": b"b"}


def folder(store: Path) -> str:
    listing = [{"md5": stored(store, content), "relpath": name} for name, content in FOLDER.items()]
    return stored(store, json.dumps(listing).encode(), ".dir")


def list_digest(files: Mapping[str, bytes]) -> str:
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("store", "url"),
    [("store", "../../store"), ("store", "{top}/store"), ("r/.dvc/cache", "s3://nobody/reads")],
    ids=["relative", "absolute", "cache"],
)
async def test_bytes_are_read_from_the_cache_or_the_remote(tmp_path: Path, store: str, url: str) -> None:
    files = {"dvc.yaml": LOGGED, ".dvc/config": local(url.format(top=tmp_path))}
    root = project(tmp_path / "r", {**files, "dvc.lock": lock("model.onnx", md5(b"weights"))})
    stored(tmp_path / store, b"weights")
    assert (await checked(root))["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"


async def test_a_directory_has_the_digest_of_the_list_of_its_files(tmp_path: Path) -> None:
    key = folder(tmp_path / "store")
    files = {"dvc.yaml": LOGGED, "dvc.lock": lock("model.onnx", key), ".dvc/config": local("../../store")}
    root = project(tmp_path / "r", files)
    found = await one(root)
    assert found.record["artifacts"][0]["digest"] == f"md5-dir:{key.removesuffix('.dir')}"
    assert (await checked(root))["manifestDigest"] == list_digest(FOLDER)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("out/deep", list_digest({"b.txt": b"b"})), ("out/a.txt", f"sha256:{hashlib.sha256(b'a').hexdigest()}")],
)
async def test_a_part_of_a_directory_of_dvc_is_read_from_its_list(tmp_path: Path, path: str, expected: str) -> None:
    key = folder(tmp_path / "store")
    pipeline = LOGGED.replace("model.onnx", path)
    files = {"dvc.yaml": pipeline, "dvc.lock": lock("out", key), ".dvc/config": local("../../store")}
    root = project(tmp_path / "r", files)
    found = await one(root)
    assert "digest" not in found.record["artifacts"][0]
    assert found.unknown[0] == f"{path} is in the directory out of DVC, whose list only --verify reads"
    assert expected in (await checked(root)).values()
    files["dvc.yaml"] = LOGGED.replace("model.onnx", "out/nope")
    with pytest.raises(RegistryError, match="the directory that DVC tracks has no nope"):
        await checked(project(tmp_path / "s", files))


async def test_dvc_2_has_another_place_and_an_md5_that_is_not_compared(tmp_path: Path) -> None:
    content = b"one\r\ntwo\r\n"
    key = md5(content.replace(b"\r\n", b"\n"))
    path = tmp_path / "store" / key[:2] / key[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    files = {"dvc.yaml": LOGGED, "dvc.lock": lock("model.onnx", key, ""), ".dvc/config": local("../../store")}
    artifact = await checked(project(tmp_path / "r", files))
    assert artifact["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert artifact["uri"] == path.as_uri()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("change", "not those that were registered. The store of DVC has a damaged file: remove it"),
        ("remove", r"cannot be read: No such file or directory. Run `dvc push`"),
        ("no remote", ".dvc/config names no remote that this machine can find. Run `dvc pull` in a checkout"),
    ],
)
async def test_bytes_that_cannot_be_read_are_a_sentence(tmp_path: Path, damage: str, said: str) -> None:
    key = stored(tmp_path / "store", b"weights")
    text = "" if damage == "no remote" else local("../../store")
    files = {"dvc.yaml": LOGGED, "dvc.lock": lock("model.onnx", key), ".dvc/config": text}
    root = project(tmp_path / "r", files)
    path = tmp_path / "store" / config.place(key, is_legacy=False)
    path.write_bytes(b"forgery") if damage == "change" else path.unlink() if damage == "remove" else None
    with pytest.raises(RegistryError) as caught:
        await checked(root)
    assert said in str(caught.value)


async def test_a_damaged_list_of_files_is_a_sentence(tmp_path: Path) -> None:
    key = folder(tmp_path / "store")
    (tmp_path / "store" / config.place(key, is_legacy=False)).write_text("[]")
    files = {"dvc.yaml": LOGGED, "dvc.lock": lock("model.onnx", key), ".dvc/config": local("../../store")}
    with pytest.raises(RegistryError, match="in the store of DVC is damaged; run `dvc push` again"):
        await checked(project(tmp_path / "r", files))


async def test_a_store_that_keeps_versions_has_their_addresses_and_cannot_be_verified(tmp_path: Path) -> None:
    out = "{path: model.onnx, hash: md5, md5: 20f35e630daf44dbfa4c3f68f5399d8c, cloud: {store: {version_id: a/b}}}"
    text = local("s3://bucket/live") + "    version_aware = true\n"
    files = {"dvc.yaml": LOGGED, "dvc.lock": f"stages: {{t: {{cmd: x, outs: [{out}]}}}}", ".dvc/config": text}
    root = project(tmp_path / "r", files)
    (artifact,) = (await one(root)).record["artifacts"]
    assert (artifact["uri"], artifact["digest"]) == (
        "s3://bucket/live/model.onnx?versionId=a%2Fb",
        "md5:20f35e630daf44dbfa4c3f68f5399d8c",
    )
    with pytest.raises(RegistryError, match="keeps versions of files in a cloud store, which --verify cannot read"):
        await checked(root)


def test_the_page_names_each_word_of_a_role_and_each_directory_of_data() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-dvc.md").read_text(encoding="utf-8")
    for word in (*HOLDOUT, *(each for each in SPLITS if each != "training"), *DATA):
        assert f"`{word}`" in page, word


REMOTES = config.of_text(
    "[core]\n    remote = a\n['remote \"a\"']\n    url = remote://b/deep\n['remote \"b\"']\n    url = s3://u:p@x/y/\n"
    "['remote \"c\"']\n    url = ../store\n['remote \"d\"']\n    url = /mnt/x\n",
    Path("/home/ada/r"),
)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        (None, "s3://x/y/deep"),
        ("b", "s3://x/y"),
        ("c", "file:///home/ada/r/store"),
        ("d", "file:///mnt/x"),
        ("nope", None),
    ],
)
def test_a_remote_has_an_address_without_credentials(name: str | None, url: str | None) -> None:
    assert REMOTES.url(name) == url


@pytest.mark.parametrize(
    "text", ["", "x", "[core", "[core]\nremote = a", "[core]\nremote = a\n['remote \"a\"']\nurl ="]
)
def test_a_damaged_config_has_no_remote(text: str) -> None:
    assert config.of_text(text, None).url() is None
    assert Remotes({}, Path("/r")).address(Output("x", key="a" * 32)) is None


@given(st.binary(max_size=80) | JSON.map(lambda each: json.dumps(each).encode()))
def test_any_list_of_files_is_one_or_an_error(content: bytes) -> None:
    try:
        found = store.listed(content)
    except RegistryError:
        return
    assert all(isinstance(each, str) for pair in found.items() for each in pair)


SHAPES = st.dictionaries(
    st.sampled_from(("stages", "train", "outs", "deps", "params", "cmd", "wdir", "metrics", "path", "md5", "files")),
    st.recursive(
        JSON | st.just("models/m.pkl") | st.just("20f35e630daf44dbfa4c3f68f5399d8c.dir"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("outs", "deps", "path", "md5", "etag", "size", "cloud", "relpath", "files", "do")),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    max_size=4,
)


@given(SHAPES, SHAPES, SHAPES)
def test_any_shape_of_a_lock_a_pipeline_and_a_description_gives_a_record(
    lock: dict[str, Any], pipeline: dict[str, Any], described: dict[str, Any]
) -> None:
    stages = list(outputs.stages({"stages": lock}, {"stages": pipeline}, "sub"))
    person = Person("Ada", "ada@x", DAY)
    provenance = Provenance(of_name("churn@v1.0.0", "1"), None, Commit("t", person, person, "m"), "https://h/x.git")
    facts = Facts(
        model="churn",
        version="v1.0.0",
        provenance=provenance,
        described={**described, "meta": described.get("params"), "labels": described.get("deps")},
        artifact=Found("m", "s3://b/m", stages[0].outs[0] if stages and stages[0].outs else None),
        making=stages,
        measuring=stages,
        made=frozenset(),
        in_git=frozenset(),
        addresses={},
        evidence=Evidence({}, {}, {}),
        parent=None,
        aliases=(),
        deprecated=None,
    )
    found = record(facts, Notes())
    assert found["artifacts"][0]["name"] == "model"
    assert len({each["name"] for each in found.get("datasets", ())}) == len(found.get("datasets", ()))
