"""What the cache tells of versions and ModelDeployments for retention, and how verdicts reach statuses.

Rule: R191.
Rule: R192.
"""

from datetime import timedelta
from typing import Any

import pytest

from pennant.api.conditions import find
from pennant.api.meta import rfc3339
from pennant.api.model_version import Retention
from pennant.api.reasons import Reason, VersionConditionType
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.versions.retention import Verdict, VersionFact
from pennant.core.versions.status import judged
from pennant.kube.cache.store import Store
from pennant.kube.cache.version_index import VersionIndex
from pennant.kube.http.resources import Kind
from unit.core.builders import NOON, a_revision, after, an_entry
from unit.kube.raw import raw_deployment, raw_version

MODEL = ("default", "fraud")
CREATED = {"creationTimestamp": "2026-01-01T12:00:00Z"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NOW = NOON + timedelta(days=100)


class Given:
    def __init__(self) -> None:
        self.changed: list[Key] = []
        self.gone: list[Snapshot] = []
        self.store = Store(VersionIndex(self.changed.append), gone=self.gone.append)

    def version(self, version: str, *tags: str, **fields: Any) -> None:
        fields.setdefault("status", READY)
        self.store.update("ModelVersion", None, raw_version(version, *tags, **CREATED, **fields))

    def deployment(self, name: str = "fraud", **fields: Any) -> None:
        self.store.update("ModelDeployment", None, raw_deployment(name, **fields))

    def fact(self, version: str) -> VersionFact:
        return next(each for each in self.store.version_facts(MODEL, NOW) if each.version == version)


def test_a_version_is_told_with_all_that_may_keep_it() -> None:
    given = Given()
    quarantined = [
        {"deployment": "fraud", "digest": "sha256:" + "0" * 64, "reason": "MetricBreach", "message": "bad"}
        | {"since": rfc3339(NOON), "revision": 1}
    ]
    retention = {"minimumDays": 30, "legalHold": True}
    status = READY | {"quarantinedBy": quarantined}
    given.version("1.1.0", "staging", spec={"parent": "1.0.0", "retention": retention}, status=status)
    found = given.fact("1.1.0")
    assert found == VersionFact(
        key=Key("default", "fraud-1.1.0"),
        uid="uid-fraud-1.1.0",
        resource_version="10",
        version="1.1.0",
        created_at=NOON,
        parent=Key("default", "fraud-1.0.0"),
        tags=frozenset({"staging"}),
        retention=Retention(minimum_days=30, legal_hold=True),
        quarantined=True,
    )


def served(deployment: str, revision: int, until: float | None) -> dict[str, Any]:
    period = {"deployment": deployment, "revision": revision, "from": rfc3339(NOON)}
    return period if until is None else {**period, "until": rfc3339(after(until))}


def test_the_last_use_is_the_end_of_the_last_period_and_the_present_while_it_serves() -> None:
    given = Given()
    given.version("1.0.0")
    assert given.fact("1.0.0").used_until is None
    assert given.fact("1.0.0").last_used == NOON
    status = READY | {"servedBy": [served("gone", 1, 60), served("gone", 3, 30)]}
    given.version("1.0.0", at=11, status=status)
    assert given.fact("1.0.0").used_until == after(60)
    ended = an_entry(1, available_at=NOON, ended_at=after(90))
    given.deployment(status={"history": [ended.to_json(), an_entry(2, "1.1.0").to_json()]})
    assert given.fact("1.0.0").used_until == after(90), "from the history, before servedBy has it"
    given.deployment(at=11, status={"history": [an_entry(1, available_at=NOON).to_json()]})
    assert given.fact("1.0.0").used_until == NOW
    given.version("1.2.0", status=READY | {"servedBy": [served("deleted", 1, None)]})
    assert given.fact("1.2.0").used_until == NOW, "its end is not written yet"


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({}, "its record was not checked yet"),
        (
            {"conditions": [{"type": "Ready", "status": "False", "message": "spec.code"}]},
            "its record is invalid: spec.code",
        ),
    ],
)
def test_a_record_that_is_not_valid_is_told(status: dict[str, Any], problem: str) -> None:
    given = Given()
    given.version("1.0.0", status=status)
    assert given.fact("1.0.0").problem == problem


def test_a_retention_that_cannot_be_read_counts_as_a_legal_hold() -> None:
    given = Given()
    given.version("1.0.0", spec={"retention": {"minimumDays": "long"}})
    assert given.fact("1.0.0").retention.legal_hold


