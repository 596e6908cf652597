"""`export` writes a document with the whole history, its hashes and its digest, and nothing that acts again.

Rule: R140.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pennant.archive import documents, model
from pennant.cli import clock
from pennant.cli.completion import candidates
from pennant.cli.exporting import check
from pennant.core.facts.digest import sha256
from unit.cli import exports
from unit.cli.conftest import Run
from unit.cli.exports import NOW, rolled_back
from unit.cli.fake_api import FakeApi
from unit.cli.states import rolling_out

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "reference" / "examples" / "export.json"
PAGE = ROOT / "docs" / "reference" / "export.md"


@pytest.fixture(autouse=True)
def _at_a_fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def filled(api: FakeApi) -> FakeApi:
    exports.fill(api, rolled_back())
    return api


def exported(pennant: Run, *words: str) -> dict[str, Any]:
    code, out, err = pennant("export", *words)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("filled")
def test_the_whole_history_is_in_the_document_with_its_hashes(pennant: Run) -> None:
    found, status = exported(pennant, "fraud"), rolled_back().status.to_json()
    part = found["deployment"]
    assert part["history"] == status["history"]
    assert part["quarantine"] == status["quarantine"]
    assert [each["revision"] for each in part["revisions"]] == [1, 2, 3]
    assert [each["data"]["entry"]["hash"] for each in part["revisions"]] == [each["hash"] for each in part["history"]]
    assert [each["progress"]["outcome"] for each in part["revisions"]] == ["Superseded", "RolledBack", "Verified"]
    assert [each["name"] for each in found["versions"]] == ["fraud-1.0.0", "fraud-1.1.0"]
    assert [mark["revision"] for each in found["versions"] for mark in each["quarantinedBy"]] == [2]
    assert [mark["revision"] for each in found["versions"] for mark in each["servedBy"]] == [1, 3, 2]
    digest = found.pop("digest")
    assert digest == sha256(found)


@pytest.mark.usefixtures("filled")
def test_a_command_is_not_exported_so_it_is_not_carried_out_again(pennant: Run) -> None:
    assert exported(pennant, "mdep/fraud")["deployment"]["annotations"] == {"team": "risk"}


def test_a_version_is_exported_with_the_marks_of_all_model_deployments(pennant: Run, filled: FakeApi) -> None:
    status = filled.objects["modelversions", "default", "fraud-1.1.0"]["status"]
    status["servedBy"].append({**status["servedBy"][0], "deployment": "other"})
    for words in (["modelversion/fraud-1.1.0"], ["mver", "fraud-1.1.0"]):
        found = exported(pennant, *words)
        assert "deployment" not in found
        (version,) = found["versions"]
        assert [each["deployment"] for each in version["servedBy"]] == ["fraud", "other"]
    (_, version) = exported(pennant, "fraud")["versions"]
    assert [each["deployment"] for each in version["servedBy"]] == ["fraud"]


def test_a_revision_that_was_changed_is_left_out_and_named(pennant: Run, filled: FakeApi) -> None:
    record = filled.objects["controllerrevisions", "default", "fraud-1"]
    record["data"] = {**record["data"], "record": {**record["data"]["record"], "description": "another"}}
    del filled.objects["controllerrevisions", "default", "fraud-2"]
    code, out, err = pennant("export", "fraud")
    part = json.loads(out)["deployment"]
    assert code == 0
    assert [each["revision"] for each in part["history"]] == [1, 2, 3]
    assert [each["revision"] for each in part["revisions"]] == [3]
    said = {each["revision"]: each["problem"] for each in part["omitted"]}
    assert "does not match its hash: its record of the version was changed" in said[1]
    assert said[2] == "the ControllerRevision of revision 2 is missing"
    assert err.count("Warning: ") == 2
    lost = check.document(out.encode(), "fraud.json", NOW).warnings
    assert [each.partition(":")[0] for each in lost] == [
        "revision 1 (1.0.0) is not restored",
        "revision 2 (1.1.0) is not restored",
    ]


def test_a_quarantine_that_nothing_restored_tells_is_named(pennant: Run, filled: FakeApi) -> None:
    del filled.objects["controllerrevisions", "default", "fraud-2"]
    del filled.objects["modelversions", "default", "fraud-1.1.0"]
    lost = check.document(pennant("export", "fraud")[1].encode(), "fraud.json", NOW).warnings
    assert lost[-1] == (
        "the quarantine of 1.1.0 is not restored: it is kept by the ModelVersion or by revision 2, and the document "
        "has neither"
    )


def test_progress_that_the_operator_has_not_noted_yet_is_that_of_the_status(pennant: Run, filled: FakeApi) -> None:
    for number in (1, 3):
        del filled.objects["controllerrevisions", "default", f"fraud-{number}"]["metadata"]["annotations"]
    first, _, last = exported(pennant, "fraud")["deployment"]["revisions"]
    assert (first["progress"]["outcome"], last["progress"]["outcome"]) == ("Superseded", "Verified")


def test_a_revision_that_is_rolled_out_has_no_progress_so_the_new_pods_must_prove_themselves(
    pennant: Run, api: FakeApi
) -> None:
    exports.fill(api, asyncio.run(rolling_out()))
    first, last = exported(pennant, "fraud")["deployment"]["revisions"]
    assert first["progress"]["endedAt"]
    assert "progress" not in last


def test_a_status_of_a_newer_release_is_not_exported_in_part(pennant: Run, filled: FakeApi) -> None:
    raw = filled.objects["modeldeployments", "default", "fraud"]
    raw["status"] = {**raw["status"], "history": [{"revision": "one"}]}
    code, out, err = pennant("export", "fraud")
    assert (code, out) == (1, "")
    assert err.endswith("; use a newer release of pennant\n")


@pytest.mark.parametrize("words", [[], ["fraud", "other"], ["pod/fraud"], ["mver"], ["mdep/"]])
def test_one_object_must_be_named(pennant: Run, words: list[str]) -> None:
    code, out, err = pennant("export", *words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")


@pytest.mark.usefixtures("filled")
def test_a_file_is_written_whole_or_not_at_all(pennant: Run, tmp_path: Path) -> None:
    file = tmp_path / "fraud.json"
    file.write_text("before")
    assert pennant("export", "fraud", "--output-file", str(file)) == (0, "", "")
    assert json.loads(file.read_text()) == exported(pennant, "fraud")
    assert list(tmp_path.glob(".*")) == []
    code, _, err = pennant("export", "fraud", "--output-file", str(tmp_path / "no" / "fraud.json"))
    assert (code, err) == (1, f"error: {tmp_path / 'no' / 'fraud.json'} cannot be written: No such file or directory\n")


def test_names_are_completed_by_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = {"modeldeployments": ["fraud"], "modelversions": ["fraud-1.0.0"]}
    monkeypatch.setattr(
        "pennant.cli.names.listed",
        lambda _params, plural, _seconds: [{"metadata": {"name": name}} for name in objects[plural]],
    )
    assert candidates(["export"], "fr") == [("fraud", "")]
    assert candidates(["export"], "mver/fr") == [("mver/fraud-1.0.0", "")]
    assert candidates(["export", "modelversion"], "fr") == [("fraud-1.0.0", "")]


@pytest.mark.usefixtures("filled")
def test_the_example_of_the_reference_is_an_export(pennant: Run) -> None:
    document = {**exported(pennant, "fraud"), "source": {"server": "https://10.0.0.1", "namespace": "shop"}}
    document["source"]["release"] = "0.1.0"
    text = json.dumps(documents.sealed(document), indent=4) + "\n"
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        EXAMPLE.write_text(text)
    assert text == EXAMPLE.read_text()
    found = check.document(EXAMPLE.read_bytes(), "export.json", NOW)
    assert found.warnings == ()
    assert found.chain is not None
    assert found.chain.intact


PARTS: dict[str, type[BaseModel]] = {
    "The document": model.Export,
    "source": model.Source,
    "deployment": model.ExportedDeployment,
    "deployment.revisions": model.ExportedRevision,
    "deployment.omitted": model.Omission,
    "versions": model.ExportedVersion,
}


def table(part: type[BaseModel]) -> str:
    rows = [
        f"| `{each.alias or name}` | {' '.join((each.description or '').split())} |"
        for name, each in part.model_fields.items()
    ]
    return "\n".join(("| field | content |", "|---|---|", *rows))


@pytest.mark.parametrize("name", PARTS)
def test_the_reference_has_each_field_with_its_description(name: str) -> None:
    heading = name if name == "The document" else f"`{name}`"
    assert f"## {heading}\n\n{table(PARTS[name])}\n" in PAGE.read_text()
