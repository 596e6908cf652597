"""`promote --write`: only the tags change in the text of manifests, and errors say where it looked."""

import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from unit.cli.conftest import Run

HEAD = """\
# Versions of the model.
apiVersion: pennant.dev/v1alpha1
kind: ModelVersion
metadata:
    name:   "fraud-{0}"      # quoted, and aligned
spec:
    model: fraud
    version: {0}
"""
TAIL = """\
    # What is served.
    artifacts:
    - name: model
      uri: 's3://models/a-very-long-path/that-would-be-folded/at-eighty-columns/by-a-dump/of-the-document/{0}/model.onnx'
      digest: sha256:6f0d3f7a2f0f9d3b1c2f4a5e6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8

"""
OTHER = "kind: ConfigMap\ndata: {a:   'b'}   # odd spaces\n"


def a_manifest(version: str, tags: str) -> str:
    return HEAD.format(version) + tags + TAIL.format(version)


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory


STYLES = [
    # What the new version has and will have, and the same of the old one.
    ("", "    tags: [production]\n", "    tags: [production]\n", "    tags: []\n"),
    ("    tags: []\n", "    tags: [production]\n", "    tags: [ production ]\n", "    tags: []\n"),
    (
        "    tags: [staging] # why\n",
        "    tags: [staging, production] # why\n",
        "    tags: [a, production, b]\n",
        "    tags: [a, b]\n",
    ),
    (
        "    tags: ['staging']\n",
        "    tags: ['staging', 'production']\n",
        '    tags: ["production", "b"]\n',
        '    tags: ["b"]\n',
    ),
    (
        "    tags:\n    - staging\n",
        "    tags:\n    - staging\n    - production\n",
        "    tags:\n    # live\n    - production # moved by hand\n    # kept\n    - stable\n",
        "    tags:\n    # live\n    # kept\n    - stable\n",
    ),
    (
        "    tags:\n      -   staging\n",
        "    tags:\n      -   staging\n      -   production\n",
        "    tags: # all\n      - production\n",
        "    tags: [] # all\n",
    ),
    ("    tags:\n", "    tags: [production]\n", "    tags:\n    - production\n", "    tags: []\n"),
    ("    tags: null\n", "    tags: [production]\n", "    tags: [\n      production,\n      b\n    ]\n", None),
]


@pytest.mark.parametrize(("new", "new_after", "old", "old_after"), STYLES)
def test_only_the_tags_change(
    pennant: Run, tmp_path: Path, new: str, new_after: str, old: str, old_after: str | None
) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", new), old=f"{OTHER}---\n{a_manifest('1.0.0', old)}---\n{OTHER}")
    code, out, err = pennant("promote", "fraud-1.1.0", "--write", str(where))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{where}/new.yaml: fraud-1.1.0 tagged production",
        f"{where}/old.yaml: fraud-1.0.0 untagged production",
        "2 files changed. Commit and push to promote fraud-1.1.0.",
    ]
    assert (where / "new.yaml").read_text() == a_manifest("1.1.0", new_after)
    text = (where / "old.yaml").read_text()
    assert "production" not in yaml.safe_load_all(text).__str__()
    if old_after is not None:
        assert text == f"{OTHER}---\n{a_manifest('1.0.0', old_after)}---\n{OTHER}"


def test_several_documents_of_one_file_change_together(pennant: Run, tmp_path: Path) -> None:
    both = f"---\n{a_manifest('1.0.0', f'    tags: [production]{chr(10)}')}---\n{a_manifest('1.1.0', '')}"
    where = written(tmp_path, versions=both)
    assert pennant("promote", "1.1.0", "--write", str(where / "versions.yaml"))[0] == 0
    after = (where / "versions.yaml").read_text()
    assert after == both.replace("tags: [production]", "tags: []").replace(
        "    version: 1.1.0\n", "    version: 1.1.0\n    tags: [production]\n"
    )


def test_a_file_with_line_ends_of_windows_keeps_them(pennant: Run, tmp_path: Path) -> None:
    text = a_manifest("1.1.0", "    tags:\n    - a\n").replace("\n", "\r\n")
    path = tmp_path / "new.yaml"
    path.write_bytes(text.encode())
    assert pennant("promote", "fraud-1.1.0", "--write", str(path))[0] == 0
    assert path.read_bytes().decode() == text.replace("    - a\r\n", "    - a\r\n    - production\r\n")


def test_json_stays_json(pennant: Run, tmp_path: Path) -> None:
    def a_version(version: str, **spec: object) -> dict[str, object]:
        head = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": f"fraud-{version}"}}
        return {**head, "spec": {"model": "fraud", "version": version, **spec}}

    items = [a_version("1.0.0", tags=["production"]), a_version("1.1.0"), a_version("1.2.0", tags=[])]
    path = tmp_path / "versions.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2))
    assert pennant("promote", "fraud-1.1.0", "--write", str(tmp_path))[0] == 0
    assert [each["spec"].get("tags") for each in json.loads(path.read_text())["items"]] == [[], ["production"], []]
    assert pennant("promote", "fraud-1.2.0", "--write", str(tmp_path))[0] == 0
    assert [each["spec"]["tags"] for each in json.loads(path.read_text())["items"]] == [[], [], ["production"]]


