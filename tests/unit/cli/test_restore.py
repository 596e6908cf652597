"""`restore` creates what an export describes, refuses what was changed, and changes nothing that exists.

Rule: R141.
Rule: R142.
Rule: R143.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pennant.api.meta import Json
from pennant.archive.documents import sealed
from pennant.cli import clock
from pennant.cli.errors import CliError
from pennant.cli.exporting import check
from pennant.cli.restoring.apply import ATTEMPTS
from unit.cli import exports
from unit.cli.conftest import Run
from unit.cli.exports import NOW, content, emptied, rolled_back
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden

RECORDS = [f"controllerrevisions/fraud-{number}" for number in (1, 2, 3)]
VERSIONS = ["modelversions/fraud-1.0.0", "modelversions/fraud-1.1.0"]
DEPLOYMENT = "modeldeployments/fraud"
Doc = dict[str, Any]


@pytest.fixture(autouse=True)
def _at_a_fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def text(pennant: Run, api: FakeApi) -> str:
    exports.fill(api, rolled_back())
    code, out, _ = pennant("export", "fraud")
    assert code == 0
    return out


@pytest.fixture
def file(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "fraud.json"
    path.write_text(text)
    return path


def restored(pennant: Run, file: Path, *words: str) -> list[str]:
    code, out, err = pennant("restore", str(file), *words)
    assert code == 0, err
    return out.splitlines()


def refused(pennant: Run, file: Path, *words: str) -> str:
    code, out, err = pennant("restore", str(file), *words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "Traceback" not in err
    return err.removeprefix("error: ").rstrip("\n")


# What is created.
def test_everything_is_created_as_it_was_in_the_order_that_an_operator_that_runs_needs(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    before = content(api)
    emptied(api)
    assert_golden("restore/whole.txt", "\n".join(restored(pennant, file)))
    assert api.made == [*RECORDS, *VERSIONS, DEPLOYMENT]
    assert content(api) == before
    owners = [each["metadata"].get("ownerReferences") for each in api.objects.values()]
    assert owners == [None] * 6, "the operator adopts them"
    assert all("pennant.dev/restart" not in each["metadata"].get("annotations", {}) for each in api.objects.values())


def test_a_second_run_finds_nothing_to_do(pennant: Run, api: FakeApi, file: Path) -> None:
    emptied(api)
    restored(pennant, file)
    api.made.clear()
    api.patches.clear()
    assert {each.rpartition(" ")[2] for each in restored(pennant, file)} == {"unchanged"}
    assert (api.made, api.patches) == ([], [])


@pytest.mark.parametrize("at", range(6))
def test_a_run_that_failed_half_way_is_continued_by_the_next_one(
    pennant: Run, api: FakeApi, file: Path, at: int
) -> None:
    before = content(api)
    emptied(api)
    fails = [*RECORDS, *VERSIONS, DEPLOYMENT][at].partition("/")[2]
    api.before_create = lambda name, _: (500, "etcd is away") if name == fails and len(api.made) == at else None
    code, _, err = pennant("restore", str(file))
    assert code == 1
    assert f"/{fails}: " in err
    assert err.endswith("What was restored stays; run the same command again\n")
    assert len(api.made) == at
    api.before_create = lambda _name, _body: None
    restored(pennant, file)
    assert api.made == [*RECORDS, *VERSIONS, DEPLOYMENT], "nothing is created twice"
    assert content(api) == before


def test_marks_are_added_again_where_the_operator_writes_the_status_meanwhile(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    before = content(api)
    emptied(api)
    conflicts = iter([(409, "changed")] * 3)
    api.before_patch = lambda _name, _body: next(conflicts, None)
    restored(pennant, file)
    assert content(api) == before
    emptied(api)
    api.before_patch = lambda _name, _body: (409, "changed")
    code, _, err = pennant("restore", str(file))
    assert (code, DEPLOYMENT in api.made) == (1, False), "no ModelDeployment before the marks of quarantine"
    assert "modelversion.pennant.dev/fraud-1.0.0: changed" in err
    assert len(api.patches) == ATTEMPTS


@pytest.mark.parametrize(("how", "suffix"), [("client", " (dry run)"), ("server", " (server dry run)")])
def test_a_dry_run_creates_nothing(pennant: Run, api: FakeApi, file: Path, how: str, suffix: str) -> None:
    emptied(api)
    told = restored(pennant, file, f"--dry-run={how}")
    assert all(each.endswith(suffix) for each in told)
    assert (api.objects, api.made, api.patches) == ({}, [], [])
    assert [each.removesuffix(suffix) for each in told] == restored(pennant, file)


def test_the_deployment_may_be_left_to_others_and_the_namespace_be_another_one(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    before = content(api)
    emptied(api)
    restored(pennant, file, "--without-deployment", "-n", "risk")
    assert api.made == [*RECORDS, *VERSIONS]
    assert content(api) == {}
    del before[DEPLOYMENT]
    assert content(api, "risk") == before


def test_a_namespace_that_does_not_exist_is_named_with_the_command_that_creates_it(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    emptied(api).before_create = lambda _name, _body: (404, 'namespaces "shop" not found')
    code, out, err = pennant("restore", str(file), "-n", "shop")
    assert (code, out) == (1, "")
    missing = 'controllerrevision.apps/fraud-1: namespaces "shop" not found'
    assert err == f"error: {missing}. Create it: kubectl create namespace shop\n"


def test_a_version_is_restored_by_itself(pennant: Run, api: FakeApi, text: str, tmp_path: Path) -> None:
    assert text
    before = content(api)
    (tmp_path / "version.json").write_text(pennant("export", "mver/fraud-1.1.0")[1])
    emptied(api)
    restored(pennant, tmp_path / "version.json")
    assert content(api) == {VERSIONS[1]: before[VERSIONS[1]]}


def test_standard_input_is_read(pennant: Run, api: FakeApi, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(api)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert pennant("restore", "-")[0] == 0
    assert len(api.made) == 6


def test_verify_asks_no_cluster(pennant: Run, api: FakeApi, file: Path) -> None:
    emptied(api)
    api.forbidden |= set(exports.PLURALS)
    said = "\n".join(restored(pennant, file, "--verify"))
    assert_golden("restore/verify.txt", said.replace(json.loads(file.read_text())["source"]["server"], "SERVER"))


# What exists.
def stored(api: FakeApi, path: str) -> Json:
    plural, _, name = path.partition("/")
    return api.objects[plural, "default", name]


def another_record(api: FakeApi) -> None:
    found = stored(api, RECORDS[1])
    entry = {**found["data"]["entry"], "actor": "mallory"}
    api.add("controllerrevisions", {**found, "data": {**found["data"], "entry": entry, "more": 1}})


def unlabelled(api: FakeApi) -> None:
    found = stored(api, RECORDS[1])
    api.add("controllerrevisions", {**found, "metadata": {**found["metadata"], "labels": {}}})


def another_version(api: FakeApi) -> None:
    api.touch("modelversions", "fraud-1.1.0", artifacts=[], reason="another")


def another_spec(api: FakeApi) -> None:
    api.touch("modeldeployments", "fraud", tag="canary", replicas=9)


def being_deleted(api: FakeApi) -> None:
    found = stored(api, VERSIONS[0])
    api.add("modelversions", {**found, "metadata": {**found["metadata"], "deletionTimestamp": "2026-01-01T12:00:00Z"}})


def another_history(api: FakeApi) -> None:
    found = stored(api, DEPLOYMENT)
    history = [{**found["status"]["history"][0], "hash": f"sha256:{'0' * 64}"}]
    api.add("modeldeployments", {**found, "status": {"history": history}})


def later_history(api: FakeApi) -> None:
    found = stored(api, DEPLOYMENT)
    history = [{**each, "revision": each["revision"] + 50} for each in found["status"]["history"]]
    api.add("modeldeployments", {**found, "status": {"history": history}})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (another_record, "controllerrevision.apps/fraud-2 exists with another data.entry.actor, data.more"),
        (unlabelled, "controllerrevision.apps/fraud-2 exists with another metadata.labels"),
        (another_version, "modelversion.pennant.dev/fraud-1.1.0 exists with another spec.artifacts, spec.reason"),
        (
            another_spec,
            "modeldeployment.pennant.dev/fraud exists with another spec.tag; --without-deployment leaves it as it is",
        ),
        (being_deleted, "modelversion.pennant.dev/fraud-1.0.0 is being deleted; wait until it is gone"),
        (
            another_history,
            "modeldeployment.pennant.dev/fraud exists with a history of its own: its status has another hash for "
            "revision 1",
        ),
        (
            later_history,
            "modeldeployment.pennant.dev/fraud exists with a history of its own: its status has no revision of the "
            "document",
        ),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_an_object_that_is_another_one_is_named_with_its_fields_and_nothing_is_written(
    pennant: Run, api: FakeApi, file: Path, change: Callable[[FakeApi], None], says: str
) -> None:
    del api.objects["controllerrevisions", "default", "fraud-3"]
    change(api)
    assert refused(pennant, file) == f"{says}. Nothing was restored"
    assert (api.made, api.patches) == ([], [])


def test_what_the_garbage_collector_is_about_to_delete_does_not_count_as_restored(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    del api.objects["modeldeployments", "default", "fraud"]
    assert "controllerrevision.apps/fraud-1 is being deleted; wait until it is gone" in refused(pennant, file)
    for each in RECORDS:
        found = stored(api, each)
        api.add("controllerrevisions", {**found, "metadata": {**found["metadata"], "ownerReferences": []}})
    restored(pennant, file)
    assert api.made == [DEPLOYMENT], "the operator adopts those without an owner"


def test_tags_and_other_fields_that_change_stay(pennant: Run, api: FakeApi, file: Path) -> None:
    api.touch("modelversions", "fraud-1.0.0", tags=["production"], description="moved since")
    api.touch("modelversions", "fraud-1.1.0", tags=[])
    api.touch("modeldeployments", "fraud", replicas=9)
    told = restored(pennant, file)
    assert "modelversion.pennant.dev/fraud-1.1.0 unchanged: its tags stay [], and were [production]" in told
    assert (api.tags("fraud-1.0.0"), api.tags("fraud-1.1.0")) == (["production"], [])
    assert (api.made, api.patches) == ([], [])


def test_a_mark_that_was_released_since_is_not_added_again(pennant: Run, api: FakeApi, file: Path) -> None:
    version = api.objects["modelversions", "default", "fraud-1.1.0"]
    version["status"] = {**version["status"], "quarantinedBy": []}
    restored(pennant, file)
    assert api.patches == []


def test_marks_of_other_model_deployments_stay(pennant: Run, api: FakeApi, file: Path) -> None:
    mark = {**json.loads(file.read_text())["versions"][1]["quarantinedBy"][0], "deployment": "a-other"}
    version = api.objects["modelversions", "default", "fraud-1.1.0"]
    emptied(api)
    api.add("modelversions", {**version, "status": {"quarantinedBy": [mark]}})
    restored(pennant, file)
    marks = api.objects["modelversions", "default", "fraud-1.1.0"]["status"]["quarantinedBy"]
    assert [each["deployment"] for each in marks] == ["a-other", "fraud"]


def test_revisions_that_the_history_limit_has_removed_are_not_created_again(
    pennant: Run, api: FakeApi, file: Path
) -> None:
    found = stored(api, DEPLOYMENT)
    api.add("modeldeployments", {**found, "status": {"history": found["status"]["history"][1:]}})
    for each in RECORDS[:2]:
        del api.objects["controllerrevisions", "default", each.partition("/")[2]]
    restored(pennant, file)
    assert api.made == [RECORDS[1]], "one that is missing in the history is"


def test_the_history_may_have_gaps_since_the_rollback_target_is_kept(pennant: Run, api: FakeApi, file: Path) -> None:
    found = stored(api, DEPLOYMENT)
    first, _, last = found["status"]["history"]
    api.add("modeldeployments", {**found, "status": {"history": [first, last]}})
    del api.objects["controllerrevisions", "default", "fraud-2"]
    restored(pennant, file)
    assert api.made == []


def test_a_deployment_that_would_begin_a_history_of_its_own_is_refused(
    pennant: Run, api: FakeApi, text: str, tmp_path: Path
) -> None:
    path, found = tmp_path / "late.json", json.loads(text)
    part = found["deployment"]
    part["history"], part["revisions"] = part["history"][1:], part["revisions"][1:]
    path.write_text(json.dumps(sealed(found)))
    deployment = {**stored(api, DEPLOYMENT), "status": {}}
    emptied(api).add("modeldeployments", deployment)
    assert "exists without a history, and would begin one of its own" in refused(pennant, path)
    path.write_text(text)
    restored(pennant, path)
    assert api.made == [*RECORDS, *VERSIONS], "the name of revision 1 is taken, so the operator reads them"


# What was changed.
def changed(text: str, *path: str | int, to: Any, seal: bool = True) -> bytes:
    """Return the document with another value in one place; sealed as someone does who knows how."""
    document = json.loads(text)
    where = document
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = to
    return json.dumps(sealed(document) if seal else document).encode()


def says(content: bytes) -> str:
    with pytest.raises(CliError) as error:
        check.document(content, "fraud.json", NOW)
    return str(error.value)


REVISION = ("deployment", "revisions", 1)


@pytest.mark.parametrize(
    ("path", "to", "what"),
    [
        ((*REVISION, "data", "entry", "actor"), "mallory", "revision 2: .*its history entry was changed"),
        ((*REVISION, "data", "entry", "hash"), f"sha256:{'0' * 64}", "revision 2: .*its history entry was changed"),
        ((*REVISION, "data", "template", "spec"), {}, "revision 2: .*its pod template was changed"),
        ((*REVISION, "data", "record", "reason"), "none", "revision 2: .*its record of the version was changed"),
        ((*REVISION, "progress", "outcome"), "Verified", "revision 2: .* from its ControllerRevision in outcome"),
        (("deployment", "history", 1, "actor"), "mallory", "revision 2: .* from its ControllerRevision in actor"),
        (("deployment", "name"), "other", "revision 1: .*belongs to ModelDeployment fraud"),
        (REVISION, {"revision": 1, "data": {}}, r"deployment.revisions\[1\], revision 1, cannot be read"),
        (("versions", 0, "spec", "reason"), "none", "version fraud-1.0.0: its record does not match recordDigest"),
        (("versions", 0, "name"), "fraud-9", "version fraud-9: metadata.name: must be fraud-1.0.0"),
    ],
)
def test_a_change_is_found_by_the_hash_that_covers_it_though_the_digest_fits(
    text: str, path: tuple[str | int, ...], to: Any, what: str
) -> None:
    said = says(changed(text, *path, to=to))
    assert said.startswith("fraud.json was changed: ")
    assert said.endswith("Nothing is restored; use another copy")
    assert re.search(what, said), said


def test_a_revision_cannot_be_there_twice(text: str) -> None:
    twice = json.loads(text)["deployment"]["revisions"][0]
    assert "revision 1, has a number that another one has" in says(changed(text, *REVISION, to=twice))


@pytest.mark.parametrize(
    "path",
    [
        ("deployment", "spec", "replicas"),
        ("versions", 0, "spec", "tags"),
        ("createdAt",),
        ("deployment", "labels", "x"),
    ],
)
def test_any_other_change_is_found_by_the_digest(text: str, path: tuple[str | int, ...]) -> None:
    to = {"replicas": 99, "tags": ["x"], "createdAt": "2026-01-01T00:00:00Z", "x": "y"}[str(path[-1])]
    assert says(changed(text, *path, to=to, seal=False)).startswith("fraud.json was changed: digest is sha256:")


@pytest.mark.parametrize(
    ("path", "to", "what"),
    [
        (("formatVersion",), 2, "format 2 of pennant.dev/v1alpha1 is newer than format 1"),
        (("apiVersion",), "pennant.dev/v1", "format 1 of pennant.dev/v1 is newer than"),
        (("kind",), "List", "is no export: kind must be Export"),
        (("apiVersion",), ["pennant.dev/v1alpha1"], "is no export"),
        (("formatVersion",), "1", "document.formatVersion: must be an integer"),
        (("formatVersion",), None, "document.formatVersion"),
        (("source",), {}, "document.source.server: must be set"),
        (("source", "namespace"), "../kube-system", "invalid namespace"),
        (("deployment",), [], "document.deployment: must be an object"),
        (("deployment", "name"), "a/b", 'invalid name "a/b"'),
        (("deployment", "labels"), {"a": 1}, "document.deployment.labels.a: must be a string"),
        (("deployment", "revisions"), None, "document.deployment.revisions: must be a list"),
        ((*REVISION, "data"), "x", r"document.deployment.revisions\[1\].data: must be an object"),
        ((*REVISION, "revision"), 10**12, r"document.deployment.revisions\[1\].revision"),
        (("versions", 0, "spec"), None, r"document.versions\[0\].spec: must be an object"),
        (("versions", 0, "servedBy"), [{}], r"document.versions\[0\].servedBy\[0\].deployment: must be set"),
        (("digest",), 7, "document.digest: must be a string"),
    ],
)
def test_a_wrong_type_is_named_with_its_field(text: str, path: tuple[str | int, ...], to: Any, what: str) -> None:
    assert re.search(what, says(changed(text, *path, to=to, seal=False)))


NESTED = b'{"a":' * 100_000


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is no JSON, or was cut off"),
        (b"apiVersion: pennant.dev/v1alpha1\nkind: Export\n", "is no JSON, or was cut off"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"\xff\xfe\x00", "is no export"),
        (b'{"a": NaN}', "NaN is no number in JSON"),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": 1, "a": 2}', "it has a key twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is no export"),
        (NESTED, "is no export"),
    ],
)
def test_what_is_no_export_is_refused(content: bytes, what: str) -> None:
    assert what in says(content)


def test_a_document_that_was_cut_off_is_refused_wherever_it_ends(text: str) -> None:
    whole = text.rstrip().encode()
    for end in range(0, len(whole), len(whole) // 40):
        assert "is no JSON, or was cut off" in says(whole[:end])


ODD: tuple[Any, ...] = (None, 0, -1, 10**30, True, "", "../x", [], [1], {}, {"a": None}, [{}])


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from paths(each, (*at, step))


def test_whatever_a_field_has_the_document_is_read_or_refused_with_a_sentence(text: str) -> None:
    tried = refusals = 0
    for number, path in enumerate(list(paths(json.loads(text)))[1:]):
        tried += 1
        try:
            check.document(changed(text, *path, to=ODD[number % len(ODD)]), "fraud.json", NOW)
        except CliError:
            refusals += 1
    assert tried > 300
    assert 0.8 * tried < refusals < tried, "what has no hash of its own may have another value, if the digest fits"


def test_nesting_and_characters_that_no_object_has_are_refused(text: str) -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"a": deep}
    assert "levels of nesting" in says(changed(text, "deployment", "spec", to=deep))
    assert "characters that UTF-8 cannot have" in says(
        changed(text, "deployment", "annotations", to={"a": "\ud800"}, seal=False)
    )


def test_a_huge_file_is_not_read_to_its_end(
    pennant: Run, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "LARGEST", 1024**2)
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * (1024**2 + 1))
    assert refused(pennant, huge) == f"{huge} is no export: it has more than 1 MiB"
    assert refused(pennant, file.parent / "none.json").endswith("none.json cannot be read: No such file or directory")
    assert refused(pennant, file, "--namespace", "A_b").startswith('invalid namespace "A_b"')