@pytest.mark.parametrize(
    ("metadata", "manager"),
    [
        ({}, ""),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}, "Argo CD (application shop)"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "models"}}, "Flux (Kustomization models)"),
        ({"managedFields": [{"manager": "argocd-controller", "operation": "Apply"}]}, "Argo CD"),
        ({"managedFields": [{"manager": "kubectl", "operation": "Apply"}]}, ""),
        ({"ownerReferences": [{"kind": "ModelSync", "name": "mlflow", "uid": "1"}]}, "ModelSync mlflow"),
    ],
)
def test_who_would_create_a_version_again_is_told(metadata: dict[str, Any], manager: str) -> None:
    given = Given()
    given.version("1.0.0", **metadata)
    assert given.fact("1.0.0").manager == manager


def test_the_modeldeployments_of_a_model_are_told_and_those_whose_model_is_not_known() -> None:
    given = Given()
    for name, spec in (("one", {}), ("two", {}), ("other", {"model": "churn"})):
        given.deployment(name, spec=spec)
    assert set(given.store.models()) == {MODEL, ("default", "churn")}
    assert [each.key.name for each in given.store.deployments_of(MODEL)] == ["one", "two"]
    given.deployment("two", at=11, spec={"replicas": -1})
    assert [each.key.name for each in given.store.deployments_of(MODEL)] == ["one", "two"], "it may be of this model"
    assert [each.key.name for each in given.store.deployments_of(("default", "churn"))] == ["other", "two"]
    given.deployment("two", at=12)
    assert [each.key.name for each in given.store.deployments_of(("default", "churn"))] == ["other"]


EXPIRED = Verdict(Reason.RETENTION_EXCEEDED, "beyond the 3 versions that were created last")


def test_only_a_version_of_which_something_else_is_said_is_reconciled() -> None:
    given = Given()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        expired = [{"type": "Expired", "status": "True", "reason": "RetentionExceeded", "message": ""}]
        given.version(version, status=READY if version != "1.2.0" else {"conditions": [*READY["conditions"], *expired]})
    given.changed.clear()
    first, last = Key("default", "fraud-1.0.0"), Key("default", "fraud-1.2.0")
    given.store.versions.set_verdicts({first: EXPIRED})
    assert set(given.changed) == {first, last}, "the condition of the last one is from another process"
    given.changed.clear()
    given.store.versions.set_verdicts({first: EXPIRED})
    assert given.changed == []
    given.store.versions.set_verdicts({})
    assert given.changed == [first]


def test_a_verdict_becomes_a_condition_and_leaves_with_it() -> None:
    given = Given()
    given.version("1.0.0")
    key = Key("default", "fraud-1.0.0")

    def condition() -> tuple[str, str] | None:
        seen = given.store.versions.seen(key)
        assert seen is not None
        status = judged(seen, NOON)
        given.version("1.0.0", at=given.store.resource_version("ModelVersion", key) + 1, status=status.to_json())  # type: ignore[arg-type]
        found = find(status.conditions, VersionConditionType.EXPIRED)
        return None if found is None else (found.status.value, found.reason)

    assert condition() is None
    given.store.versions.set_verdicts({key: EXPIRED})
    assert condition() == ("True", "RetentionExceeded")
    given.store.versions.set_verdicts({key: Verdict(Reason.KEPT, "kept: it has the tag staging")})
    assert condition() == ("False", "Kept")
    given.store.versions._verdicts = None
    assert condition() == ("False", "Kept"), "a process that has not judged yet keeps it"
    given.store.versions.set_verdicts({})
    assert condition() is None


def test_the_last_state_of_a_deleted_modeldeployment_is_handed_on_with_its_revisions() -> None:
    """Rule: R198."""
    given = Given()
    given.deployment(status={"history": [a_revision().entry.to_json()]})
    given.store.update("ModelDeployment", "DELETED", raw_deployment(at=11))
    (gone,) = given.gone
    assert [each.revision for each in gone.status.history] == [1]
    given.store.update("ModelDeployment", "DELETED", raw_deployment(at=12))
    assert len(given.gone) == 1


def test_a_modeldeployment_that_is_only_forgotten_is_not_taken_for_deleted() -> None:
    """Rule: R198."""
    given = Given()
    given.deployment(status={"history": [a_revision().entry.to_json()]})
    given.store.forget_all(Kind.MODEL_DEPLOYMENT)
    assert given.gone == [], "etcd was restored from a backup, and everything is read again"
    given.deployment()
    given.store.remove(Kind.MODEL_DEPLOYMENT, Key("default", "fraud"), 20)
    assert len(given.gone) == 1, "a list has it no more"
