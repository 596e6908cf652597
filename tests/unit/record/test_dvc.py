"""What `dvc.lock` and `.dvc` files say, in the text that DVC writes."""

from pathlib import Path

import pytest

from pennant.record import dvc
from pennant.record.errors import RegisterError
from unit.record.projects import checkout

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    deps:
    - path: data/raw.csv
      hash: md5
      md5: 0cc175b9c0f1b6a831c399e269772661
      size: 100
    outs:
    - path: data/prepared
      hash: md5
      md5: 92eb5ffee6ae2fec3ad71c777531578f.dir
      size: 90
      nfiles: 3
  train:
    cmd: python train.py
    deps:
    - path: data/prepared
      hash: md5
      md5: 92eb5ffee6ae2fec3ad71c777531578f.dir
      size: 90
      nfiles: 3
    - path: data/holdout.csv
      hash: md5
      md5: 4a8a08f09d37b73795649038408b5f33
      size: 10
    - path: train.py
      hash: md5
      md5: 8277e0910d750195b448797616e091ad
      size: 12
    params:
      params.yaml:
        train.lr: 0.1
        train.layers:
        - 64
        - 32
    outs:
    - path: models/model.pkl
      hash: md5
      md5: 20f35e630daf44dbfa4c3f68f5399d8c
      size: 5
"""
POINTER = """\
outs:
- md5: 0cc175b9c0f1b6a831c399e269772661
  size: 100
  hash: md5
  path: raw.csv
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = checkout(tmp_path / "project")
    (root / "dvc.lock").write_text(LOCK)
    (root / "models").mkdir()
    (root / "models" / "model.pkl").write_text("model")
    return root


def with_remote(
    root: Path, text: str = "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://dvc/fraud/\n"
) -> None:
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc" / "config").write_text(text)


def test_the_stage_that_made_the_artefact_has_data_and_parameters(project: Path) -> None:
    with_remote(project)
    part = dvc.read(project / "models", project, [project / "models" / "model.pkl"])
    assert part is not None
    assert part.spec == {
        "datasets": [
            {
                "name": "prepared",
                "role": "Training",
                "uri": "s3://dvc/fraud/files/md5/92/eb5ffee6ae2fec3ad71c777531578f.dir",
                "digest": "md5-dir:92eb5ffee6ae2fec3ad71c777531578f",
            },
            {
                "name": "holdout.csv",
                "role": "Test",
                "uri": "s3://dvc/fraud/files/md5/4a/8a08f09d37b73795649038408b5f33",
                "digest": "md5:4a8a08f09d37b73795649038408b5f33",
            },
        ],
        "hyperparameters": [{"name": "train.lr", "value": "0.1"}, {"name": "train.layers", "value": "[64, 32]"}],
    }


@pytest.mark.parametrize("content", ["other", "a longer model"])
def test_a_lock_of_another_file_is_not_used(project: Path, content: str) -> None:
    path = project / "models" / "model.pkl"
    path.write_text(content)
    part = dvc.read(project, project, [path])
    assert part is not None
    assert part.spec == {}
    assert "is of another models/model.pkl than the artefact, so it is not used" in part.warnings[0]


def test_data_that_the_user_named_is_left_out(project: Path) -> None:
    part = dvc.read(project, project, [project / "models" / "model.pkl"], [project / "data" / "prepared"])
    assert part is not None
    assert [each["name"] for each in part.spec["datasets"]] == ["holdout.csv"]


def test_without_a_remote_the_uri_is_the_path(project: Path) -> None:
    for text in (
        "",
        "[core]\nremote = other\n",
        "no configuration",
        "[core]\nremote = store\n['remote \"store\"']\nurl = ../x\n",
    ):
        with_remote(project, text)
        assert dvc.remote_url(project) is None
    part = dvc.read(project, project, [project / "models" / "model.pkl"])
    assert part is not None
    assert [each["uri"] for each in part.spec["datasets"]] == ["data/prepared", "data/holdout.csv"]


def test_another_artefact_is_of_no_stage(project: Path) -> None:
    part = dvc.read(project, project, [project / "train.py"])
    assert part is not None
    assert (part.spec, "no stage has an artefact" in part.warnings[0]) == ({}, True)


def test_a_lock_above_the_checkout_is_not_read(project: Path) -> None:
    inner = checkout(project / "inner")
    assert dvc.read(inner, inner, []) is None
    (project / "dvc.lock").unlink()
    assert dvc.read(project, project, []) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [", "is no YAML"), ("[]", ""), ("stages: 3", ""), ("stages: {train: {outs: [3, {path: 4}]}}", "")],
)
def test_a_lock_in_another_form_is_told(project: Path, text: str, says: str) -> None:
    (project / "dvc.lock").write_text(text)
    if says:
        with pytest.raises(RegisterError, match=says):
            dvc.read(project, project, [])
    else:
        part = dvc.read(project, project, [])
        assert part is not None
        assert (part.spec, len(part.warnings)) == ({}, 1)


def test_a_dvc_file_beside_a_data_set_has_its_digest(tmp_path: Path) -> None:
    (tmp_path / "raw.csv.dvc").write_text(POINTER)
    assert dvc.of_file(tmp_path / "raw.csv") == dvc.Tracked("raw.csv", "md5:0cc175b9c0f1b6a831c399e269772661", 100)
    assert dvc.of_file(tmp_path / "other.csv") is None
    (tmp_path / "raw.csv.dvc").write_text(POINTER.replace("md5: 0cc", "md5: xcc"))
    assert dvc.of_file(tmp_path / "raw.csv") is None


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("data/train.csv", "Training"),
        ("data/test/transactions.csv", "Training"),
        ("X_val.npy", "Validation"),
        ("eval-2024.parquet", "Validation"),
        ("holdout", "Test"),
        ("latest.csv", "Training"),
    ],
)
def test_the_words_of_a_file_name_tell_the_use_of_the_data(path: str, role: str) -> None:
    assert dvc.role_of(path) == role
