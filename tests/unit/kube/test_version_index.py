"""What the index knows of versions, and which changes require a reconciliation of which versions."""

from typing import Any

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions.status import judged, unsaid
from pennant.kube.cache.store import Store
from pennant.kube.cache.version_index import OWN, VersionIndex
from unit.api import poison
from unit.api.poison import Poisoned
from unit.core.builders import NOON, an_entry
from unit.kube.raw import raw_deployment, raw_version


def key(version: str) -> Key:
    return Key("default", f"fraud-{version}")


class Recorder:
    """A store, and the versions with which `changed` was called for the last update."""

    def __init__(self) -> None:
        self._changed: list[Key] = []
        self.store = Store(VersionIndex(self._changed.append))

    def update(self, raw: dict[str, Any], event: str | None = "MODIFIED", kind: str = "ModelVersion") -> set[str]:
        self._changed.clear()
        self.store.update(kind, event, raw)
        return {each.name.removeprefix("fraud-") for each in self._changed}


def child(version: str, parent: str, **fields: Any) -> dict[str, Any]:
    return raw_version(version, spec={"parent": parent}, **fields)


def test_a_version_is_reconciled_when_it_is_new_and_when_it_changes() -> None:
    recorder = Recorder()
    assert recorder.update(raw_version("1.0.0")) == {"1.0.0"}
    assert recorder.update(raw_version("1.0.0", "staging", at=11, generation=2)) == {"1.0.0"}
    assert recorder.update(raw_version("1.0.0", "staging", at=11, generation=2)) == set(), "a known state"
    assert recorder.update(raw_version("1.0.0", "staging", at=12, generation=2)) == set(), "nothing differs"


def test_a_version_is_reconciled_when_its_parent_is_new_or_deleted_but_not_for_its_tags() -> None:
    recorder = Recorder()
    recorder.update(child("1.1.0", "1.0.0"))
    assert recorder.update(raw_version("1.0.0", at=11)) == {"1.0.0", "1.1.0"}
    assert recorder.update(raw_version("1.0.0", "staging", at=12, generation=2)) == {"1.0.0"}
    assert recorder.update(raw_version("1.0.0", "staging", at=13), "DELETED") == {"1.1.0"}


def test_a_deleted_version_is_no_child_any_more() -> None:
    recorder = Recorder()
    recorder.update(child("1.1.0", "1.0.0"))
    recorder.update(child("1.1.0", "1.0.0", at=11), "DELETED")
    assert recorder.store.versions.seen(key("1.1.0")) is None
    assert recorder.update(raw_version("1.0.0", at=12)) == {"1.0.0"}


def serving(at: int, *versions: str) -> dict[str, Any]:
    entries = [an_entry(number, each, available_at=NOON) for number, each in enumerate(versions, 1)]
    return raw_deployment(at=at, status={"history": [each.to_json() for each in entries]})


def test_a_version_is_reconciled_when_its_serving_periods_change() -> None:
    recorder = Recorder()
    for version in ("1.0.0", "1.1.0"):
        recorder.update(raw_version(version))
    assert recorder.update(serving(20, "1.0.0"), kind="ModelDeployment") == {"1.0.0"}
    assert recorder.update(serving(21, "1.0.0", "1.1.0"), kind="ModelDeployment") == {"1.1.0"}
    assert recorder.update(serving(22, "1.0.0", "1.1.0"), kind="ModelDeployment") == set()
    seen = recorder.store.versions.seen(key("1.1.0"))
    assert seen is not None
    assert [(each.deployment, each.revision) for each in seen.periods] == [("fraud", 2)]
    assert recorder.update(serving(23), "DELETED", kind="ModelDeployment") == {"1.0.0", "1.1.0"}


def test_the_record_of_an_untagged_version_is_kept() -> None:
    recorder = Recorder()
    recorder.update(raw_version("1.0.0"))
    seen = recorder.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert isinstance(seen.spec, ModelVersionSpec)
    assert seen.record == raw_version("1.0.0")["spec"]


def test_an_own_status_write_needs_no_reconciliation_and_that_of_another_does() -> None:
    recorder = Recorder()
    recorder.update(raw_version("1.0.0"))
    seen = recorder.store.versions.seen(key("1.0.0"))
    assert seen is not None
    status = judged(seen, NOON).to_json()
    recorder.store.versions.expect(key("1.0.0"), {name: status[name] for name in OWN if name in status})
    assert recorder.update(raw_version("1.0.0", at=11, status=status)) == set()
    assert recorder.update(raw_version("1.0.0", at=12, status={**status, "quarantinedBy": [poison.MARK]})) == set()
    assert recorder.update(raw_version("1.0.0", at=13)) == {"1.0.0"}, "another process removed it"


SERVED = {"deployment": "fraud", "revision": 1, "from": "2026-01-01T12:00:00.000Z"}


def test_unreadable_computed_fields_of_a_status_are_dropped() -> None:
    recorder = Recorder()
    recorder.update(raw_version("1.0.0", status={"conditions": "Ready", "observedGeneration": 1, "servedBy": [SERVED]}))
    seen = recorder.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert (seen.status.conditions, seen.unreadable) == ((), "")
    assert [each.revision for each in seen.status.served_by] == [1], "readable fields are kept"


def test_an_unreadable_served_by_is_left_as_it_is() -> None:
    """Rule: R73."""
    recorder = Recorder()
    garbage = {**SERVED, "revision": "two"}
    recorder.update(raw_version("1.0.0", status={"servedBy": [SERVED, garbage]}))
    recorder.update(serving(20, "1.0.0", "1.1.0"), kind="ModelDeployment")
    seen = recorder.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert seen.unreadable == "status.servedBy[1].revision: must be an integer, without quotes"
    after = judged(seen, NOON)
    assert after.served_by == seen.status.served_by
    assert {each.reason for each in after.conditions} == {"RecordValid", "RecordIncomplete"}, (
        "other fields are computed"
    )
    event = unsaid(seen)
    assert event is not None
    assert event.reason == "StatusUnreadable"
    assert "The status is not changed until" in event.message


def test_an_enum_value_of_a_newer_release_is_read_and_kept() -> None:
    recorder = Recorder()
    bump = {"parent": "1.0.0", "bump": "Epoch", "reasons": []}
    recorder.update(raw_version("1.0.0", status={"computedBump": bump}))
    seen = recorder.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert seen.status.to_json()["computedBump"] == bump


@pytest.mark.parametrize("poisoned", poison.VERSIONS, ids=lambda each: each.what)
def test_the_condition_of_an_invalid_record_names_the_field(poisoned: Poisoned) -> None:
    """Rule: R88."""
    recorder = Recorder()
    metadata = {"namespace": "default", "uid": "poison", "resourceVersion": "9", "generation": 1}
    recorder.update({**poisoned.manifest, "metadata": metadata | poisoned.manifest["metadata"]}, "ADDED")
    seen = recorder.store.versions.seen(Key("default", poisoned.manifest["metadata"]["name"]))
    assert seen is not None
    assert isinstance(seen.spec, Invalid)
    ready, complete = judged(seen, NOON).conditions
    assert (ready.status, ready.reason, complete.status) == ("False", "InvalidSpec", "Unknown")
    assert poisoned.says in ready.message
    assert ready.message.isprintable()
