"""Compares the hash chain of a history with the ControllerRevisions on the API server."""

from cluster.scenario import NAME, Manifest, Scenario
from pennant.kube.codec.revisions import decode_revision


def records(scenario: Scenario) -> list[Manifest]:
    """Return the ControllerRevisions, oldest first."""
    return sorted(scenario.all_of("controllerrevision"), key=lambda each: int(each["revision"]))


def assert_chained(scenario: Scenario, *, first: int = 1) -> None:
    """No number is missing or there twice, every record fits its hash and the one before, and the status says so."""
    history, kept = scenario.history, [decode_revision(each) for each in records(scenario)]
    numbers = [each["revision"] for each in history]
    assert numbers == list(range(first, first + len(numbers)))
    read = [each.revision for each in kept if each is not None and each.revision.intact]
    assert len(read) == len(kept), "every record fits its hash"
    assert [(each.entry.revision, each.entry.hash) for each in read] == [
        (each["revision"], each["hash"]) for each in history
    ]
    assert [each["previousHash"] for each in history[1:]] == [each["hash"] for each in history[:-1]]
    assert scenario.condition("HistoryIntact") == ("True", "HistoryConsistent"), scenario.message("HistoryIntact")
    assert {each["metadata"]["labels"]["pennant.dev/modeldeployment"] for each in records(scenario)} == {NAME}
