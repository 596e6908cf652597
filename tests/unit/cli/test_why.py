"""`why`: what blocks in each state, by the operator's own decision, and what would be done next."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pennant.api.conditions import ConditionStatus, find
from pennant.api.reasons import ConditionType, Reason
from pennant.cli.forecast import Limit, forecast, verified_at
from pennant.cli.output import moment
from pennant.cli.rules import COMMANDS, RULES, place
from pennant.cli.why import document, explanation, idle
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.facts.pods import Container, Ended, Pod, Pods, ReplicaSet, Waiting
from unit.cli.blocked_states import BLOCKED, baking, behind, budget_used_up, gated, two_holders
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden
from unit.cli.states import rolling_out
from unit.core.builders import a_snapshot, a_workload, after, the_spec
from unit.kube.raw import raw_deployment, raw_version, raw_workload

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("state", BLOCKED)
async def test_each_state_is_explained(state: str) -> None:
    assert_golden(f"why/{state}.txt", explanation(forecast(*await BLOCKED[state]())))


@pytest.mark.parametrize("state", [each for each in BLOCKED if each != "behind"])
async def test_the_forecast_agrees_with_what_the_operator_wrote(state: str) -> None:
    snapshot, now = await BLOCKED[state]()
    decided = forecast(snapshot, now).decision.status
    for kind in ConditionType:
        told, foreseen = find(snapshot.status.conditions, kind), find(decided.conditions, kind)
        assert told is not None
        assert foreseen is not None
        assert (foreseen.status, foreseen.reason) == (told.status, told.reason), kind


async def test_a_gate_that_time_opens_says_when() -> None:
    (found,) = [each for each in forecast(*await budget_used_up()).blockers if each.until is not None]
    assert found.reason is Reason.ROLLBACK_BUDGET_EXHAUSTED
    assert found.version == "1.2.0"


async def test_an_undo_is_offered_for_the_current_version_alone() -> None:
    snapshot, now = await budget_used_up()
    (found,) = forecast(snapshot, now).blockers
    first, *rest = snapshot.status.history

    def with_first(**changed: Any) -> Snapshot:
        history = (first.model_copy(update={"template_hash": "other", **changed}), *rest)
        return replace(snapshot, status=snapshot.status.model_copy(update={"history": history}))

    assert [line.split()[1:3] for line, _ in found.commands(with_first())] == [
        ["pennant", "promote"],
        ["pennant", "versions"],
        ["edit", "modeldeployment"],
    ]
    now_failing = replace(found, version=rest[-1].version)
    undo = "kubectl pennant undo fraud -n default"
    assert now_failing.commands(with_first())[0] == (undo, "goes back to 1.0.0 (revision 1)")
    unverified = "goes back to 1.0.0 (revision 1), which was never verified: no verified one is left"
    assert now_failing.commands(with_first(verified_at=None))[0] == (undo, unverified)


async def test_a_time_that_changes_something_is_in_the_sentence_about_waiting() -> None:
    snapshot, now = await two_holders()
    found = forecast(snapshot, now)
    limit = Limit("the progress deadline of 1.0.0 is over", now + timedelta(seconds=30))
    assert idle(replace(found, limits=(limit,))) == (
        f"The operator has nothing to do until {moment(limit.at)} (in 30s), when the progress deadline of 1.0.0 is "
        "over, or until you act: see Blocked."
    )
    assert idle(replace(found, limits=(replace(limit, is_check=True),))).endswith(
        "nothing to do until you act: see Blocked."
    )


async def test_a_move_that_the_operator_has_not_seen_is_foreseen_to_the_end() -> None:
    found = forecast(*await behind())
    assert found.blockers == ()
    assert [each.split(" ", 1)[0] for each in found.steps] == ["create", "apply"]
    assert "the tag production moved from 1.0.0 to 1.1.0" in found.steps[0]
    assert found.steps[1] == "apply the Deployment with revision 2 (1.1.0)"


async def test_the_time_of_verification_is_that_of_the_operator() -> None:
    snapshot, now = await baking()
    at = verified_at(snapshot)
    clean = snapshot.status.history[-1].clean_since
    assert at is not None
    assert clean is not None
    assert at == clean + timedelta(seconds=30)
    assert at > now


def test_an_invalid_spec_blocks_everything() -> None:
    snapshot = a_snapshot("fraud", spec=Invalid("spec.replicas: must be at least 0"))
    (found,) = forecast(snapshot, after(0)).blockers
    assert (found.what, found.reason) == ("all changes", Reason.INVALID_SPEC)
    assert "spec.replicas" in found.message


def test_a_deployment_of_somebody_else_blocks_everything() -> None:
    (found,) = forecast(a_snapshot("fraud", workload=a_workload(owned=False)), after(0)).blockers
    assert (found.what, found.reason) == ("all changes", Reason.NAME_CONFLICT)


def test_an_adoption_that_waits_for_a_rollout_blocks_everything_until_that_is_complete() -> None:
    workload = a_workload(owned=False, updated=1)
    (found,) = forecast(a_snapshot("fraud", spec=the_spec(adopt=True), workload=workload), after(0)).blockers
    assert (found.what, found.reason, found.rules) == ("all changes", Reason.ADOPTION_WAITING, ("R125",))
    text = explanation(forecast(a_snapshot("fraud", spec=the_spec(adopt=True), workload=workload), after(0)))
    assert text.count("kubectl rollout status deployment/fraud --namespace default") == 1
    assert "The operator waits (AdoptionWaiting): see Blocked." in text
    assert ".." not in text


async def test_what_only_the_operator_knows_is_taken_from_the_status() -> None:
    snapshot, now = await baking()
    told = tuple(
        each.model_copy(update={"status": ConditionStatus.TRUE, "reason": "DeploymentRefused", "message": "no quota"})
        if each.type == "Stalled"
        else each
        for each in snapshot.status.conditions
    )
    refused = replace(snapshot, status=snapshot.status.model_copy(update={"conditions": told}))
    found = forecast(refused, now)
    assert ("all writes", Reason.DEPLOYMENT_REFUSED) in [(each.what, each.reason) for each in found.blockers]
    assert any("DeploymentRefused is what the status says" in each for each in found.notes)


async def test_a_rollout_that_fails_is_foreseen_with_its_rollback() -> None:
    snapshot = await rolling_out()
    new = snapshot.status.history[-1]
    crash = Container("server", Waiting("CrashLoopBackOff"), restarts=4, last_end=Ended(1))
    pods = Pods(new.template_hash, ReplicaSet("x", 1, True, 1, 0, 0), (Pod("fraud-x", node="n", containers=(crash,)),))
    later = new.started_at + timedelta(seconds=90)
    found = forecast(snapshot, later, pods)
    assert found.steps[0].startswith("quarantine 1.1.0: 0 of 3 pods became available, and none within 60 s")
    assert "create the ControllerRevision of revision 3 (1.0.0, AutomaticRollback)" in found.steps[1]
    assert found.steps[2:] == ("apply the Deployment with revision 3 (1.0.0)",)
    without = forecast(snapshot, later)
    assert without.steps == (), "without the pods there is no verdict"


async def test_the_forecast_as_data_has_all_of_it() -> None:
    found = document(forecast(*await gated()))
    assert json.loads(json.dumps(found)) == found
    (blocker,) = found["blockers"]
    assert blocker["reason"] == "GateFailed"
    assert blocker["rules"] == [
        {"id": each, "documentedIn": "docs/behaviour.md#gates-before-a-rollout"} for each in ("R9", "R11")
    ]
    assert blocker["commands"] == [
        "kubectl pennant compare fraud-1.0.0 fraud-1.1.0 -n default",
        "kubectl pennant promote fraud-1.0.0 -n default",
    ]
    assert (found["next"], found["idle"]) == ([], "The operator has nothing to do until you act: see Blocked.")
    assert found["metrics"][0]["name"] == "accuracy"


def test_each_rule_that_is_named_exists_where_it_is_said_to_be() -> None:
    sections = (ROOT / "docs" / "behaviour.md").read_text().split("\n## ")[1:]
    places = {
        rule: f"docs/behaviour.md#{section.partition(chr(10))[0].lower().replace(' ', '-')}"
        for section in sections
        for rule in re.findall(r"^- \*\*(R\d+)\. ", section, re.MULTILINE)
    }
    assert {each for named in RULES.values() for each in named} <= places.keys()
    assert {rule: place(rule) for rule in places} == places


def test_each_reason_for_which_stalled_may_be_true_has_a_rule_or_a_verb() -> None:
    assert RULES.keys() >= COMMANDS.keys()


def test_the_verb_reads_the_live_objects(pennant: Run, api: FakeApi) -> None:
    api.add("modeldeployments", raw_deployment(spec={"paused": True}))
    api.add("modelversions", raw_version("1.0.0", "production"))
    code, out, err = pennant("why", "fraud")
    assert (code, err) == (0, "")
    assert "all changes but the number of replicas: Paused (R13)" in out
    code, out, _ = pennant("why", "fraud", "-o", "json")
    assert code == 0
    assert json.loads(out)["kind"] == "ModelDeploymentForecast"


def test_pods_that_must_not_be_listed_are_a_note(pennant: Run, api: FakeApi) -> None:
    status = asyncio.run(rolling_out()).status.to_json()
    api.add("modeldeployments", raw_deployment(status=status))
    workload = raw_workload()
    template = {
        "metadata": {"labels": {"pennant.dev/template-hash": status["history"][-1]["templateHash"]}},
        "spec": {},
    }
    api.add("deployments", {**workload, "spec": {**workload["spec"], "template": template}})
    api.forbidden = {"pods"}
    code, out, _ = pennant("why", "fraud")
    assert code == 0
    assert "The pods could not be looked at: you may not list pods in namespace default." in out


def test_a_wrong_name_has_a_suggestion(pennant: Run, api: FakeApi) -> None:
    api.add("modeldeployments", raw_deployment())
    code, _, err = pennant("why", "froud")
    assert code == 1
    assert err.startswith('error: modeldeployments.pennant.dev "froud" not found')
