"""`get`: the tree of each state, the table, and how the verb ends."""

import io
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from pennant.api.analysis import Analysis, Metric
from pennant.api.deployment_status import MetricState, MetricStatus, ModelDeploymentStatus
from pennant.cli import get, tree
from pennant.cli.children import Children, pod_status
from pennant.cli.deployment_table import table
from pennant.cli.errors import CliError
from pennant.cli.metric_lines import limit, sentences
from pennant.cli.tree import Live
from pennant.core.facts.observation import Key, Snapshot
from unit.cli.blocked_states import BLOCKED, baking, later_than
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden
from unit.cli.states import STATES, rolling_out, verified
from unit.core.builders import NOON, a_metric, a_snapshot, after, the_spec
from unit.kube.raw import raw, raw_deployment, raw_workload

CREATED = "2026-01-01T12:00:00Z"
LABELS = {"pennant.dev/modeldeployment": "fraud"}


def owned(owner: str) -> dict[str, Any]:
    return {"ownerReferences": [{"uid": owner, "controller": True}], "creationTimestamp": CREATED}


def a_replica_set(name: str, template_hash: str, owner: str, wanted: int = 3, number: int = 1) -> dict[str, Any]:
    labels = {**LABELS, "pennant.dev/template-hash": template_hash, "pod-template-hash": name}
    annotations = {"deployment.kubernetes.io/revision": str(number)}
    status = {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted}
    return raw(
        f"fraud-{name}", {"replicas": wanted}, labels=labels, annotations=annotations, status=status, **owned(owner)
    )


def a_pod(name: str, replica_set: str, ready: bool = True, restarts: int = 0, **state: Any) -> dict[str, Any]:
    containers = [{"name": "server", "ready": ready, "restartCount": restarts, "state": state or {"running": {}}}]
    status = {"phase": "Running" if ready else "Pending", "containerStatuses": containers}
    spec = {"containers": [{"name": "server"}]}
    return raw(f"fraud-{name}", spec, labels=LABELS, status=status, **owned(f"uid-fraud-{replica_set}"))


def children_of(snapshot: Snapshot) -> Children:
    """Return a ReplicaSet for each pod template of the history, the newest with three pods."""
    if snapshot.workload is None:
        return Children()
    hashes = list(dict.fromkeys(each.template_hash for each in snapshot.status.history))
    newest = snapshot.status.history[-1].template_hash
    sets = [
        a_replica_set(each[:6], each, snapshot.workload.uid, 3 if each == newest else 0, number)
        for number, each in enumerate(hashes, 1)
    ]
    pods = [
        a_pod(f"{newest[:6]}-a", newest[:6]),
        a_pod(f"{newest[:6]}-b", newest[:6], restarts=2),
        a_pod(f"{newest[:6]}-c", newest[:6], False, 4, waiting={"reason": "CrashLoopBackOff"}),
    ]
    return Children(tuple(reversed(sets)), tuple(pods))


def page(snapshot: Snapshot, now: datetime, children: Children | None = None) -> str:
    return tree.tree(Live(snapshot, CREATED, children_of(snapshot) if children is None else children), now)


@pytest.mark.parametrize("state", STATES)
async def test_each_state_has_a_tree(state: str) -> None:
    snapshot = await STATES[state]()
    assert_golden(f"get/{state}.txt", page(snapshot, later_than(snapshot)))


@pytest.mark.parametrize("state", ["baking", "did_not_help", "gated", "undone"])
async def test_each_blocked_state_has_a_tree(state: str) -> None:
    snapshot, now = await BLOCKED[state]()
    assert_golden(f"get/{state}.txt", page(snapshot, now))


@pytest.mark.parametrize("width", [80, 100])
async def test_a_page_fits_into_a_terminal(width: int) -> None:
    snapshot, now = await BLOCKED["did_not_help"]()
    shown = tree.tree(Live(snapshot, CREATED, children_of(snapshot)), now, width)
    assert max(map(len, shown.splitlines())) <= width
    assert_golden(f"get/did_not_help_{width}.txt", shown)


@pytest.mark.parametrize("state", BLOCKED)
async def test_no_message_is_on_a_page_twice(state: str) -> None:
    snapshot, now = await BLOCKED[state]()
    shown = page(snapshot, now)
    for each in snapshot.status.conditions:
        assert f"{shown}\n".count(f"  {each.message}\n") == 1, each.message


async def test_a_user_who_may_not_list_pods_sees_the_rest() -> None:
    snapshot = await verified()
    unread = replace(children_of(snapshot), pods=(), unread=("you may not list pods in namespace default",))
    assert_golden("get/forbidden_pods.txt", page(snapshot, later_than(snapshot), unread))


