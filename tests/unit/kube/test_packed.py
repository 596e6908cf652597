"""Values that are used stay as they are; the others are packed, and come back equal."""

import pytest

from pennant.kube.cache.packed import Packed
from pennant.kube.cache.revisions import OwnedRevisions
from pennant.kube.cache.store import Store
from pennant.kube.codec.revisions import StoredRevision
from pennant.kube.http.resources import Kind
from unit.core.builders import a_revision
from unit.kube.raw import raw_deployment


def test_a_value_that_is_packed_comes_back_equal() -> None:
    packed = Packed[str, list[int]](most_unpacked=1)
    first = [1, 2]
    packed["a"] = first
    assert packed["a"] is first
    packed["b"] = [3]
    assert packed["a"] == [1, 2]
    assert packed["a"] is not first, "it was packed to make room for b"
    assert packed["b"] == [3]


def test_a_value_that_is_put_again_replaces_the_packed_one() -> None:
    packed = Packed[str, int](most_unpacked=1)
    packed["a"], packed["b"] = 1, 2
    packed["a"] = 10
    packed["b"] = 20
    assert (packed["a"], packed["b"]) == (10, 20)


def test_a_value_that_is_removed_is_gone_packed_or_not() -> None:
    packed = Packed[str, int](most_unpacked=1)
    packed["a"], packed["b"] = 1, 2
    assert (packed.pop("a"), packed.pop("b")) == (1, 2)
    assert not packed
    assert "a" not in packed
    with pytest.raises(KeyError):
        packed["a"]


def test_only_the_values_that_were_used_last_are_unpacked() -> None:
    """Rule: R222."""
    packed = Packed[int, list[int]](most_unpacked=2)
    values = [[number] for number in range(4)]
    for number, each in enumerate(values):
        packed[number] = each
    assert [packed[number] is values[number] for number in (3, 2, 1, 0)] == [True, True, False, False]


def test_model_deployments_and_their_revisions_are_the_same_after_they_were_packed() -> None:
    names = [f"fraud-{number}" for number in range(40)]
    stored = StoredRevision("uid", "1", a_revision(1))
    store, revisions = Store(), OwnedRevisions()
    for each in names:
        store.update("ModelDeployment", None, raw_deployment(each, uid=each))
        revisions.put(each, [stored])
    for each in names:
        fresh = Store()
        fresh.update("ModelDeployment", None, raw_deployment(each, uid=each))
        (key,) = fresh.keys(Kind.MODEL_DEPLOYMENT)
        assert store.known(key) == fresh.known(key)
        assert revisions.of(each) == (stored.revision,)


def test_a_list_that_fails_half_way_leaves_no_revisions_that_pass_for_all() -> None:
    """Rule: R221."""
    revisions = OwnedRevisions()
    revisions.begin_list(["uid"])
    revisions.add_listed("uid", [StoredRevision("old", "1", a_revision(1))])
    # The next page is not read.
    assert "uid" not in revisions
    revisions.begin_list(["uid"])
    assert "uid" not in revisions, "half of them are no history"
    revisions.add_listed("uid", [StoredRevision("new", "2", a_revision(2))])
    revisions.end_list()
    assert "uid" in revisions
    assert [each.entry.revision for each in revisions.of("uid")] == [2]
