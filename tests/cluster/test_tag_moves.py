"""One breach after another, and one move of the tag after another, on a real control plane."""

from cluster.stage import Stage


def test_when_every_version_breaches_one_after_another_the_last_one_goes_on_serving(serving: Stage) -> None:
    """Rule: R55.

    Rule: R58.
    """
    for old, new in (("1.0.0", "1.1.0"), ("1.1.0", "1.2.0")):
        serving.accuracy(new, 0.97)
        serving.version(new)
        serving.move_tag(old, new)
        serving.until_verified(new)
    for bad, good in (("1.2.0", "1.1.0"), ("1.1.0", "1.0.0")):
        serving.accuracy(bad, 0.3)
        serving.until_rolled_back_to(good)
        serving.until_verified(good)
    serving.accuracy("1.0.0", 0.2)
    serving.until_stalled("NoRollbackTarget")

    assert serving.served() == "1.0.0"
    assert serving.condition("RolledBack") == ("True", "MetricBreach")
    assert {each["version"] for each in serving.status["quarantine"]} == {"1.0.0", "1.1.0", "1.2.0"}
    assert [(version, trigger) for version, trigger, _ in serving.versions_in_history()] == [
        ("1.0.0", "TagMoved"),
        ("1.1.0", "TagMoved"),
        ("1.2.0", "TagMoved"),
        ("1.1.0", "AutomaticRollback"),
        ("1.0.0", "AutomaticRollback"),
    ]
    serving.stays(lambda: len(serving.history) == 5, 4, "the history")


def test_a_rollback_that_does_not_help_is_the_last_one(serving: Stage) -> None:
    """Rule: R56."""
    for old, new in (("1.0.0", "1.1.0"), ("1.1.0", "1.2.0")):
        serving.accuracy(new, 0.97)
        serving.version(new)
        serving.move_tag(old, new)
        serving.until_verified(new)
    for each in ("1.0.0", "1.1.0", "1.2.0"):
        serving.accuracy(each, 0.5)
    serving.until_stalled("RollbackDidNotHelp")
    serving.stays(lambda: serving.condition("Stalled") == ("True", "RollbackDidNotHelp"), 5, "1.1.0")
    assert (serving.served(), serving.quarantined()) == ("1.1.0", [("1.2.0", "MetricBreach")])
    said = serving.message("Stalled")
    assert "accuracy is 0.5, below 0.9, in 3 of 3 checks; so did 1.2.0 (revision 3) before the rollback" in said
    for each in ("1.0.0", "1.1.0", "1.2.0"):
        serving.accuracy(each, 0.95)
    serving.until_verified("1.1.0")
    assert serving.condition("Stalled") == ("True", "RolledBack")


def test_automatic_rollbacks_that_follow_each_other_are_bounded(serving: Stage) -> None:
    serving.deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 4})
    serving.accuracy("1.1.0", 0.97)
    serving.crash("1.1.0")
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until(lambda: serving.history[-1]["trigger"] == "AutomaticRollback")
    serving.accuracy("1.0.0", 0.5)
    serving.until_stalled("RollbackLimitReached")
    assert serving.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_a_storm_of_moves_ends_with_the_version_that_holds_the_tag_last(serving: Stage) -> None:
    """Rule: R2."""
    versions = [f"1.{minor}.0" for minor in range(6)]
    for each in versions[1:]:
        serving.accuracy(each, 0.97)
        serving.version(each)
    for number in range(1, 18):
        serving.move_tag(versions[(number - 1) % 6], versions[number % 6])
    serving.until_verified("1.5.0")

    assert serving.served() == "1.5.0"
    assert serving.condition("Ready") == ("True", "Serving")
    numbers = [each["revision"] for each in serving.history]
    assert numbers == list(range(1, len(numbers) + 1)), "no number is lost or given twice"
    assert {each["trigger"] for each in serving.history} == {"TagMoved"}
    assert {each["outcome"] for each in serving.history[1:-1]} <= {"Superseded"}, "nobody was found bad"
    assert all(
        old["hash"] == new["previousHash"] for old, new in zip(serving.history, serving.history[1:], strict=False)
    )
    serving.assert_silent()
    serving.move_tag("1.5.0", "1.0.0")
    serving.until(lambda: serving.served() == "1.0.0", 5, "the promotion after the storm")
