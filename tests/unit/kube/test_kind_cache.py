import pytest

from pennant.core.facts.observation import Key
from pennant.kube.cache import kind_cache
from pennant.kube.cache.kind_cache import KindCache
from pennant.kube.codec.metadata import Identity

KEY = Key("default", "fraud")


def state(resource_version: int, uid: str = "a") -> Identity:
    return Identity(KEY, uid, resource_version)


def holding(resource_version: int) -> KindCache[str]:
    found = KindCache[str]()
    found.put(state(resource_version), "value")
    return found


@pytest.mark.parametrize(("known", "arrives", "newer"), [(9, 10, True), (10, 10, False), (10, 9, False)])
def test_only_a_higher_resource_version_is_newer(known: int, arrives: int, newer: bool) -> None:
    assert holding(known).is_newer(state(arrives)) is newer


def test_resource_versions_are_numbers_and_not_texts() -> None:
    assert holding(9).is_newer(state(10))
    assert not holding(10).is_newer(state(9))


def test_a_state_from_before_the_deletion_is_refused() -> None:
    found = holding(10)
    found.delete_at(state(20))
    assert found.get(KEY) is None
    assert not found.is_newer(state(19))


def test_the_state_at_its_deletion_is_accepted_because_the_object_may_only_have_lost_a_label() -> None:
    found = holding(10)
    found.delete_at(state(20))
    assert found.is_newer(state(20))


def test_a_tombstone_does_not_refuse_another_object_of_the_same_name() -> None:
    found = holding(10)
    found.delete_at(state(20))
    assert found.is_newer(state(19, uid="b"))


def test_a_late_deletion_does_not_remove_a_newer_state() -> None:
    found = holding(30)
    assert found.delete_at(state(20)) is None
    assert found.get(KEY) == "value"


def test_a_read_that_found_nothing_removes_the_state_known_before_it() -> None:
    found = holding(10)
    assert found.remove(KEY, 10) == "value"
    assert not found.is_newer(state(10))


def test_a_read_that_found_nothing_does_not_remove_a_newer_state() -> None:
    found = holding(11)
    assert found.remove(KEY, 10) is None
    assert found.get(KEY) == "value"


def test_tombstones_are_bounded_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_cache, "MAX_TOMBSTONES", 2)
    found = KindCache[str]()
    for number in (1, 2, 3):
        found.delete_at(state(20, uid=f"uid-{number}"))
    assert [found.is_newer(state(19, uid=f"uid-{number}")) for number in (1, 2, 3)] == [True, False, False]


def test_clear_forgets_objects_and_tombstones() -> None:
    found = holding(10)
    found.delete_at(state(20))
    found.clear()
    assert found.is_newer(state(1))
    assert (len(found), found.newest()) == (0, 0)
