"""Whatever changes what a ModelDeployment's pass would see, that ModelDeployment is told of.

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
"""Two of one model, and one of another."""


class Told:
    """A store of three ModelDeployments, and whom it told."""

    def __init__(self) -> None:
        self.whom: list[Key] = []
        self.store = Store(changed=self.whom.append)
        for key, model in ((FRAUD, "fraud"), (SECOND, "fraud"), (CHURN, "churn")):
            self.store.update("ModelDeployment", None, raw_deployment(key.name, spec={"model": model}))
        self.store.update("ModelVersion", None, raw_version("1.0.0", "production"))
        self.whom.clear()

    def sees(self, key: Key) -> Snapshot | None:
        """Return what the pass of a ModelDeployment would see, but for how often it was written."""
        found = self.store.snapshot(key)
        if found is None:
            return None
        versions = tuple(replace(each, resource_version="") for each in found.versions)
        workload = None if found.workload is None else replace(found.workload, resource_version="")
        return replace(found, versions=tuple(sorted(versions, key=lambda each: each.name)), workload=workload)


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_version_that_is_heard_of(told: Told) -> None:
    told.store.update("ModelVersion", None, raw_version("2.0.0", "production", at=11))
    assert sorted(told.whom) == [FRAUD, SECOND]


def test_a_version_that_a_quorum_read_did_not_find(told: Told) -> None:
    told.store.remove(Kind.MODEL_VERSION, Key("default", "fraud-1.0.0"), 11)
    assert sorted(told.whom) == [FRAUD, SECOND]


def test_all_versions_when_the_api_server_begins_a_new_history(told: Told) -> None:
    told.store.freshness.mark_fresh(Kind.MODEL_VERSION, told.store.freshness.mark())
    told.store.forget_all(Kind.MODEL_VERSION)
    assert sorted(told.whom) == [FRAUD, SECOND]
    assert Kind.MODEL_VERSION not in told.store.freshness, "whoever looks now waits until they are read anew"


def test_a_version_whose_record_is_read_for_one_of_them_is_told_to_the_other(told: Told) -> None:
    told.store.update("ModelVersion", None, raw_version("2.0.0", at=11))
    told.store.update("ModelDeployment", None, raw_deployment(at=12, spec={"version": "2.0.0"}))
    told.whom.clear()
    told.store.update_version(raw_version("2.0.0", at=12), by=FRAUD)
    assert told.whom == [SECOND]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("ModelDeployment", raw_deployment(at=11, status={"replicas": 2})), ("Deployment", raw_workload(at=11))],
)
def test_the_answer_to_an_own_write_is_no_news_to_the_writer(told: Told, kind: str, answer: Json) -> None:
    told.store.update(kind, None, answer, by=FRAUD)
    assert told.whom == []


def test_an_event_that_comes_after_an_answer_finds_everyone_told(told: Told) -> None:
    moved = raw_version("1.0.0", "staging", at=11)
    told.store.update("ModelVersion", None, moved)
    assert told.store.update("ModelVersion", "MODIFIED", moved) == frozenset()
    assert sorted(told.whom) == [FRAUD, SECOND]


def renamed(raw: Json, name: str) -> Json:
    """Return a version that may be one of another model than its name says."""
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
    learned=st.lists(
        st.tuples(
            st.sampled_from(["event", "answer", "deletion", "not found", "read whole", "new history"]),
            objects,
            st.integers(0, 3),
            st.sampled_from([None, FRAUD, SECOND]),
        ),
        max_size=12,
    )
)
def test_in_whatever_order_things_are_learned(
    learned: list[tuple[str, tuple[Kind, Json], int, Key | None]],
) -> None:
    told, at = Told(), 10
    for how, (kind, raw), later, by in learned:
        before = {key: told.sees(key) for key in (FRAUD, SECOND, CHURN)}
        told.whom.clear()
        at += later
        learn(told.store, how, kind, {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(at)}}, by)
        for key, seen in before.items():
            assert told.sees(key) == seen or key in told.whom or key == by, f"{how} of {kind}: {key} was not told"


def learn(store: Store, how: str, kind: Kind, raw: Json, by: Key | None) -> None:
    metadata = raw["metadata"]
    match how:
        case "event":
            store.update(kind, "MODIFIED", raw)
        case "answer":
            store.update(kind, None, raw, by=by)
        case "deletion":
            store.update(kind, "DELETED", raw)
        case "not found":
            key = Key(metadata["namespace"], metadata["name"])
            store.remove(kind, key, int(metadata["resourceVersion"]), by=by)
        case "read whole" if kind is Kind.MODEL_VERSION and by is not None:
            store.update_version(raw, by=by)
        case "new history":
            store.forget_all(kind)
