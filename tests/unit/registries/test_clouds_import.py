"""`import`: from Vertex AI and Azure ML, with a token that the user gave."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.cli import clock
from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries import http
from pennant.registries.vertex import connection
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON
from unit.registries import fake_azureml, fake_vertex
from unit.registries.fake_rest import Answer, FakeRest, served

Ran = Callable[..., tuple[int, str, str]]
VERTEX, AZURE = f"v1/{fake_vertex.LOCATION}", fake_azureml.SHORT
FILES = {"churn": "models/churn/2/model.pkl", "Churn_Model": "blobs/models/Churn_Model/candidate/model.pkl"}


@pytest.fixture(params=["vertex", "azureml"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(kind: str) -> FakeRest:
    return fake_vertex.vertex() if kind == "vertex" else fake_azureml.azureml()


@pytest.fixture
def model(kind: str) -> str:
    return "churn" if kind == "vertex" else "Churn_Model"


@pytest.fixture
def address(kind: str, fake: FakeRest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(connection, "BUSY_PAUSE", 0.001)
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "given")
    monkeypatch.setenv("AZURE_ACCESS_TOKEN", "given")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    with served(fake) as url:
        if isinstance(fake, fake_azureml.FakeAzureMl):
            fake_azureml.at(fake, url)
        monkeypatch.setenv("GOOGLE_BASE_URL", url)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", url)
        yield url


@pytest.fixture
def ran(kind: str, address: str, capsys: pytest.CaptureFixture[str]) -> Ran:
    def run(*args: str) -> tuple[int, str, str]:
        code = main(["import", kind, "--from", f"{address}/{VERTEX if kind == 'vertex' else AZURE}", *args])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def versions(out: str) -> list[Any]:
    return list(yaml.safe_load_all(out))


def test_the_manifests_are_printed_and_are_valid(ran: Ran, kind: str, fake: FakeRest, model: str, address: str) -> None:
    fake.objects[FILES[model]] = b"weights"
    code, out, err = ran("--verify", "--repository=https://git.example/churn.git", "-n", "shop", model)
    assert code == 0
    assert_golden(f"import/{kind}.yaml", out.replace(address, "https://host.example").rstrip())
    assert_golden(f"import/{kind}.txt", err.rstrip())
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []


def test_the_token_is_sent_and_is_in_no_message(ran: Ran, fake: FakeRest) -> None:
    code, out, err = ran()
    assert code == 0
    assert set(fake.credentials) == {"Bearer given"}
    assert "given" not in out + err
    assert "hunter2" not in out + err


def test_files_are_written_once(ran: Ran, model: str, tmp_path: Path) -> None:
    code, out, _ = ran(model, "--write", str(tmp_path))
    assert (code, len(out.splitlines())) == (0, 2)
    files = {path: path.read_text() for path in tmp_path.iterdir()}
    code, _, err = ran(model, "--all-versions", "--write", str(tmp_path))
    assert code == 0
    assert "2 unchanged" in err.splitlines()[-1]
    assert {path: path.read_text() for path in files} == files


def test_an_alias_becomes_a_tag_only_if_it_is_named(ran: Ran, kind: str, model: str) -> None:
    alias = "champion" if kind == "vertex" else "Production"
    tags = [each["spec"].get("tags") for each in versions(ran(model)[1])]
    assert tags == [None, None]
    found = versions(ran(model, "--all-versions", f"--tag-alias={alias}=production")[1])
    assert [each["spec"]["tags"] for each in found if "tags" in each["spec"]] == [["production"]]


def test_after_a_failure_the_same_command_imports_the_rest(
    ran: Ran, kind: str, fake: FakeRest, model: str, tmp_path: Path
) -> None:
    part = "trainingPipelines" if kind == "vertex" else "jobs"
    root = f"/v1/{fake_vertex.LOCATION}" if kind == "vertex" else fake_azureml.WORKSPACE
    fake.broken[f"{root}/{part}"] = Answer(503)
    code, _, err = ran(model, "--write", str(tmp_path))
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "1 imported, 1 failed")
    fake.broken.clear()
    code, _, err = ran(model, "--write", str(tmp_path))
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 1 unchanged")


def test_an_answer_that_is_cut_off_is_read_again(ran: Ran, fake: FakeRest, model: str) -> None:
    fake.faults.append(Answer(200, '{"name": "x", "models', cut=4))
    fake.faults.append(Answer(429, '{"error": {"code": 429, "message": "Quota exceeded"}}'))
    assert ran(model, "-o", "name")[0] == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(401, '{"error": {"message": "Request had invalid authentication"}}'),
            "does not accept the credentials",
        ),
        (Answer(403, '{"error": {"message": "Permission denied"}}'), "may not be read (403): Permission denied. Run `"),
        (Answer(404, "<html>"), "does not exist (404). Is http://127.0.0.1"),
        (Answer(200, "<html>"), "answers with a web page, not with JSON"),
    ],
)
def test_an_address_or_a_token_that_is_wrong_is_a_sentence(ran: Ran, fake: FakeRest, answer: Answer, said: str) -> None:
    fake.broken["/"] = answer
    code, out, err = ran()
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_model_that_is_not_there_is_an_error_and_the_others_follow(ran: Ran, model: str) -> None:
    code, out, err = ran("nope", model, "-o", "name")
    assert (code, len(out.split())) == (1, 2)
    assert "error: nope: no model " in err
    assert "A name is written as the registry has it" in err


def test_free_names_of_versions_are_kept_and_have_no_order(
    ran: Ran, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "vertex":
        found = versions(ran("churn", "--as-semver")[1])
        assert [each["spec"]["version"] for each in found] == ["2.0.0", "3.0.0"]
        return
    code, out, err = ran("Churn_Model", "--as-semver")
    assert (code, out) == (1, "")
    assert "error: Churn_Model candidate: the version 'candidate' has no order" in err


def test_bytes_that_are_missing_or_may_not_be_read_are_an_error(
    ran: Ran, kind: str, fake: FakeRest, model: str
) -> None:
    code, _, err = ran(model, "--verify")
    assert code == 1
    assert "there is no file at " in err
    fake.broken["/models" if kind == "vertex" else "/blobs"] = Answer(403, "")
    code, out, err = ran(model, "--verify")
    assert (code, out) == (1, "")
    assert " cannot be read: " in err
    assert "permits it" in err
    assert "SharedKey" not in err
