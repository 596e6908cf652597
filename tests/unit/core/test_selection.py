"""Which version holds a tag."""

import pytest

from pennant.api.model_deployment import AmbiguousTag
from pennant.core.facts.observation import Invalid, Version
from pennant.core.versions.selection import Ambiguous, Selected, SelectedInvalid, Unassigned, resolve
from unit.core.builders import a_version

V1, V2 = a_version("1.0.0", "production"), a_version("2.0.0", "production")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param([], Unassigned(), id="no version at all"),
        pytest.param([a_version("1.0.0")], Unassigned(), id="no version carries it"),
        pytest.param([a_version("1.0.0", "staging")], Unassigned(), id="another tag is another tag"),
        pytest.param([V1, a_version("2.0.0")], Selected(V1), id="exactly one carries it"),
        pytest.param([V2, V1], Ambiguous(("fraud-1.0.0", "fraud-2.0.0")), id="two carry it: both are named, in order"),
        pytest.param(
            [a_version("1.0.0", "production", deleting=True)], Unassigned(), id="one that is going counts not"
        ),
        pytest.param([V1, a_version("2.0.0", "production", deleting=True)], Selected(V1), id="nor beside another"),
        pytest.param(
            [a_version("1.0.0", "production", spec=Invalid("spec.artifacts is missing"))],
            SelectedInvalid("fraud-1.0.0", "spec.artifacts is missing"),
            id="the only one cannot be read",
        ),
        pytest.param(
            [V2, a_version("1.0.0", "production", spec=Invalid("broken"))], Selected(V2), id="one of two cannot be read"
        ),
    ],
)
def test_resolve(versions: list[object], expected: object) -> None:
    """Rule: R1."""
    assert resolve(versions, "production") == expected  # type: ignore[arg-type]


DATED = a_version("2024-05-01", "production")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param([V1, a_version("v2.0.0", "production")], "v2.0.0", id="a v is no part of the number"),
        pytest.param([V1, a_version("10.0.0", "production"), V2], "10.0.0", id="by number, not by letter"),
    ],
)
def test_the_newest_of_several(versions: list[Version], expected: str) -> None:
    found = resolve(versions, "production", AmbiguousTag.NEWEST)
    assert isinstance(found, Selected)
    assert found.version.version == expected


def test_there_is_no_newest_where_a_version_has_no_order() -> None:
    """Rule: R4."""
    names = ("fraud-1.0.0", "fraud-2024-05-01")
    assert resolve([DATED, V1], "production", AmbiguousTag.NEWEST) == Ambiguous(names, ("fraud-2024-05-01",))
    assert resolve([DATED], "production", AmbiguousTag.NEWEST) == Selected(DATED)
