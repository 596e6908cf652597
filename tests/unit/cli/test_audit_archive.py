"""`audit --archive` reads the cluster and an archive as one, and finds what was changed in either.

Rule: R199.
"""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pennant.api.meta import rfc3339
from pennant.archive.documents import sealed
from pennant.cli import clock
from pennant.cli.main import main
from unit.cli import archives
from unit.cli.archives import DIRECTORY, MODEL, Week
from unit.cli.conftest import Ran, Run
from unit.cli.fake_api import FakeApi
from unit.docs_pages import FENCE, ROOT
from unit.kube.api_server import a_kubeconfig

PAGE = ROOT / "docs" / "how-to" / "for-the-auditor.md"
MOUNTED = "/mnt/archive"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def week(api: FakeApi, place: Path, monkeypatch: pytest.MonkeyPatch) -> Week:
    found = archives.fill(api, place)
    monkeypatch.setattr(clock, "now", lambda: found.end + timedelta(days=365))
    return found


@pytest.fixture
def audit(pennant: Run, place: Path) -> Callable[..., Ran]:
    return lambda *words: pennant("audit", "fraud", "--archive", str(place), *words)


def revisions(out: str) -> list[int]:
    return [each["revision"] for each in json.loads(out)["items"]]


@pytest.mark.usefixtures("week")
def test_the_whole_history_is_there_though_the_cluster_has_only_the_last_revisions(
    pennant: Run, audit: Callable[..., Ran]
) -> None:
    assert "not recorded; the history has revisions 3-4" in pennant("audit", "fraud", "--at", "2026-01-01T12:01:00Z")[1]
    code, out, err = audit("--at", "2026-01-01T12:01:00Z")
    assert (code, err) == (0, "")
    assert "1.1.0 (revision 2) served" in out
    assert "Failed by:        accuracy was 0.2, min 0.9, in 3 of 3 checks" in out
    code, out, _ = audit("--verify", "-o", "json")
    assert code == 0
    assert revisions(out) == [1, 2, 3, 4]
    assert json.loads(out)["notes"][0] == "4 revisions are in the archive, 2 in the cluster, 2 in both."


def test_without_a_cluster_the_archive_answers_alone(week: Week, pennant: Run, place: Path, tmp_path: Path) -> None:
    words = ["audit", "fraud", "--archive", str(place), "--offline"]
    assert "1.1.0 (revision 2) served" in pennant(*words, "--at", "2026-01-01T12:01:00Z")[1]
    joined = tmp_path / "all.jsonl"
    joined.write_bytes(b"".join(week.files.values()))
    again = ["audit", "fraud", "--archive", str(joined), "--offline", "--verify"]
    assert pennant(*again) == pennant(*words, "--verify"), "the lines of all files in one"