def test_tags_by_an_alias_are_written_out(pennant: Run, tmp_path: Path) -> None:
    old = a_manifest("1.0.0", "    tags: &live [production]\n    x: *live\n")
    where = written(tmp_path, new=a_manifest("1.1.0", ""), old=old)
    assert pennant("promote", "1.1.0", "--write", str(where))[0] == 0
    assert yaml.safe_load((where / "old.yaml").read_text())["spec"]["tags"] == []


def test_a_version_that_has_the_tag_already_changes_no_file(pennant: Run, tmp_path: Path) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", "    tags: [production]\n"))
    before = (where / "new.yaml").stat()
    code, out, _ = pennant("promote", "1.1.0", "--write", str(where))
    assert (code, out) == (0, f"{where}/new.yaml: fraud-1.1.0 already has the tag production; no file changed\n")
    assert (where / "new.yaml").stat().st_ino == before.st_ino


def test_a_dry_run_shows_the_difference_and_writes_nothing(pennant: Run, tmp_path: Path) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", ""))
    code, out, _ = pennant("promote", "1.1.0", "--write", str(where), "--dry-run=client")
    assert code == 0
    assert "fraud-1.1.0 tagged production (client dry run)" in out
    assert "+    tags: [production]" in out
    assert (where / "new.yaml").read_text() == a_manifest("1.1.0", "")


def test_permissions_and_links_stay(pennant: Run, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    target = written(tmp_path / "base", new=a_manifest("1.1.0", "")) / "new.yaml"
    target.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    assert pennant("promote", "1.1.0", "--write", str(link))[0] == 0
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert "production" in target.read_text()
    assert [each.name for each in (tmp_path / "base").iterdir()] == ["new.yaml"], "no temporary file is left"


def test_a_version_that_is_in_no_file_is_an_error_that_names_where_it_looked(pennant: Run, tmp_path: Path) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", ""), other=OTHER)
    (where / "template.yaml").write_text("{{ if .Values.x }}\nkind: ModelVersion\n{{ end }}")
    code, _, err = pennant("promote", "fraud-1.2.0", "--write", str(where))
    assert code == 1
    assert err == (
        f"error: no manifest of fraud-1.2.0 in {where} (3 files); these are no YAML and were left out: "
        f"{where}/template.yaml. Did you mean fraud-1.1.0?\n"
    )


def test_a_version_in_several_files_is_ambiguous_without_its_namespace(pennant: Run, tmp_path: Path) -> None:
    def of(namespace: str) -> str:
        return a_manifest("1.1.0", "").replace("metadata:\n", f"metadata:\n    namespace: {namespace}\n")

    where = written(tmp_path, dev=of("dev"), prod=of("prod"))
    code, _, err = pennant("promote", "1.1.0", "--write", str(where))
    assert code == 1
    assert f"is ambiguous: fraud-1.1.0 in {where}/dev.yaml, fraud-1.1.0 in {where}/prod.yaml" in err
    assert pennant("promote", "1.1.0", "--write", str(where), "-n", "prod")[0] == 0
    assert "production" in (where / "prod.yaml").read_text()
    assert "production" not in (where / "dev.yaml").read_text()


def test_several_files_may_follow_write(pennant: Run, tmp_path: Path) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", ""), old=a_manifest("1.0.0", "    tags: [production]\n"))
    code, out, _ = pennant("promote", "1.1.0", "--write", str(where / "new.yaml"), str(where / "old.yaml"))
    assert code == 0
    assert "2 files changed" in out


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [b\nkind: ModelVersion", "cannot be read as YAML"), (None, "does not exist")],
)
def test_a_file_that_cannot_be_read_is_named(pennant: Run, tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "new.yaml"
    if text is not None:
        path.write_text(text)
    code, _, err = pennant("promote", "1.1.0", "--write", str(path))
    assert code == 1
    assert err.startswith("error: ")
    assert str(path) in err
    assert says in err


def test_a_file_that_cannot_be_written_is_named_with_those_that_were(
    pennant: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = written(tmp_path, new=a_manifest("1.1.0", ""), old=a_manifest("1.0.0", "    tags: [production]\n"))
    make = tempfile.mkstemp

    def full(**options: Any) -> tuple[int, str]:
        if options["prefix"] == ".old.yaml.":
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(**options)

    monkeypatch.setattr(tempfile, "mkstemp", full)
    code, _, err = pennant("promote", "1.1.0", "--write", str(where))
    assert code == 1
    assert err == (
        f"error: {where}/old.yaml cannot be written: No space left on device; changed already: {where}/new.yaml\n"
    )
    assert (where / "old.yaml").read_text() == a_manifest("1.0.0", "    tags: [production]\n")


def test_the_server_is_not_asked_by_write(pennant: Run, tmp_path: Path) -> None:
    code, _, err = pennant("promote", "1.1.0", "--write", str(tmp_path), "--dry-run=server")
    assert code == 1
    assert "use --dry-run=client" in err
