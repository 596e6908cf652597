from dataclasses import replace
from typing import Any

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.kube.cache import revisions as module
from pennant.kube.cache.store import Store, versions_in
from pennant.kube.codec.revisions import StoredRevision
from pennant.kube.http.resources import Kind
from unit.core.builders import a_revision
from unit.kube.raw import raw_deployment, raw_version, raw_workload

FRAUD = Key("default", "fraud")


@pytest.fixture
def store() -> Store:
    """Return a store with a ModelDeployment that follows `production`, and one version that has the tag."""
    found = Store()
    found.update("ModelDeployment", None, raw_deployment())
    found.update("ModelVersion", None, raw_version("1.0.0", "production"))
    return found


def snapshot(store: Store, key: Key = FRAUD) -> Snapshot:
    found = store.snapshot(key)
    assert found is not None
    return found


def a_quarantine(deployment: str) -> dict[str, Any]:
    return {
        "deployment": deployment,
        "digest": "",
        "reason": "MetricBreach",
        "message": "accuracy is 0.5, below 0.9",
        "since": "2026-01-01T12:00:00Z",
        "revision": 2,
    }


def test_an_event_of_a_model_deployment_affects_it(store: Store) -> None:
    assert store.update("ModelDeployment", "MODIFIED", raw_deployment(at=11)) == {FRAUD}


def test_an_event_with_a_known_state_affects_none(store: Store) -> None:
    assert store.update("ModelDeployment", "MODIFIED", raw_deployment()) == frozenset()


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"tags": ["staging"]}},
        {"spec": {"artifacts": [{"name": "model", "uri": "s3://other"}]}},
        {"status": {"quarantinedBy": [a_quarantine("fraud")]}},
        {"deletionTimestamp": "2026-01-01T12:00:00Z"},
        {"uid": "another"},
    ],
    ids=["its tags", "its content", "its quarantine", "its deletion", "its identity"],
)
def test_a_version_affects_the_deployments_of_its_model_when_this_changes(store: Store, change: dict[str, Any]) -> None:
    after = raw_version("1.0.0", "production", at=11, **change)
    assert store.update("ModelVersion", "MODIFIED", after) == {FRAUD}


def test_a_version_affects_none_when_only_its_conditions_change(store: Store) -> None:
    after = raw_version("1.0.0", "production", at=11, status={"conditions": []})
    assert store.update("ModelVersion", "MODIFIED", after) == frozenset()
    assert snapshot(store).versions[0].resource_version == "11"


def test_a_version_affects_none_in_another_namespace_or_of_another_model(store: Store) -> None:
    other = raw_version("2.0.0", "production", spec={"model": "churn"})
    elsewhere = raw_version("2.0.0", "production", namespace="elsewhere")
    assert store.update("ModelVersion", "ADDED", other) == frozenset()
    assert store.update("ModelVersion", "ADDED", elsewhere) == frozenset()
    assert [each.version for each in snapshot(store).versions] == ["1.0.0"]


def test_a_deleted_version_is_removed_and_affects_the_deployments_of_its_model(store: Store) -> None:
    assert store.update("ModelVersion", "DELETED", raw_version("1.0.0", at=11)) == {FRAUD}
    assert snapshot(store).versions == ()


def test_a_model_deployment_that_changes_its_model_sees_the_versions_of_the_new_one(store: Store) -> None:
    store.update("ModelVersion", "ADDED", raw_version("2.0.0", spec={"model": "churn"}))
    store.update("ModelDeployment", "MODIFIED", raw_deployment(at=11, spec={"model": "churn"}))
    assert [each.version for each in snapshot(store).versions] == ["2.0.0"]
    assert store.update("ModelVersion", "DELETED", raw_version("1.0.0", at=12)) == frozenset()


def test_an_invalid_model_deployment_has_an_error_and_no_versions(store: Store) -> None:
    store.update("ModelDeployment", "MODIFIED", raw_deployment(at=11, spec={"replicas": -1}))
    found = snapshot(store)
    assert isinstance(found.spec, Invalid)
    assert "replicas" in found.spec.problem
    assert found.versions == ()


def test_a_deployment_affects_the_model_deployment_of_its_name(store: Store) -> None:
    assert store.update("Deployment", "ADDED", raw_workload()) == {FRAUD}
    assert store.update("Deployment", "ADDED", raw_workload("nobody")) == frozenset()