def test_a_document_of_export_is_read_like_an_archive(week: Week, pennant: Run, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    assert pennant("export", "fraud", "--output-file", str(file))[0] == 0
    code, out, _ = pennant("audit", "fraud", "--archive", str(file), "--offline", "--verify", "-o", "json")
    assert (code, revisions(out)) == (0, [3, 4])


def test_a_modeldeployment_that_was_deleted_is_answered_for(
    week: Week, api: FakeApi, place: Path, audit: Callable[..., Ran]
) -> None:
    deleted_at = week.end + timedelta(hours=1)
    archives.deletion(place, deleted_at)
    del api.objects["modeldeployments", "default", "fraud"]
    code, out, _ = audit("--at", rfc3339(week.end))
    assert code == 0
    assert "1.2.0 (revision 4) served" in out
    assert re.search(r"Current until: +\S+ \(the ModelDeployment was deleted\)", out)
    said = f"no version served; the ModelDeployment was deleted at {deleted_at:%Y-%m-%dT%H:%M:%SZ}"
    assert said in audit("--at", rfc3339(deleted_at + timedelta(hours=1)))[1]
    assert audit("--verify")[0] == 0
    last = json.loads(audit("-o", "json")[1])["items"][-1]
    assert (last["from"], last["serving"], last["deletedAt"]) == (rfc3339(deleted_at), [], rfc3339(deleted_at))
    assert last["recorded"]
    assert audit("-o", "csv")[1].splitlines()[-1].split(",")[:3] == [rfc3339(deleted_at), "", "deleted"]
    row = next(each for each in audit()[1].splitlines() if each.startswith(f"{deleted_at:%Y-%m-%dT%H:%M:%SZ}"))
    assert row.split(maxsplit=2)[2].split("   ", 1)[0] == "none"
    assert row.endswith("the ModelDeployment was deleted")


@pytest.mark.usefixtures("week")
def test_progress_that_the_archive_does_not_have_is_not_known(
    api: FakeApi, place: Path, audit: Callable[..., Ran]
) -> None:
    """The last revision is in the archive as it was when it was recorded, and has long been rolled out."""
    _, out, _ = audit("--offline", "--at", "2026-01-01T13:00:00Z")
    headline = next(each for each in out.splitlines() if each.startswith("2026-01-01T13:00:00Z: "))
    assert "not known after 2026-01-01T12:02:2" in headline
    assert headline.endswith(
        "1.0.0 (revision 3) served, since 2026-01-01T12:01:32Z; 1.2.0 (revision 4) had no available pod yet"
    )
    assert re.search(r"Available since: +not known", out)
    assert re.search(r"Current until: +not known after 2026", out)
    assert re.search(r"Outcome: +not known", out)
    found = json.loads(audit("--offline", "--at", "2026-01-01T13:00:00Z", "-o", "json")[1])
    assert (found["recorded"], found["certain"], found["serving"], found["starting"]) == (False, False, [], None)
    assert found["knownUntil"].startswith("2026-01-01T12:02:2")
    assert [each["revision"] for each in found["lastKnown"]["serving"]] == [3]
    last = audit("--offline")[1].split("\n\n")[0].splitlines()[-1]
    assert "now                    not known; last recorded: 1.0.0 (3); 1.2.0 (4) starts" in last
    assert {each.split(",")[2] for each in audit("--offline", "-o", "csv")[1].splitlines()[-2:]} == {"not known"}
    assert "1.2.0 (revision 4) served" in audit("--at", "2026-01-01T13:00:00Z")[1], "the cluster has the progress"
    del api.objects["modeldeployments", "default", "fraud"]
    assert "not known after" in audit("--at", "2026-01-01T13:00:00Z")[1], "it was deleted while no operator ran"


@pytest.mark.usefixtures("week")
def test_a_rollout_after_an_unknown_span_is_known_again(place: Path, audit: Callable[..., Ran]) -> None:
    change(place, 2, "ended", lambda _: None)
    assert "not known after 2026-01-01T12:00:5" in audit("--at", "2026-01-01T12:01:00Z")[1]
    assert "not known after 2026-01-01T12:00:5" in audit("--at", "2026-01-01T12:01:33Z")[1]
    assert "1.0.0 (revision 3) served" in audit("--at", "2026-01-01T12:01:40Z")[1]


def test_what_replaced_the_last_revision_is_not_known_if_its_files_are_missing(
    week: Week, place: Path, audit: Callable[..., Ran]
) -> None:
    change(place, 4, "recorded", lambda _: None)
    ended = week.snapshot.status.history[0].ended_at
    assert ended is not None
    out = audit("--offline", "--at", "2026-01-01T13:00:00Z")[1]
    assert f"not known after {ended:%Y-%m-%dT%H:%M:%SZ}" in out
    assert "(replaced by a revision that is missing)" in out


def change(place: Path, number: int, event: str, changed: Callable[[bytes], bytes | None]) -> None:
    (path,) = (place / DIRECTORY).glob(f"{number:09d}-*-{event}.jsonl")
    text = changed(path.read_bytes())
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text)


