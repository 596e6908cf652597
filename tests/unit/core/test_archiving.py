"""What of a history is due to be archived, and what stays in it until it is.

Rule: R195.
Rule: R196.
"""

from dataclasses import replace

from pennant.api.deployment_status import Archived, ModelDeploymentStatus
from pennant.core.facts.observation import Observation
from pennant.core.rollout import archiving
from pennant.core.rollout.history import History
from unit.core.builders import NOON, a_snapshot, after, an_entry


def past(count: int) -> History:
    """Return a history whose last revision has not ended."""
    ended = (an_entry(each, ended_at=after(each)) for each in range(1, count))
    return (*ended, an_entry(count))


def numbers(history: History) -> list[int]:
    return [each.revision for each in history]


def status(count: int, archived: Archived | None = None) -> ModelDeploymentStatus:
    return ModelDeploymentStatus(history=past(count), archived=archived)


def observation(count: int, archived: Archived | None, confirmed: Archived | None) -> Observation:
    stored = status(min(count, 100), archived)
    return Observation(NOON, replace(a_snapshot("fraud"), status=stored), archived=confirmed)


def test_a_revision_is_due_when_it_is_recorded_and_when_it_has_ended() -> None:
    assert numbers(archiving.due(status(3))) == [1, 2, 3]
    assert numbers(archiving.due(status(3, Archived(recorded=2, ended=1)))) == [2, 3]
    assert numbers(archiving.due(status(3, Archived(recorded=3, ended=1)))) == [2]
    assert numbers(archiving.due(status(3, Archived(recorded=3, ended=2)))) == []


def test_what_is_archived_moves_on_with_each_revision() -> None:
    known = Archived()
    for entry in past(3):
        known = archiving.advanced(known, entry)
    assert known == Archived(recorded=3, ended=2)
    assert archiving.joined(Archived(recorded=1, ended=5), known) == Archived(recorded=3, ended=5)
    assert archiving.joined(None, known) == known


def limited(count: int, archived: Archived | None, confirmed: Archived | None = None, limit: int = 2) -> list[int]:
    kept = frozenset({count})
    return numbers(archiving.within_limit(past(count), observation(count, archived, confirmed), limit, kept))


def test_a_revision_that_ended_stays_until_it_is_archived() -> None:
    assert limited(5, None) == [4, 5], "without an archive the limit alone counts"
    assert limited(5, None, Archived()) == [1, 2, 3, 4, 5]
    assert limited(5, Archived(ended=2), Archived()) == [3, 4, 5]
    assert limited(5, None, Archived(ended=4)) == [4, 5]


def test_a_history_never_has_more_than_a_hundred_entries() -> None:
    found = limited(103, Archived(ended=1), Archived())
    assert found == list(range(4, 104))
    left = ModelDeploymentStatus(history=past(103)[3:], archived=Archived(recorded=100, ended=1))
    assert archiving.lost(left) == 2, "revisions 2 and 3"
    assert archiving.lost(status(5, Archived(recorded=3, ended=2))) == 0
    assert archiving.lost(status(5)) == 0
