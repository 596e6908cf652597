"""Four eyes on `spec.version`."""

from dataclasses import replace

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.core.decide import decide
from pennant.core.facts.observation import Observation
from pennant.core.facts.users import Users
from pennant.runtime.settings import WrongSettings, given
from simulation.support.story import a_record
from unit.core.builders import NOON, a_snapshot, a_version, the_spec


@pytest.mark.parametrize(
    ("creator", "chosen_by", "four_eyes", "is_blocked"),
    [
        ("dave", "dave", True, True),
        ("dave", "paul", True, False),
        ("dave", "", True, False),
        ("", "", True, False),
        ("dave", "dave", False, False),
    ],
    ids=["one user", "two users", "the choice is not recorded", "nobody is recorded", "not asked for"],
)
def test_who_created_a_version_does_not_choose_it(
    creator: str, chosen_by: str, four_eyes: bool, is_blocked: bool
) -> None:
    """Another user may, whoever else changes the spec later.

    Rule: R156.
    """
    record = a_record("1.4.0")
    spec = ModelVersionSpec.model_validate(record)
    version = replace(a_version("1.4.0", record=record, spec=spec), creator=creator)
    fixed = the_spec(version="1.4.0")
    users = Users(changed="olga", version=chosen_by)
    snapshot = replace(a_snapshot("fraud", spec=fixed, versions=(version,)), users=users)
    decision = decide(Observation(NOON, snapshot, four_eyes=four_eyes))
    (stalled,) = (each for each in decision.status.conditions if each.type == "Stalled")
    said = "dave created 1.4.0 and set spec.version to it, so somebody else must choose it; no version serves"
    if is_blocked:
        assert (stalled.reason, stalled.message) == (Reason.FOUR_EYES, f"{said}. {Reason.FOUR_EYES.to_do}")
    else:
        assert stalled.status == "False"


def test_four_eyes_need_to_know_who_created_a_version() -> None:
    """Rule: R156."""
    assert given(["--stamped", "--four-eyes"]).four_eyes
    with pytest.raises(WrongSettings, match="four_eyes needs stamped"):
        given(["--four-eyes"])
