"""Commands by annotation: undo, retry and restart, each carried out once and answered in the status."""

import pytest

from pennant.api.commands import MAX_COMMANDS
from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Crash, Story
from simulation.support.world import KEY


def said(story: Story) -> tuple[str, str]:
    command = story.status.last_command
    assert command is not None
    return command.result.value, command.message


async def command(story: Story, **annotations: str) -> None:
    story.world.annotate(KEY, **annotations)
    await story.passes(1)


async def test_undo_goes_back_and_stays_there_until_the_tag_moves() -> None:
    """Rule: R66."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="", requested_at="t1", requested_by="ada", reason="angry customers")
    await story.until(lambda: story.history[-1].verified_at is not None)

    assert outcomes(story)[-2:] == [("1.1.0", "TagMoved", "RolledBack"), ("1.0.0", "Undo", "Verified")]
    assert story.history[-1].actor == "ada"
    assert "angry customers" in story.history[-1].reason
    assert said(story)[0] == "Accepted"
    assert story.condition("RolledBack") == ("True", "Undone")
    await story.passes(120)
    assert story.served() == "1.0.0"

    await promoted(story, "1.1.0", "1.2.0")
    assert story.status.quarantine == ()
    assert story.condition("RolledBack")[0] == "False"
    assert_golden(story, "undo")


async def test_a_command_is_carried_out_once() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await promoted(story, "1.1.0", "1.2.0")
    await command(story, rollback_to="", requested_at="t1")
    await story.passes(60)
    story.start_operator()
    await story.passes(60)
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0", "1.2.0", "1.1.0"]

    await command(story, rollback_to="", requested_at="t2")
    await story.passes(60)
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0", "1.2.0", "1.1.0", "1.0.0"]


@pytest.mark.parametrize(
    ("value", "revision"), [("1", 1), ("1.0.0", 1), ("2", 2)], ids=["a revision", "a version", "another revision"]
)
async def test_undo_to_what_is_named(value: str, revision: int) -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await promoted(story, "1.1.0", "1.2.0")
    await command(story, rollback_to=value, requested_at="t1")
    wanted = story.history[revision - 1]
    assert (story.history[-1].version, story.history[-1].template_hash) == (wanted.version, wanted.template_hash)
    assert story.history[-1].trigger.value == "Undo"


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        ({"rollback_to": "7"}, "revision 7 does not exist. Revisions in the history: 1, 2"),
        ({"rollback_to": "9.9.9"}, "no revision of version 9.9.9 exists. Versions in the history: 1.0.0, 1.1.0"),
        ({"rollback_to": "2"}, "the current revision 2 already serves 1.1.0"),
        ({"retry": "1.0.0"}, "1.0.0 is not quarantined. Quarantined versions: none"),
        ({"retry": "1.0.0", "restart": ""}, "are set at the same time. Remove all but one"),
        ({"rollback_to": "x" * 300}, "must have at most 256 characters, and has 300"),
        ({"rollback_to": "1" * 200_000}, "pennant.dev/rollback-to must have at most 256 characters"),
        ({"rollback_to": "1" * 200}, "revision 1111"),
    ],
    ids=[
        "no such revision",
        "no such version",
        "in place already",
        "not quarantined",
        "two at once",
        "too long",
        "a number without end",
        "a large number",
    ],
)
async def test_a_command_that_makes_no_sense_is_refused_with_the_mend_and_changes_nothing(
    annotations: dict[str, str], says: str
) -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, requested_at="t1", **annotations)
    await story.passes(30)

    result, message = said(story)
    assert result == "Refused"
    assert says in message
    assert len(story.history) == 2
    assert story.condition("Ready") == ("True", "Serving")
    assert any(each.reason.value == "CommandRefused" for each in story.cluster.events)


@pytest.mark.parametrize("verb", ["rollback_to", "retry", "restart"])
async def test_what_a_person_writes_cannot_change_the_look_of_a_message(verb: str) -> None:
    """Rule: R101."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    odd = "a\u202eb\nc"
    await command(story, **{verb: odd}, requested_at=odd, requested_by=odd, reason=odd)
    shown = "a\\u202eb\\u000ac"
    last = story.status.last_command
    assert last is not None
    assert last.token == shown
    assert shown in last.command
    assert verb == "restart" or shown in last.message
    texts = [last.token, last.command, last.message, *(each.message for each in story.cluster.events)]
    texts += [text for each in story.history for text in (each.actor, each.reason)]
    assert all(each.isprintable() for each in texts)


