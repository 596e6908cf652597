"""Objects that cannot be read: the status names the error, and other objects are not affected."""

import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pennant.api.conditions import find
from pennant.api.crd import crds
from pennant.core.decide import decide
from pennant.core.facts.decision import Decision
from pennant.core.facts.observation import Invalid, Key, Observation
from pennant.core.versions.selection import Selected, SelectedInvalid, Unassigned, select
from pennant.kube.cache.store import Store
from pennant.kube.codec import decode
from pennant.kube.codec.encode import status_to_write
from unit.api import examples, poison
from unit.api.poison import Poisoned
from unit.core.builders import NOON
from unit.kube.raw import raw_deployment, raw_version

STATUS = crds()["modeldeployments.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
FRAUD = Key("default", "fraud")


def raw(manifest: dict[str, Any], at: int = 20) -> dict[str, Any]:
    """Return an object as the API server returns it."""
    metadata = {"namespace": "default", "uid": "uid-poison", "resourceVersion": str(at), "generation": 1}
    return {**manifest, "metadata": metadata | manifest["metadata"]}


def decided(store: Store, key: Key) -> Decision:
    """Return the decision, after its status was validated."""
    snapshot = store.snapshot(key)
    assert snapshot is not None
    decision = decide(Observation(NOON, snapshot))
    Draft202012Validator(STATUS).validate(decision.status.to_json())
    return decision


def with_fraud() -> Store:
    """Return a store in which `fraud` follows the tag `production`, which 1.0.0 has."""
    store = Store()
    store.update("ModelDeployment", None, raw_deployment())
    store.update("ModelVersion", None, raw_version("1.0.0", "production"))
    return store


@pytest.mark.parametrize("poisoned", poison.DEPLOYMENTS, ids=lambda each: each.what)
def test_an_invalid_model_deployment_has_the_field_in_its_condition(poisoned: Poisoned) -> None:
    store = Store()
    key = Key("default", poisoned.manifest["metadata"]["name"])
    assert store.update("ModelDeployment", "ADDED", raw(poisoned.manifest)) == {key}
    decision = decided(store, key)
    ready = find(decision.status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "InvalidSpec")
    assert poisoned.says in ready.message
    assert ready.message.isprintable()
    assert decision.actions == ()


@pytest.mark.parametrize("poisoned", poison.STATUSES, ids=lambda each: each.what)
def test_an_unreadable_status_stops_all_actions_where_its_field_exists_nowhere_else(
    poisoned: Poisoned,
) -> None:
    """Rule: R73."""
    store = Store()
    store.update("ModelDeployment", "ADDED", raw(poisoned.manifest))
    key = Key("default", poisoned.manifest["metadata"]["name"])
    decision = decided(store, key)
    ready, resolved = (find(decision.status.conditions, kind) for kind in ("Ready", "TagResolved"))
    if not poisoned.says:
        assert resolved is not None
        assert (resolved.status, resolved.reason) == ("False", "TagUnassigned")
        return
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "StatusUnreadable")
    assert poisoned.says in ready.message
    assert ready.message.isprintable()
    assert f"kubectl patch modeldeployment {key.name} --namespace default --subresource=status" in ready.message
    assert decision.actions == ()
    snapshot = store.snapshot(key)
    assert snapshot is not None
    written = status_to_write(snapshot, decision.status)
    stored = {name: each for name, each in poisoned.manifest["status"].items() if name != "conditions"}
    assert stored.items() <= written.items(), "unreadable fields are kept"
    assert any(each["reason"] == "StatusUnreadable" for each in written["conditions"])


