"""Moves of the tag that follow each other faster than a rollout."""

from cluster.scenario import Scenario


def test_quick_moves_end_with_the_version_that_has_the_tag_last(serving: Scenario) -> None:
    """The operator follows the next move at once.

    Rule: R2.
    Rule: R90.
    """
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
    serving.until(lambda: serving.served() == "1.0.0", 5, "the promotion after the quick moves")
