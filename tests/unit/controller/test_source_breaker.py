"""Whether a metric source is believed: by contents, by namespaces, and by what was known good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pennant.controller.source_breaker import SourceBreaker, SourceReport
from pennant.core.facts.observation import Key
from unit.core.builders import NOON

BAD = SourceReport("", True, {"default": True})
WELL = replace(BAD, breaches={"default": False})
LATER = NOON + timedelta(seconds=60)


def doubted(*seen: tuple[str, str, SourceReport], of: str = "a", count: int = 3) -> bool:
    """Return whether the source is doubted for a namespace, by what is seen: namespace, content, and what it shows."""
    breaker = SourceBreaker(count, 50, lambda: len(seen))
    for number, (namespace, digest, suspicion) in enumerate(seen):
        breaker.note(Key(namespace, f"d{number}"), replace(suspicion, digest=digest), NOON)
    return bool(breaker.suspect_sources(Key(of, "any"), LATER))


THREE = [("a", digest, BAD) for digest in "123"]
NEVER_GOOD = replace(BAD, was_verified=False)


@pytest.mark.parametrize(
    ("seen", "is_doubted"),
    [
        pytest.param(THREE, True, id="three contents"),
        pytest.param(THREE[:2], False, id="two"),
        pytest.param([("a", "1", BAD)] * 9, False, id="one content everywhere"),
        pytest.param([*THREE, *[("a", digest, WELL) for digest in "4567"]], False, id="less than half of all"),
        pytest.param([*THREE, *[("a", "1", WELL)] * 3], True, id="half of all"),
        pytest.param([(ns, digest, NEVER_GOOD) for ns, digest, _ in THREE], False, id="none was ever good"),
        pytest.param([THREE[0], *[(ns, d, NEVER_GOOD) for ns, d, _ in THREE[1:]]], True, id="one was"),
    ],
)
def test_different_contents_are_counted_and_one_of_them_must_have_been_good(
    seen: list[tuple[str, str, SourceReport]], is_doubted: bool
) -> None:
    """Rule: R61."""
    assert doubted(*seen) is is_doubted


def test_what_breaches_in_one_namespace_is_no_excuse_for_another() -> None:
    many = [("many", f"m{number}", BAD) for number in range(12)]
    few = [("few", "1", BAD), *[("few", f"f{number}", WELL) for number in range(4)]]
    assert doubted(*many, *few, of="many")
    assert not doubted(*many, *few, of="few")
    assert doubted(*many, *few[:2], of="few"), "where half of its own breach it may be the source"


def test_a_source_that_is_always_believed_is_believed() -> None:
    assert not doubted(*THREE, count=0)


def test_who_is_gone_or_reads_the_source_no_longer_does_not_count() -> None:
    breaker = SourceBreaker(3, 50, lambda: 3)
    for number, (_, digest, suspicion) in enumerate(THREE):
        breaker.note(Key("a", f"d{number}"), replace(suspicion, digest=digest), NOON)
    assert "3 of 3 deployments, with 3 different contents" in breaker.suspect_sources(Key("a", "d0"), LATER)["default"]
    breaker.forget(Key("a", "d2"))
    assert not breaker.suspect_sources(Key("a", "d0"), LATER)
    breaker.note(Key("a", "d2"), replace(BAD, digest="3"), NOON)
    breaker.note(Key("a", "d1"), SourceReport("2", True, {}), NOON)
    assert not breaker.suspect_sources(Key("a", "d0"), LATER)


def test_a_process_that_has_just_begun_believes_nothing_yet() -> None:
    breaker = SourceBreaker(3, 50, lambda: 5)
    breaker.note(Key("a", "d"), replace(BAD, digest="1"), NOON)
    assert breaker.suspect_sources(Key("a", "d"), NOON + timedelta(seconds=4))
    assert not breaker.suspect_sources(Key("a", "d"), NOON + timedelta(seconds=5))


def test_a_process_has_not_just_begun_because_the_clock_was_set_back() -> None:
    """Rule: R86."""
    breaker = SourceBreaker(3, 50, lambda: 5)
    breaker.note(Key("a", "d"), replace(BAD, digest="1"), NOON)
    assert not breaker.suspect_sources(Key("a", "d"), NOON - timedelta(hours=1))
