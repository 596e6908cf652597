"""`compare` shows what differs between two versions, for people, for pull requests, for programs and as a page."""

import json
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from pennant.api.deployment_status import Desired, MetricState, MetricStatus, ModelDeploymentStatus, Serving
from pennant.api.history import Evidence, HistoryEntry, Outcome
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.api.version_status import Bump, ServedBy
from pennant.cli import clock, compare
from pennant.cli.commands.compare import command
from pennant.cli.comparison import plots, reading
from pennant.cli.comparison.facts import Comparison, Result, Side, changes, compared, flat, step
from pennant.cli.comparison.live import Content, live
from pennant.cli.comparison.page import page
from pennant.cli.errors import CliError
from pennant.cli.session import Session
from pennant.core.facts.observation import Revision, Snapshot
from pennant.kube.http.errors import Forbidden
from unit.api.examples import DIGEST, Object, a_version, a_whole_version
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON, a_snapshot, after, an_entry

NOW = after(86_400)
HOSTILE = "0.1 | <script>alert(1)</script> `x` @ada $y^{ [a](javascript:b)"


def metric(name: str, value: str, direction: str | None = "Maximize", **fields: Any) -> Object:
    known: Object = {"name": name, "value": value, "dataset": "holdout", "split": "Test"}
    return known | ({"direction": direction} if direction else {}) | fields


def manifests() -> tuple[Object, Object]:
    """Return two ModelVersions that differ in each section."""
    old = a_whole_version()
    new = a_whole_version()
    new["metadata"]["name"] = "fraud-1.0.1"
    old["spec"]["metrics"] = [
        metric("auc", "0.91", unit="1"),
        metric("auc", "0.93", split="Validation"),
        metric("latency-p99", "40", "Minimize", unit="ms"),
        metric("brier", "0.10", "Minimize"),
        metric("lift", "2.0", None),
        metric("recall", "0.7"),
        metric("drift", "0", "Minimize"),
    ]
    new["spec"] |= {
        "version": "1.0.1",
        "parent": "1.0.0",
        "artifacts": [{**old["spec"]["artifacts"][0], "digest": DIGEST.replace("0", "1")}],
        "hyperparameters": [{"name": "depth", "value": "8"}, {"name": "$eta^{", "value": HOSTILE}],
        "datasets": [{**old["spec"]["datasets"][0], "version": "8", "rows": 12}],
        "code": {**old["spec"]["code"], "commit": "4567def"},
        "environment": {**old["spec"]["environment"], "frameworks": [{"name": "xgboost", "version": "3.1"}]},
        "serving": {"image": "registry.example.com/serve:2", "env": [{"name": "DEBUG"}]},
        "metrics": [
            metric("auc", "0.9342", unit="1"),
            metric("auc", "0.93", split="Validation"),
            metric("latency-p99", "41.5", "Minimize", unit="ms"),
            metric("brier", "0.08", "Minimize"),
            metric("lift", "2.5", None),
            metric("drift", "0.5", "Minimize"),
            metric("auc", "0.8", slice="country=<DE>|$"),
        ],
    }
    del new["spec"]["reason"]
    return old, new


OLD, NEW = manifests()
BEFORE, AFTER = (reading.side(each) for each in (OLD, NEW))


def entry(
    number: int, side: Side, available_at: datetime = NOON, ended_at: datetime | None = None, **fields: Any
) -> HistoryEntry:
    fields |= {"available_at": available_at, "ended_at": ended_at}
    return an_entry(number, side.version, digest=side.digest, **fields)


def a_status() -> ModelDeploymentStatus:
    """Return the status of a ModelDeployment in which the second version failed after the first one."""
    evidence = Evidence(
        metric="accuracy",
        value="0.21",
        threshold="min 0.9",
        breaches="3 of 3",
        query_hash="0123456789ab",
        at=after(3900),
    )
    state = MetricStatus(
        name="accuracy",
        revision=3,
        state=MetricState.PASSING,
        reason=Reason.METRICS_PASSING,
        message="0.95, min 0.9",
        since=after(4200),
    )
    return ModelDeploymentStatus(
        history=(
            entry(1, BEFORE, NOON, after(3600), verified_at=after(300), outcome=Outcome.SUPERSEDED),
            entry(2, AFTER, after(3700), after(4000), outcome=Outcome.ROLLED_BACK, evidence=(evidence,)),
            entry(3, BEFORE, after(4000), outcome=Outcome.SERVING),
        ),
        analysis=(state,),
    )