def resealed(text: bytes) -> bytes:
    document = json.loads(text.replace(b"the tag production moved", b"nobody moved the tag"))
    return json.dumps(sealed(document)).encode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda text: text.replace(b'"0.2"', b'"0.92"'), "was changed: "),
        (lambda text: text.replace(b'"RolledBack"', b'"Promoted"', 1), "was changed: "),
        (lambda text: text[:1000], "is no JSON, or was cut off"),
        (resealed, "was changed: revision 2"),
    ],
    ids=["the evidence", "the outcome", "cut off", "sealed again"],
)
@pytest.mark.usefixtures("week")
def test_a_document_that_was_changed_is_found(
    place: Path, audit: Callable[..., Ran], changed: Callable[[bytes], bytes], said: str
) -> None:
    change(place, 2, "ended", changed)
    code, out, _ = audit("--verify")
    assert code == 1
    assert said in out and "000000002-" in out  # noqa: PT018
    assert "not intact: 1 of 4 revisions are missing or changed; 1 document of the archive cannot be used" in out
    assert re.search(r"\n2 +1\.1\.0 +missing +the archive has the document of its beginning, and none of its end", out)
    assert "\n0 " not in out
    assert "the operator restores it" not in out
    found = json.loads(audit("--verify", "-o", "json")[1])
    assert (len(found["items"]), len(found["documents"])) == (4, 1)
    assert ",document," in audit("--verify", "-o", "csv")[1].splitlines()[-1]
    assert said in audit("--at", "2026-01-01T12:01:00Z")[2], "and every answer warns"


@pytest.mark.usefixtures("week")
def test_a_revision_that_is_missing_in_the_archive_is_found(place: Path, audit: Callable[..., Ran]) -> None:
    for event in ("recorded", "ended"):
        change(place, 2, event, lambda _: None)
    code, out, _ = audit("--verify")
    assert code == 1
    assert "Revision 2 is neither in the archive nor in the cluster." in out


@pytest.mark.usefixtures("week")
def test_revisions_that_were_removed_before_the_archive_began_are_no_problem(
    place: Path, audit: Callable[..., Ran]
) -> None:
    for number, event in ((1, "recorded"), (1, "ended"), (2, "recorded"), (2, "ended"), (3, "recorded")):
        change(place, number, event, lambda _: None)
    code, out, _ = audit("--verify", "-o", "json")
    assert (code, revisions(out)) == (0, [3, 4])
    assert "Revisions before 3 are neither in the archive nor in the cluster." in json.loads(out)["notes"]


@pytest.mark.parametrize(
    ("removed", "offline", "said"),
    [
        (["2-ended"], True, "the archive has the document of its beginning, and none of its end that can be used"),
        (["2-ended"], False, "the archive has the document of its beginning, and none of its end that can be used"),
        (["3-ended"], False, "the archive has the document of its beginning, and none of its end that can be used"),
        (["4-recorded"], True, "it was replaced, and the revision that replaced it is missing"),
        (["4-recorded"], False, "it is not in the archive, and status.archived says that it was written"),
        (["1-recorded", "1-ended"], True, "Revision 1 is neither in the archive nor in the cluster"),
        (["1-recorded", "1-ended"], False, "Revision 1 is neither in the archive nor in the cluster"),
        (["1-recorded", "1-ended", "2-recorded", "2-ended"], False, "Revisions before 3 are neither"),
    ],
)
@pytest.mark.usefixtures("week")
def test_a_file_that_was_removed_is_found(
    place: Path, audit: Callable[..., Ran], removed: list[str], offline: bool, said: str
) -> None:
    for each in removed:
        number, event = each.split("-")
        change(place, int(number), event, lambda _: None)
    code, out, _ = audit("--verify", *(["--offline"] if offline else []), "-o", "json")
    problems = [text for each in json.loads(out)["items"] for text in each["problems"]]
    assert code == 1
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.usefixtures("week")
def test_what_an_archive_alone_cannot_show_is_said(api: FakeApi, place: Path, audit: Callable[..., Ran]) -> None:
    for number, event in ((3, "ended"), (4, "recorded")):
        change(place, number, event, lambda _: None)
    code, out, _ = audit("--verify", "--offline")
    assert (code, "Without the cluster, nothing shows whether documents of later revisions" in out) == (0, True)
    code, out, _ = audit("--verify")
    assert (code, "Without the cluster" in out) == (1, False)
    del api.objects["modeldeployments", "default", "fraud"]
    code, out, _ = audit("--verify")
    assert code == 1
    assert "the ModelDeployment is not in the cluster, and no deletion is in the archive" in out


