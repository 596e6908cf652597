"""Commands by annotation, with the real kubectl, on a real control plane."""

from cluster.scenario import Scenario


def promoted(scenario: Scenario, old: str, new: str) -> None:
    scenario.accuracy(new, 0.97)
    scenario.version(new)
    scenario.move_tag(old, new)
    scenario.until_verified(new)


def test_undo_by_annotation_holds_until_the_tag_moves(serving: Scenario) -> None:
    """Rule: R66."""
    promoted(serving, "1.0.0", "1.1.0")
    serving.command(rollback_to="", requested_at="t1", requested_by="ada", reason="angry customers")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))

    entry = serving.history[-1]
    assert (entry["actor"], entry["commandToken"]) == ("ada", "t1")
    assert entry["reason"] == "rolled back from 1.1.0 (revision 2) to 1.0.0 (revision 1): angry customers"
    assert serving.said() == ("Accepted", "rolled back to 1.0.0 (revision 1)")
    assert serving.condition("RolledBack") == ("True", "Undone")
    serving.until_told("CommandAccepted", "RolledBack")
    serving.apply(*serving.applied.values())
    serving.assert_silent()
    assert serving.served() == "1.0.0", "the manifests that ask for 1.1.0 were applied again"

    promoted(serving, "1.1.0", "1.2.0")
    assert serving.condition("RolledBack")[0] == "False"


def test_restart_replaces_all_pods_once(serving: Scenario) -> None:
    """Rule: R14."""
    pods = serving.pods()
    serving.command(restart="", requested_at="2026-11-24T12:00:00Z", requested_by="ada")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Restart", "Verified"))
    serving.until(lambda: len(serving.pods()) == 1)
    assert not set(pods) & set(serving.pods())
    serving.assert_silent()
    assert len(serving.history) == 2