def the_comparison() -> Comparison:
    elsewhere = ServedBy(deployment="fraud-eu", revision=4, from_=after(100), until=after(200))
    statuses = (("fraud", a_status()), ("other", ModelDeploymentStatus()))
    told = live(statuses, reading.content(BEFORE), Content(AFTER.version, AFTER.digest, (elsewhere,)))
    return compared(BEFORE, AFTER, told)


FOUND = the_comparison()


@pytest.mark.parametrize("form", [None, "markdown", "json", "yaml"])
def test_a_comparison(form: str | None) -> None:
    assert_golden(f"compare/whole.{form or 'txt'}", compare.rendered(FOUND, form))


def test_a_page_with_plots_left_out() -> None:
    text = page(FOUND, NOW, draw=lambda *_: ("<svg>changes</svg>", "<svg>periods</svg>"))
    assert_golden("compare/page.html", text)


def test_the_direction_says_what_is_better() -> None:
    results = {str(each.number): each.result for each in FOUND.metrics}
    assert results["auc/holdout/Test"] is Result.BETTER
    assert results["brier/holdout/Test"] is Result.BETTER
    assert results["latency-p99/holdout/Test"] is Result.WORSE
    assert results["auc/holdout/Validation"] is Result.SAME
    assert results["lift/holdout/Test"] is Result.NOT_COMPARABLE
    assert results["drift/holdout/Test"] is Result.WORSE
    improvements = {str(each.number): each.improvement for each in FOUND.metrics}
    assert improvements["drift/holdout/Test"] is None, "there is no percentage of zero"
    assert improvements["latency-p99/holdout/Test"] == -3.75
    assert improvements["brier/holdout/Test"] == 20


def test_the_computed_bump_is_that_of_the_core_and_the_version_numbers_may_be_too_small() -> None:
    assert (FOUND.bump.bump, FOUND.step, FOUND.step_is_too_small) == (Bump.MINOR, Bump.PATCH, True)
    same = compared(BEFORE, BEFORE)
    assert (same.changes, same.step, same.step_is_too_small) == ((), Bump.NONE, False)
    assert {each.result for each in same.metrics} == {Result.SAME, Result.NOT_COMPARABLE}


@pytest.mark.parametrize(
    ("before", "after", "bump"),
    [
        ("1.0.0", "2.0.0", Bump.MAJOR),
        ("1.0.0", "1.1.0", Bump.MINOR),
        ("1.1.0", "1.1.1", Bump.PATCH),
        ("1.1.0-rc.1", "1.1.0", Bump.NONE),
    ],
)
def test_the_bump_of_two_version_numbers(before: str, after: str, bump: Bump) -> None:
    assert step(before, after) is bump


def test_each_value_of_a_record_has_a_path_of_its_own() -> None:
    record = a_whole_version()["spec"]
    found = flat(record)
    assert found["hyperparameters", "depth"] == "6"
    assert found["environment", "frameworks", "xgboost", "version"] == "3.0"
    assert found["author", "name"] == "ada"
    assert found["schema", "inputs", "x", "shape"] == "[-1, 30]"
    assert found["retention", "legalHold"] == "true"
    assert flat({"env": [{"name": "EMPTY"}]}) == {("env", "EMPTY"): ""}
    assert [*changes(record, record)] == []


def test_only_a_deployment_that_served_both_has_live_metrics() -> None:
    fraud, elsewhere = FOUND.live
    assert (fraud.deployment, elsewhere.deployment) == ("fraud", "fraud-eu")
    (measured,) = fraud.measured
    assert measured.before == "Passing: 0.95, min 0.9"
    assert measured.after == "failed: 0.21, min 0.9, in 3 of 3 checks"
    assert elsewhere.measured == ()


