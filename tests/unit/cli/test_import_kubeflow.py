"""`import kubeflow`: from a server to standard output and a directory, and what is said of wrong answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pennant.cli import clock
from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries import http
from pennant.registries.kubeflow import connection
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON
from unit.registries.fake_kubeflow import Answer, FakeKubeflow, error, seeded, served

BASE = "https://registry.example"


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch) -> FakeKubeflow:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    monkeypatch.delenv("KF_PIPELINES_SA_TOKEN_PATH", raising=False)
    monkeypatch.delenv("MODEL_REGISTRY_SCHEME", raising=False)
    return seeded()


@pytest.fixture
def address(kubeflow: FakeKubeflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with served(kubeflow) as url:
        monkeypatch.setenv("MODEL_REGISTRY_BASE_URL", url.removeprefix("http://"))
        yield url


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["import", "kubeflow", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_manifests_are_printed_and_are_valid(capsys: pytest.CaptureFixture[str], address: str) -> None:
    code, out, err = ran(capsys, "-n", "shop", "--all-versions")
    assert code == 0
    assert_golden("import/kubeflow.yaml", out.replace(address, BASE).rstrip())
    assert_golden("import/kubeflow.txt", err.rstrip())
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []


def test_it_is_imported_once_and_unchanged_the_second_time(
    capsys: pytest.CaptureFixture[str], address: str, tmp_path: Path, kubeflow: FakeKubeflow
) -> None:
    code, _, err = ran(capsys, "--write", str(tmp_path), f"--from={address}")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 2 skipped")
    kubeflow.kinds["model_versions"][1]["description"] = "another one"
    code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 1 unchanged, 2 skipped")
    kubeflow.owned["model_versions", "4"][0]["uri"] = "s3://models/other"
    code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions")
    assert (code, "in spec.artifacts[churn].uri. " in err) == (1, True)


def test_versions_that_are_semantic_stay_so_and_others_may_become(
    capsys: pytest.CaptureFixture[str], address: str, kubeflow: FakeKubeflow
) -> None:
    kubeflow.kinds["model_versions"][0]["name"] = "v7"
    _, out, _ = ran(capsys, "--as-semver", "--all-versions", "Churn Model")
    assert [each["spec"]["version"] for each in yaml.safe_load_all(out)] == ["7.0.0", "1.1.0"]


def test_the_token_is_that_of_the_file(
    capsys: pytest.CaptureFixture[str],
    address: str,
    kubeflow: FakeKubeflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeflow.token = "t0ken"
    code, _, err = ran(capsys)
    assert (code, "does not accept the credentials (401): no such token. Write a token into a file" in err) == (1, True)
    (tmp_path / "token").write_text("t0ken\n")
    # That of the pod is not sent over plain HTTP.
    monkeypatch.setattr(connection, "POD_TOKEN", tmp_path / "token")
    assert ran(capsys)[0] == 1
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    code, out, err = ran(capsys, "-o", "name", "Churn Model")
    assert (code, "t0ken" in out + err) == (0, False)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "nope"))
    code, _, err = ran(capsys)
    assert (code, "KF_PIPELINES_SA_TOKEN_PATH: " in err) == (1, True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, "<html>Sign in</html>"), "answers with a web page, not with JSON"),
        (Answer(200, '{"items": [{"na'), "answers with JSON that ends early or is wrong"),
        (Answer(200, '{"items": []}' + " " * 99, cut=50), "the answer ends early"),
        (Answer(200, "[]"), "answers with no JSON object"),
        (error(403, "no"), "may not be read (403): no"),
        (error(503, "starting"), "is not available (503): starting, 5 times in a row"),
        (error(500, "oops"), "fails with HTTP 500: oops"),
    ],
)
def test_an_answer_that_is_wrong_is_named(
    capsys: pytest.CaptureFixture[str], address: str, kubeflow: FakeKubeflow, answer: Answer, said: str
) -> None:
    kubeflow.broken["registered_models"] = answer
    code, out, err = ran(capsys)
    assert (code, out) == (1, "")
    assert said in err, err


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("ftp://x", "ftp://x is no address of a Kubeflow Model Registry"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9 does not answer"),
        ("", "no registry is given; use --from URL, or set MODEL_REGISTRY_BASE_URL"),
    ],
)
def test_an_address_that_is_wrong_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kubeflow: FakeKubeflow, given_: str, said: str
) -> None:
    monkeypatch.delenv("MODEL_REGISTRY_BASE_URL", raising=False)
    code, _, err = ran(capsys, f"--from={given_}")
    assert (code, said in err) == (1, True), err


def test_after_a_failure_the_same_command_imports_the_rest(
    capsys: pytest.CaptureFixture[str], address: str, tmp_path: Path, kubeflow: FakeKubeflow
) -> None:
    kubeflow.broken["model_versions/2/artifacts"] = error(503, "starting")
    args = ("--write", str(tmp_path), "--all-versions", "Churn Model")
    code, _, err = ran(capsys, *args)
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "1 imported, 1 skipped, 1 failed")
    kubeflow.broken.clear()
    code, _, err = ran(capsys, *args)
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 1 unchanged, 1 skipped")
