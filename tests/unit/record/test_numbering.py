"""The number of a version by the differences from its parent, what a user may say of it, and duplicates."""

from typing import Any

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import Bump
from pennant.record.errors import Duplicate, RegisterError
from pennant.record.numbering import Known, Number, Wish, number

COMMITS = ["a" * 40, "b" * 40]


def digest(seed: int) -> str:
    return f"sha256:{seed:064x}"


def spec(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "model": "fraud",
        "artifacts": [{"name": "model", "uri": "s3://m", "digest": digest(1)}],
        "datasets": [{"name": "train", "role": "Training", "uri": "s3://d", "digest": digest(2)}],
        "code": {"repository": "https://git.example/fraud", "commit": COMMITS[0]},
        "schema": {"inputs": [{"name": "x", "type": "float32"}], "outputs": [{"name": "y", "type": "float32"}]},
        "environment": {"lockDigest": digest(3)},
    }
    return {name: each for name, each in (whole | changes).items() if each is not None}


WEIGHTS = {"artifacts": [{"name": "model", "uri": "s3://m", "digest": digest(9)}]}
INPUTS = {"schema": {"inputs": [{"name": "z", "type": "float32"}], "outputs": [{"name": "y", "type": "float32"}]}}
CODE = {"code": {"repository": "https://git.example/fraud", "commit": COMMITS[1]}}
METRICS = {"metrics": [{"name": "auc", "value": "0.9"}]}


def known(*versions: str, **changes: Any) -> Known:
    """Return versions with different weights; the last one is `spec` with the changes."""
    records = [
        spec(version=each, artifacts=[{"name": "model", "uri": "s3://m", "digest": digest(100 + n)}])
        for n, each in enumerate(versions[:-1])
    ]
    records.append(spec(version=versions[-1], **changes))
    return Known(tuple(ModelVersionSpec.model_validate(each) for each in records))


ONE = known("1.0.0")


def test_the_first_version() -> None:
    assert number(spec(), Known(), Wish()) == Number("1.0.0", None, None, ("the first version of fraud",))


@pytest.mark.parametrize(
    ("changes", "version", "bump", "reason"),
    [
        (WEIGHTS | INPUTS, "2.0.0", Bump.MAJOR, "input x was removed"),
        (WEIGHTS | CODE, "1.1.0", Bump.MINOR, "the training code changed from commit aaaaaaaaaaaa to bbbbbbbbbbbb"),
        (WEIGHTS, "1.0.1", Bump.PATCH, "only the weights differ: training with the same inputs gave another result"),
    ],
)
def test_the_next_version_follows_from_the_differences(
    changes: dict[str, Any], version: str, bump: Bump, reason: str
) -> None:
    found = number(spec(**changes), ONE, Wish())
    assert (found.version, found.parent, found.bump, reason in found.reasons) == (version, "1.0.0", bump, True)


def test_what_is_not_known_is_minor_at_least_and_told() -> None:
    found = number(spec(**WEIGHTS, schema=None), ONE, Wish())
    assert (found.version, found.bump) == ("1.1.0", Bump.MINOR)
    assert found.reasons == (
        "spec.schema is missing in the new version",
        "the weights differ (Patch)",
        "so the bump is not known; it is taken as Minor, and may be Major",
    )


def test_the_user_may_raise_the_bump_and_not_lower_it() -> None:
    assert number(spec(**WEIGHTS), ONE, Wish(bump=Bump.MAJOR)).version == "2.0.0"
    assert "--bump major was given" in number(spec(**WEIGHTS), ONE, Wish(bump=Bump.MAJOR)).reasons
    assert number(spec(**WEIGHTS), ONE, Wish(bump=Bump.PATCH)).version == "1.0.1"
    with pytest.raises(
        RegisterError, match=r"--bump patch is less than what the differences from 1.0.0 require, Minor"
    ):
        number(spec(**WEIGHTS, **CODE), ONE, Wish(bump=Bump.PATCH))
    # What is not known the user may know.
    assert number(spec(**WEIGHTS, schema=None), ONE, Wish(bump=Bump.PATCH)).version == "1.0.1"


def test_a_chosen_version_below_the_required_one_is_told() -> None:
    found = number(spec(**WEIGHTS, **CODE), ONE, Wish(version="1.0.1"))
    assert found.version == "1.0.1"
    (warning,) = found.warnings
    assert warning.startswith(
        "1.0.1 is lower than 1.1.0, which the differences from 1.0.0 require (Minor): the training"
    )
    assert number(spec(**WEIGHTS, **CODE), ONE, Wish(version="3.0.0")).warnings == ()
    with pytest.raises(RegisterError, match=r"has a version 1.0.0 already"):
        number(spec(**WEIGHTS), ONE, Wish(version="1.0.0"))


