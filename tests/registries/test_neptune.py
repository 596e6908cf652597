"""`import neptune`: an export in Parquet, of the schema of neptune-exporter."""

import hashlib
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries.neptune import attributes
from registries.exported_neptune import PROJECT, export, file, sanitized, series, stored, value, version, write

Run = tuple[int, str, str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    export(tmp_path / "exports", tmp_path / "data")
    return tmp_path / "exports"


def ran(capsys: pytest.CaptureFixture[str], root: Path, *args: str) -> Run:
    code = main(["import", "neptune", "--from", str(root), *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def specs(out: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(out)}


def test_a_version_has_all_that_its_export_and_its_run_have(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    code, out, err = ran(capsys, root, "--verify")
    assert code == 0, err
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []
    found = specs(out)
    # The first one is archived; the second one is in production, and the third one is the newest.
    assert list(found) == ["churn-cls-3", "churn-cls-2"]
    spec = found["churn-cls-2"]
    (artifact,) = spec["artifacts"]
    assert artifact["uri"].endswith(f"/model_files/{sanitized(PROJECT)}/model_versions/CHURN-CLS-2/model/binary.onnx")
    assert artifact["digest"] == f"sha256:{hashlib.sha256(b'weights' * 2).hexdigest()}"
    assert artifact["format"] == {"name": "onnx"}
    lines = "".join(f"{hashlib.sha1(each.encode()).hexdigest()}  {each}\n" for each in ("a.csv", "b.csv"))
    (data,) = spec["datasets"]
    assert (data["name"], data["role"]) == ("data/train", "Training")
    assert data["digest"] == f"sha1:{hashlib.sha1(lines.encode()).hexdigest()}"
    assert {each["name"]: each["value"] for each in spec["hyperparameters"]} == {"lr": "1e-05", "layers": "3"}
    assert spec["metrics"] == [
        {"name": "test/acc", "value": "0.8", "split": "Test"},
        {"name": "train/loss", "value": "0.0002", "split": "Train"},
        {"name": "validation/acc", "value": "0.92", "split": "Validation"},
    ]
    assert spec["environment"]["frameworks"][0] == {"name": "numpy", "version": "2.3.1"}
    assert spec["code"]["path"] == "train.py"
    assert (spec["author"], spec["training"]["run"]) == ({"name": "ada"}, "CHURN-2")
    assert spec["source"]["annotations"]["model.sys/name"] == "Churn classifier"
    assert "k3y" not in out + err
    assert "CHURN-CLS 2: api_key may be a secret, so the record does not have its value" in err
    assert "CHURN-CLS 3: the run CHURN-3 is not in the export, so only what the version itself has is known" in err
    assert err.splitlines()[-2:] == ["digests of artefacts: 2 Verified", "2 imported"]


def test_a_second_import_changes_nothing(capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path) -> None:
    target = tmp_path / "manifests"
    code, out, err = ran(capsys, root, "--write", str(target), "--as-semver", "--tag-alias=production")
    assert (code, len(out.splitlines()), err.splitlines()[-1]) == (0, 2, "2 imported")
    spec = yaml.safe_load((target / "churn-cls-2.0.0.yaml").read_text())["spec"]
    assert (spec["tags"], spec["source"]["version"]) == (["production"], "2")
    written = {path.name: path.read_text() for path in target.iterdir()}
    code, _, err = ran(capsys, root, "--write", str(target), "--as-semver", "--all-versions", "--verify")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 2 unchanged")
    assert {path.name: path.read_text() for path in target.iterdir() if path.name in written} == written


def test_a_version_that_changed_under_its_number_is_an_error(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    target = tmp_path / "manifests"
    ran(capsys, root, "--write", str(target))
    place = "model_versions/CHURN-CLS-3/model/binary.onnx"
    rows = [*version(3), file("model/binary.onnx", place), value("validation/acc", 0.5)]
    write(root / "model_data", "model_versions", "CHURN-CLS-3", rows, per_part=6)
    code, _, err = ran(capsys, root, "--write", str(target))
    assert code == 1
    assert "error: CHURN-CLS 3: the registry says something else than" in err
    assert "spec.metrics[validation/acc/Validation].value" in err


def parts(root: Path, name: str) -> list[Path]:
    return sorted((root / "model_data" / sanitized(PROJECT) / "model_versions").glob(f"{name}-*"))


def test_a_file_that_is_damaged_is_an_error_and_the_others_are_imported(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    whole = parts(root, "CHURN-CLS-2")[0].read_bytes()
    parts(root, "CHURN-CLS-2")[0].write_bytes(whole[: len(whole) // 2])
    code, out, err = ran(capsys, root, "--all-versions", "-o", "name")
    assert (code, len(out.split())) == (1, 2)
    assert f"error: CHURN-CLS 2: {parts(root, 'CHURN-CLS-2')[0]} cannot be read: " in err
    assert "Copy the export again" in err


def test_parquet_of_something_else_is_an_error(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"a": [1]}), parts(root, "CHURN-CLS-2")[0])
    code, _, err = ran(capsys, root, "-o", "name")
    assert code == 1
    assert "has no column project_id, so neptune-exporter did not write it" in err


def test_files_that_were_not_copied_are_told(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    (root / "model_files").rename(root / "elsewhere")
    code, out, err = ran(capsys, root)
    assert (code, out) == (1, "")
    assert "error: CHURN-CLS 2: the export has no file of a model in it" in err
    assert "copy the directory model_files as well" in err


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nope", "is no directory; give the one that has the directory model_data"),
        ("data", "has no directory model_data"),
    ],
)
def test_a_directory_without_an_export_is_a_sentence(
    capsys: pytest.CaptureFixture[str], root: Path, place: str, said: str
) -> None:
    code, out, err = ran(capsys, root / place)
    assert (code, out) == (1, "")
    assert said in err
    code = main(["import", "neptune"])
    assert (code, "no export is given; use --from DIRECTORY" in capsys.readouterr().err) == (1, True)


def test_the_last_value_of_a_series_counts_whatever_the_order_of_its_rows(root: Path) -> None:
    rows = [*version(4), *reversed(series("val/loss", [float(step) for step in range(6000)]))]
    read = attributes.read(write(root / "model_data", "model_versions", "CHURN-CLS-4", rows, per_part=2500))
    known = read.values["val/loss"]
    assert (known.value, known.count, read.project, read.id) == (5999.0, 6000, PROJECT, "CHURN-CLS-4")


MEASURED = """
import resource, sys
from pathlib import Path
from pennant.registries.neptune import attributes
attributes.read([Path(sys.argv[1])])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
attributes.read([Path(sys.argv[2])])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_long_series_needs_the_memory_of_a_batch(root: Path) -> None:
    (few,) = write(root / "data", "", "CHURN-8", [*version(8), *series("loss", [0.5] * 5_000)])
    (many,) = write(root / "data", "", "CHURN-9", [*version(9), *series("loss", [0.5] * 300_000)], per_part=1_000_000)
    command = [sys.executable, "-c", MEASURED, str(few), str(many)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    # In KiB. As objects of Python, 300,000 rows take 200 MB.
    assert int(done.stdout) < 40_000


def test_many_versions_are_read_one_after_the_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stored(tmp_path / "model_files", "model", b"weights")
    for number in range(300):
        write(
            tmp_path / "model_data", "model_versions", f"CHURN-CLS-{number}", [*version(number), file("model", "model")]
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, out, _ = ran(capsys, tmp_path, "--all-versions", "-o", "name")
    assert (code, out.split()[0], len(out.split())) == (0, "modelversion.pennant.dev/churn-cls-299", 300)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
