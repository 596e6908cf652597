"""Verbs that write: what they print with `-o`, and how they go on after an error."""

import asyncio
import json
from typing import Any

import pytest

from pennant.cli import acting
from pennant.cli.output import merged
from pennant.core.facts.command import REQUESTED_AT, Command, Verb
from pennant.core.facts.observation import Key, Snapshot
from pennant.ports import Conflict
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.cli.states import verified
from unit.kube.raw import raw_deployment

NAME = "modeldeployment.pennant.dev/fraud"


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return asyncio.run(verified())


@pytest.fixture
def deployments(api: FakeApi, snapshot: Snapshot) -> FakeApi:
    api.add("modeldeployments", raw_deployment(status=snapshot.status.to_json()))
    api.add("modeldeployments", raw_deployment("paused", spec={"paused": True}))
    return api


@pytest.mark.parametrize("verb", ["restart", "retry"])
def test_a_command_is_an_annotation_of_the_object_that_is_printed(
    pennant: Run, deployments: FakeApi, verb: str
) -> None:
    code, out, err = pennant(verb, "fraud", "--dry-run=client", "-o", "json", "--reason", "because")
    assert (code, err, deployments.patches) == (0, "", [])
    annotations = json.loads(out)["metadata"]["annotations"]
    assert annotations[f"pennant.dev/{verb}"] is not None
    assert annotations["pennant.dev/reason"] == "because"
    assert annotations["pennant.dev/requested-by"] == "ada"
    assert pennant(verb, "fraud", "--dry-run=client", "-o", "name") == (0, f"{NAME}\n", "")


def test_a_command_that_replaces_an_unanswered_one_warns(pennant: Run, api: FakeApi, snapshot: Snapshot) -> None:
    given = {"pennant.dev/restart": "", "pennant.dev/requested-at": "2026-01-01T12:00:00Z"}
    answer = {"token": given["pennant.dev/requested-at"], "command": "restart", "result": "Accepted", "message": "done"}
    status = snapshot.status.to_json()
    api.add("modeldeployments", raw_deployment(annotations=given, status=status))
    _, _, err = pennant("retry", "fraud", "--dry-run=client")
    assert err == "Warning: this replaces the command restart, which the operator has not carried out yet\n"
    status |= {"lastCommand": answer | {"at": "2026-01-01T12:00:01Z"}}
    api.add("modeldeployments", raw_deployment(annotations=given, status=status))
    assert pennant("retry", "fraud", "--dry-run=client")[2] == ""
    assert pennant("restart", "fraud", "--timeout=0.1s")[2].endswith("later, unless another command replaces it\n")


def test_pause_and_resume_print_the_object(pennant: Run, deployments: FakeApi) -> None:
    for verb, paused in (("pause", True), ("resume", False)):
        code, out, _ = pennant(verb, "fraud", "-o", "json")
        assert (code, json.loads(out)["spec"]["paused"]) == (0, paused)
    assert pennant("pause", "fraud", "--dry-run=client", "-o", "yaml")[1].count("paused: true") == 1
    assert deployments.objects["modeldeployments", "default", "fraud"]["spec"]["paused"] is False


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        ("pause", 'error: modeldeployments.pennant.dev "paused" is already paused\n'),
        ("restart", 'error: modeldeployments.pennant.dev "paused" can\'t restart paused modeldeployment '),
        ("undo", "error: no rollout history found for modeldeployment paused\n"),
    ],
)
def test_a_verb_goes_on_after_the_error_of_one_name(pennant: Run, deployments: FakeApi, verb: str, says: str) -> None:
    deployments.add("modeldeployments", raw_deployment("other"))
    code, out, err = pennant("pause", "paused", "fraud", "other", "--dry-run=client")
    assert (code, out.count("paused (client dry run)"), err.count("error: ")) == (1, 2, 1)
    code, _, err = pennant(verb, "paused", "none", "--dry-run=client")
    assert code == 1
    assert err.startswith(says)
    assert 'modeldeployments.pennant.dev "none" not found' in err


def test_a_merge_patch_is_applied_as_the_api_server_does() -> None:
    value = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merged(value, {"a": {"b": None, "e": {"f": None, "g": 3}}, "d": [2]}) == {
        "a": {"c": 2, "e": {"g": 3}},
        "d": [2],
    }


class Shared:
    """A session with an object in whose annotations another client gives a command right before the first patch."""

    def __init__(self, others: str | None) -> None:
        self.others, self.token, self.removed = others, "mine", 0
        self.client = self

    async def get(self, *_: object) -> dict[str, Any]:
        annotations = {REQUESTED_AT: self.token}
        return {"metadata": {"uid": "u", "resourceVersion": self.token, "annotations": annotations}}

    async def patch(self, _: object, __: object, body: dict[str, Any]) -> None:
        if self.others is not None:
            self.token, self.others = self.others, None
        if body["metadata"]["resourceVersion"] != self.token:
            raise Conflict("the object has changed")
        self.removed += 1


@pytest.mark.parametrize(("others", "removed"), [(None, 1), ("theirs", 0)], ids=["alone", "another command came"])
async def test_an_answered_command_is_removed_and_no_other_one(others: str | None, removed: int) -> None:
    session: Any = Shared(others)
    command = Command(Verb.RESTART, "", "mine", True, "ada", "")
    await acting.remove(session, Key("default", "fraud"), "u", command)
    assert session.removed == removed