def test_a_deployment_of_which_only_the_resource_version_changes_affects_none(store: Store) -> None:
    store.update("Deployment", "ADDED", raw_workload())
    assert store.update("Deployment", "MODIFIED", raw_workload(at=11)) == frozenset()
    workload = snapshot(store).workload
    assert workload is not None
    assert workload.resource_version == "11"


@pytest.mark.parametrize(
    "change",
    [{"status": {"readyReplicas": 1}}, {"generation": 2}, {"owner": "other"}],
    ids=["its pods", "its spec", "its owner"],
)
def test_a_deployment_affects_its_owner_when_this_changes(store: Store, change: dict[str, Any]) -> None:
    store.update("Deployment", "ADDED", raw_workload())
    assert store.update("Deployment", "MODIFIED", raw_workload(at=11, **change)) == {FRAUD}


@pytest.mark.parametrize(("owner", "owned"), [("uid-fraud", True), ("uid-predecessor", False), ("", False)])
def test_a_deployment_is_owned_by_uid(store: Store, owner: str, owned: bool) -> None:
    store.update("Deployment", "ADDED", raw_workload(owner=owner))
    workload = snapshot(store).workload
    assert workload is not None
    assert workload.owned is owned


def test_a_deployment_that_is_reported_deleted_makes_its_owner_stale(store: Store) -> None:
    store.update("Deployment", "ADDED", raw_workload())
    store.freshness.mark_fresh(FRAUD, store.freshness.mark())
    assert store.update("Deployment", "DELETED", raw_workload(at=11)) == {FRAUD}
    assert FRAUD not in store.freshness
    assert snapshot(store).workload is None


def test_the_revisions_of_a_predecessor_are_forgotten(store: Store) -> None:
    store.revisions.put("uid-fraud", ())
    store.update("ModelDeployment", "ADDED", raw_deployment(at=11, uid="successor"))
    assert "uid-fraud" not in store.revisions


def test_a_stale_model_deployment_has_no_cached_revisions(store: Store) -> None:
    store.revisions.put("uid-fraud", ())
    store.mark_stale(FRAUD)
    assert "uid-fraud" not in store.revisions


