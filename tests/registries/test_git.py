"""`pennant import git` of a repository that real git made, from a checkout and through the file of a bundle."""

from pathlib import Path

import pytest

from registries.commands import ran
from unit.registries.git_project import POINTER, SHA256, commit, repository, run, tag

FILES = {
    "models/churn/model.onnx": POINTER,
    "models/churn/metrics.json": '{"validation": {"auc": 0.9}, "test": {"auc": 0.91}}',
    "models/churn/params.yaml": "lr: 0.1\n",
    "models/fraud/model.pkl": "pickled",
    "uv.lock": '[[package]]\nname = "numpy"\nversion = "2.3.5"\n',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = repository(tmp_path / "models")
    commit(root, FILES, "First")
    tag(root, "churn-1.0.0", "Retrained on Q3 data", day=2)
    tag(root, "fraud/v0.1.0", day=2)
    commit(root, {"models/churn/params.yaml": "lr: 0.2\n"}, "Raise the rate", day=3)
    tag(root, "churn-1.1.0", "Raise the rate", day=4)
    tag(root, "churn/production", at="churn-1.0.0^{commit}")
    return root


def test_each_version_has_a_valid_record(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rule: R210."""
    said = ran(capsys, "git", "--from", str(root), "--tag-alias=production")
    assert (said.code, said.errors) == (0, [])
    assert [(each["model"], each["version"], each.get("tags"), each.get("parent")) for each in said.specs] == [
        ("churn", "1.0.0", ["production"], None),
        ("churn", "1.1.0", None, "1.0.0"),
        ("fraud", "v0.1.0", None, None),
    ]
    assert said.specs[0]["artifacts"][0]["digest"] == f"sha256:{SHA256}"
    assert said.err.splitlines()[-2:] == [
        "digests of artefacts: 2 Recorded, 1 Weak; --verify computes them",
        "3 imported",
    ]


def test_a_second_import_changes_nothing_and_a_tag_that_moved_is_an_error(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("git", "--from", str(root), "--all-versions", "--write", str(tmp_path / "records"))
    assert ran(capsys, *words).err.splitlines()[-1] == "3 imported"
    assert ran(capsys, *words).err.splitlines()[-1] == "0 imported, 3 unchanged"
    run(root, "tag", "--force", "--annotate", "--message=Again", "churn-1.0.0", day=5)
    said = ran(capsys, *words)
    assert said.code == 1
    assert "error: churn 1.0.0: the registry says something else than " in said.err
    assert "spec.code.commit" in said.err


def test_an_imported_version_that_is_committed_is_not_imported_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(capsys, "git", "fraud", "--from", str(root), "--write", str(root / "records"))
    commit(root, {}, "Add the records", day=6)
    run(root, "tag", "--force", "fraud/v0.1.0")
    said = ran(capsys, "git", "fraud", "--from", str(root))
    assert (said.code, said.out) == (0, "")
    assert "the commit has its record already, in records/fraud-v0.1.0.yaml; apply that file" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "/nowhere"), "error: /nowhere is no directory, and no URL of a Git repository"),
        (("--from", "{root}#nope"), "error: churn 1.1.0: the commit has no file and no directory nope"),
        (
            ("--from", "{root}", "nope"),
            "error: nope: no tag of https://git.example/shop/fraud.git is a version of nope",
        ),
        (
            ("--from", "{root}", "churn", "--verify"),
            "error: churn 1.1.0: the bytes of models/churn/model.onnx are in Git",
        ),
    ],
)
def test_wrong_input_is_a_sentence(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    ended = ran(capsys, "git", *(each.replace("{root}", str(root)) for each in words))
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err