async def test_revisions_without_pods_beyond_the_newest_are_counted() -> None:
    snapshot = await verified()
    first, last = snapshot.status.history
    many = [first.model_copy(update={"revision": number, "template_hash": f"t{number}"}) for number in range(1, 12)]
    history = (*many, last.model_copy(update={"revision": 12}))
    many_of = replace(snapshot, status=snapshot.status.model_copy(update={"history": history}))
    shown = page(many_of, after(300), Children())
    assert "# revision:8" in shown
    assert "# revision:7" not in shown
    assert "└──… 7 older revisions" in shown


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ({}, "min 0.9"),
        ({"threshold": {"max": "5"}}, "max 5"),
        ({"threshold": None, "compareTo": "Stable", "maxIncreasePercent": "20"}, "at most 20 % above stable"),
        (
            {"compareTo": "Stable", "maxDecreasePercent": "5"},
            "min 0.9, at most 5 % below stable",
        ),
        ({"prometheus": None, "threshold": None, "alert": {"matchLabels": {"alertname": "Burn"}}}, "no alert Burn"),
    ],
)
def test_a_metric_has_a_limit(metric: dict[str, Any], says: str) -> None:
    found: Metric = a_metric(**metric)
    assert limit(found) == says


@pytest.mark.parametrize(
    ("value", "checked_at", "says"),
    [
        ("0.953", after(0), "accuracy: Passing, 0.953 (min 0.9), 2m ago"),
        (None, after(0), "accuracy: Passing, no value (min 0.9), 2m ago"),
        (None, None, "accuracy: Passing, no value (min 0.9)"),
    ],
)
def test_the_last_value_of_a_metric_has_its_limit_and_its_age(
    value: str | None, checked_at: datetime | None, says: str
) -> None:
    told = MetricStatus(
        name="accuracy",
        revision=1,
        state=MetricState.PASSING,
        reason="WithinThreshold",
        message="",
        since=NOON,
        value=value,
        checked_at=checked_at,
    )
    analysis = Analysis(metrics=(a_metric(),))
    spec = the_spec().model_copy(update={"analysis": analysis})
    snapshot = a_snapshot("fraud", status=ModelDeploymentStatus(analysis=(told,)), spec=spec)
    assert sentences(snapshot, after(120)) == [says]


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (a_pod("a", "x"), "Running"),
        (a_pod("a", "x", False, waiting={"reason": "ImagePullBackOff"}), "ImagePullBackOff"),
        (a_pod("a", "x", False, terminated={"exitCode": 3, "reason": "Error"}), "Error"),
        (a_pod("a", "x", False, terminated={"exitCode": 3}), "ExitCode:3"),
        ({"metadata": {"deletionTimestamp": CREATED}, "status": {"phase": "Running"}}, "Terminating"),
        ({"metadata": {}, "status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted"),
        ({"metadata": {}}, "Unknown"),
    ],
)
def test_a_pod_has_the_status_that_kubectl_prints(pod: dict[str, Any], says: str) -> None:
    assert pod_status(pod) == says


def an_item(name: str, snapshot: Snapshot, namespace: str = "default") -> dict[str, Any]:
    return raw_deployment(name, namespace=namespace, creationTimestamp=CREATED, status=snapshot.status.to_json())


async def test_the_table_has_a_line_for_each() -> None:
    items = [an_item(name.replace("_", "-"), await make()) for name, make in STATES.items()]
    serving_and_paused = an_item("serving-and-paused", await verified())
    items.append({**serving_and_paused, "spec": {**serving_and_paused["spec"], "paused": True}})
    items.append(raw_deployment("broken", creationTimestamp=CREATED, spec={"replicas": -1}))
    now = after(3600)
    assert_golden("get/table.txt", table(items, now))
    assert_golden("get/table_wide.txt", table(items, now, is_wide=True, with_namespace=True))


def test_a_page_has_colours_by_its_signs() -> None:
    found = get.coloured("✔ Healthy ✖ Degraded")
    assert [(each.style, found.plain[each.start : each.end]) for each in found.spans] == [
        ("green", "✔ Healthy"),
        ("red", "✖ Degraded"),
    ]


@pytest.fixture
async def live(api: FakeApi) -> Snapshot:
    """Serve a ModelDeployment that rolls out, with its ReplicaSets and pods."""
    snapshot = await rolling_out()
    api.add("modeldeployments", an_item("fraud", snapshot))
    api.add("deployments", raw_workload())
    found = children_of(replace(snapshot, workload=replace_uid(snapshot)))
    api.add("replicasets", *found.replica_sets)
    api.add("pods", *found.pods)
    return snapshot


def replace_uid(snapshot: Snapshot) -> Any:
    assert snapshot.workload is not None
    return replace(snapshot.workload, uid="workload-fraud")


def test_the_verb_prints_the_tree(pennant: Run, live: Snapshot) -> None:
    code, out, err = pennant("get", "mdep/fraud")
    assert (code, err) == (0, "")
    assert "⟳ fraud" in out
    assert "└──□ fraud-" in out
    assert "\x1b" not in out, "no colour where the output is no terminal"
    assert all(each.message in out for each in live.status.conditions), "no line is cut or wrapped"
    assert max(map(len, out.splitlines())) > 80


