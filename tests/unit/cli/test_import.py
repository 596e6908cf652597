"""`import`: from MLflow to standard output, a directory and a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.cli import clock
from pennant.cli.importing.targets import Directory
from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries import http
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi, Json
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON
from unit.kube.raw import raw_version
from unit.registries.fake_mlflow import Answer, FakeMlflow, served

CHURN = ("modelversion.pennant.dev/churn-model-2", "modelversion.pennant.dev/churn-model-3")
VARIABLES = ("URI", "TOKEN", "USERNAME", "PASSWORD", "INSECURE_TLS", "SERVER_CERT_PATH")
LISTS = "/api/2.0/mlflow/model-versions/search?filter=name%3D%27Churn_Model"


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    for each in VARIABLES:
        monkeypatch.delenv(f"MLFLOW_TRACKING_{each}", raising=False)
    return FakeMlflow()


@pytest.fixture(autouse=True)
def address(mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with served(mlflow) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        yield url


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["import", "mlflow", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def versions(out: str) -> list[Json]:
    return list(yaml.safe_load_all(out))


def test_the_manifests_are_printed_and_are_valid(capsys: pytest.CaptureFixture[str], address: str) -> None:
    code, out, err = ran(capsys, "--verify", "-n", "shop", "--repository=https://git.example/wine.git", "Wine Quality")
    assert code == 0
    assert_golden("import/wine.yaml", out.replace(address, "https://mlflow.example").rstrip())
    assert_golden("import/wine.txt", err.rstrip())
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []


def test_all_models_are_imported_with_their_newest_version_and_those_with_an_alias(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = ran(capsys, "-o", "name")
    assert (code, out.split()) == (0, [*CHURN, "modelversion.pennant.dev/wine-quality-1"])
    assert err.splitlines()[-2:] == ["digests of artefacts: 3 None; --verify computes them", "3 imported"]


def test_an_empty_registry_is_told_with_its_address(
    capsys: pytest.CaptureFixture[str], mlflow: FakeMlflow, address: str
) -> None:
    lists = "/api/2.0/mlflow/registered-models/search"
    mlflow.broken[lists] = Answer(200, "{}")
    assert f"there are no models in MLflow at MLFLOW_TRACKING_URI={address}\n" in ran(capsys)[2]
    given = f"--from={address.replace('//', '//user:secret@')}"
    assert f"there are no models in MLflow at {address}\n" in ran(capsys, given)[2]


def test_json_is_one_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(ran(capsys, "-o", "json", "Churn_Model")[1])
    assert (found["kind"], [each["metadata"]["name"] for each in found["items"]]) == (
        "List",
        ["churn-model-2", "churn-model-3"],
    )
    assert json.loads(ran(capsys, "-o", "json", "Churn_Model", "--since=2030-01-01")[1])["items"] == []


def test_versions_become_semantic_ones_and_keep_the_name_of_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    found = versions(ran(capsys, "--as-semver", "--all-versions", "Churn_Model")[1])
    assert [each["spec"]["version"] for each in found] == ["1.0.0", "2.0.0", "3.0.0"]
    assert [each["spec"]["source"]["version"] for each in found] == ["1", "2", "3"]


def test_no_version_has_a_tag_unless_an_alias_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    tags = [each["spec"].get("tags") for each in versions(ran(capsys, "Churn_Model")[1])]
    assert tags == [None, None]
    tags = [each["spec"].get("tags") for each in versions(ran(capsys, "Churn_Model", "--tag-alias=champion")[1])]
    assert tags == [["champion"], None]
    found = versions(ran(capsys, "Churn_Model", "--tag-alias=champion=production")[1])
    assert [each["spec"].get("tags") for each in found] == [["production"], None]


def test_an_alias_that_no_version_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ran(capsys, "Churn_Model", "--tag-alias=nosuch=production", "--tag-alias=champion")
    assert (code, err.count("has the alias")) == (0, 1)
    assert (
        "no version that was asked for has the alias nosuch, so none gets the tag production; those that were found: "
        "champion"
    ) in err
    assert "the tag production; none has any" in ran(capsys, "Wine Quality", "--tag-alias=nosuch=production")[2]


def test_two_aliases_with_one_tag_give_it_to_one_version(
    capsys: pytest.CaptureFixture[str], mlflow: FakeMlflow
) -> None:
    registered = mlflow.answers["/api/2.0/mlflow/registered-models/get?name=Churn_Model"]["registered_model"]
    aliases = [*registered["aliases"], {"alias": "newest", "version": "3"}]
    mlflow.answers["/api/2.0/mlflow/registered-models/get?name=Churn_Model"] = {
        "registered_model": {**registered, "aliases": aliases}
    }
    both = ("--tag-alias=champion=production", "--tag-alias=newest=production")
    code, out, err = ran(capsys, "Churn_Model", *both)
    assert (code, [each["spec"].get("tags") for each in versions(out)]) == (0, [["production"], None])
    assert "churn-model-3 does not get the tag production, which churn-model-2 has" in err


def test_files_are_written_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = ran(capsys, "--write", f"{tmp_path}/records", "Churn_Model")
    assert (code, out.split()[1::3]) == (0, list(CHURN))
    files = {path: path.read_text() for path in (tmp_path / "records").iterdir()}
    assert {each.name for each in files} == {"churn-model-2.yaml", "churn-model-3.yaml"}
    code, out, err = ran(capsys, "--write", f"{tmp_path}/records", "--all-versions", "Churn_Model")
    assert (code, len(out.splitlines())) == (0, 1)
    assert err.splitlines()[-1] == "1 imported, 2 unchanged"
    assert {path: path.read_text() for path in files} == files


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = ran(capsys, "--write", f"{tmp_path}/records", "--dry-run", "Churn_Model")
    assert (code, out.count("would be written"), err.splitlines()[-1]) == (0, 2, "2 imported (dry run)")
    assert list(tmp_path.iterdir()) == []
    assert ran(capsys, "--dry-run", "Churn_Model")[1].split() == list(CHURN)


def test_a_version_that_changed_under_its_number_is_an_error_and_the_others_follow(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: FakeMlflow
) -> None:
    ran(capsys, "--write", str(tmp_path), "Churn_Model")
    path = tmp_path / "churn-model-2.yaml"
    changed = path.read_text().replace("value: '0.92'", "value: '0.5'")
    assert changed != path.read_text()
    path.write_text(changed)
    code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions", "Churn_Model")
    assert code == 1
    assert (
        f"error: Churn_Model 2: the registry says something else than {path}, in spec.metrics[auc/churn-test].value. A "
        "record does not change: register a new version in the registry, or, if nothing serves churn-model-2, delete "
        "it and import it again"
    ) in err.splitlines()
    assert err.splitlines()[-1] == (
        "1 imported, 1 unchanged, 1 failed. Follow the errors above; the same command then imports the rest"
    )
    assert path.read_text() == changed


def test_what_mlflow_lets_change_is_no_change(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: FakeMlflow
) -> None:
    ran(capsys, "--write", str(tmp_path), "Churn_Model")
    mlflow.change(LISTS, description="new", current_stage="Archived", last_updated_timestamp=1, tags=[])
    code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions", "Churn_Model")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 2 unchanged")


def test_of_two_writers_of_a_file_one_wins_and_the_other_compares(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Directory._create

    def beaten(self: Directory, path: Path, content: str) -> None:
        other = content if "model-2" in path.name else content.replace("value: '0.93'", "value: '0.1'")
        create(self, path, other)
        create(self, path, content)

    monkeypatch.setattr(Directory, "_create", beaten)
    code, _, err = ran(capsys, "--write", str(tmp_path), "Churn_Model")
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "0 imported, 1 unchanged, 1 failed")
    assert "spec.metrics[auc/churn-test].value" in err
    assert {each.name for each in tmp_path.iterdir()} == {"churn-model-2.yaml", "churn-model-3.yaml"}


def test_after_a_failure_the_same_command_imports_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: FakeMlflow
) -> None:
    mlflow.broken["/api/2.0/mlflow/runs/get?run_id=499606"] = Answer(503, "")
    code, _, err = ran(capsys, "--write", str(tmp_path))
    assert code == 1
    assert "error: Churn_Model 3: " in err
    assert (
        err.splitlines()[-1] == "2 imported, 1 failed. Follow the errors above; the same command then imports the rest"
    )
    mlflow.broken.clear()
    code, out, err = ran(capsys, "--write", str(tmp_path))
    assert (code, len(out.splitlines()), err.splitlines()[-1]) == (0, 1, "1 imported, 2 unchanged")


def test_a_token_that_expires_in_the_middle_keeps_what_was_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: FakeMlflow
) -> None:
    mlflow.broken["/api/2.0/mlflow/registered-models/get?name=Wine"] = Answer(401, "")
    code, out, err = ran(capsys, "--write", str(tmp_path))
    assert (code, len(out.splitlines())) == (1, 2)
    assert err.splitlines()[-1].endswith(
        "does not accept the credentials (401). Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
        "MLFLOW_TRACKING_PASSWORD. So far: 2 imported. Run the same command again"
    )


def test_a_version_without_an_artefact_is_an_error_and_the_others_follow(
    capsys: pytest.CaptureFixture[str], mlflow: FakeMlflow
) -> None:
    mlflow.change(f"{LISTS}%27&order_by=version_number+DESC", source="")
    code, out, err = ran(capsys, "-o", "name", "Churn_Model", "nope")
    assert (code, out.split()) == (1, [CHURN[0]])
    assert "error: Churn_Model 3: MLflow has no artefact of it: its source is empty" in err
    assert "error: nope: not found: /api/2.0/mlflow/registered-models/get?name=nope not found. A name is written" in err


@pytest.mark.parametrize(
    ("variables", "address_part", "sent"),
    [
        ({}, "", None),
        ({"TOKEN": "t"}, "", "Bearer t"),
        ({"USERNAME": "ada", "PASSWORD": "pw"}, "", "Basic YWRhOnB3"),
        ({"TOKEN": "t"}, "ada:p%77@", "Basic YWRhOnB3"),
    ],
)
def test_credentials_are_those_of_the_client_of_mlflow(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    mlflow: FakeMlflow,
    address: str,
    variables: dict[str, str],
    address_part: str,
    sent: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    code, out, _ = ran(capsys, "Churn_Model", "--from", address.replace("//", f"//{address_part}"))
    assert code == 0
    assert set(mlflow.credentials) == {sent}
    assert {each["spec"]["source"]["instance"] for each in versions(out)} == {address}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from=ftp://host",), "ftp://host is no address of an MLflow server; write it as https://HOST:PORT"),
        (("--from=http://[host",), "http://[host is no address of an MLflow server"),
        (("--from=https://ada:secret@host:no",), "error: host:no is no address of an MLflow server"),
        (("--from=http://127.0.0.1:9",), "http://127.0.0.1:9 does not answer: Cannot connect to host"),
        (("--since=yesterday",), "--since 'yesterday' is no date and no time; write it as 2026-05-01"),
        (("--apply", "--write=x"), "--apply creates the versions in the cluster, --write writes files; give one"),
        (("--apply", "-o", "yaml"), "-o prints the manifests, --apply sends them; give one of them"),
        (("--write=x", "-o", "yaml"), "-o prints the manifests, --write writes them into files; give one of them"),
        (("--dry-run=server",), "--dry-run=server asks the server; use it with --apply, or --dry-run=client"),
        (("--tag-alias==x",), "--tag-alias has no alias; write it as ALIAS or ALIAS=TAG"),
        (("-o", "jsonpath={}"), "jsonpath={} is a format of kubectl; use `kubectl get mver -o jsonpath={}`"),
    ],
)
def test_wrong_input_is_a_sentence(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str) -> None:
    code, out, err = ran(capsys, *args)
    assert (code, out) == (1, "")
    assert said in err


def test_without_an_address_the_error_says_where_it_comes_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert ran(capsys) == (1, "", "error: no registry is given; use --from URL, or set MLFLOW_TRACKING_URI\n")


def test_versions_are_created_in_the_cluster_once(pennant: Run, api: FakeApi) -> None:
    code, out, _ = pennant("import", "mlflow", "Churn_Model", "--apply", "-n", "shop")
    assert (code, out.splitlines()) == (0, [f"{each} created" for each in CHURN])
    assert api.objects["modelversions", "shop", "churn-model-3"]["spec"]["version"] == "3"
    code, out, err = pennant("import", "mlflow", "Churn_Model", "--all-versions", "--apply", "-n", "shop")
    assert (code, out.splitlines()) == (0, ["modelversion.pennant.dev/churn-model-1 created"])
    assert err.splitlines()[-1] == "1 imported, 2 unchanged"


@pytest.mark.parametrize(("mode", "created"), [("client", []), ("server", [("churn-model-2", True)] * 2)])
def test_a_dry_run_creates_nothing(pennant: Run, api: FakeApi, mode: str, created: list[Any]) -> None:
    code, out, _ = pennant("import", "mlflow", "Churn_Model", "--apply", f"--dry-run={mode}")
    assert (code, out.splitlines()) == (0, [f"{each} created ({mode} dry run)" for each in CHURN])
    assert len(api.created) == len(created)
    assert all(is_dry for _, is_dry in api.created)
    assert api.objects == {}


def test_of_two_writers_of_an_object_one_wins_and_the_other_compares(pennant: Run, api: FakeApi) -> None:
    def beaten(name: str, body: Json) -> None:
        changed = {} if name.endswith("2") else {"createdAt": "2026-01-01T00:00:00Z"}
        metadata = {**body["metadata"], "namespace": "default"}
        api.add("modelversions", {**body, "metadata": metadata, "spec": {**body["spec"], **changed}})

    api.before_create = beaten
    code, _, err = pennant("import", "mlflow", "Churn_Model", "--apply")
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "0 imported, 1 unchanged, 1 failed")
    assert "modelversion.pennant.dev/churn-model-3 in the cluster, in spec.createdAt. A record" in err


def test_an_object_that_is_being_deleted_is_not_unchanged(pennant: Run, api: FakeApi) -> None:
    """It is gone when its last finalizer is."""
    pennant("import", "mlflow", "Churn_Model", "--apply")
    api.objects["modelversions", "default", "churn-model-2"]["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    code, _, err = pennant("import", "mlflow", "Churn_Model", "--apply")
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "0 imported, 1 unchanged, 1 failed")
    assert "modelversion.pennant.dev/churn-model-2 in the cluster is being deleted; the version can be imported" in err


def test_an_object_that_the_api_server_refuses_is_an_error_and_the_others_follow(pennant: Run, api: FakeApi) -> None:
    api.before_create = lambda name, _: (422, "spec.model is not allowed") if name.endswith("2") else None
    code, out, err = pennant("import", "mlflow", "Churn_Model", "--apply")
    assert (code, out.splitlines()) == (1, [f"{CHURN[1]} created"])
    assert "error: Churn_Model 2: spec.model is not allowed" in err


def test_without_the_permission_the_import_ends(pennant: Run, api: FakeApi) -> None:
    api.before_create = lambda name, _: (403, f'modelversions "{name}" is forbidden')
    code, _, err = pennant("import", "mlflow", "Churn_Model", "--apply")
    assert code == 1
    assert err == 'error: modelversions "churn-model-2" is forbidden. Ask an administrator for this permission\n'


def test_a_tag_that_another_version_has_is_not_given_twice(pennant: Run, api: FakeApi) -> None:
    api.add("modelversions", raw_version("1", "production", spec={"model": "churn-model"}))
    code, _, err = pennant("import", "mlflow", "Churn_Model", "--apply", "--tag-alias=champion=production")
    assert code == 0
    assert "tags" not in api.objects["modelversions", "default", "churn-model-2"]["spec"]
    assert (
        "Warning: churn-model-2 does not get the tag production, which churn-model-1 has; move it with `pennant "
        "promote churn-model-2`"
    ) in err.splitlines()


def test_the_list_of_versions_has_the_name_of_the_registry(pennant: Run, api: FakeApi) -> None:
    pennant("import", "mlflow", "Churn_Model", "--apply", "--as-semver")
    api.add("modelversions", raw_version("4.0.0", spec={"model": "churn-model"}))
    lines = [each.split("   ")[:2] for each in pennant("versions", "churn-model")[1].splitlines()]
    assert [[each.strip() for each in line] for line in lines] == [
        ["VERSION", "SOURCE"],
        ["4.0.0", "<none>"],
        ["3.0.0", "MLflow 3"],
        ["2.0.0", "MLflow 2"],
    ]
