"""The pages of the dashboard: what they say in each state, as HTML that was reviewed."""

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from pennant.api.analysis import Threshold
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, Outcome
from pennant.cli.dashboard import pages, view
from pennant.cli.dashboard.pages import Page, Scope, Stale
from pennant.cli.dashboard.plot import plot
from pennant.cli.dashboard.state import state
from pennant.cli.dashboard.way_back import way_back
from pennant.core.facts.observation import Invalid, Snapshot
from unit.cli import dashboard_states
from unit.cli.dashboard_states import STATES, named
from unit.cli.states import tag_has_just_moved
from unit.core.builders import NOON, a_snapshot, after, an_entry, the_spec

GOLDEN = Path(__file__).parent / "golden" / "dashboard"
SCOPE = Scope("default", "kind-prod")
LATER = NOON + timedelta(hours=3)


def assert_golden(page: Page, name: str) -> None:
    """Compare the main part of a page with the one that was reviewed; `PENNANT_WRITE_GOLDEN=1` writes it anew."""
    found = re.search(r'<main id="main"[^>]*>\n(.*)</main>', page.html, re.DOTALL)
    assert found is not None
    path = GOLDEN / f"{name}.html"
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.write_text(found[1])
    assert found[1] == path.read_text(), f"{path.name} looks different"


@pytest.mark.parametrize("name", STATES)
async def test_the_page_of_a_state(name: str) -> None:
    snapshot = await STATES[name]()
    assert_golden(pages.details(view.deployment(snapshot, LATER), SCOPE), name)


async def test_the_list() -> None:
    rows = [view.row(named(await make(), name.replace("_", "-"))) for name, make in STATES.items()]
    assert_golden(pages.listing(rows, SCOPE), "list")


def test_an_empty_list_says_what_to_do() -> None:
    assert_golden(pages.listing((), SCOPE), "empty")
    assert "in any namespace" in pages.listing((), Scope("", "kind-prod")).html


def test_what_cannot_be_read_is_said() -> None:
    said = "permission is missing: list modeldeployments. Ask an administrator for this permission."
    assert_golden(pages.problem(502, "The ModelDeployments cannot be read", said, SCOPE, tries_again=True), "error")


async def test_what_was_read_before_is_shown_with_a_warning() -> None:
    rows = [view.row(await dashboard_states.verified())]
    page = pages.listing(rows, SCOPE, Stale("The server does not answer.", NOON))
    assert "Not up to date." in page.html
    assert "The server does not answer." in page.html
    assert "1.1.0" in page.html


async def test_without_rights_on_the_rest_the_deployment_is_shown() -> None:
    whole = await dashboard_states.rolled_back()
    alone = replace(whole, versions=(), revisions=(), workload=None)
    found = view.deployment(alone, LATER, "Permission is missing: list controllerrevisions.")
    assert found.way_back.answer == "Not known"
    assert found.comparison is None
    assert len(found.timeline) == 4
    assert "A part cannot be read." in pages.details(found, SCOPE).html


async def test_a_change_that_the_operator_has_not_reacted_to_is_on_the_page() -> None:
    found = view.deployment(await tag_has_just_moved(), LATER)
    assert found.pending.startswith("The operator has not reacted to the current state yet. It is to create ")
    assert found.pending in unescape(pages.details(found, SCOPE).html)


async def test_all_that_others_wrote_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    snapshot = await dashboard_states.rolled_back()
    history = tuple(each.model_copy(update={"reason": evil, "actor": evil}) for each in snapshot.status.history)
    quarantine = tuple(each.model_copy(update={"message": evil}) for each in snapshot.status.quarantine)
    status = snapshot.status.model_copy(update={"history": history, "quarantine": quarantine})
    html = pages.details(view.deployment(replace(snapshot, status=status), LATER), SCOPE).html
    assert "alert(1)" in html
    assert evil not in html


async def test_nothing_of_the_pod_template_is_on_the_page() -> None:
    container = {"name": "server", "image": "i", "env": [{"name": "TOKEN", "value": "hunter2"}]}
    snapshot = replace(await dashboard_states.verified(), spec=the_spec(template={"spec": {"containers": [container]}}))
    html = pages.details(view.deployment(snapshot, LATER), SCOPE).html
    assert "hunter2" not in html
    assert "s3://" not in html