@pytest.mark.usefixtures("week")
def test_a_file_that_was_renamed_is_found(place: Path, audit: Callable[..., Ran]) -> None:
    (path,) = (place / DIRECTORY).glob("000000002-*-ended.jsonl")
    path.rename(path.with_name("000000009-aaaaaaaaaaaa-ended.jsonl"))
    code, out, _ = audit("--verify")
    assert code == 1
    assert re.search(r"000000009-aaaaaaaaaaaa-ended.jsonl was renamed: by its content it is \S+/000000002-", out)
    assert "not intact: 1 document of the archive cannot be used as found" in out


def test_a_history_that_was_replaced_in_the_cluster_is_found(
    week: Week, api: FakeApi, audit: Callable[..., Ran]
) -> None:
    """The chain of the cluster alone would verify: only the archive contradicts it."""
    raw = api.objects["modeldeployments", "default", "fraud"]
    stored = api.objects["controllerrevisions", "default", "fraud-3"]
    del api.objects["controllerrevisions", "default", "fraud-4"]
    raw["status"] = {**raw["status"], "history": raw["status"]["history"][:1]}
    assert stored["data"]["entry"]["hash"] == raw["status"]["history"][0]["hash"]
    code, out, _ = audit("--verify", "-o", "json")
    found = {each["revision"]: each["problems"] for each in json.loads(out)["items"]}
    assert code == 1
    assert found[4] == ["it is in the archive, and not in the cluster, which has no later revision"]
    assert week.snapshot.status.history[-1].revision == 4


@pytest.mark.usefixtures("week")
def test_a_version_that_was_deleted_is_answered_for(pennant: Run, place: Path) -> None:
    code, out, err = pennant("audit", "modelversion/fraud-1.1.0")
    assert (code, out) == (1, "")
    assert "name an archive with --archive" in err
    code, out, _ = pennant("audit", "mver", "fraud-1.1.0", "--archive", str(place))
    assert code == 0
    assert "deleted; its record was exported on " in out
    assert "(matches the record)" in out
    assert "exists" in pennant("audit", "modelversion/fraud-1.2.0", "--archive", str(place))[1]


def test_a_record_is_verified(week: Week, pennant: Run, api: FakeApi, place: Path) -> None:
    words = ["audit", "modelversion/fraud-1.1.0", "--archive", str(place), "--offline"]
    assert pennant(*words, "--verify")[:2] == (0, "modelversion.pennant.dev/fraud-1.1.0: intact\n")
    assert pennant("audit", "modelversion/fraud-1.2.0", "--archive", str(place), "--verify")[0] == 0
    raw = api.objects["modelversions", "default", "fraud-1.2.0"]
    api.objects["modelversions", "default", "fraud-1.1.0"] = {
        **raw,
        "metadata": {**raw["metadata"], "name": "fraud-1.1.0"},
    }
    code, out, _ = pennant(*words[:-1], "--verify")
    assert (code, "there are several records of this name" in out) == (1, True)
    (path,) = (place / "default" / "modelversions" / "fraud-1.1.0").glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"s3://models", b"s3://others"))
    code, out, err = pennant(*words, "--verify")
    assert (code, err) == (1, "")
    assert out.startswith("modelversion.pennant.dev/fraud-1.1.0: not intact: 1 problem\n")
    assert f"{path.name} was changed: " in out
    code, out, err = pennant(*words)
    assert (code, out) == (1, "")
    assert "no document of ModelVersion fraud-1.1.0 can be used: " in err
    assert "there is no ModelVersion" not in err


