"""`promote`: who has the tag at each moment, what is refused, and what a dry run says."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pennant.cli import status
from pennant.cli.forecast import forecast
from pennant.cli.gitops import LAST_APPLIED
from pennant.cli.preview import moved, preview
from pennant.cli.rollout import Phase, progress
from pennant.core.facts.observation import Snapshot
from simulation.support.steps import serving
from simulation.support.story import a_record
from unit.cli.blocked_states import GATED, auc, gated, later_than, rolled_back_once
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi, Json
from unit.cli.golden_files import assert_golden
from unit.cli.states import snapshot_of
from unit.core.builders import NOON
from unit.kube.raw import raw_deployment, raw_version, raw_workload

OLD, NEW = "fraud-1.0.0", "fraud-1.1.0"
DONE = f"modelversion.pennant.dev/{NEW} tagged production\nmodelversion.pennant.dev/{OLD} untagged production\n"
NOBODY = "No ModelDeployment in namespace default follows the tag production of fraud.\n"


@pytest.fixture
def versions(api: FakeApi) -> FakeApi:
    api.add("modelversions", raw_version("1.0.0", "stable", "production"), raw_version("1.1.0", "candidate"))
    return api


@pytest.fixture
def holders(versions: FakeApi) -> list[list[str]]:
    """Return who has the tag before each patch; the list grows."""
    seen: list[list[str]] = []

    def note(_name: str, _body: Json) -> None:
        seen.append(having(versions))

    versions.before_patch = note
    return seen


def having(api: FakeApi, tag: str = "production") -> list[str]:
    return [name for plural, _, name in sorted(api.objects) if plural == "modelversions" and tag in api.tags(name)]


@pytest.mark.parametrize(
    "args",
    [
        (NEW,),
        (f"mv/{NEW}",),
        (f"modelversions.pennant.dev/{NEW}",),
        ("1.1.0", "--model", "fraud"),
        ("1.1.0",),
    ],
)
def test_the_new_version_has_the_tag_before_the_old_one_loses_it(
    pennant: Run, versions: FakeApi, holders: list[list[str]], args: tuple[str, ...]
) -> None:
    assert pennant("promote", *args) == (0, DONE + NOBODY, "")
    assert holders == [[OLD], [OLD, NEW]]
    assert having(versions) == [NEW]
    assert (versions.tags(OLD), versions.tags(NEW)) == (["stable"], ["candidate", "production"])


def test_each_write_has_a_precondition(pennant: Run, versions: FakeApi) -> None:
    pennant("promote", NEW)
    assert [{*body["metadata"]} for _, body, _ in versions.patches] == [{"uid", "resourceVersion"}] * 2
    assert [body["metadata"]["uid"] for _, body, _ in versions.patches] == [f"uid-{NEW}", f"uid-{OLD}"]


def test_another_tag_moves_alone(pennant: Run, versions: FakeApi) -> None:
    code, out, _ = pennant("promote", "1.0.0", "--tag", "candidate")
    assert code == 0
    assert having(versions) == [OLD]
    assert having(versions, "candidate") == [OLD]
    assert "follows the tag candidate" in out


def test_a_version_that_has_the_tag_already_is_left_alone(pennant: Run, versions: FakeApi) -> None:
    code, out, _ = pennant("promote", OLD)
    assert (code, out) == (0, f"modelversion.pennant.dev/{OLD} already has the tag production\n{NOBODY}")
    assert versions.patches == []


def test_a_conflict_is_read_again(pennant: Run, versions: FakeApi) -> None:
    def others_write(name: str, _: Json) -> None:
        if len(versions.patches) in (1, 3):
            versions.touch("modelversions", name, owner="somebody")

    versions.before_patch = others_write
    assert pennant("promote", NEW) == (0, DONE + NOBODY, "")
    assert [name for name, _, _ in versions.patches] == [NEW, NEW, OLD, OLD]
    assert having(versions) == [NEW]


def test_a_version_that_changes_each_time_is_given_up(pennant: Run, versions: FakeApi) -> None:
    def others_write(name: str, _: Json) -> None:
        versions.touch("modelversions", name, owner="somebody")

    versions.before_patch = others_write
    code, _, err = pennant("promote", NEW)
    assert code == 1
    assert err == f"error: modelversion.pennant.dev/{NEW} was changed by others 5 times in a row; try again\n"
    assert having(versions) == [OLD]


def test_a_new_object_of_the_name_does_not_get_the_tag(pennant: Run, versions: FakeApi) -> None:
    def recreated(name: str, _: Json) -> None:
        if name == NEW:
            versions.add("modelversions", raw_version("1.1.0", uid="another", at=77))

    versions.before_patch = recreated
    code, _, err = pennant("promote", NEW)
    assert code == 1
    assert "was deleted meanwhile" in err
    assert having(versions) == [OLD]


@pytest.mark.parametrize(
    ("code", "says"),
    [(403, "you must not"), (422, "denied by a policy"), (503, "etcd is away")],
)
def test_an_old_version_that_keeps_the_tag_is_an_error_that_says_so(
    pennant: Run, versions: FakeApi, code: int, says: str
) -> None:
    versions.before_patch = lambda name, _: (code, says) if name == OLD else None
    exit_code, out, err = pennant("promote", NEW)
    assert exit_code == 1
    assert out == f"modelversion.pennant.dev/{NEW} tagged production\n"
    assert err.startswith(f"error: {NEW} has the tag production, but it could not be taken from {OLD} ({OLD}: {says}")
    assert "Both have it now, so the current version keeps serving" in err
    assert "Run the same command again" in err
    assert having(versions) == [OLD, NEW]


def test_an_old_version_that_is_deleted_meanwhile_needs_no_write(pennant: Run, versions: FakeApi) -> None:
    def delete(name: str, _: Json) -> None:
        if name == OLD:
            del versions.objects["modelversions", "default", OLD]

    versions.before_patch = delete
    code, _, err = pennant("promote", NEW)
    assert (code, err) == (0, "")
    assert having(versions) == [NEW]


def test_nothing_is_changed_where_the_new_version_cannot_be_written(pennant: Run, versions: FakeApi) -> None:
    versions.before_patch = lambda name, _: (403, f'modelversions "{name}" is forbidden')
    code, out, err = pennant("promote", NEW)
    assert (code, out) == (1, "")
    assert err == f'error: modelversions "{NEW}" is forbidden. Ask an administrator for this permission\n'
    assert having(versions) == [OLD]


def test_the_refusal_of_a_policy_stands_for_itself(pennant: Run, versions: FakeApi) -> None:
    """With four eyes another user is needed, and no permission is missing."""
    said = (
        f"modelversions.pennant.dev {NEW!r} is forbidden: ValidatingAdmissionPolicy 'pennant-promote' with binding "
        f"'pennant-promote' denied request: dave created {NEW}, so somebody else must put production on it"
    )
    versions.before_patch = lambda name, _: (403, said)
    code, _, err = pennant("promote", NEW)
    assert (code, err) == (1, f"error: {said}\n")


def test_a_version_of_several_models_is_ambiguous(pennant: Run, versions: FakeApi) -> None:
    versions.add("modelversions", raw_version("1.1.0", spec={"model": "churn"}))
    code, _, err = pennant("promote", "1.1.0")
    assert code == 1
    assert err == "error: 1.1.0 is ambiguous: churn-1.1.0, fraud-1.1.0. Name the object, or give --model\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("fraud-1.2.0",), "Did you mean fraud-1.1.0 or fraud-1.0.0"),
        (("1.2.0",), "There are: fraud-1.1.0, fraud-1.0.0"),
        (("1.1.0", "--model", "churn"), "which has no ModelVersion of model churn"),
        ((NEW, "--model", "churn"), f"{NEW} is a version of the model fraud, not of churn"),
        (("pod/x",), "pod/x is not a ModelVersion"),
        ((NEW, "extra"), "unexpected argument extra"),
    ],
)
def test_what_is_not_there_is_an_error_with_the_nearest_names(
    pennant: Run, versions: FakeApi, args: tuple[str, ...], says: str
) -> None:
    code, _, err = pennant("promote", *args)
    assert code == 1
    assert err.startswith("error: ")
    assert says in err
    assert versions.patches == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": {"artifacts": []}}, "cannot be served: spec.artifacts"),
        ({"deletionTimestamp": "2026-01-01T12:00:00Z"}, "is being deleted"),
    ],
)
def test_a_version_that_cannot_serve_gets_no_tag(
    pennant: Run, versions: FakeApi, change: dict[str, Any], says: str
) -> None:
    versions.add("modelversions", raw_version("1.1.0", **change))
    code, _, err = pennant("promote", NEW)
    assert code == 1
    assert says in err
    assert having(versions) == [OLD]


def test_objects_that_git_feeds_are_warned_of(pennant: Run, versions: FakeApi) -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "shop:pennant.dev/ModelVersion:default/x"}
    versions.add("modelversions", raw_version("1.1.0", annotations=tracked))
    code, _, err = pennant("promote", NEW)
    assert code == 0
    assert err.startswith(f"Warning: {NEW} is managed by Argo CD (application shop).")
    assert "--write DIRECTORY" in err


@pytest.mark.parametrize(
    ("metadata", "warns"),
    [
        ({"annotations": {LAST_APPLIED: '{"spec": {"tags": ["stable", "production"]}}'}}, True),
        ({"annotations": {LAST_APPLIED: '{"spec": {"tags": ["stable"]}}'}}, False),
        ({"annotations": {LAST_APPLIED: "no JSON"}}, False),
        ({"managedFields": [{"operation": "Apply", "fieldsV1": {"f:spec": {"f:tags": {}}}}]}, True),
        ({"managedFields": [{"operation": "Update", "fieldsV1": {"f:spec": {"f:tags": {}}}}]}, False),
    ],
)
def test_a_manifest_that_takes_the_promotion_back_is_warned_of(
    pennant: Run, versions: FakeApi, metadata: Json, warns: bool
) -> None:
    versions.add("modelversions", raw_version("1.0.0", "production", **metadata))
    _, _, err = pennant("promote", NEW, "--dry-run=client")
    assert err == (
        "Warning: the manifest that was applied last gives the tag production to fraud-1.0.0: applying it again takes "
        "the promotion back. Change the tags there, too: kubectl pennant promote ... --write DIRECTORY\n"
        if warns
        else ""
    )


def test_all_followers_are_waited_for(pennant: Run, versions: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "other-model": {"model": "churn"},
        "other-tag": {"tag": "beta"},
        "pinned": {"version": "1.0.0"},
        "broken": {"replicas": -1},
    }
    versions.add("modeldeployments", raw_deployment("one"), raw_deployment("two"))
    versions.add("modeldeployments", *(raw_deployment(name, spec=spec) for name, spec in others.items()))
    waited: list[tuple[str, bool]] = []

    async def wait(_: Any, key: Any, asked: status.Wait) -> None:
        waited.append((key.name, 0 < asked.timeout <= 60))

    monkeypatch.setattr(status, "wait", wait)
    assert pennant("promote", NEW, "--timeout", "1m") == (0, DONE, "")
    assert waited == [("one", True), ("two", True)]
    waited.clear()
    for flag in ("--no-wait", "--wait=false"):
        assert pennant("promote", OLD, flag)[0] == 0
        assert waited == []


def test_the_object_alone_is_on_standard_output_with_an_output_format(pennant: Run, versions: FakeApi) -> None:
    code, out, err = pennant("promote", NEW, "-o", "json", "--dry-run=client")
    assert (code, json.loads(out)["spec"]["tags"]) == (0, ["candidate", "production"])
    assert "tagged production (client dry run)" in err
    assert having(versions) == [OLD]
    assert pennant("promote", NEW, "-o", "name")[1] == f"modelversion.pennant.dev/{NEW}\n"
    assert having(versions) == [NEW]


@pytest.fixture
async def failed() -> Snapshot:
    return (await rolled_back_once())[0]


@pytest.mark.parametrize("flags", [(), ("--no-wait",)])
def test_a_version_that_has_the_tag_but_is_quarantined_needs_a_retry(
    pennant: Run, api: FakeApi, failed: Snapshot, flags: tuple[str, ...]
) -> None:
    api.add("modelversions", raw_version("1.0.0"), raw_version("1.1.0", "production"))
    api.add("modeldeployments", raw_deployment(status=failed.status.to_json()))
    code, _, err = pennant("promote", NEW, *flags)
    assert code == 1
    assert err == (
        f"error: {NEW} has the tag production already, but is quarantined in modeldeployment.pennant.dev/fraud: "
        "accuracy is 0.2, below 0.9, in 3 of 3 checks. To release it: kubectl pennant retry fraud 1.1.0 -n default\n"
    )


@pytest.mark.parametrize(
    ("creator", "tags", "kind", "warns"),
    [
        ("ada", (), "client", True),
        ("bob", (), "client", False),
        (None, (), "client", False),
        # The tag is on it already, so no policy refuses it.
        ("ada", ("production",), "client", False),
        # The API server itself refuses it.
        ("ada", (), "server", False),
    ],
)
def test_a_dry_run_by_the_client_warns_the_creator_of_four_eyes(
    pennant: Run, versions: FakeApi, creator: str | None, tags: tuple[str, ...], kind: str, warns: bool
) -> None:
    """Rule: R154."""
    annotations = {"pennant.dev/created-by": creator} if creator is not None else {}
    versions.add("modelversions", raw_version("1.1.0", *tags, annotations=annotations))
    code, _, err = pennant("promote", NEW, f"--dry-run={kind}")
    assert code == 0
    assert err == (
        f"Warning: ada created {NEW}. If governance.promote.fourEyes of the chart is set for the tag production, the "
        "API server refuses this promotion, and another user must promote the version. --dry-run=server asks the API "
        "server\n"
        if warns
        else ""
    )


def test_a_dry_run_by_the_server_is_refused_by_its_policy(pennant: Run, versions: FakeApi) -> None:
    """Rule: R154."""
    said = "ValidatingAdmissionPolicy 'promote' denied request: ada created fraud-1.1.0, so somebody else must"
    versions.before_patch = lambda name, _: (403, said)
    code, out, err = pennant("promote", NEW, "--dry-run=server")
    assert (code, out) == (1, "")
    assert said in err


@pytest.fixture
async def follower(api: FakeApi) -> Callable[..., None]:
    """Serve a ModelDeployment that serves 1.0.0 and gates promotions by auc."""
    story = await serving(**GATED)
    found = snapshot_of(story)

    def add(value: str) -> None:
        api.add("modelversions", raw_version("1.0.0", "production", spec={"metrics": auc("0.95")}))
        api.add("modelversions", raw_version("1.1.0", spec={"metrics": auc(value)}))
        api.add("modeldeployments", raw_deployment(spec=GATED, status=found.status.to_json()))
        api.add("deployments", raw_workload())

    return add


@pytest.mark.parametrize("kind", ["client", "server"])
def test_a_dry_run_changes_nothing_and_says_what_would_happen(
    pennant: Run, api: FakeApi, follower: Callable[..., None], kind: str
) -> None:
    follower("0.96")
    code, out, err = pennant("promote", NEW, f"--dry-run={kind}")
    assert (code, err) == (0, "")
    assert out.startswith(f"modelversion.pennant.dev/{NEW} tagged production ({kind} dry run)\n")
    assert "modeldeployment.pennant.dev/fraud\n  The target version would be 1.1.0;" in out
    assert [(name, is_dry) for name, _, is_dry in api.patches] == (
        [(NEW, True), (OLD, True)] if kind == "server" else []
    )
    assert having(api) == [OLD]


@pytest.mark.parametrize("value", ["0.90", "0.96"])
async def test_a_preview_has_the_gates_the_comparison_and_what_follows(value: str) -> None:
    story = await serving(**GATED)
    story.version("1.0.0", "production", metrics=auc("0.95"))
    snapshot = snapshot_of(story)
    record = a_record("1.0.0", metrics=auc("0.95"))
    (recorded,) = snapshot.revisions
    snapshot = replace(snapshot, revisions=(replace(recorded, record=record),))
    new = raw_version("1.1.0", spec={"metrics": auc(value)})
    found = forecast(moved(snapshot, new, "production"), later_than(snapshot))
    assert_golden(f"promote/preview_{value}.txt", preview(found))


async def test_a_preview_of_a_version_that_was_verified_here_needs_no_gate() -> None:
    snapshot, now = await gated()
    back = raw_version("1.0.0", spec={"metrics": auc("0.95")})
    found = preview(forecast(moved(snapshot, back, "production"), now))
    assert "✔ 1.0.0 was verified here before, so no gate applies (R12)" in found
    assert "Nothing is blocked." in found


async def test_a_preview_of_a_version_that_sets_what_is_not_permitted_says_so() -> None:
    """Rule: R181."""
    snapshot, now = await gated()
    new = raw_version("1.1.0", spec={"metrics": auc("0.96"), "serving": {"args": ["--debug"]}})
    found = preview(forecast(moved(snapshot, new, "production"), now))
    said = "1.1.0 sets serving.args, and spec.allowServing of the ModelDeployment lacks Args"
    assert f"✖ allowServing: {said}" in found
    assert "✖ the rollout of 1.1.0: ServingNotAllowed (R181, R182)" in found


async def test_a_preview_of_a_quarantined_version_says_what_blocks_it() -> None:
    snapshot, now = await rolled_back_once()
    found = preview(forecast(moved(snapshot, raw_version("1.1.0"), "production"), now))
    assert "✖ the rollout of 1.1.0: MetricBreach (R53, R63)" in found


async def test_what_the_status_says_of_the_version_before_does_not_end_the_wait() -> None:
    snapshot, _ = await rolled_back_once()
    assert progress(snapshot, NOON).phase is Phase.FAILED
    after = moved(snapshot, raw_version("1.2.0"), "production")
    assert progress(after, NOON).phase is Phase.WAITING
    assert progress(after, NOON).line.endswith("to observe the version that has the tag...")


async def test_a_wait_ends_where_the_operator_takes_no_note_of_the_tag() -> None:
    snapshot, _ = await rolled_back_once()
    halted = tuple(
        each.model_copy(update={"reason": "NameConflict"}) if each.type == "Stalled" else each
        for each in snapshot.status.conditions
    )
    stuck = replace(snapshot, status=snapshot.status.model_copy(update={"conditions": halted}))
    found = progress(moved(stuck, raw_version("1.2.0"), "production"), NOON)
    assert found.phase is Phase.FAILED
