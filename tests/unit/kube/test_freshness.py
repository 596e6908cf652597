from pennant.kube.cache.freshness import Freshness


def test_nothing_is_fresh_at_first() -> None:
    assert "a" not in Freshness()


def test_an_entry_is_fresh_after_a_read_until_it_is_marked_stale() -> None:
    freshness = Freshness()
    freshness.mark_fresh("a", freshness.mark())
    assert "a" in freshness
    freshness.mark_stale("a")
    assert "a" not in freshness


def test_an_entry_that_becomes_stale_during_a_read_stays_stale() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_stale("a")
    freshness.mark_fresh("a", mark)
    assert "a" not in freshness
    freshness.mark_fresh("a", freshness.mark())
    assert "a" in freshness


def test_entries_that_all_become_stale_during_a_read_stay_stale() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_all_stale()
    freshness.mark_fresh("a", mark)
    assert "a" not in freshness


def test_a_stale_entry_leaves_the_others_fresh() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_stale("a")
    freshness.mark_fresh("b", mark)
    assert "b" in freshness