async def test_undo_never_goes_to_a_version_that_was_found_bad() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    await command(story, rollback_to="2", requested_at="t1")
    result, message = said(story)
    assert result == "Refused"
    assert "1.1.0 is quarantined: accuracy is 0.2, below 0.9" in message


async def test_undo_where_nothing_was_before_is_refused() -> None:
    story = await serving("1.0.0")
    await command(story, rollback_to="")
    assert said(story) == ("Refused", "there is no earlier revision to go back to")


async def test_undo_of_a_changed_template_keeps_the_version_and_holds_the_template_back() -> None:
    story = await serving("1.0.0")
    before = story.history[-1].template_hash
    story.deployment(template={"spec": {"containers": [{"name": "server", "image": "registry.example/server:2"}]}})
    await story.until(lambda: len(story.history) == 2 and story.history[-1].verified_at is not None)
    await command(story, rollback_to="1", requested_at="t1", requested_by="ada")
    await story.passes(120)

    assert [(each.version, each.trigger.value) for each in story.history][-1] == ("1.0.0", "Undo")
    assert story.history[-1].template_hash == before
    assert story.condition("RolledBack") == ("True", "Undone")
    assert len(story.history) == 3

    story.deployment(template={"spec": {"containers": [{"name": "server", "image": "registry.example/server:3"}]}})
    await story.passes(60)
    assert story.history[-1].trigger.value == "SpecChanged"
    assert story.status.quarantine == ()


async def test_retry_gives_a_quarantined_version_another_chance() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    story.accuracy.values["1.1.0"] = 0.96
    await story.passes(60)
    await command(story, retry="1.1.0", requested_at="t1", requested_by="ada", reason="the labels were late")
    await story.until(lambda: story.history[-1].verified_at is not None)

    assert outcomes(story)[-1] == ("1.1.0", "Retry", "Verified")
    assert story.history[-1].actor == "ada"
    assert story.status.quarantine == ()
    assert story.condition("Ready") == ("True", "Serving")
    assert_golden(story, "retry")


async def test_retry_of_a_version_that_is_still_bad_rolls_back_again() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    await command(story, retry="", requested_at="t1")
    await story.until(lambda: len(story.history) == 5 and story.served() == "1.0.0")
    assert [each.trigger.value for each in story.history][-2:] == ["Retry", "AutomaticRollback"]


async def test_retry_in_place_where_there_was_no_way_back() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.2}
    story.version("1.0.0", "production")
    story.deployment()
    await story.passes(1)
    await story.until(lambda: story.condition("Stalled") == ("True", "NoRollbackTarget"))
    pods = story.pods()
    story.accuracy.values = {"1.0.0": 0.95}
    await story.passes(30)
    await command(story, retry="1.0.0", requested_at="t1")
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert story.condition("Ready") == ("True", "Serving")
    assert story.pods() == pods, "the same template is no new pods"


async def test_restart_replaces_all_pods_and_is_a_revision() -> None:
    story = await serving("1.0.0")
    pods = story.pods()
    await command(story, restart="", requested_at="2026-11-24T12:00:00Z", requested_by="ada")
    await story.until(lambda: story.history[-1].verified_at is not None and len(story.history) == 2)
    assert outcomes(story)[-1] == ("1.0.0", "Restart", "Verified")
    assert not pods & story.pods()
    await story.passes(120)
    assert len(story.history) == 2, "the restart is neither undone nor repeated"
    assert_golden(story, "restart")