def test_another_content_under_the_same_version_did_not_serve() -> None:
    (found,) = live((("fraud", a_status()),), Content(BEFORE.version, "sha256:other"), reading.content(AFTER))
    assert {each.version for each in found.served} == {AFTER.version}


# Markdown.


def test_markdown_mentions_nobody_and_holds_no_markup_of_others() -> None:
    text = compare.rendered(FOUND, "markdown")
    outside_of_code = re.sub(r"`[^`\n]*`", "", text)
    assert "@ada" not in outside_of_code
    assert "<script" not in outside_of_code
    assert "country=<DE>" not in outside_of_code
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for row in rows:
        cells = len(re.findall(r"(?<!\\)\|", row)) - 1
        assert cells in (4, 7), row


# The page.


class Links(HTMLParser):
    """Collects what a page refers to, and what it could run."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.scripts: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "xlink:href", "srcset", "data", "action"):
                self.references.append(value or "")
            if name.startswith("on"):
                self.scripts.append(name)
            if name == "id":
                self.ids.append(value or "")
        if tag in ("script", "iframe", "object", "embed", "link", "img"):
            self.scripts.append(tag)


@pytest.fixture(scope="module")
def whole_page() -> str:
    return page(FOUND, NOW)


def test_a_page_refers_to_nothing_outside_and_runs_nothing(whole_page: str) -> None:
    links = Links()
    links.feed(whole_page)
    assert links.scripts == []
    assert links.references
    assert all(each.startswith("#") for each in links.references)
    assert {each[1:] for each in links.references} <= set(links.ids)
    assert len(set(links.ids)) == len(links.ids)
    assert not re.search(r"url\((?!#)", whole_page)
    assert "@import" not in whole_page


def test_texts_of_others_are_escaped_in_a_page(whole_page: str) -> None:
    assert "<script" not in whole_page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in whole_page
    assert "country=&lt;DE&gt;" in whole_page


@pytest.mark.parametrize("name", ["changes", "periods"])
def test_a_plot_is_an_svg_that_takes_its_colours_from_the_page(whole_page: str, name: str) -> None:
    (svg,) = [each for each in re.findall(r"<svg.*?</svg>", whole_page, re.DOTALL) if f'id="{name}-' in each]
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].endswith("The table has all values." if name == "changes" else "all times.")
    assert root.attrib["viewBox"]
    assert not {"width", "height"} & root.attrib.keys()
    assert "var(--ink)" in svg
    assert not re.search("#0[0-9]0[0-9]0[0-9]", svg)
    assert "".join(root.itertext()).strip(), "text stays text"


def test_a_plot_is_the_same_each_time() -> None:
    assert plots.changes(FOUND.metrics) == plots.changes(FOUND.metrics)


def test_without_anything_to_draw_there_is_no_plot() -> None:
    before, after = (
        Side(each.name, each.spec.model_copy(update={"metrics": ()}), each.record) for each in (BEFORE, AFTER)
    )
    bare = compared(before, after)
    text = page(bare, NOW)
    assert "<svg" not in text
    assert 'href="#metrics"' not in text
    assert "In live traffic" not in text


def test_the_page_adapts_to_dark_screens_narrow_screens_and_keyboards(whole_page: str) -> None:
    for each in ("prefers-color-scheme: dark", "max-width: 44rem", ":focus-visible", 'class="skip"', 'tabindex="0"'):
        assert each in whole_page


# The command.


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    return (1, str(done.exception)) if done.exception is not None else (0, done.output)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "both.yaml").write_text(yaml.safe_dump_all([NEW, OLD, {"kind": "ConfigMap"}]))
    return tmp_path


def test_two_versions_of_files_are_compared_in_their_order(files: Path) -> None:
    code, text = run("-f", str(files))
    assert (code, text.splitlines()[0]) == (0, "fraud: 1.0.0 -> 1.0.1")
    backwards = ("fraud-1.0.1 fraud-1.0.0", "1.0.1 1.0.0 --model fraud", "mver/fraud-1.0.1 mver/fraud-1.0.0")
    for names in backwards:
        assert run(*names.split(), "-f", str(files))[1].splitlines()[0] == "fraud: 1.0.1 -> 1.0.0"


def test_a_page_is_written_to_a_file(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert run("-f", str(files), "-o", "html", "--output-file", str(files / "page.html")) == (0, "")
    assert (files / "page.html").read_text().startswith("<!doctype html>")
    assert run("-f", str(files), "-o", "html")[1] == (files / "page.html").read_text()
    assert "cannot be written" in run("-f", str(files), "--output-file", str(files / "none" / "x"))[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name two versions, as in"),
        (("a", "b", "c"), "name two versions, as in"),
        (("svc/a", "b"), "svc/a is not a ModelVersion"),
        (("mver/fraud-1.0.0",), "fraud-1.0.0 is a ModelVersion; name a second version to compare it with"),
        (("fraud", "--model", "fraud"), "--model belongs to two versions"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[str, ...], says: str) -> None:
    code, text = run(*arguments)
    assert (code, says in text) == (1, True), text


def test_files_that_do_not_hold_two_versions_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "v.yaml"
    file.write_text(yaml.safe_dump(a_version()))
    assert run("-f", str(file))[1] == "name two versions of those in the files; there are: fraud-1.0.0"
    assert "fraud-2.0.0 is not in the files" in run("fraud-1.0.0", "fraud-2.0.0", "-f", str(file))[1]
    file.write_text(yaml.safe_dump_all([a_version(), a_version()]))
    assert "is in the files twice" in run("-f", str(file))[1]
    file.write_text(yaml.safe_dump(a_version(tags="production")))
    assert "spec.tags: must be a list. Check it with `pennant lint`" in run("-f", str(file))[1]
    file.write_text("a: [")
    assert f"{file}:2: is no YAML" in run("-f", str(file))[1]


# The cluster.


class FakeSession:
    """What `compare` reads of a session."""

    namespace = "default"

    def __init__(self, *versions: Object, snapshots: tuple[Snapshot, ...] = (), forbidden: bool = False) -> None:
        self.versions = {each["metadata"]["name"]: each for each in versions}
        self.known = {each.key.name: each for each in snapshots}
        self.forbidden = forbidden
        self.client = self.inspector = self

    async def get(self, _: str, __: str, name: str) -> Object | None:
        return self.versions.get(name)

    async def all_of(self, _: str, __: str, fieldSelector: str = "") -> list[Object]:  # noqa: N803
        wanted = dict(each.split("=") for each in fieldSelector.split(",") if each)
        found = [{f"spec.{name}": value for name, value in each["spec"].items()} for each in self.versions.values()]
        matching = zip(self.versions.values(), found, strict=True)
        return [each for each, fields in matching if wanted.items() <= fields.items()]

    async def snapshot(self, key: Any) -> Snapshot | None:
        return self.known.get(key.name)

    async def snapshots(self, _: str = "", __: str = "") -> tuple[Snapshot, ...]:
        if self.forbidden:
            raise Forbidden("permission is missing: list modeldeployments")
        return tuple(self.known.values())


def session(*versions: Object, **fields: Any) -> Session:
    return cast(Session, FakeSession(*versions, **fields))


def serving(version: str, desired: str | None, **fields: Any) -> Snapshot:
    digests = {each.version: each.digest for each in (BEFORE, AFTER)}
    status = a_status().model_copy(
        update={
            "serving": Serving(version=version, digest=digests[version], revision=3, since=NOON),
            "desired": Desired(version=desired, digest=digests[desired], since=NOON) if desired else None,
        }
    )
    return a_snapshot("fraud", status=status, **fields)


def first_one(snapshot: Snapshot) -> Snapshot:
    """Return the ModelDeployment with the first version alone in its history."""
    return replace(snapshot, status=snapshot.status.model_copy(update={"history": (entry(3, BEFORE),)}))


async def test_two_versions_of_the_cluster_are_compared_with_what_served_them() -> None:
    seen = session(OLD, NEW, snapshots=(serving("1.0.0", "1.0.1"),))
    found = await reading.versions(seen, "fraud-1.0.0", "fraud-1.0.1", None)
    assert (found.before.version, found.after.version) == ("1.0.0", "1.0.1")
    assert [each.deployment for each in found.live] == ["fraud"]


async def test_what_serves_is_compared_with_what_has_the_tag() -> None:
    found = await reading.deployment(session(OLD, NEW, snapshots=(serving("1.0.0", "1.0.1"),)), "fraud")
    assert (found.before.version, found.after.version) == ("1.0.0", "1.0.1")


async def test_a_version_that_was_deleted_is_read_from_its_revision() -> None:
    recorded = Revision(entry(1, BEFORE), {}, OLD["spec"])
    seen = serving("1.0.0", "1.0.1", revisions=(recorded,))
    found = await reading.deployment(session(NEW, snapshots=(seen,)), "fraud")
    assert (found.before.name, found.before.spec) == ("fraud-1.0.0", ModelVersionSpec.model_validate(OLD["spec"]))


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (a_snapshot("fraud"), "serves no version yet"),
        (serving("1.0.0", None), "has no target version"),
        (first_one(serving("1.0.0", "1.0.0")), "serves its target version 1.0.0, and no other version served before"),
    ],
)
async def test_a_deployment_without_two_versions_says_why(snapshot: Snapshot, says: str) -> None:
    with pytest.raises(CliError, match=says):
        await reading.deployment(session(OLD, NEW, snapshots=(snapshot,)), "fraud")


async def test_a_version_alone_is_not_taken_for_a_deployment() -> None:
    with pytest.raises(CliError, match=r"fraud-1\.0\.0 is a ModelVersion; name a second version to compare it with"):
        await reading.deployment(session(OLD, NEW), "fraud-1.0.0")


async def test_a_wrong_name_has_the_nearest_ones() -> None:
    with pytest.raises(CliError, match=r'"fraud-1\.0\.3" not found in namespace default\. Did you mean fraud-1'):
        await reading.versions(session(OLD, NEW), "fraud-1.0.0", "fraud-1.0.3", None)


@pytest.mark.parametrize("model", ["fraud", None])
async def test_a_version_alone_is_enough_where_only_one_model_has_it(model: str | None) -> None:
    found = await reading.versions(session(OLD, NEW), "1.0.0", "1.0.1", model)
    assert (found.before.name, found.after.name) == ("fraud-1.0.0", "fraud-1.0.1")


async def test_a_target_version_that_serves_is_compared_with_the_version_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = serving("1.0.1", "1.0.1")
    history = (entry(1, BEFORE), entry(2, AFTER), entry(3, AFTER))
    seen = replace(seen, status=seen.status.model_copy(update={"history": history}))
    found = await reading.deployment(session(OLD, NEW, snapshots=(seen,)), "fraud")
    assert (found.before.version, found.after.version) == ("1.0.0", "1.0.1")
    assert capsys.readouterr().err == (
        "modeldeployment.pennant.dev/fraud serves its target version 1.0.1. Compared with 1.0.0 (revision 1), which "
        "served before.\n"
    )


async def test_without_permission_there_is_a_warning_and_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    found = await reading.versions(session(OLD, NEW, forbidden=True), "fraud-1.0.0", "fraud-1.0.1", None)
    assert found.metrics
    assert "Warning: live metrics are left out: permission is missing" in capsys.readouterr().err


def test_json_is_whole() -> None:
    found = json.loads(compare.rendered(FOUND, "json"))
    assert found["kind"] == "ModelVersionComparison"
    assert found["metrics"][0]["percent"] == "2.6593"
    assert len(found["differences"]) == len(FOUND.changes)


async def test_versions_are_found_by_the_name_of_the_object_and_by_the_version() -> None:
    found = await reading.versions(session(OLD, NEW), "mver/fraud-1.0.0", "1.0.1", None)
    assert (found.before.name, found.after.name) == ("fraud-1.0.0", "fraud-1.0.1")
    with pytest.raises(CliError, match="svc/fraud is not a ModelVersion"):
        await reading.versions(session(OLD, NEW), "svc/fraud", "1.0.1", None)
