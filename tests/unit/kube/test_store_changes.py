"""Each change of a ModelDeployment's snapshot calls `changed` with its key.

Rule: R96.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.api.meta import Json
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.cache.store import Store
from pennant.kube.http.resources import Kind
from unit.kube.raw import raw_deployment, raw_version, raw_workload

FRAUD, SECOND, CHURN = (Key("default", name) for name in ("fraud", "second", "churn"))
"""Two ModelDeployments of one model, and one of another."""


class Recorder:
    """A store with three ModelDeployments, and the keys with which `changed` was called."""

    def __init__(self) -> None:
        self.changed: list[Key] = []
        self.store = Store(changed=self.changed.append)
        for key, model in ((FRAUD, "fraud"), (SECOND, "fraud"), (CHURN, "churn")):
            self.store.update("ModelDeployment", None, raw_deployment(key.name, spec={"model": model}))
        self.store.update("ModelVersion", None, raw_version("1.0.0", "production"))
        self.changed.clear()

    def sees(self, key: Key) -> Snapshot | None:
        """Return the snapshot of a ModelDeployment without the resourceVersions of its children."""
        found = self.store.snapshot(key)
        if found is None:
            return None
        versions = tuple(replace(each, resource_version="") for each in found.versions)
        workload = None if found.workload is None else replace(found.workload, resource_version="")
        return replace(found, versions=tuple(sorted(versions, key=lambda each: each.name)), workload=workload)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_a_new_version_changes_the_deployments_of_its_model(recorder: Recorder) -> None:
    recorder.store.update("ModelVersion", None, raw_version("2.0.0", "production", at=11))
    assert sorted(recorder.changed) == [FRAUD, SECOND]


def test_a_version_that_a_quorum_read_did_not_find_changes_them(recorder: Recorder) -> None:
    recorder.store.remove(Kind.MODEL_VERSION, Key("default", "fraud-1.0.0"), 11)
    assert sorted(recorder.changed) == [FRAUD, SECOND]


def test_forget_all_changes_them_and_makes_versions_stale(recorder: Recorder) -> None:
    recorder.store.freshness.mark_fresh(Kind.MODEL_VERSION, recorder.store.freshness.mark())
    recorder.store.forget_all(Kind.MODEL_VERSION)
    assert sorted(recorder.changed) == [FRAUD, SECOND]
    assert Kind.MODEL_VERSION not in recorder.store.freshness, "the next snapshot waits for a list"


def test_a_record_that_is_read_for_one_deployment_changes_the_other(recorder: Recorder) -> None:
    recorder.store.update("ModelVersion", None, raw_version("2.0.0", at=11))
    recorder.store.update("ModelDeployment", None, raw_deployment(at=12, spec={"version": "2.0.0"}))
    recorder.changed.clear()
    recorder.store.update_version(raw_version("2.0.0", at=12), by=FRAUD)
    assert recorder.changed == [SECOND]


@pytest.mark.parametrize(
    ("kind", "response"),
    [("ModelDeployment", raw_deployment(at=11, status={"replicas": 2})), ("Deployment", raw_workload(at=11))],
)
def test_the_response_to_a_write_does_not_notify_the_writer(recorder: Recorder, kind: str, response: Json) -> None:
    recorder.store.update(kind, None, response, by=FRAUD)
    assert recorder.changed == []


def test_an_event_after_the_response_changes_nothing(recorder: Recorder) -> None:
    moved = raw_version("1.0.0", "staging", at=11)
    recorder.store.update("ModelVersion", None, moved)
    assert recorder.store.update("ModelVersion", "MODIFIED", moved) == frozenset()
    assert sorted(recorder.changed) == [FRAUD, SECOND]


def renamed(raw: Json, name: str) -> Json:
    """Return a version whose name may have another model than its spec."""
    return {**raw, "metadata": {**raw["metadata"], "name": name}}


MODELS = st.fixed_dictionaries({"model": st.sampled_from(["fraud", "churn"])})
versions = st.builds(
    lambda version, tag, fields: renamed(raw_version(version, tag, **fields), f"fraud-{version}"),
    st.sampled_from(["1.0.0", "2.0.0"]),
    st.sampled_from(["production", "staging"]),
    st.fixed_dictionaries({"spec": MODELS}, optional={"deletionTimestamp": st.just("2026-01-01T12:00:00Z")}),
)
deployments = st.builds(
    raw_deployment,
    st.sampled_from(["fraud", "second", "churn"]),
    spec=st.fixed_dictionaries(
        {"model": st.sampled_from(["fraud", "churn", ""]), "replicas": st.integers(1, 2)},
        optional={"version": st.just("1.0.0")},
    ),
    uid=st.sampled_from(["uid-fraud", "uid-other"]),
)
workloads = st.builds(
    raw_workload,
    st.sampled_from(["fraud", "second"]),
    st.sampled_from(["uid-fraud", "uid-other"]),
    generation=st.integers(1, 2),
)
objects = (
    st.tuples(st.just(Kind.MODEL_VERSION), versions)
    | st.tuples(st.just(Kind.MODEL_DEPLOYMENT), deployments)
    | st.tuples(st.just(Kind.DEPLOYMENT), workloads)
)


@given(
    updates=st.lists(
        st.tuples(
            st.sampled_from(
                ["event", "response", "deletion", "not found", "read with its record", "resourceVersions went back"]
            ),
            objects,
            st.integers(0, 3),
            st.sampled_from([None, FRAUD, SECOND]),
        ),
        max_size=12,
    )
)
def test_every_change_notifies_in_any_order_of_updates(
    updates: list[tuple[str, tuple[Kind, Json], int, Key | None]],
) -> None:
    recorder, at = Recorder(), 10
    for how, (kind, raw), later, by in updates:
        before = {key: recorder.sees(key) for key in (FRAUD, SECOND, CHURN)}
        recorder.changed.clear()
        at += later
        update(recorder.store, how, kind, {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(at)}}, by)
        for key, seen in before.items():
            assert recorder.sees(key) == seen or key in recorder.changed or key == by, (
                f"{how} of {kind}: {key} was not notified"
            )


def update(store: Store, how: str, kind: Kind, raw: Json, by: Key | None) -> None:
    metadata = raw["metadata"]
    match how:
        case "event":
            store.update(kind, "MODIFIED", raw)
        case "response":
            store.update(kind, None, raw, by=by)
        case "deletion":
            store.update(kind, "DELETED", raw)
        case "not found":
            key = Key(metadata["namespace"], metadata["name"])
            store.remove(kind, key, int(metadata["resourceVersion"]), by=by)
        case "read with its record" if kind is Kind.MODEL_VERSION and by is not None:
            store.update_version(raw, by=by)
        case "resourceVersions went back":
            store.forget_all(kind)
