"""When a version was served, as histories tell it and as it is remembered.

Rule: R82.
"""

import pytest

from pennant.api.version_status import MAX_SERVED, ServedBy
from pennant.core.versions.serving_periods import ServingPeriod, periods, served_by, serving
from unit.core.builders import after, an_entry

DIGEST, ANOTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NOW = after(1000)


def told(revision: int, since: float, until: float | None = None, deployment: str = "fraud") -> ServingPeriod:
    ended = None if until is None else after(until)
    return ServingPeriod(deployment, revision, "1.0.0", DIGEST, after(since), ended)


def known(revision: int, since: float, until: float | None = None, deployment: str = "fraud") -> ServedBy:
    ended = None if until is None else after(until)
    return ServedBy(deployment=deployment, revision=revision, from_=after(since), until=ended)


def test_a_revision_counts_from_its_first_available_pod_to_its_end() -> None:
    history = (
        an_entry(1, available_at=after(1), ended_at=after(9)),
        an_entry(2, ended_at=after(19)),
        an_entry(3, available_at=after(20)),
    )
    found = periods("fraud", history)
    assert [(each.revision, each.since, each.until) for each in found] == [
        (1, after(1), after(9)),
        (3, after(20), None),
    ]


@pytest.mark.parametrize(
    ("histories", "remembered", "expected"),
    [
        pytest.param((), (), (), id="nobody ever served it"),
        pytest.param((told(1, 10),), (), (known(1, 10),), id="what a history tells is said"),
        pytest.param((told(1, 10, 20),), (known(1, 10),), (known(1, 10, 20),), id="a history tells the end"),
        pytest.param(
            (told(3, 30), told(1, 10, 20), told(2, 20, 30, "shadow")),
            (),
            (known(1, 10, 20), known(2, 20, 30, "shadow"), known(3, 30)),
            id="the oldest is first",
        ),
        pytest.param((), (known(1, 10, 20),), (known(1, 10, 20),), id="what a history no longer tells is kept"),
        pytest.param(
            (),
            (known(1, 10),),
            (known(1, 10, 1000),),
            id="a deployment that was created again ends earlier periods",
        ),
        pytest.param(
            (),
            (known(1, 10, None, "gone"),),
            (known(1, 10, 1000, "gone"),),
            id="a deployment that is gone serves no more",
        ),
        pytest.param(
            (told(1, 500),),
            (known(1, 10, 20),),
            (known(1, 10, 20), known(1, 500)),
            id="a deployment that was created again counts its revisions from 1",
        ),
    ],
)
def test_what_is_told_and_what_is_remembered(
    histories: tuple[ServingPeriod, ...], remembered: tuple[ServedBy, ...], expected: tuple[ServedBy, ...]
) -> None:
    found = served_by(histories, remembered, DIGEST, NOW)
    assert found == expected
    assert served_by(histories, found, DIGEST, after(2000)) == found, "and then it stays"


def test_another_content_under_the_same_name_is_another_version() -> None:
    assert served_by((told(1, 10),), (), ANOTHER, NOW) == ()


def test_of_many_the_newest_are_kept_and_all_that_go_on() -> None:
    old = [told(number, number, number + 1) for number in range(2, 60)]
    found = served_by((told(1, 1), *old), (), DIGEST, NOW)
    assert len(found) == MAX_SERVED
    assert (found[0], found[-1]) == (known(1, 1), known(59, 59, 60))


def test_who_serves_now_is_named_in_one_line() -> None:
    assert serving(()) is None
    assert serving((known(1, 1, 2),)) is None
    assert serving((known(2, 3, None, "shadow"), known(1, 1, 2, "old"), known(1, 2))) == "fraud, shadow"


def test_a_line_has_an_end() -> None:
    many = [known(1, number, None, f"deployment-{number:02}") for number in range(50)]
    line = serving(many)
    assert line is not None
    assert len(line) <= 256
    assert line.endswith(" and 34 more")