def test_pods_that_must_not_be_listed_are_named(pennant: Run, api: FakeApi, live: Snapshot) -> None:
    api.forbidden = {"pods"}
    code, out, _ = pennant("get", "fraud")
    assert code == 0
    assert "Not shown: you may not list pods in namespace default." in out
    assert "⧉ fraud-" in out


@pytest.mark.parametrize("args", [("fraud",), ()])
def test_data_is_the_object_itself(pennant: Run, api: FakeApi, live: Snapshot, args: tuple[str, ...]) -> None:
    code, out, _ = pennant("get", *args, "-o", "json")
    found = json.loads(out)
    assert code == 0
    assert (found if args else found["items"][0]) == api.objects["modeldeployments", "default", "fraud"]
    assert pennant("get", *args, "-o", "name")[1] == "modeldeployment.pennant.dev/fraud\n"


def test_all_namespaces_are_listed_with_their_names(pennant: Run, api: FakeApi) -> None:
    api.add("modeldeployments", raw_deployment("b", namespace="two"), raw_deployment("a", namespace="one"))
    code, out, _ = pennant("get", "-A")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["NAMESPACE", "NAME"], ["one", "a"], ["two", "b"]]


def test_a_namespace_without_any_says_so(pennant: Run) -> None:
    assert pennant("get") == (0, "No resources found in default namespace.\n", "")


@pytest.mark.parametrize("form", [(), ("-o", "name"), ("-o", "json")])
def test_the_error_of_one_name_does_not_keep_the_others_from_being_shown(
    pennant: Run, live: Snapshot, form: tuple[str, ...]
) -> None:
    code, out, err = pennant("get", "froud", "fraud", *form)
    assert code == 1
    assert "fraud" in out
    assert err == ('error: modeldeployments.pennant.dev "froud" not found in namespace default. Did you mean fraud?\n')


def test_a_wrong_name_has_a_suggestion(pennant: Run, live: Snapshot) -> None:
    code, _, err = pennant("get", "froud")
    assert code == 1
    assert err.startswith(
        'error: modeldeployments.pennant.dev "froud" not found in namespace default. Did you mean fraud'
    )


@pytest.mark.parametrize(
    "args", [("fraud", "-l", "a=b"), ("fraud", "-A"), ("fraud", "-w", "-o", "json"), ("a", "b", "-w")]
)
def test_what_does_not_fit_together_is_refused(pennant: Run, args: tuple[str, ...]) -> None:
    code, _, err = pennant("get", *args)
    assert code == 1
    assert err.startswith("error: ")


async def test_a_watch_appends_the_tree_where_something_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, _ = await baking()
    first = Live(snapshot, CREATED, Children())
    second = replace(first, snapshot=replace(snapshot, resource_version="99"))
    reads = iter([first, first, second, None])

    async def read(*_: Any) -> Live | None:
        return next(reads)

    monkeypatch.setattr(get, "_read", read)
    monkeypatch.setattr(get, "POLL_SECONDS", 0)
    printed: list[str] = []

    class Plain:
        is_terminal = False

        def print(self, text: Any, **_: Any) -> None:
            printed.append(text.plain)

    with pytest.raises(CliError, match="object has been deleted"):
        await get._watched(None, Key("default", "fraud"), Plain())  # type: ignore[arg-type]
    assert len(printed) == 2


async def test_a_watch_on_a_terminal_draws_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, _ = await baking()
    reads = iter([Live(snapshot, CREATED, Children())] * 2 + [None])

    async def read(*_: Any) -> Live | None:
        return next(reads)

    monkeypatch.setattr(get, "_read", read)
    monkeypatch.setattr(get, "POLL_SECONDS", 0)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=60, height=100)
    with pytest.raises(CliError, match="object has been deleted"):
        await get._watched(None, Key("default", "fraud"), console)  # type: ignore[arg-type]
    drawn = screen.getvalue()
    assert drawn.count("\x1b[2K\x1b[1A") > 5, "the cursor goes back to the first line"
    assert "\x1b[32m" in drawn, "signs have their colours"
    lines = Text.from_ansi(drawn).plain.splitlines()
    assert max(map(len, lines)) <= 60, "no line is wider than the terminal"


def test_a_table_is_printed_again_where_an_object_changed(
    pennant: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.add("modeldeployments", raw_deployment("a"))
    monkeypatch.setattr(get, "POLL_SECONDS", 0)
    lists: list[str] = []

    def change(plural: str) -> None:
        lists.append(plural)
        if len(lists) == 3:
            api.touch("modeldeployments", "a", replicas=7)
        if len(lists) == 5:
            api.forbidden = {"modeldeployments"}

    api.after_list = change
    code, out, err = pennant("get", "-w")
    assert (code, out.count("NAME")) == (1, 2)
    assert "forbidden" in err