def test_an_unreadable_object_counts_as_absent(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.update("Deployment", "ADDED", raw_workload())
    assert store.update("Deployment", "MODIFIED", {**raw_workload(at=11), "spec": None}) == {FRAUD}
    assert "fraud cannot be read" in caplog.text
    assert snapshot(store).workload is None
    assert store.update("Deployment", "MODIFIED", raw_workload(at=12)) == {FRAUD}
    assert snapshot(store).workload is not None


def test_a_version_that_changes_its_model_affects_the_deployments_of_both(store: Store) -> None:
    churn = Key("default", "churn")
    store.update("ModelDeployment", "ADDED", raw_deployment("churn", spec={"model": "churn"}))
    moved = raw_version("1.0.0", "production", at=11, spec={"model": "churn"})
    moved["metadata"] |= {"name": "fraud-1.0.0", "uid": "uid-fraud-1.0.0"}
    assert store.update("ModelVersion", "MODIFIED", moved) == {FRAUD, churn}
    assert snapshot(store).versions == ()
    (version,) = snapshot(store, churn).versions
    assert version.spec == Invalid("metadata.name: must be churn-1.0.0, made of spec.model and spec.version")
    assert store.update("ModelVersion", "DELETED", moved) == {churn}
    assert snapshot(store, churn).versions == ()


def test_older_resource_versions_are_accepted_after_forget_all(store: Store) -> None:
    assert store.forget_all(Kind.MODEL_VERSION) == {FRAUD}
    assert store.update("ModelVersion", None, raw_version("1.0.0", at=1)) == {FRAUD}
    assert len(snapshot(store).versions) == 1


def test_keys_are_listed_by_namespace(store: Store) -> None:
    store.update("ModelVersion", None, raw_version("2.0.0", namespace="elsewhere"))
    assert store.keys(Kind.MODEL_VERSION, "elsewhere") == (Key("elsewhere", "fraud-2.0.0"),)
    assert len(store.keys(Kind.MODEL_VERSION)) == 2


@pytest.mark.parametrize(
    ("after", "is_stale"),
    [
        pytest.param({"status": {"replicas": 2}}, False, id="the status that this process is about to write"),
        pytest.param({"status": {"replicas": 3}}, True, id="a status that it did not write"),
        pytest.param({"spec": {"replicas": 9}}, False, id="a spec that somebody changed"),
    ],
)
def test_a_status_that_another_process_wrote_makes_the_deployment_stale(
    store: Store, after: dict[str, Any], is_stale: bool
) -> None:
    store.freshness.mark_fresh(FRAUD, store.freshness.mark())
    # Its event may come before the response to the write.
    store.expect(FRAUD, ModelDeploymentStatus(replicas=2))
    store.update("ModelDeployment", "MODIFIED", raw_deployment(at=11, **after))
    assert (FRAUD in store.freshness, store.freshness.is_stale(versions_in("default"))) == (not is_stale, is_stale)


def test_a_large_pod_template_is_restored(store: Store) -> None:
    """Rule: R89."""
    raw = raw_deployment(at=20)
    raw["spec"]["template"]["metadata"] = {"annotations": {"notes": "x" * 100_000}}
    store.update("ModelDeployment", "MODIFIED", raw)
    spec = snapshot(store).spec
    assert not isinstance(spec, Invalid)
    assert spec.template == raw["spec"]["template"]
    store.update("ModelDeployment", "MODIFIED", raw_deployment(at=30))
    spec = snapshot(store).spec
    assert not isinstance(spec, Invalid)
    assert spec.template == raw_deployment()["spec"]["template"]


def test_a_pod_template_that_is_too_large_is_invalid(store: Store) -> None:
    raw = raw_deployment(at=20)
    raw["spec"]["template"]["metadata"] = {"annotations": {"notes": "x" * 300_000}}
    store.update("ModelDeployment", "MODIFIED", raw)
    spec = snapshot(store).spec
    assert isinstance(spec, Invalid)
    assert spec.problem.startswith("spec.template: must be at most 256 KiB as JSON, and is 29")


def test_a_record_that_is_too_large_is_invalid(store: Store) -> None:
    raw = raw_version("1.0.0", "production", at=20)
    raw["spec"]["description"] = "x" * 600_000
    store.update("ModelVersion", "MODIFIED", raw)
    (version,) = snapshot(store).versions
    assert isinstance(version.spec, Invalid)
    assert "must be at most 512 KiB" in version.spec.problem
    seen = store.versions.seen(Key("default", "fraud-1.0.0"))
    assert seen is not None
    assert isinstance(seen.spec, Invalid)


def test_large_revisions_are_kept_as_far_as_there_is_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were read last are kept, whatever their size, and so are all small ones."""
    monkeypatch.setattr(module, "ROOM_FOR_LARGE_REVISIONS", 100_000)
    small = a_revision()
    large = replace(small, record={"notes": "x" * 60_000})
    store.revisions.put("small", (StoredRevision("u", "1", small),))
    for uid in ("first", "second"):
        store.revisions.put(uid, (StoredRevision("u", "1", large),))
    assert [uid for uid in ("small", "first", "second") if uid in store.revisions] == ["small", "second"]


def test_a_version_that_was_verified_has_its_record_only_where_the_history_is_lost(store: Store) -> None:
    """Rule: R222."""
    served = {
        "deployment": "fraud",
        "revision": 1,
        "from": "2026-01-01T12:00:00.000Z",
        "verifiedAt": "2026-01-01T13:00:00.000Z",
    }
    store.update("ModelVersion", "ADDED", raw_version("0.9.0", status={"servedBy": [served]}))
    found = {each.version: each for each in snapshot(store).versions}
    assert [each.revision for each in found["0.9.0"].verified_periods] == [1]
    assert not isinstance(found["0.9.0"].spec, Invalid)
    assert found["0.9.0"].record["version"] == "0.9.0"
    history = [a_revision(1).entry.to_json()]
    store.update("ModelDeployment", "MODIFIED", raw_deployment(at=11, status={"history": history}))
    found = {each.version: each for each in snapshot(store).versions}
    assert isinstance(found["0.9.0"].spec, Invalid)
    assert not isinstance(found["1.0.0"].spec, Invalid), "it has the tag"