@pytest.mark.usefixtures("week")
def test_without_the_cluster_the_namespace_is_that_of_the_context(
    place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = a_kubeconfig(tmp_path, "https://api.example:6443")
    config.write_text(config.read_text().replace("namespace: models", "namespace: shop"))
    shop = ["--kubeconfig", str(config), "--context", "two"]
    words = ["audit", "fraud", "--archive", str(place), "--offline"]
    assert main([*words, *shop]) == 1
    said = "has no revision of shop/fraud; it has default/fraud: name one of them, and its namespace with -n"
    assert said in capsys.readouterr().err
    assert main([*words, *shop, "-n", "default"]) == 0
    assert main(["audit", "mver/fraud-1.1.0", *words[2:], *shop]) == 1
    assert "; it has default/fraud-1.1.0: name one of them, and its namespace with -n" in capsys.readouterr().err
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert main(words) == 0, "without a kubeconfig it is default"
    joined = tmp_path / "all.jsonl"
    joined.write_bytes(b"".join(each.read_bytes() for each in (place / DIRECTORY).iterdir()))
    assert main(["audit", "churn", "--archive", str(joined), "--offline"]) == 1
    assert "; it has default/fraud: name one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--offline"], "--offline reads an archive alone; name it with --archive"),
        (["--archive", "/nowhere"], "/nowhere is no file and no directory"),
        (["--archive", "ftp://host/x"], "scheme ftp is not known"),
    ],
)
@pytest.mark.usefixtures("week")
def test_what_cannot_be_read_is_named(pennant: Run, words: list[str], said: str) -> None:
    code, out, err = pennant("audit", "fraud", *words)
    assert (code, out) == (1, "")
    assert said in err


@pytest.mark.usefixtures("week")
def test_an_archive_without_the_object_is_named(pennant: Run, place: Path) -> None:
    code, _, err = pennant("audit", "churn", "--archive", str(place))
    assert code == 1
    assert "has no revision of default/churn, and namespace default has no ModelDeployment churn" in err


@pytest.mark.usefixtures("week")
def test_a_line_of_an_archive_is_not_restored(pennant: Run, place: Path) -> None:
    (path,) = (place / DIRECTORY).glob("000000004-*-recorded.jsonl")
    assert pennant("restore", str(path), "--verify")[0] == 0
    code, _, err = pennant("restore", str(path))
    assert code == 1
    assert "is of an archive and has one revision" in err


@pytest.mark.usefixtures("week")
def test_the_outputs_of_the_page_for_the_auditor_are_real(pennant: Run, place: Path, tmp_path: Path) -> None:
    """`PENNANT_WRITE_GOLDEN=1` writes them into the page."""
    (tmp_path / "model.onnx").write_bytes(MODEL)

    def run(line: str) -> str:
        words = shlex.split(line.replace(MOUNTED, str(place)))
        if words[0] != "kubectl":
            return subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        code, out, err = pennant(*words[2:])
        assert code == 0, err
        return (out + err).replace(str(place), MOUNTED)

    def real(found: re.Match[str]) -> str:
        indent, fence, language, text = found[1], found[2], found[3], found[4]
        if not text.startswith("$ "):
            return found[0]
        lines = [each for each in text.splitlines() if each.startswith("$ ")]
        blocks = "".join(f"{each}\n{run(each.removeprefix('$ ')).rstrip()}\n" for each in lines)
        return f"{indent}{fence}{language}\n{blocks}{indent}{fence}"

    before = PAGE.read_text()
    after = FENCE.sub(real, before)
    assert after.count("$ ") >= 5
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        PAGE.write_text(after)
        before = after
    assert before == after