@pytest.mark.parametrize("poisoned", poison.VERSIONS, ids=lambda each: each.what)
def test_an_invalid_version_is_reported_only_where_no_other_has_the_tag(poisoned: Poisoned) -> None:
    store = with_fraud()
    before = store.snapshot(FRAUD)
    assert before is not None
    store.update("ModelVersion", "ADDED", raw(poisoned.manifest))
    snapshot = store.snapshot(FRAUD)
    assert snapshot is not None
    assert not isinstance(snapshot.spec, Invalid)
    held = select(snapshot.versions, snapshot.spec)
    assert isinstance(held, Selected)
    assert held.version.name == "fraud-1.0.0"
    decided(store, FRAUD)

    store.update("ModelVersion", "MODIFIED", raw_version("1.0.0", at=11))
    (found,) = (each for each in (decode.model_version(raw(poisoned.manifest), is_targeted=True),))
    assert isinstance(found.spec, Invalid)
    assert poisoned.says in found.spec.problem
    assert found.record == {}
    after = store.snapshot(FRAUD)
    assert after is not None
    alone = select(after.versions, snapshot.spec)
    expected = (
        SelectedInvalid(found.name, found.spec.problem) if found in after.versions and found.tags else Unassigned()
    )
    assert alone == expected


@pytest.mark.parametrize(
    "poisoned", [each for each in poison.VERSIONS if each.says.startswith("spec")], ids=lambda each: each.what
)
def test_the_former_state_of_a_version_is_not_kept(poisoned: Poisoned) -> None:
    store = with_fraud()
    name = {"name": "fraud-1.0.0", "uid": "uid-fraud-1.0.0"}
    store.update("ModelVersion", "MODIFIED", raw({**poisoned.manifest, "metadata": name}))
    snapshot = store.snapshot(FRAUD)
    assert snapshot is not None
    assert not isinstance(snapshot.spec, Invalid)
    assert not isinstance(select(snapshot.versions, snapshot.spec), Selected)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all parts of a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, each in items for found in ((*path, name), *places(each, (*path, name)))]


def spoilt(manifest: dict[str, Any], chance: random.Random, junk: list[Any]) -> dict[str, Any]:
    """Return the object with some parts of its spec and status replaced or removed."""
    changed = deepcopy(manifest)
    for each in junk:
        found = [path for path in places(changed) if path[0] in ("spec", "status")]
        if not found:
            break
        *path, last = chance.choice(found)
        parent = changed
        for step in path:
            parent = parent[step]
        if chance.random() < 0.2 and isinstance(parent, dict):
            del parent[last]
        else:
            parent[last] = each
    return changed


def a_long_status() -> Any:
    """Return the status of a ModelDeployment with a history."""
    store = with_fraud()
    return decided(store, FRAUD).status.to_json() | {"history": [poison.entry(), poison.entry(revision=2)]}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    chance=st.randoms(use_true_random=False),
    junk=st.lists(JUNK, min_size=1, max_size=3),
    again=st.lists(JUNK, max_size=3),
)
def test_an_object_of_any_shape_leads_to_a_decision(chance: random.Random, junk: list[Any], again: list[Any]) -> None:
    store = with_fraud()
    deployment = {**examples.a_whole_deployment(), "status": a_long_status()}
    version = examples.a_whole_version()
    version["metadata"] = {"name": "fraud-1.0.0", "uid": "uid-fraud-1.0.0"}
    version |= {"status": {"quarantinedBy": [poison.MARK]}}
    other = Key("default", "other")
    store.update("ModelDeployment", "MODIFIED", raw(spoilt(deployment, chance, junk)))
    store.update("ModelVersion", "MODIFIED", raw(spoilt(version, chance, again)))
    store.update("ModelDeployment", "ADDED", raw_deployment("other", uid="uid-other"))
    decided(store, FRAUD)
    decided(store, other)


def test_an_unreadable_entry_hides_no_other_and_is_kept() -> None:
    status = a_long_status()
    status["history"][0]["startedAt"] = 7
    store = Store()
    store.update("ModelDeployment", "ADDED", raw({**examples.a_deployment(), "status": status}))
    snapshot = store.snapshot(FRAUD)
    assert snapshot is not None
    assert [each.revision for each in snapshot.status.history] == [2]
    written = status_to_write(snapshot, decided(store, FRAUD).status)
    assert written["history"] == status["history"]
