"""What must hold in every state of a simulated world, whatever happened before.

Rule: What was recorded once is never changed.
Rule: Revision numbers decide the order, never a clock.
"""

from itertools import pairwise

from pennant.api.conditions import find
from pennant.core.revision import entry_hash
from simulation.world import KEY, World


def check(world: World) -> None:
    """Fail where the history, the quarantine or the Deployment contradict each other."""
    record = world.records.get(KEY)
    if record is None:
        return
    history = record.status.history
    numbers = [each.revision for each in history]
    assert numbers == sorted(set(numbers)), "revisions only grow, and none is there twice"
    for before, after in pairwise(history):
        # Where the limit has taken entries away between a way back and the newest ones, there is nothing to compare.
        if after.revision == before.revision + 1:
            assert after.previous_hash == before.hash, "the chain of hashes has no gap"
        assert before.ended_at is not None, "at most one revision is in place"
    for each in history:
        assert each.hash == entry_hash(each), "what was recorded is never changed"
        assert each.revision in record.revisions, "every entry has its record"
    deployment = world.deployments.get(KEY)
    if deployment is not None and deployment.owner == record.uid:
        number = int(deployment.manifest["metadata"]["annotations"]["pennant.dev/revision"])
        assert number in record.revisions, "the record is there before the Deployment shows its revision"
        assert number in numbers, "the history is there before the Deployment shows its revision"
        assert deployment.applied == record.revisions[number].template, "what is applied is what was recorded"
    stalled, ready = (find(record.status.conditions, kind) for kind in ("Stalled", "Ready"))
    if stalled is not None and ready is not None:
        assert not (stalled.status.value == ready.status.value == "True"), "stalled is not ready"


def check_converged(world: World) -> None:
    """Fail where a world at rest does not serve what its records say."""
    check(world)
    record, deployment = world.records[KEY], world.deployments[KEY]
    active = record.status.history[-1]
    assert deployment.template_hash == active.template_hash
    quarantined = {each.digest for each in record.status.quarantine}
    for version in world.versions.values():
        mirrored = {each.digest for each in version.quarantined_by if each.deployment == KEY.name}
        assert mirrored == quarantined & {version.digest}, "both places say the same"
