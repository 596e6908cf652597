"""Commands by annotation, with the real kubectl, on a real control plane."""

from cluster.stage import Stage


def promoted(stage: Stage, old: str, new: str) -> None:
    stage.accuracy(new, 0.97)
    stage.version(new)
    stage.move_tag(old, new)
    stage.until_verified(new)


def test_undo_by_annotation_holds_until_the_tag_moves(serving: Stage) -> None:
    """Rule: R66."""
    promoted(serving, "1.0.0", "1.1.0")
    serving.command(rollback_to="", requested_at="t1", requested_by="ada", reason="angry customers")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))

    entry = serving.history[-1]
    assert (entry["actor"], entry["commandToken"]) == ("ada", "t1")
    assert entry["reason"] == "back from 1.1.0 (revision 2) to 1.0.0 of revision 1: angry customers"
    assert serving.said() == ("Accepted", "back to 1.0.0 of revision 1")
    assert serving.condition("RolledBack") == ("True", "Undone")
    serving.until_told("CommandAccepted", "RolledBack")
    serving.assert_silent()

    promoted(serving, "1.1.0", "1.2.0")
    assert serving.condition("RolledBack")[0] == "False"


def test_undo_to_a_revision_and_to_a_version_by_name(serving: Stage) -> None:
    promoted(serving, "1.0.0", "1.1.0")
    promoted(serving, "1.1.0", "1.2.0")
    serving.command(rollback_to="1", requested_at="t1")
    serving.until(lambda: serving.history[-1]["version"] == "1.0.0" and "rolledOutAt" in serving.history[-1])
    serving.command(rollback_to="1.1.0", requested_at="t2")
    serving.until(lambda: serving.history[-1]["version"] == "1.1.0" and "rolledOutAt" in serving.history[-1])
    assert [each["trigger"] for each in serving.history[-2:]] == ["Undo", "Undo"]


def test_a_command_that_makes_no_sense_is_refused_and_named(serving: Stage) -> None:
    before = serving.get("deployment")["metadata"]["generation"]
    serving.command(rollback_to="7", requested_at="t1")
    serving.until(lambda: serving.said() == ("Refused", "there is no revision 7; there are 1"))
    serving.command(retry="1.0.0", requested_at="t2")
    serving.until(lambda: "are set at the same time" in serving.said()[1])
    serving.kubectl("annotate", "modeldeployment", "fraud", "pennant.dev/rollback-to-")
    serving.command(retry="1.0.0", requested_at="t3")
    serving.until(lambda: "1.0.0 is not quarantined" in serving.said()[1])
    serving.until_told("CommandRefused")
    assert serving.get("deployment")["metadata"]["generation"] == before
    assert len(serving.history) == 1


def test_retry_gives_a_version_another_chance(rolled_back: Stage) -> None:
    rolled_back.accuracy("1.1.0", 0.96)
    rolled_back.command(retry="1.1.0", requested_at="t1", requested_by="ada")
    rolled_back.until(lambda: rolled_back.versions_in_history()[-1] == ("1.1.0", "Retry", "Verified"))
    assert rolled_back.status.get("quarantine", []) == []
    assert rolled_back.condition("Ready") == ("True", "Serving")
    rolled_back.until_told("Released")


def test_restart_replaces_all_pods_once(serving: Stage) -> None:
    """Rule: R14."""
    pods = serving.pods()
    serving.command(restart="", requested_at="2026-11-24T12:00:00Z", requested_by="ada")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Restart", "Verified"))
    serving.until(lambda: len(serving.pods()) == 2)
    assert not set(pods) & set(serving.pods())
    serving.assert_silent()
    assert len(serving.history) == 2


def test_a_command_whose_token_is_taken_away_does_not_run_again(serving: Stage) -> None:
    """Rule: R14."""
    promoted(serving, "1.0.0", "1.1.0")
    serving.command(rollback_to="1.0.0", requested_at="monday")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))
    promoted(serving, "1.1.0", "1.2.0")
    serving.kubectl("annotate", "modeldeployment", "fraud", "pennant.dev/requested-at-")
    serving.until(lambda: serving.said()[0] == "Ignored", what="the answer to the command without its token")
    assert "already carried out as revision 3 on " in serving.said()[1]
    serving.kubectl("annotate", "modeldeployment", "fraud", "pennant.dev/rollback-to-")
    serving.command(restart="", requested_at="monday")
    serving.until(lambda: "monday was used for revision 3 (rollback-to 1.0.0)" in serving.said()[1])
    serving.assert_silent()
    assert (serving.served(), len(serving.history)) == ("1.2.0", 4)
