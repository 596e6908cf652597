"""The commit of real checkouts: clean, dirty, without a remote, without a commit, and where there is none."""

from pathlib import Path

import pytest

from pennant.record import git
from unit.record.projects import HOME, checkout
from unit.record.projects import git as run


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOME.items():
        monkeypatch.setenv(name, value)


def test_a_clean_checkout(tmp_path: Path) -> None:
    root = checkout(tmp_path / "p", "https://ci:t0ken@git.example/shop/fraud.git")
    run(root, "config", "user.name", "Ada")
    run(root, "config", "user.email", "ada@example.com")
    run(root, "tag", "v1.0")
    (root / "model.pkl").write_text("results are not tracked")
    (root / "below").mkdir()
    found = git.read(root / "below")
    assert found.root == root
    assert found.part.spec == {
        "code": {
            "repository": "https://git.example/shop/fraud.git",
            "commit": run(root, "rev-parse", "HEAD"),
            "dirty": False,
            "tag": "v1.0",
        },
        "author": {"name": "Ada", "email": "ada@example.com"},
    }
    assert found.part.warnings == ()


@pytest.mark.parametrize("is_staged", [False, True])
def test_a_dirty_checkout_says_so_in_the_record_and_in_a_warning(tmp_path: Path, is_staged: bool) -> None:
    root = checkout(tmp_path)
    (root / "train.py").write_text("fit(better=True)\n")
    if is_staged:
        run(root, "add", "train.py")
    found = git.read(root)
    assert found.part.spec["code"]["dirty"] is True
    (warning,) = found.part.warnings
    assert warning.startswith("the working tree has uncommitted changes (train.py); code.dirty is true")


def test_a_checkout_without_remote_has_its_commit(tmp_path: Path) -> None:
    root = checkout(tmp_path, None)
    assert git.read(root).part.spec["code"].keys() == {"commit", "dirty"}


def test_where_there_is_no_commit_the_warning_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = git.read(tmp_path).part.warnings
    assert found == f"no commit is recorded: {tmp_path} is in no git repository"
    run(tmp_path, "init", "--quiet")
    (found,) = git.read(tmp_path).part.warnings
    assert found == f"no commit is recorded: {tmp_path} has no commit yet"
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = git.read(tmp_path).part.warnings
    assert found == "git is not installed, so its commit is not recorded"
