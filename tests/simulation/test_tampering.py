"""Records and statuses that somebody changes: what was changed is named, and never served.

Rule: R77.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision
from pennant.core.rollout.revision import flaw
from simulation.support import invariants
from simulation.support.steps import move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.world import KEY

EVIL = "registry.example/server:evil"


def changed(revision: Revision) -> Revision:
    """Return a record with another image and the same labels and hashes."""
    template = revision.template
    container = {**template["spec"]["containers"][0], "image": EVIL}
    template = {**template, "spec": {**template["spec"], "containers": [container]}}
    wrong = flaw(revision.entry.to_json(), revision.entry, template, revision.record)
    return replace(revision, template=template, flaw=wrong)


def tamper_with_record(story: Story, number: int) -> None:
    """Have somebody delete the record of a revision and create it again with another image; nothing serves it then."""
    record = story.world.records[KEY]
    record.revisions[number] = changed(record.revisions[number])
    check_write = story.world.check_write

    def never_served(before: Any, key: Any) -> None:
        check_write(before, key)
        for each in story.world.deployments.values():
            assert each.manifest["spec"]["template"]["spec"]["containers"][0]["image"] != EVIL

    story.world.check_write = never_served


def tamper_with_entry(story: Story, number: int, **fields: Any) -> None:
    """Have somebody change the status of the ModelDeployment."""
    record = story.world.records[KEY]
    history = (each.model_copy(update=fields) if each.revision == number else each for each in record.status.history)
    record.status = record.status.model_copy(update={"history": tuple(history)})
    record.resource_version = story.world.serial()


def message(story: Story, kind: str) -> str:
    return next(each.message for each in story.status.conditions if each.type == kind)


async def two_versions() -> Story:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    return story


async def test_a_rollback_passes_over_a_record_that_was_changed() -> None:
    story = await two_versions()
    tamper_with_record(story, 2)
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    assert story.served() == "1.0.0"
    assert story.condition("HistoryIntact") == ("False", "HistoryTampered")
    assert message(story, "HistoryIntact") == (
        "the ControllerRevision of revision 2 does not match its hash: its pod template was changed"
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1", "the ControllerRevision of revision 1 was changed. Available: 2"),
        ("1.0.0", "the ControllerRevision of revision 1 was changed. Available: 1.1.0"),
        (
            "",
            "no earlier revision is left to go back to: each of them failed, was undone, never served, or has the pod "
            "template of the current revision",
        ),
    ],
)
async def test_no_command_goes_back_to_a_record_that_was_changed(value: str, says: str) -> None:
    story = await two_versions()
    tamper_with_record(story, 1)
    story.world.annotate(KEY, rollback_to=value, requested_at="t1")
    await story.passes(30)
    assert story.status.last_command is not None
    said = story.status.last_command
    assert (said.result.value, said.message) == ("Refused", says)
    assert story.served() == "1.1.0"


async def test_a_native_undo_to_a_record_that_was_changed_is_put_right() -> None:
    story = await two_versions()
    before = story.world.records[KEY].revisions[1].template
    tamper_with_record(story, 1)
    story.world.undo_by_hand(KEY, before)
    await story.passes(30)
    assert story.served() == "1.1.0"
    assert [each.trigger.value for each in story.history] == ["TagMoved", "TagMoved"]


def restart(story: Story) -> None:
    story.world.annotate(KEY, restart="", requested_at="t1")


def delete_the_deployment(story: Story) -> None:
    story.world.delete_workload(KEY)


def set_an_image(story: Story) -> None:
    story.world.set_image_by_hand(KEY, "registry.example/other:1")


@pytest.mark.parametrize("then", [restart, delete_the_deployment, set_an_image])
async def test_what_serves_is_recorded_anew_from_the_version_where_its_record_was_changed(
    then: Callable[[Story], None],
) -> None:
    story = await two_versions()
    tamper_with_record(story, 2)
    then(story)
    await story.until(lambda: story.condition("Ready") == ("True", "Serving") and len(story.history) > 2)
    again = story.history[2]
    assert (again.version, again.reason) == ("1.1.0", "the ControllerRevision of revision 2 was changed")
    assert again.template_hash == story.history[1].template_hash, "its pods stay"
    assert again.previous_hash == story.history[1].hash


async def test_a_rollback_whose_record_was_changed_is_recorded_anew_from_an_earlier_one() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    pods = story.pods()
    tamper_with_record(story, 3)
    await story.passes(60)
    assert [(each.version, each.reason) for each in story.history][-1] == (
        "1.0.0",
        "the ControllerRevision of revision 3 was changed",
    )
    assert (story.pods(), story.served()) == (pods, "1.0.0")


async def test_what_serves_keeps_serving_and_a_person_is_called_where_nothing_tells_what_was_recorded() -> None:
    story = await two_versions()
    pods = story.pods()
    story.world.delete_version("fraud-1.1.0")
    tamper_with_record(story, 2)
    await story.passes(90)
    assert story.condition("Stalled") == ("True", "HistoryTampered")
    assert message(story, "Stalled") == (
        "the ControllerRevision of revision 2 does not match its hash: its pod template was changed. "
        "1.1.0 keeps serving, but the Deployment cannot be corrected, scaled or restarted. "
        "Move the tag production to an existing ModelVersion, or give pennant.dev/rollback-to"
    )
    assert (story.pods(), len(story.history)) == (pods, 2)

    restart(story)
    await story.passes(5)
    assert story.status.last_command is not None
    assert "the ControllerRevision of revision 2 was changed" in story.status.last_command.message
    story.world.annotate(KEY, rollback_to="", requested_at="t2")
    await story.until(lambda: story.served() == "1.0.0" and story.history[-1].verified_at is not None)
    assert story.condition("HistoryIntact") == ("False", "HistoryTampered")


async def test_a_record_that_is_put_right_is_trusted_again() -> None:
    story = await two_versions()
    before = story.world.records[KEY].revisions[1]
    tamper_with_record(story, 1)
    await story.passes(5)
    assert story.condition("HistoryIntact")[0] == "False"
    story.world.records[KEY].revisions[1] = before
    await story.passes(60)
    assert story.condition("HistoryIntact") == ("True", "HistoryConsistent")


async def test_without_a_status_nothing_is_changed_where_a_record_was() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    pods = story.pods()
    tamper_with_record(story, 1)
    story.world.wipe_status(KEY)
    await story.passes(90)
    assert story.condition("Stalled") == ("True", "HistoryTampered")
    assert "kubectl delete controllerrevision --namespace default fraud-1" in message(story, "Stalled")
    assert story.pods() == pods
    story.world.delete_revision(KEY, 1)
    await story.passes(60)
    assert [each.revision for each in story.history] == [2, 3]
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert story.pods() == pods


async def test_a_record_that_was_changed_goes_when_the_history_lets_go_of_it() -> None:
    story = await serving("1.0.0", historyLimit=2)
    tamper_with_record(story, 1)
    await promoted(story, "1.0.0", "1.1.0")
    await promoted(story, "1.1.0", "1.2.0")
    await story.passes(5)
    assert sorted(story.world.records[KEY].revisions) == [2, 3]
    assert story.condition("HistoryIntact") == ("True", "HistoryConsistent")


def of(story: Story, number: int) -> HistoryEntry:
    return next(each for each in story.history if each.revision == number)


@pytest.mark.parametrize(
    ("number", "fields", "named"),
    [
        (2, {"outcome": "Verified", "verified_at": True}, "verifiedAt, outcome"),
        (2, {"outcome": "Superseded"}, "outcome"),
        (2, {"ended_at": None, "outcome": "Serving"}, "endedAt, outcome"),
        (2, {"evidence": ()}, ""),
        (1, {"verified_at": None}, "verifiedAt"),
        (1, {"available_at": None, "rolled_out_at": None}, "availableAt, rolledOutAt"),
        (3, {"outcome": "RolledBack"}, "outcome"),
        (3, {"verified_at": None, "outcome": "Serving"}, "verifiedAt, outcome"),
    ],
    ids=str,
)
async def test_progress_that_is_changed_in_the_status_is_restored_from_the_record_and_named(
    number: int, fields: dict[str, Any], named: str
) -> None:
    """Rule: R78."""
    story = await rolled_back("1.0.0", "1.1.0")
    await story.passes(5)
    before, notes = story.history, {n: each.mirrored for n, each in story.world.records[KEY].revisions.items()}
    if fields.get("verified_at") is True:
        fields = fields | {"verified_at": of(story, 2).ended_at}
    if "outcome" in fields:
        fields = fields | {"outcome": type(of(story, 1).outcome)(fields["outcome"])}
    story.world.check_write = lambda *_: None
    tamper_with_entry(story, number, **fields)
    await story.passes(5)
    invariants.check_converged(story.world)
    assert story.history == before
    assert {n: each.mirrored for n, each in story.world.records[KEY].revisions.items()} == notes
    events = [each.message for each in story.cluster.events if each.reason.value == "HistoryTampered"]
    wanted = f"status.history of revision {number}: {named} differed from the ControllerRevision and was restored"
    assert events == ([wanted] if named else [])
    assert outcomes(story)[-1] == ("1.0.0", "AutomaticRollback", "Verified")


async def test_a_number_in_the_evidence_that_is_changed_is_restored_and_named() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    await story.passes(5)
    (evidence,) = of(story, 2).evidence
    story.world.check_write = lambda *_: None
    tamper_with_entry(story, 2, evidence=(evidence.model_copy(update={"value": "0.99"}),))
    await story.passes(5)
    assert of(story, 2).evidence == (evidence,)
    events = [each.message for each in story.cluster.events if each.reason.value == "HistoryTampered"]
    assert events == ["status.history of revision 2: evidence differed from the ControllerRevision and was restored"]