async def test_a_rollback_after_a_restart_takes_the_old_template() -> None:
    story = await serving("1.0.0")
    await command(story, restart="", requested_at="t1")
    await story.until(lambda: story.history[-1].verified_at is not None and len(story.history) == 2)
    restarted = story.history[-1].template_hash
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0" and story.history[-1].verified_at is not None)
    assert story.history[-1].template_hash == restarted


async def test_commands_are_refused_while_paused() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.deployment(paused=True)
    await command(story, rollback_to="", requested_at="t1")
    first = "the ModelDeployment is paused. Set spec.paused to false, then set a new pennant.dev/requested-at"
    assert said(story) == ("Refused", first)
    story.deployment()
    await story.passes(30)
    assert len(story.history) == 2


async def test_a_command_that_is_as_old_as_a_lost_status_is_not_repeated() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="", requested_at="t1")
    await story.passes(60)
    story.world.wipe_status(KEY)
    await story.passes(60)
    assert said(story) == ("Ignored", f"already carried out as revision 3 on 2026-01-01T12:01:40Z. {AGAIN}")
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0", "1.0.0"]


AGAIN = "To repeat it, set a new pennant.dev/requested-at"


@pytest.mark.parametrize("token", ["monday", ""], ids=["a token", "no token"])
async def test_a_command_runs_once_whatever_becomes_of_its_annotations(token: str) -> None:
    """It is known by its token, and without one by its text, whatever commands came since.

    Rule: R14.
    """
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="1.0.0", requested_at=token, requested_by="ada")
    await story.passes(60)
    await promoted(story, "1.1.0", "1.2.0")
    before = [each.revision for each in story.history]
    carried_out = f"already carried out as revision 3 on 2026-01-01T12:01:40Z. {AGAIN}"

    await command(story, rollback_to="1.0.0", requested_by="bob", reason="in a hurry")
    await story.passes(60)
    assert said(story)[0] == ("Ignored" if token else "Accepted"), "only its own token is gone, or nothing at all"
    for others in ({"restart": "", "requested_at": "t2"}, {}):
        await command(story, **others)
        await story.passes(60)
        await command(story, rollback_to="1.0.0")
        await story.passes(60)
        assert said(story) == ("Ignored", carried_out)
    assert story.served() == "1.2.0"
    assert [each.revision for each in story.history] == [*before, 5], "the restart, and nothing else"
    story.start_operator()
    await story.passes(30)
    assert len(story.history) == 5

    await command(story, rollback_to="1.0.0", requested_at="friday")
    await story.passes(60)
    assert (said(story)[0], story.served()) == ("Accepted", "1.0.0")


async def test_a_command_that_was_refused_stays_refused_when_its_token_goes() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="1.2.0", requested_at="t1")
    assert said(story)[0] == "Refused"
    await promoted(story, "1.1.0", "1.2.0")
    await promoted(story, "1.2.0", "1.3.0")
    for annotations in ({"rollback_to": "1.2.0"}, {}, {"rollback_to": "1.2.0"}):
        await command(story, **annotations)
        await story.passes(60)
    assert said(story) == ("Ignored", f"already refused on 2026-01-01T12:01:40Z. {AGAIN}")
    assert story.served() == "1.3.0"
    await command(story, rollback_to="1.2.0", requested_at="t2")
    await story.passes(60)
    assert story.served() == "1.2.0"


async def test_of_two_commands_that_were_refused_together_none_is_left_to_run() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="1.0.0", restart="", requested_at="t1")
    assert said(story)[0] == "Refused"
    for annotations in ({"rollback_to": "1.0.0", "requested_at": "t1"}, {"rollback_to": "1.0.0"}, {"restart": ""}):
        await command(story, **annotations)
        await story.passes(60)
        assert said(story)[0] == "Ignored"
    assert len(story.history) == 2


