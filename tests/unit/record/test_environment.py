"""Lock files: their digests, and the versions of machine-learning libraries in each format."""

import hashlib
import platform
from pathlib import Path

import pytest

from pennant.record import environment
from pennant.record.errors import RegisterError

TOML = '[[package]]\nname = "scikit-learn"\nversion = "1.9.1"\n[[package]]\nname = "click"\nversion = "8.5"\n'
BOTH = [("numpy", "2.4.6"), ("scikit-learn", "1.9.1")]


@pytest.mark.parametrize(
    ("name", "text", "libraries"),
    [
        (
            "requirements.lock",
            "numpy==2.4.6 \\\n    --hash=sha256:00\nScikit_Learn==1.9.1 ; python_version > '3' # x\n# torch==1\n",
            BOTH,
        ),
        ("freeze.txt", "numpy==2.4.6\nscikit-learn===1.9.1\nmine @ file:///tmp/mine\n-e git+https://x/y\n", BOTH),
        ("requirements.txt", "numpy==2.4.6; python_version>='3'\nnumpy==1.0; python_version<'3'\n", []),
        ("uv.lock", "version = 1\n" + TOML, [("scikit-learn", "1.9.1")]),
        ("poetry.lock", TOML, [("scikit-learn", "1.9.1")]),
        ("pylock.toml", TOML.replace("[[package]]", "[[packages]]"), [("scikit-learn", "1.9.1")]),
        ("Pipfile.lock", '{"default": {"numpy": {"version": "==2.4.6"}, "x": {}}, "develop": {}}', [BOTH[0]]),
        (
            "conda-lock.yml",
            "package:\n- {name: numpy, version: 2.4.6, platform: linux-64}\n- {name: numpy, version: 2.4.6}\n",
            [BOTH[0]],
        ),
        (
            "environment.yml",
            "dependencies:\n- numpy=2.4.6=py311_0\n- pip:\n  - scikit-learn==1.9.1\n",
            BOTH,
        ),
    ],
)
def test_libraries_of_a_lock_file(tmp_path: Path, name: str, text: str, libraries: list[tuple[str, str]]) -> None:
    path = tmp_path / name
    path.write_text(text)
    part = environment.read(path, tmp_path)
    found = part.spec["environment"]
    assert [(each["name"], each["version"]) for each in found.get("frameworks", ())] == libraries
    assert found["lockDigest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert found["lockUri"] == name


def test_what_is_not_pinned_is_told(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=2\nscikit-learn\npandas==3\n")
    (warning,) = environment.read(tmp_path / "requirements.txt", None).warnings
    assert "has no exact version of numpy, scikit-learn, so it does not pin the environment" in warning
    (tmp_path / "empty.lock").write_text("")
    assert "names no library" in environment.read(tmp_path / "empty.lock", None).warnings[0]


def test_a_broken_lock_file_is_refused(tmp_path: Path) -> None:
    for name, text in (("uv.lock", "[[package]]\nname ="), ("Pipfile.lock", "{"), ("conda-lock.yml", "- a")):
        (tmp_path / name).write_text(text)
        with pytest.raises(RegisterError, match=name):
            environment.read(tmp_path / name, None)


def test_the_running_python_tells_its_libraries() -> None:
    found = environment.running().spec["environment"]
    assert found["languageVersion"] == platform.python_version()
    assert "numpy" in [each["name"] for each in found["frameworks"]]


def test_lock_files_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").touch()
    (tmp_path / "requirements.txt").touch()
    assert environment.found_in(tmp_path) == [tmp_path / "uv.lock"]
