"""Manual changes of the Deployment: recognized by content, corrected or adopted, and recorded."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.world import KEY

IMAGE = "registry.example/other:1"
RESTART = "2026-01-01T12:01:00Z"


def image(story: Story) -> str:
    template = story.world.deployments[KEY].manifest["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


def variables(story: Story) -> list[str]:
    template = story.world.deployments[KEY].manifest["spec"]["template"]
    return [each["name"] for each in template["spec"]["containers"][0]["env"]]


async def test_a_field_that_was_changed_is_put_right_and_its_writer_recorded() -> None:
    """Rule: R69."""
    story = await serving("1.0.0")
    good = image(story)
    story.world.set_image_by_hand(KEY, IMAGE)
    await story.passes(5)

    drift = story.status.drift
    assert image(story) == good
    assert drift is not None
    assert (drift.field_manager, drift.count) == ("kubectl-set", 1)
    assert drift.fields == ("spec.template.spec.containers[name=server].image",)
    assert len(story.history) == 1
    story.world.set_image_by_hand(KEY, IMAGE)
    await story.passes(60)
    assert image(story) == good
    assert story.status.drift is not None
    assert story.status.drift.count == 2
    assert_golden(story, "drift")


async def test_what_was_added_to_the_pod_template_goes_again() -> None:
    story = await serving("1.0.0")
    story.world.add_variable_by_hand(KEY, "DEBUG")
    await story.passes(5)
    assert "DEBUG" not in variables(story)
    assert story.status.drift is not None
    await story.until(lambda: story.condition("Ready")[0] == "True")


async def test_a_deleted_deployment_is_made_again() -> None:
    story = await serving("1.0.0")
    story.world.delete_workload(KEY)
    await story.passes(10)
    assert len(story.pods()) == 3
    assert story.status.drift is not None
    assert story.status.drift.message == "the Deployment was deleted"
    story.world.delete_workload(KEY)
    await story.passes(10)
    assert story.status.drift.count == 2
    assert len(story.history) == 1


async def test_a_native_undo_is_adopted() -> None:
    story = await serving("1.0.0")
    old = story.world.deployments[KEY].manifest["spec"]["template"]
    await promoted(story, "1.0.0", "1.1.0")
    story.world.undo_by_hand(KEY, old)
    await story.until(lambda: story.history[-1].verified_at is not None and len(story.history) == 3)

    assert outcomes(story)[1:] == [("1.1.0", "TagMoved", "RolledBack"), ("1.0.0", "Undo", "Verified")]
    assert story.history[-1].actor == "kubectl"
    assert story.condition("RolledBack") == ("True", "Undone")
    assert story.status.drift is None
    await story.passes(120)
    assert story.served() == "1.0.0"
    assert_golden(story, "native_undo")


async def test_a_native_undo_in_mid_rollout_is_adopted() -> None:
    story = await serving("1.0.0")
    old = story.world.deployments[KEY].manifest["spec"]["template"]
    pods = story.pods()
    story.world.never_ready.add("1.1.0")
    story.version("1.0.0")
    story.version("1.1.0", "production")
    await story.passes(3)
    story.world.undo_by_hand(KEY, old)
    await story.passes(20)
    assert outcomes(story)[-1][:2] == ("1.0.0", "Undo")
    assert pods & story.pods(), "the old pods stay"


async def test_a_native_undo_to_a_version_found_bad_is_put_right() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    story.version("1.0.0")
    story.version("1.1.0", "production")
    await story.passes(6)
    bad = story.world.deployments[KEY].manifest["spec"]["template"]
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    story.world.undo_by_hand(KEY, bad)
    await story.passes(20)
    assert story.served() == "1.0.0"
    assert len(story.history) == 3
    assert story.status.drift is not None

    # Where the tag has moved on since, the version is no longer quarantined; the undo still goes to what failed.
    story.version("1.1.0")
    story.version("1.0.0", "production")
    await story.until(lambda: not story.status.quarantine)
    story.world.undo_by_hand(KEY, bad)
    await story.passes(20)
    assert story.served() == "1.0.0"
    assert len(story.history) == 3
    assert story.condition("Ready") == ("True", "Serving")


async def test_an_undo_to_a_template_that_was_changed_besides_is_a_drift() -> None:
    story = await serving("1.0.0")
    old = story.world.deployments[KEY].manifest["spec"]["template"]
    await promoted(story, "1.0.0", "1.1.0")
    first = {**old["spec"]["containers"][0], "image": IMAGE}
    story.world.undo_by_hand(KEY, {**old, "spec": {**old["spec"], "containers": [first]}})
    await story.passes(20)
    assert story.served() == "1.1.0"
    assert len(story.history) == 2
    assert story.status.drift is not None


async def test_a_native_restart_is_left_in_place_and_recorded() -> None:
    story = await serving("1.0.0")
    pods = story.pods()
    story.world.restart_by_hand(KEY, "2026-01-01T12:01:00Z")
    await story.until(lambda: len(story.history) == 2 and story.history[-1].verified_at is not None)

    assert outcomes(story)[-1] == ("1.0.0", "Restart", "Verified")
    assert story.history[-1].actor == "kubectl-rollout"
    assert not pods & story.pods()
    assert story.world.deployments[KEY].restarted_at == "2026-01-01T12:01:00Z"
    assert story.status.drift is None
    await promoted(story, "1.0.0", "1.1.0")
    await story.passes(60)
    assert len(story.history) == 3, "what is left of the restart is no second one"
    assert_golden(story, "native_restart")


async def test_a_restart_by_an_annotation_without_an_end_is_recorded_once() -> None:
    story = await serving("1.0.0")
    story.world.restart_by_hand(KEY, "again" * 1_000)
    await story.passes(60)

    assert [(each.trigger.value, each.outcome.value) for each in story.history] == [
        ("TagMoved", "Superseded"),
        ("Restart", "Verified"),
    ]
    assert story.world.deployments[KEY].restarted_at == "again" * 1_000, "it is left as it is"


async def test_a_native_restart_at_the_moment_of_a_breach_does_not_hold_up_the_rollback() -> None:
    """Rule: R53."""
    (found_bad,) = (await rolled_back()).status.quarantine
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    while story.world.time < found_bad.since - timedelta(seconds=1):
        await story.passes(1)
    story.tick()
    await story.operator.reconcile(KEY)
    # The answer that condemns it is there, and nobody has looked at it.
    await asyncio.sleep(0)
    story.world.restart_by_hand(KEY, RESTART)
    await story.passes(10)
    assert [each[:2] for each in outcomes(story)[2:]] == [("1.0.0", "AutomaticRollback")]
    assert story.world.deployments[KEY].restarted_at == "", "it went with the version that it was meant for"


async def in_mid_rollout(story: Story) -> None:
    """Move the tag to a bad version of which one pod becomes available and no other."""
    story.accuracy.values["1.1.0"] = 0.2
    story.world.slow.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(8)


async def until_rolled_back(story: Story) -> None:
    def rolled_back() -> bool:
        last = story.history[-1]
        return last.trigger.value == "AutomaticRollback" and last.rolled_out_at is not None

    await story.until(rolled_back, 200)


@pytest.mark.parametrize("restarted_before", [False, True])
async def test_a_native_restart_of_a_bad_version_takes_no_pod_from_the_good_one(restarted_before: bool) -> None:
    """Rule: R68."""
    story = await serving("1.0.0")
    if restarted_before:
        story.world.restart_by_hand(KEY, "2026-01-01T12:00:30Z")
        await story.until(lambda: story.history[-1].trigger.value == "Restart" and bool(story.history[-1].verified_at))
    good = story.pods()
    await in_mid_rollout(story)
    story.world.restart_by_hand(KEY, RESTART)
    await story.passes(2)
    kept = good & story.pods()
    await until_rolled_back(story)
    assert kept
    assert kept <= story.pods(), "what still ran then was started anew"
    assert story.world.deployments[KEY].restarted_at == ("2026-01-01T12:00:30Z" if restarted_before else "")
    await story.passes(60)
    assert outcomes(story)[-1] == ("1.0.0", "AutomaticRollback", "Verified"), "the annotation of old is no new restart"


async def test_a_tag_that_goes_back_after_a_native_restart_finds_the_good_pods() -> None:
    story = await serving("1.0.0")
    good = story.pods()
    await in_mid_rollout(story)
    story.world.restart_by_hand(KEY, RESTART)
    await story.passes(2)
    kept = good & story.pods()
    await move_tag(story, "1.1.0", "1.0.0")
    await story.passes(20)
    assert kept
    assert kept <= story.pods()
    assert story.served() == "1.0.0"


async def test_nothing_of_a_template_that_somebody_put_back_outlives_it() -> None:
    """Who undoes owns what comes back by it, and an apply takes nothing from others.

    Rule: R27.
    """
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production", serving={"env": [{"name": "OLD_FLAG", "value": "1"}]})
    story.deployment(allowServing=["Env"])
    await story.until(lambda: bool(story.status.stable))
    old = story.world.deployments[KEY].manifest["spec"]["template"]
    assert "OLD_FLAG" in variables(story)
    await promoted(story, "1.0.0", "1.1.0")
    assert "OLD_FLAG" not in variables(story)
    story.world.undo_by_hand(KEY, old)
    await story.until(lambda: story.history[-1].trigger.value == "Undo" and bool(story.history[-1].verified_at))
    await promoted(story, "1.1.0", "1.2.0")
    assert story.served() == "1.2.0"
    assert "OLD_FLAG" not in variables(story)
    assert story.status.drift is None


async def test_an_undo_is_known_whatever_admission_added_to_the_template_then_and_now() -> None:
    """Rule: R67."""
    story = await serving("1.0.0")
    old = story.world.deployments[KEY].manifest["spec"]["template"]
    await promoted(story, "1.0.0", "1.1.0")
    proxy = {"name": "proxy", "image": "registry.example/proxy:2"}
    story.world.undo_by_hand(KEY, {**old, "spec": {**old["spec"], "containers": [*old["spec"]["containers"], proxy]}})
    await story.until(lambda: len(story.history) == 3 and story.history[-1].verified_at is not None)
    assert outcomes(story)[-1] == ("1.0.0", "Undo", "Verified")
    assert story.status.drift is None


async def test_nothing_is_put_right_while_paused() -> None:
    story = await serving("1.0.0")
    story.deployment(paused=True)
    await story.passes(2)
    story.world.set_image_by_hand(KEY, IMAGE)
    await story.passes(30)
    assert image(story) == IMAGE
    story.deployment()
    await story.passes(5)
    assert image(story) != IMAGE


async def test_a_status_that_was_wiped_is_rebuilt_whole() -> None:
    """Rule: R72."""
    story = await rolled_back("1.0.0", "1.1.0")
    before = story.status
    story.world.wipe_status(KEY)
    await story.passes(60)
    after = story.status

    assert after.history == before.history
    assert [each.digest for each in after.quarantine] == [each.digest for each in before.quarantine]
    assert after.stable == before.stable
    assert after.serving == before.serving
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert len(story.history) == 3
    assert_golden(story, "status_wiped")


async def test_an_entry_that_was_tampered_with_is_named_and_restored() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    record = story.world.records[KEY]
    first, second, third = record.status.history
    forged = second.model_copy(update={"version": "9.9.9"})
    record.status = record.status.model_copy(update={"history": (first, forged, third)})
    record.resource_version = story.world.serial()
    story.world.check_write = lambda *_: None
    await story.passes(2)
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0", "1.0.0"]
    events = [each.message for each in story.cluster.events if each.reason.value == "HistoryTampered"]
    assert events == ["status.history of revision 2: version differed from the ControllerRevision and was restored"]


async def test_a_record_that_was_forged_is_named() -> None:
    """Rule: R76."""
    story = await rolled_back("1.0.0", "1.1.0")
    record = story.world.records[KEY]
    second = record.revisions[2]
    forged = second.entry.model_copy(update={"version": "9.9.9", "hash": "sha256:forged"})
    story.world.check_write = lambda *_: None
    record.revisions[2] = replace(second, entry=forged, mirrored=None, flaw="its history entry was changed")
    record.resource_version = story.world.serial()
    await story.passes(2)
    assert story.condition("HistoryIntact") == ("False", "HistoryTampered")
    condition = next(each for each in story.status.conditions if each.type == "HistoryIntact")
    assert (
        condition.message
        == "the ControllerRevision of revision 2 does not match its hash: its history entry was changed"
    )
