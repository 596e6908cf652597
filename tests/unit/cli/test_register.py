"""`register`: the manifest on standard output, in a directory for Git, and in a cluster."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.cli import clock
from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi, Json
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON
from unit.kube.raw import raw_version
from unit.record.projects import HOME, checkout
from unit.record.test_ci import GITHUB, GITLAB

METRICS = ("--metrics", "metrics.json", "--metrics", "test=test.csv", "--maximize", "auc", "--minimize", "loss")
DATA = ("--dataset", "transactions=data.csv", "--params", "params.yaml")
WHOLE = (
    "register",
    "fraud",
    "--artifact=model.bin",
    "--uri=s3://models/{model}/{version}/model.bin",
    "--uri=transactions=s3://data/{sha256}.csv",
    "--reason=retrained",
    "--created-at=1767366245000",
    "--spec=fields.yaml",
    *METRICS,
    *DATA,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*GITHUB, *GITLAB, "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    fixed = {f"GIT_{who}_DATE": "2026-01-01T12:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    for name, value in (HOME | fixed).items():
        monkeypatch.setenv(name, value)
    root = checkout(tmp_path / "project")
    for name, text in {
        "model.bin": "weights",
        "data.csv": "1,2\n",
        "metrics.json": '{"validation": {"auc": 0.91, "loss": 0.3}}',
        "test.csv": "auc,loss\n0.9,0.31\n",
        "params.yaml": "lr: 1e-3\n",
        "requirements.lock": "numpy==2.4.6\n",
        "fields.yaml": "author: {name: ada}\nowner: shop\nschema: {inputs: [{name: x, type: float32}]}\n",
    }.items():
        (root / name).write_text(text)
    monkeypatch.chdir(root)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    return root


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(args)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_manifest_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *WHOLE)
    assert code == 0
    assert err.startswith("Warning: no earlier version was looked for: name their manifests with -f or --write")
    assert err.count("\n") == 1
    assert_golden("register/manifest.yaml", out.rstrip("\n"))
    assert [each.sentence for each in report([("x.yaml", out)]).findings] == []


def test_a_manifest_that_lacks_elements_says_which(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "requirements.lock").unlink()
    code, out, err = run(capsys, "register", "fraud", "--artifact", "model.bin", "--uri=s3://m")
    assert code == 0
    assert_golden("register/incomplete.yaml", out.rstrip("\n"))
    assert "Warning: the record is not complete, it lacks TrainingData (--dataset NAME=PATH gives it); " in err


def test_versions_are_written_into_a_directory(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    code, out, err = run(capsys, *WHOLE, "--write", "manifests")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "manifests/fraud-1.0.0.yaml: modelversion.pennant.dev/fraud-1.0.0 written",
        "fraud-1.0.0: the first version of fraud",
        "digests: artifacts.model Verified, datasets.transactions Verified",
    ]
    (project / "model.bin").write_text("other weights")
    (project / "params.yaml").write_text("lr: 0.01\n")
    written = set((project / "manifests").iterdir())
    code, dry, _ = run(capsys, *WHOLE, "--write=manifests", "--bump=major", "--dry-run", "--artifact=readme=data.csv")
    assert code == 0
    assert dry.splitlines()[:2] == [
        "manifests/fraud-2.0.0.yaml: modelversion.pennant.dev/fraud-2.0.0 written (client dry run)",
        "fraud-2.0.0 follows 1.0.0 (Major): artefact readme was added",
    ]
    assert set((project / "manifests").iterdir()) == written
    code, out, _ = run(capsys, *WHOLE, "--write=manifests", "-o", "name")
    assert (code, out) == (0, "modelversion.pennant.dev/fraud-1.1.0\n")
    manifest = yaml.safe_load((project / "manifests" / "fraud-1.1.0.yaml").read_text())
    assert manifest["spec"]["parent"] == "1.0.0"
    assert manifest["spec"]["artifacts"][0]["uri"] == "s3://models/fraud/1.1.0/model.bin"
    assert run(capsys, "lint", "-f", "manifests")[:2] == (0, "2 manifests in 2 files: no problems\n")


def test_a_duplicate_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    run(capsys, *WHOLE, "--write", "manifests")
    code, out, err = run(capsys, *WHOLE, "--write", "manifests", "--bump", "minor")
    assert (code, out) == (3, "")
    assert err == (
        "error: this is a duplicate of fraud-1.0.0: artefacts, data, parameters, code and environment are the same. "
        "Nothing was registered\n"
    )
    (project / "test.csv").write_text("auc,loss\n0.95,0.2\n")
    code, _, err = run(capsys, *WHOLE, "-f", "manifests")
    assert (code, "this equals fraud-1.0.0: only metrics or documents differ" in err) == (3, True)
    code, out, err = run(capsys, *WHOLE, "-f", "manifests", "--bump=patch", "-o", "json")
    assert (code, json.loads(out)["spec"]["version"], err) == (0, "1.0.1", "")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--apply", "--write=x"), "--apply reads and writes the cluster"),
        (("--apply", "-f=x"), "--apply reads and writes the cluster"),
        (("--dry-run=server",), "--dry-run=server asks the server; use it with --apply"),
        (("-f", "none"), "the path none does not exist"),
        (("--artifact", "model.bin"), "two of them are the artefact model; write each as NAME=PATH"),
        (("--test-dataset", "data.csv"), "data.csv has no name; write it as NAME=data.csv"),
        (("--metrics", "tset=test.csv"), "tset=test.csv does not exist"),
        (("--maximize", "f1"), "there is no metric f1"),
        (("--env", "none"), "none does not exist"),
        (("--author", "x" * 70), "spec.author.name"),
        (("--parent", "1.0.0"), "fraud has no version 1.0.0; there are: none"),
        (("--tag", "a b"), "spec.tags[0]: must be letters"),
        (("-o", "jsonpath={.spec}"), "use `kubectl get mver"),
    ],
)
def test_what_is_wrong_is_said(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], says: str) -> None:
    code, out, err = run(capsys, *WHOLE, *args)
    assert (code, out) == (1, "")
    assert err.splitlines()[0].startswith("error: ") or "no earlier version" in err
    assert says in err


def test_the_bar_is_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    (project / "model.bin").write_bytes(os.urandom(5_000_000))
    assert "sha256 of" not in run(capsys, *WHOLE)[2]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code, out, err = run(capsys, *WHOLE)
    assert code == 0
    assert "sha256 of model.bin" in err
    assert out.startswith("# fraud-1.0.0")


def stored(api: FakeApi) -> list[str]:
    return sorted(name for plural, _, name in api.objects if plural == "modelversions")


def test_a_version_is_created_in_the_cluster(pennant: Run, api: FakeApi, project: Path) -> None:
    code, out, err = pennant(*WHOLE, "--apply")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "modelversion.pennant.dev/fraud-1.0.0 created",
        "fraud-1.0.0: the first version of fraud",
    ]
    (project / "model.bin").write_text("other")
    code, out, _ = pennant(*WHOLE, "--apply", "-o", "json")
    made: dict[str, Any] = json.loads(out)
    assert (made["metadata"]["name"], made["spec"]["parent"]) == ("fraud-1.0.1", "1.0.0")
    assert made["metadata"]["uid"].startswith("new-"), "the object as the API server stores it"
    assert pennant(*WHOLE, "--apply")[0] == 3
    assert stored(api) == ["fraud-1.0.0", "fraud-1.0.1"]


@pytest.mark.parametrize(("kind", "sent"), [("client", []), ("server", [("fraud-1.0.0", True)])])
def test_a_dry_run_creates_nothing(pennant: Run, api: FakeApi, kind: str, sent: list[object]) -> None:
    code, out, _ = pennant(*WHOLE, "--apply", f"--dry-run={kind}")
    assert (code, out.splitlines()[0]) == (0, f"modelversion.pennant.dev/fraud-1.0.0 created ({kind} dry run)")
    assert (api.created, stored(api)) == (sent, [])


def other_writer(api: FakeApi, *, is_same: bool) -> None:
    """Let somebody else register a version before the first create of ours: the same content, or another one."""

    def before(name: str, body: Json) -> None:
        api.before_create = lambda _name, _body: None
        spec = {**body["spec"], "reason": "theirs"}
        if not is_same:
            spec["hyperparameters"] = [{"name": "lr", "value": "7"}]
        api.add("modelversions", {"metadata": {**body["metadata"], "namespace": "default"}, "spec": spec})

    api.before_create = before


def test_of_two_writers_the_second_gets_the_next_version(pennant: Run, api: FakeApi) -> None:
    other_writer(api, is_same=False)
    code, out, _ = pennant(*WHOLE, "--apply")
    assert code == 0
    assert out.splitlines()[1] == "fraud-1.1.0 follows 1.0.0 (Minor): hyperparameters differ: lr"
    assert [name for name, _ in api.created] == ["fraud-1.0.0", "fraud-1.1.0"]


def test_of_two_writers_of_one_content_the_second_is_a_duplicate(pennant: Run, api: FakeApi) -> None:
    other_writer(api, is_same=True)
    code, _, err = pennant(*WHOLE, "--apply")
    assert (code, "this is a duplicate of fraud-1.0.0" in err) == (3, True)
    assert stored(api) == ["fraud-1.0.0"]


def test_a_chosen_version_that_is_taken_meanwhile_is_an_error(pennant: Run, api: FakeApi) -> None:
    other_writer(api, is_same=False)
    code, _, err = pennant(*WHOLE, "--apply", "--version=1.0.0")
    assert (code, err) == (1, "error: fraud-1.0.0 was registered by somebody else at the same time\n")


def test_a_number_that_is_always_taken_is_given_up(pennant: Run, api: FakeApi) -> None:
    api.before_create = lambda name, _: (409, f'modelversions "{name}" already exists')
    code, _, err = pennant(*WHOLE, "--apply")
    assert (code, err) == (1, "error: others registered versions of fraud 5 times in a row; try again\n")
    api.before_create = lambda name, _: (403, f'modelversions "{name}" is forbidden')
    code, _, err = pennant(*WHOLE, "--apply")
    assert (code, "is forbidden. Ask an administrator" in err) == (1, True)


@pytest.mark.parametrize(("code", "message"), [(404, 'namespaces "shop" not found'), (403, "you must not")])
def test_what_the_server_refuses_is_said(pennant: Run, api: FakeApi, code: int, message: str) -> None:
    api.before_create = lambda _name, _body: (code, message)
    exit_code, out, err = pennant(*WHOLE, "--apply")
    assert (exit_code, out, err) == (1, "", f"error: {message}\n")
    assert len(api.created) == 1


def test_versions_of_other_models_do_not_count(pennant: Run, api: FakeApi) -> None:
    api.add("modelversions", raw_version("3.0.0", spec={"model": "churn"}))
    assert pennant(*WHOLE, "--apply", "-o", "name")[1] == "modelversion.pennant.dev/fraud-1.0.0\n"
    assert api.objects["modelversions", "default", "fraud-1.0.0"]["spec"]["owner"] == "shop"