async def test_the_tag_of_a_page_changes_with_its_content_alone() -> None:
    snapshot = await dashboard_states.verified()
    first, second = (pages.details(view.deployment(snapshot, at), SCOPE) for at in (LATER, LATER + timedelta(days=1)))
    assert first == second
    other = pages.details(view.deployment(await dashboard_states.paused(), LATER), SCOPE)
    assert other.tag != first.tag


async def test_commands_name_the_cluster_that_the_page_is_about() -> None:
    found = view.deployment(await dashboard_states.rolled_back(), LATER, flags=" --context prod")
    assert found.way_back.command == "kubectl pennant undo fraud -n default --context prod"
    assert found.quarantine[0].command == "kubectl pennant retry fraud 1.2.0 -n default --context prod"


State = Callable[[], Awaitable[Snapshot]]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (dashboard_states.verified, "Verified"),
        (dashboard_states.rolling_out, "Rolling out"),
        (dashboard_states.rolled_back, "Rolled back"),
        (dashboard_states.paused, "Paused"),
        (dashboard_states.nothing_yet, "No target version"),
        (dashboard_states.unobserved, "Not observed yet"),
    ],
)
async def test_the_word_for_a_state(make: State, word: str) -> None:
    assert state(await make()).word == word


def test_an_invalid_spec_is_told_with_its_problem() -> None:
    snapshot = a_snapshot("fraud", spec=Invalid("spec.model: field required"))
    found = view.deployment(snapshot, LATER)
    assert found.state.word == "Invalid"
    assert found.way_back.why == "The spec cannot be read: spec.model: field required."
    assert pages.details(found, SCOPE).status == 200


async def test_one_that_is_being_deleted_says_so() -> None:
    assert state(replace(await dashboard_states.verified(), deleting=True)).word == "Being deleted"


async def test_with_one_version_alone_there_is_no_way_back() -> None:
    snapshot = await dashboard_states.verified()
    history = snapshot.status.history[-1:]
    alone = replace(snapshot, status=snapshot.status.model_copy(update={"history": history}))
    found = way_back(alone, LATER)
    assert (found.answer, found.command) == ("No", "")
    assert found.automatic.startswith("If 1.1.0 fails now, there is no verified revision")


async def test_the_action_of_the_spec_decides_what_the_operator_does_by_itself() -> None:
    snapshot = await dashboard_states.verified()
    report, pause = (replace(snapshot, spec=the_spec(rollback={"action": each})) for each in ("Report", "Pause"))
    assert "rollback.action is Report" in way_back(report, LATER).automatic
    assert "waits for a user" in way_back(pause, LATER).automatic
    assert "rolls back to 1.0.0 (revision 1) by itself" in way_back(snapshot, LATER).automatic


def test_a_breach_is_a_point_beyond_the_threshold_and_a_pass_is_a_band_within() -> None:
    evidence = Evidence(metric="accuracy", value="0.7", threshold="min 0.9", breaches="3 of 3", query_hash="q", at=NOON)
    passed = an_entry(1, verified_at=after(60), outcome=Outcome.VERIFIED)
    failed = an_entry(2, "1.1.0", evidence=(evidence,), outcome=Outcome.ROLLED_BACK)
    found = plot("accuracy", Threshold(min="0.9"), (passed, failed), None)
    assert found is not None
    assert found.limit is not None
    good, bad = found.columns
    assert good.band is not None
    assert good.band[0] + good.band[1] == pytest.approx(found.limit, abs=0.2)
    assert bad.y is not None
    assert bad.y > found.limit
    assert (bad.value, bad.title) == ("0.7", "Revision 2, version 1.1.0: 0.7, min 0.9, in 3 of 3 checks")


def test_a_breach_without_consequence_is_a_point_too() -> None:
    said = "latency is 0.4, above 0.25, in 3 of 3 checks"
    status = MetricStatus(
        name="latency",
        revision=1,
        state=MetricState.BREACHING,
        reason="ThresholdBreached",
        message=said,
        since=NOON,
        value="0.4",
    )
    found = plot("latency", Threshold(max="0.25"), (an_entry(1),), status)
    assert found is not None
    (column,) = found.columns
    assert column.value == "0.4"
    assert column.y is not None
    assert found.limit is not None
    assert column.y < found.limit


@pytest.mark.parametrize("history", [(), (an_entry(1),)])
def test_without_a_number_there_is_no_plot(history: tuple[object, ...]) -> None:
    assert plot("alert", None, history, None) is None  # type: ignore[arg-type]
