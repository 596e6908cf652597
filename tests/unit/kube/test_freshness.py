from pennant.kube.cache.freshness import Freshness


def test_nothing_is_trusted_at_first() -> None:
    assert "a" not in Freshness()


def test_what_was_read_is_trusted_until_it_is_doubted() -> None:
    freshness = Freshness()
    freshness.mark_fresh("a", freshness.mark())
    assert "a" in freshness
    freshness.mark_stale("a")
    assert "a" not in freshness


def test_a_doubt_that_arises_during_the_reading_outlives_it() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_stale("a")
    freshness.mark_fresh("a", mark)
    assert "a" not in freshness
    freshness.mark_fresh("a", freshness.mark())
    assert "a" in freshness


def test_a_doubt_of_everything_that_arises_during_the_reading_outlives_it() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_all_stale()
    freshness.mark_fresh("a", mark)
    assert "a" not in freshness


def test_a_doubt_of_one_thing_leaves_the_others_trusted() -> None:
    freshness = Freshness()
    mark = freshness.mark()
    freshness.mark_stale("a")
    freshness.mark_fresh("b", mark)
    assert "b" in freshness
