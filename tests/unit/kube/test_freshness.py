from pennant.kube.cache.freshness import Trust


def test_nothing_is_trusted_at_first() -> None:
    assert "a" not in Trust()


def test_what_was_read_is_trusted_until_it_is_doubted() -> None:
    trust = Trust()
    trust.confirm("a", trust.mark())
    assert "a" in trust
    trust.doubt("a")
    assert "a" not in trust


def test_a_doubt_that_arises_during_the_reading_outlives_it() -> None:
    trust = Trust()
    mark = trust.mark()
    trust.doubt("a")
    trust.confirm("a", mark)
    assert "a" not in trust
    trust.confirm("a", trust.mark())
    assert "a" in trust


def test_a_doubt_of_everything_that_arises_during_the_reading_outlives_it() -> None:
    trust = Trust()
    mark = trust.mark()
    trust.doubt_all()
    trust.confirm("a", mark)
    assert "a" not in trust


def test_a_doubt_of_one_thing_leaves_the_others_trusted() -> None:
    trust = Trust()
    mark = trust.mark()
    trust.doubt("a")
    trust.confirm("b", mark)
    assert "b" in trust