async def test_a_token_that_was_used_is_not_accepted_for_other_words() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="", requested_at="t1")
    await story.passes(60)
    used = "pennant.dev/requested-at t1 was used for revision 3 (rollback-to) on 2026-01-01T12:01:40Z. Set a new "
    for annotations in ({"restart": ""}, {"rollback_to": "1.1.0"}):
        await command(story, requested_at="t1", **annotations)
        await story.passes(30)
        assert said(story) == ("Refused", f"{used}pennant.dev/requested-at")
    await command(story, rollback_to="1.1.0")
    await story.passes(30)
    assert said(story)[0] == "Ignored", "what was refused with a token that was used is not carried out without one"
    assert len(story.history) == 3


@pytest.mark.parametrize("annotations", [{"restart": ""}, {"retry": "1.0.0"}], ids=["restart", "retry"])
async def test_other_words_by_the_token_of_a_revision_that_was_recorded_before_a_crash_are_not_accepted(
    annotations: dict[str, str],
) -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")

    def crash(what: str) -> None:
        if what.startswith("records revision 3"):
            raise Crash(what)

    story.world.after_write = crash
    with pytest.raises(Crash):
        await command(story, rollback_to="1.0.0", requested_at="t1")
    story.world.after_write = lambda _: None
    story.start_operator()
    await command(story, requested_at="t1", **annotations)
    await story.passes(60)
    assert said(story)[0] == "Refused"
    assert "t1 was used for revision 3 (rollback-to 1.0.0)" in said(story)[1]
    assert len(story.history) == 3


async def test_what_was_answered_is_remembered_within_bounds() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="1.0.0")
    await story.passes(60)
    for number in range(MAX_COMMANDS + 4):
        await command(story, retry=f"{number} {'x' * 200}\u202e", requested_at=f"t{number}" * 50)
    assert len(story.status.commands) == MAX_COMMANDS
    assert all(each.command.isprintable() for each in story.status.commands)
    assert len({each.command for each in story.status.commands}) == MAX_COMMANDS, "cut, they still differ"
    await command(story, rollback_to="1.0.0")
    assert said(story) == ("Ignored", f"already carried out as revision 3 on 2026-01-01T12:01:40Z. {AGAIN}")


async def test_a_command_is_not_given_again_by_objects_that_are_created_again() -> None:
    """Its annotations are in the files; the quarantine that it speaks of is known from the version alone."""
    story = await rolled_back("1.0.0", "1.1.0")
    await command(story, retry="1.1.0", requested_at="t1")
    await story.until(lambda: len(story.history) == 5 and story.served() == "1.0.0")
    story.world.delete_deployment(KEY)
    story.deployment()
    await command(story, retry="1.1.0", requested_at="t1")
    await story.passes(30)
    assert said(story)[0] == "Ignored"
    assert story.condition("Stalled") == ("True", "Quarantined")
    await command(story, retry="1.1.0", requested_at="t2")
    await story.passes(5)
    assert (said(story)[0], story.served()) == ("Accepted", "1.1.0")


async def test_what_a_release_without_this_memory_answered_is_known_by_its_last_answer() -> None:
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    await command(story, rollback_to="7", requested_at="t1")
    record = story.world.records[KEY]
    record.status = record.status.model_copy(update={"commands": ()})
    record.resource_version = story.world.serial()
    await command(story, restart="", requested_at="t2")
    await command(story, rollback_to="7", requested_at="t1")
    assert said(story) == ("Ignored", f"already refused on 2026-01-01T12:01:40Z. {AGAIN}")


async def test_an_undo_leaves_the_reason_for_which_another_version_failed() -> None:
    """Rule: R66."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.world.crashing.add("1.2.0")
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: story.history[-1].trigger == "AutomaticRollback")
    await story.until(lambda: story.history[-1].verified_at is not None)
    (failed,) = story.status.quarantine
    assert (failed.version, failed.reason) == ("1.2.0", "ProgressDeadlineExceeded")
    await command(story, rollback_to="1.0.0", requested_at="t1", requested_by="ada")
    await story.passes(30)
    assert (story.served(), story.status.quarantine) == ("1.0.0", (failed,))
