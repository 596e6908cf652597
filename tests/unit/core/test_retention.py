"""Which versions of a model need not be kept, and what keeps the others.

Rule: R190.
Rule: R191.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from time import process_time
from typing import Any

import pytest

from pennant.api.deployment_status import Desired, ModelDeploymentStatus, OlderRevision, Stable
from pennant.api.history import QuarantineEntry
from pennant.api.model_version import Retention
from pennant.api.reasons import Reason
from pennant.api.retention import DeploymentRetention
from pennant.core.facts.digest import content_digest
from pennant.core.facts.observation import Invalid, Key, Unreadable
from pennant.core.versions.retention import DeploymentFact, Judgement, VersionFact, fact, judged
from simulation.support.story import a_record
from unit.core.builders import NOON, a_snapshot, an_entry, the_spec

NOW = NOON + timedelta(days=1000)


def version(number: int, **fields: Any) -> VersionFact:
    """Return a version that was created on this day and never used."""
    created = NOON + timedelta(days=number)
    key = Key("default", f"fraud-{number}")
    return replace(VersionFact(key, f"uid-{number}", str(number), str(number), created), **fields)


def deployment(name: str = "fraud", **fields: Any) -> DeploymentFact:
    uses = fields.pop("uses", {})
    return DeploymentFact(name, DeploymentRetention(**{"keep_last": 1, "action": "Delete", **fields}), uses)


def going(found: Judgement) -> list[str]:
    return [each.version for each in found.to_delete]


def of(versions: Iterable[VersionFact], *deployments: DeploymentFact, **fields: Any) -> Judgement:
    return judged(tuple(versions), deployments or (deployment(),), fields.pop("now", NOW), **fields)


def test_the_versions_that_were_created_last_are_kept() -> None:
    found = of([version(each) for each in (3, 1, 2)], deployment(keep_last=2))
    assert going(found) == ["1"]
    (key, verdict), *_ = found.verdicts.items()
    assert (key.name, verdict.reason) == ("fraud-1", Reason.RETENTION_EXCEEDED)
    assert verdict.message == (
        "beyond the 2 versions that were created last; never used; created 2026-01-02T12:00:00.000Z"
    )


def test_a_version_is_kept_for_some_days_after_its_last_use() -> None:
    old = version(1, used_until=NOW - timedelta(days=31))
    late = version(2, used_until=NOW - timedelta(days=30))
    found = of([old, late], deployment(keep_last=None, max_age_days=30))
    assert going(found) == ["1"]
    assert "not used for 30 days; last used" in found.verdicts[old.key].message


def test_one_of_two_limits_is_enough_to_keep_a_version() -> None:
    versions = [version(1), version(2, used_until=NOW), version(3)]
    assert going(of(versions, deployment(keep_last=1, max_age_days=30))) == ["1"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"tags": frozenset({"staging"})}, "it has the tag staging"),
        ({"tags": frozenset({"staging", "archive"})}, "it has the tags archive and staging"),
        ({"retention": Retention(legal_hold=True)}, "spec.retention.legalHold is set"),
        ({"retention": Retention(minimum_days=1001)}, "the minimum time of retention ends 2028-09-29T12:00:00.000Z"),
        ({"quarantined": True}, "a ModelDeployment quarantines it, and its record is the evidence"),
        (
            {"manager": "Argo CD (application shop)"},
            "Argo CD (application shop) manages it and would create it again; delete it there",
        ),
        ({"problem": "its record is invalid: spec.model"}, "its record is invalid: spec.model"),
    ],
)
def test_what_keeps_a_version_beyond_the_limits(fields: dict[str, Any], why: str) -> None:
    old = version(1, **fields)
    found = of([old, version(2)])
    assert going(found) == []
    assert found.verdicts[old.key].reason is Reason.KEPT
    assert found.verdicts[old.key].message == f"beyond the 1 versions that were created last; kept: {why}"


def test_the_longest_minimum_counts_from_the_last_use() -> None:
    """Rule: R191."""
    used = version(1, used_until=NOW - timedelta(days=50), retention=Retention(minimum_days=40))
    assert going(of([used, version(2)], deployment(minimum_days=10))) == ["1"]
    assert going(of([used, version(2)], deployment(minimum_days=51))) == []
    longer = replace(used, retention=Retention(minimum_days=51))
    assert going(of([longer, version(2)], deployment(minimum_days=10))) == []
    assert going(of([longer, version(2)], deployment(minimum_days=10), now=NOW + timedelta(days=1))) == ["1"]


def test_the_parent_of_a_version_that_is_kept_is_kept_but_not_its_own_parent() -> None:
    versions = [version(1), version(2, parent=version(1).key), version(3, parent=version(2).key)]
    found = of(versions)
    assert going(found) == ["1"]
    assert found.verdicts[version(2).key].message.endswith("kept: it is the parent of 3")


def test_all_modeldeployments_of_a_model_must_agree() -> None:
    """Rule: R190."""
    versions = [version(each) for each in (1, 2, 3)]
    assert going(of(versions, deployment("a"), deployment("b", keep_last=2))) == ["1"]
    assert of(versions, deployment("a"), DeploymentFact("b")) == Judgement({}), "one without spec.retention keeps all"
    assert of(versions, deployment("a"), DeploymentFact("b", problem="unreadable")) == Judgement({})
    reported = of(versions, deployment("a"), deployment("b", action="Report"))
    assert going(reported) == [], "one that reports lets none be deleted"
    assert len(reported.verdicts) == 2
    assert going(of(versions, deployment("a"), deployment("b", uses={"1": "it serves"}))) == ["2"]


def test_an_obstacle_is_told_and_nothing_is_deleted() -> None:
    found = of([version(1), version(2)], obstacle="there is no archive")
    assert going(found) == []
    (verdict,) = found.verdicts.values()
    assert verdict.reason is Reason.DELETION_REFUSED
    assert verdict.message.endswith("; not deleted: there is no archive")
    reported = of([version(1), version(2)], deployment(action="Report"), obstacle="there is no archive")
    assert [each.reason for each in reported.verdicts.values()] == [Reason.RETENTION_EXCEEDED]


def test_a_version_that_is_being_deleted_is_not_deleted_again() -> None:
    assert of([version(1, deleting=True), version(2)]).verdicts == {}


def quarantined(which: str) -> QuarantineEntry:
    digest = content_digest(a_record(which))
    return QuarantineEntry(
        digest=digest, version=which, reason=Reason.METRIC_BREACH, message="", since=NOON, revision=1
    )


def test_a_modeldeployment_needs_what_it_serves_targets_can_roll_back_to_and_quarantines() -> None:
    status = ModelDeploymentStatus(
        older_revisions=(OlderRevision(revision=1, version="1.0.0", hash=an_entry(1, "1.0.0").hash),),
        history=(an_entry(2, "1.1.0"), an_entry(3, "1.2.0")),
        stable=Stable(version="1.1.0", revision=2),
        desired=Desired(tag="production", version="1.3.0", digest=content_digest(a_record("1.3.0")), since=NOON),
        quarantine=(quarantined("1.4.0"), quarantined("1.2.0")),
    )
    uses = fact(a_snapshot("fraud", status=status, spec=the_spec(version="1.5.0"))).uses
    assert uses == {
        "1.0.0": "revision 1 of ModelDeployment fraud has it, and can be rolled back to",
        "1.1.0": "it is the rollback target of ModelDeployment fraud",
        "1.2.0": "ModelDeployment fraud serves it",
        "1.3.0": "it is the target version of ModelDeployment fraud",
        "1.4.0": "ModelDeployment fraud quarantines it",
        "1.5.0": "spec.version of ModelDeployment fraud names it",
    }


def test_of_a_modeldeployment_that_cannot_be_read_it_is_not_known_what_it_needs() -> None:
    assert "spec of ModelDeployment fraud is invalid" in fact(a_snapshot("fraud", spec=Invalid("spec.model"))).problem
    unreadable = fact(a_snapshot("fraud", unreadable=Unreadable("status.history", {})))
    assert unreadable.problem == "the status of ModelDeployment fraud cannot be read: status.history"


def test_the_time_grows_with_the_number_of_versions_and_not_with_its_square() -> None:
    def seconds(count: int) -> float:
        versions = [version(each, parent=version(each - 1).key) for each in range(count)]
        taken = []
        for _ in range(3):
            begun = process_time()
            assert len(of(versions, deployment(keep_last=3)).verdicts) == count - 3
            taken.append(process_time() - begun)
        return min(taken)

    # Ten times as many; with the square it would take a hundred times as long.
    assert seconds(20_000) < 40 * seconds(2_000)


def test_of_a_year_of_daily_versions_of_many_models_the_right_ones_survive() -> None:
    """Rule: R190."""
    days, staging, held = 365, 100, 50
    kept = {*range(days - 30, days), staging, held}
    expected = kept | {each - 1 for each in kept}
    for _ in range(100):
        versions = [
            version(
                day,
                parent=version(day - 1).key if day else None,
                tags=frozenset({"staging"}) if day == staging else frozenset(),
                retention=Retention(legal_hold=day == held),
            )
            for day in range(days)
        ]
        found = of(versions, deployment(keep_last=30, uses={str(days - 1): "ModelDeployment fraud serves it"}))
        assert {int(each.version) for each in found.to_delete} == set(range(days)) - expected
