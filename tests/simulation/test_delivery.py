"""Artefacts that pods fetch: a content that is registered again at another place, where other bytes lie."""

from pennant.api.conditions import find
from pennant.api.meta import Json
from simulation.support.kubelet import MISMATCH
from simulation.support.steps import outcomes
from simulation.support.story import Story
from simulation.support.world import KEY

DEADLINE = 600
ELSEWHERE = "s3://models/elsewhere/fraud"
QUICK = 20
"""Seconds within which a wrong digest fails a rollout."""


def the_artifact(uri: str = "s3://models/fraud/1.0.0") -> list[Json]:
    """Return the artefact of both versions: one digest, at this place."""
    return [{"name": "model", "uri": uri, "digest": f"sha256:{'1' * 64}"}]


def put_tag_on(story: Story, version: str, other: str) -> None:
    places = {"1.0.0": the_artifact(), "1.1.0": the_artifact(ELSEWHERE)}
    story.version(other, artifacts=places[other])
    story.version(version, "production", artifacts=places[version])


async def a_copy_with_other_bytes(*, verified: bool) -> Story:
    """Return a story in which the tag moves from 1.0.0 to 1.1.0: the same digest at a place with other bytes."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.95}
    story.version("1.0.0", "production", artifacts=the_artifact())
    story.deployment(delivery={"mode": "Fetch"}, rollout={"progressDeadlineSeconds": DEADLINE})
    await story.until(lambda: bool(story.history) and story.history[-1].rolled_out_at is not None)
    if verified:
        await story.until(lambda: story.history[-1].verified_at is not None)
    story.world.mismatching.add("1.1.0")
    put_tag_on(story, "1.1.0", "1.0.0")
    await story.until(lambda: bool(story.status.quarantine), QUICK)
    return story


def marks(story: Story) -> dict[str, list[str]]:
    return {each.version: [str(m.reason) for m in each.quarantined_by] for each in story.world.versions.values()}


def message(story: Story, kind: str) -> str:
    found = find(story.status.conditions, kind)
    assert found is not None
    return found.message


async def test_other_bytes_at_a_new_place_fail_at_once_although_the_content_was_verified_from_another() -> None:
    """The version that was verified serves on, and may be retried when the bytes are right.

    Rule: R162.
    Rule: R168.
    """
    story = await a_copy_with_other_bytes(verified=True)
    pods = {each for each in story.pods() if each.startswith("fraud")}
    await story.until(lambda: story.history[-1].version == "1.0.0" and story.history[-1].verified_at is not None, 90)
    (entry,) = story.status.quarantine
    assert (entry.version, entry.reason, MISMATCH in entry.message) == ("1.1.0", "DigestMismatch", True)
    assert outcomes(story)[1:] == [("1.1.0", "TagMoved", "Failed"), ("1.0.0", "AutomaticRollback", "Verified")]
    assert pods & story.pods(), "pods of 1.0.0 serve on"
    assert marks(story) == {"1.0.0": [], "1.1.0": ["DigestMismatch"]}
    assert story.condition("RolledBack") == ("True", "DigestMismatch")
    assert "Move the tag" in message(story, "RolledBack"), "spec.template is not at fault"

    story.world.mismatching.clear()
    story.world.annotate(KEY, retry="1.1.0", requested_at="t1")
    await story.until(lambda: story.history[-1].version == "1.1.0" and story.history[-1].verified_at is not None)
    assert story.status.quarantine == ()


async def test_other_bytes_at_a_new_place_do_not_condemn_the_version_that_serves_from_another_and_bakes() -> None:
    """1.0.0 was not verified, so nothing is rolled back, and it may have the tag again.

    Rule: R168.
    """
    story = await a_copy_with_other_bytes(verified=False)
    await story.passes(QUICK)
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")
    assert "so its rollout stays as it is" in message(story, "Stalled"), "1.1.0 never served"
    assert "keeps serving" not in message(story, "Stalled")
    assert marks(story) == {"1.0.0": [], "1.1.0": ["DigestMismatch"]}

    put_tag_on(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].version == "1.0.0" and story.history[-1].verified_at is not None)
    assert story.condition("Ready") == ("True", "Serving")


async def test_the_same_place_under_another_number_stays_quarantined() -> None:
    """Rule: R168."""
    story = await a_copy_with_other_bytes(verified=True)
    await story.until(lambda: story.history[-1].version == "1.0.0")
    story.version("1.1.0", artifacts=the_artifact(ELSEWHERE))
    story.version("1.2.0", "production", artifacts=the_artifact(ELSEWHERE))
    await story.passes(QUICK)
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0", "1.0.0"]
    assert story.condition("RolledBack")[0] == "True"


async def test_a_status_that_was_lost_condemns_no_other_place() -> None:
    """Rule: R65.
    Rule: R168.
    """
    story = await a_copy_with_other_bytes(verified=True)
    await story.until(lambda: story.history[-1].version == "1.0.0" and story.history[-1].verified_at is not None, 90)
    story.world.wipe_status(KEY)
    await story.passes(QUICK)
    assert [(each.version, each.reason) for each in story.status.quarantine] == [("1.1.0", "DigestMismatch")]
    assert story.served() == "1.0.0"
    assert marks(story) == {"1.0.0": [], "1.1.0": ["DigestMismatch"]}