def test_a_duplicate_of_any_version_is_refused_by_its_name() -> None:
    several = known("1.2.0", "1.10.0", "1.1.0")
    for wish in (Wish(), Wish(bump=Bump.MAJOR), Wish(version="9.0.0"), Wish(version="1.1.0")):
        with pytest.raises(Duplicate, match=r"this is a duplicate of fraud-1.1.0") as caught:
            number(spec(reason="again", tags=["production"]), several, wish)
        assert caught.value.version == "1.1.0"


def test_only_other_metrics_make_no_version_unless_it_is_asked_for() -> None:
    with pytest.raises(Duplicate, match=r"this equals fraud-1.0.0: only metrics or documents differ.*--bump patch"):
        number(spec(**METRICS), ONE, Wish())
    found = number(spec(**METRICS), ONE, Wish(bump=Bump.PATCH))
    assert (found.version, found.reasons) == ("1.0.1", ("only metrics or documents differ",))
    assert number(spec(**METRICS), ONE, Wish(version="1.0.0-b")).version == "1.0.0-b"


@pytest.mark.parametrize(
    ("parent", "level", "version"),
    [
        ("1.2.0-rc.1", WEIGHTS, "1.2.0"),
        ("1.2.0-rc.1", WEIGHTS | CODE, "1.2.0"),
        ("1.2.1-rc.1", WEIGHTS | CODE, "1.3.0"),
        ("1.2.0-rc.1", WEIGHTS | INPUTS, "2.0.0"),
        ("2.0.0-rc.1", WEIGHTS | INPUTS, "2.0.0"),
        ("v1.2.3", WEIGHTS, "v1.2.4"),
    ],
)
def test_a_candidate_becomes_its_release_where_that_is_enough(parent: str, level: dict[str, Any], version: str) -> None:
    assert number(spec(**level), known(parent), Wish()).version == version


def test_a_candidate_is_finalised_without_a_difference() -> None:
    candidate = known("1.1.0", "1.2.0-rc.1")
    with pytest.raises(Duplicate, match=r"fraud-1.2.0-rc.1"):
        number(spec(), candidate, Wish())
    found = number(spec(), candidate, Wish(version="1.2.0"))
    assert (found.version, found.parent, found.warnings) == ("1.2.0", "1.2.0-rc.1", ())
    with pytest.raises(Duplicate):
        number(spec(), candidate, Wish(version="1.3.0"))


def test_the_parent_is_the_highest_version_below() -> None:
    several = known("2.0.0", "1.10.0", "1.9.0", "1.2.0")
    assert number(spec(**WEIGHTS), several, Wish()).parent == "2.0.0"
    assert number(spec(**WEIGHTS), several, Wish(version="1.9.5")).parent == "1.9.0"
    found = number(spec(**WEIGHTS), several, Wish(parent="1.9.0"))
    assert (found.version, found.parent) == ("1.9.1", "1.9.0")
    taken = number(spec(**WEIGHTS), known("1.9.0", "1.9.1", "1.9.2", "2.0.0"), Wish(parent="1.9.0"))
    assert (taken.version, taken.reasons[-2:]) == ("1.9.3", ("1.9.1 exists already", "1.9.2 exists already"))
    with pytest.raises(RegisterError, match=r"fraud has no version 3.0.0; there are: 2.0.0, 1.10.0, 1.9.0, 1.2.0"):
        number(spec(**WEIGHTS), several, Wish(parent="3.0.0"))


def test_versions_without_an_order_need_a_number_from_the_user() -> None:
    others = known("2024-05-01", "7")
    with pytest.raises(RegisterError, match=r"no version of fraud is a semantic one \(7, 2024-05-01\).*--version"):
        number(spec(**WEIGHTS), others, Wish())
    with pytest.raises(RegisterError, match="7 is no semantic version, so no number follows it"):
        number(spec(**WEIGHTS), others, Wish(parent="7"))
    found = number(spec(**WEIGHTS), others, Wish(version="8", parent="7"))
    assert (found.version, found.parent, found.bump) == ("8", "7", Bump.PATCH)
    assert number(spec(**WEIGHTS), others, Wish(version="8")).parent is None


def test_the_number_of_an_invalid_version_is_not_taken_again() -> None:
    one = Known(ONE.records, {"1.0.1": "spec.artifacts: must be set"})
    assert number(spec(**WEIGHTS), one, Wish()).version == "1.0.2"
    with pytest.raises(RegisterError, match=r"fraud-1.0.1 is invalid: spec.artifacts: must be set"):
        number(spec(**WEIGHTS), one, Wish(parent="1.0.1"))
