"""What is kept of versions, and which of them are judged anew by what."""

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


class KindCache:
    """A store, and the versions that are to be judged anew since that was last asked."""

    def __init__(self) -> None:
        self._changed: list[Key] = []
        self.store = Store(VersionIndex(self._changed.append))

    def hear(self, raw: dict[str, Any], event: str | None = "MODIFIED", kind: str = "ModelVersion") -> set[str]:
        self._changed.clear()
        self.store.update(kind, event, raw)
        return {each.name.removeprefix("fraud-") for each in self._changed}


def child(version: str, parent: str, **fields: Any) -> dict[str, Any]:
    return raw_version(version, spec={"parent": parent}, **fields)


def test_a_version_is_judged_when_it_comes_and_when_it_changes() -> None:
    shelf = KindCache()
    assert shelf.hear(raw_version("1.0.0")) == {"1.0.0"}
    assert shelf.hear(raw_version("1.0.0", "staging", at=11, generation=2)) == {"1.0.0"}
    assert shelf.hear(raw_version("1.0.0", "staging", at=11, generation=2)) == set(), "that is known"
    assert shelf.hear(raw_version("1.0.0", "staging", at=12, generation=2)) == set(), "nothing differs"


def test_a_version_is_judged_when_its_parent_comes_and_when_it_goes_but_not_for_its_tags() -> None:
    shelf = KindCache()
    shelf.hear(child("1.1.0", "1.0.0"))
    assert shelf.hear(raw_version("1.0.0", at=11)) == {"1.0.0", "1.1.0"}
    assert shelf.hear(raw_version("1.0.0", "staging", at=12, generation=2)) == {"1.0.0"}
    assert shelf.hear(raw_version("1.0.0", "staging", at=13), "DELETED") == {"1.1.0"}


def test_a_version_that_is_gone_is_a_child_no_more() -> None:
    shelf = KindCache()
    shelf.hear(child("1.1.0", "1.0.0"))
    shelf.hear(child("1.1.0", "1.0.0", at=11), "DELETED")
    assert shelf.store.versions.seen(key("1.1.0")) is None
    assert shelf.hear(raw_version("1.0.0", at=12)) == {"1.0.0"}


def serving(at: int, *versions: str) -> dict[str, Any]:
    entries = [an_entry(number, each, available_at=NOON) for number, each in enumerate(versions, 1)]
    return raw_deployment(at=at, status={"history": [each.to_json() for each in entries]})


def test_a_version_is_judged_when_a_deployment_begins_or_ends_to_serve_it() -> None:
    shelf = KindCache()
    for version in ("1.0.0", "1.1.0"):
        shelf.hear(raw_version(version))
    assert shelf.hear(serving(20, "1.0.0"), kind="ModelDeployment") == {"1.0.0"}
    assert shelf.hear(serving(21, "1.0.0", "1.1.0"), kind="ModelDeployment") == {"1.1.0"}
    assert shelf.hear(serving(22, "1.0.0", "1.1.0"), kind="ModelDeployment") == set()
    seen = shelf.store.versions.seen(key("1.1.0"))
    assert seen is not None
    assert [(each.deployment, each.revision) for each in seen.periods] == [("fraud", 2)]
    assert shelf.hear(serving(23), "DELETED", kind="ModelDeployment") == {"1.0.0", "1.1.0"}


def test_a_record_that_nothing_asks_for_is_kept_whole() -> None:
    shelf = KindCache()
    shelf.hear(raw_version("1.0.0"))
    seen = shelf.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert isinstance(seen.spec, ModelVersionSpec)
    assert seen.record == raw_version("1.0.0")["spec"]


def test_what_this_process_wrote_itself_is_no_reason_to_look_again_and_what_another_wrote_is() -> None:
    shelf = KindCache()
    shelf.hear(raw_version("1.0.0"))
    seen = shelf.store.versions.seen(key("1.0.0"))
    assert seen is not None
    status = judged(seen, NOON).to_json()
    shelf.store.versions.expect(key("1.0.0"), {name: status[name] for name in OWN if name in status})
    assert shelf.hear(raw_version("1.0.0", at=11, status=status)) == set()
    assert shelf.hear(raw_version("1.0.0", at=12, status={**status, "quarantinedBy": [poison.MARK]})) == set()
    assert shelf.hear(raw_version("1.0.0", at=13)) == {"1.0.0"}, "somebody wiped it"


SERVED = {"deployment": "fraud", "revision": 1, "from": "2026-01-01T12:00:00.000Z"}


def test_of_a_status_what_can_be_computed_is_begun_anew_where_it_cannot_be_read() -> None:
    shelf = KindCache()
    shelf.hear(raw_version("1.0.0", status={"conditions": "Ready", "observedGeneration": 1, "servedBy": [SERVED]}))
    seen = shelf.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert (seen.status.conditions, seen.unreadable) == ((), "")
    assert [each.revision for each in seen.status.served_by] == [1], "what can be read is kept"


def test_of_a_status_what_only_it_tells_is_left_as_it_is_where_it_cannot_be_read() -> None:
    """Rule: R73."""
    shelf = KindCache()
    garbage = {**SERVED, "revision": "two"}
    shelf.hear(raw_version("1.0.0", status={"servedBy": [SERVED, garbage]}))
    shelf.hear(serving(20, "1.0.0", "1.1.0"), kind="ModelDeployment")
    seen = shelf.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert seen.unreadable == "status.servedBy[1].revision: must be a whole number, without quotes"
    after = judged(seen, NOON)
    assert after.served_by == seen.status.served_by
    assert {each.reason for each in after.conditions} == {"RecordValid", "RecordIncomplete"}, "the rest goes on"
    told = unsaid(seen)
    assert told is not None
    assert told.reason == "StatusUnreadable"
    assert "it is left as it is until" in told.message


def test_a_word_of_a_newer_release_is_read_and_kept() -> None:
    shelf = KindCache()
    bump = {"parent": "1.0.0", "bump": "Epoch", "reasons": []}
    shelf.hear(raw_version("1.0.0", status={"computedBump": bump}))
    seen = shelf.store.versions.seen(key("1.0.0"))
    assert seen is not None
    assert seen.status.to_json()["computedBump"] == bump


@pytest.mark.parametrize("poisoned", poison.VERSIONS, ids=lambda each: each.what)
def test_a_record_that_cannot_be_read_says_which_field_is_wrong(poisoned: Poisoned) -> None:
    """Rule: R88."""
    shelf = KindCache()
    metadata = {"namespace": "default", "uid": "poison", "resourceVersion": "9", "generation": 1}
    shelf.hear({**poisoned.manifest, "metadata": metadata | poisoned.manifest["metadata"]}, "ADDED")
    seen = shelf.store.versions.seen(Key("default", poisoned.manifest["metadata"]["name"]))
    assert seen is not None
    assert isinstance(seen.spec, Invalid)
    ready, complete = judged(seen, NOON).conditions
    assert (ready.status, ready.reason, complete.status) == ("False", "InvalidSpec", "Unknown")
    assert poisoned.says in ready.message
    assert ready.message.isprintable()
