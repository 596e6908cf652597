"""When a revision's metrics are read, and that a substituted value cannot break out of its string."""

from typing import Any

import pytest

from pennant.api.model_deployment import ModelDeploymentStatus, Outcome
from pennant.core import checks
from pennant.core.measurement import RangeQuery
from pennant.core.observation import Key
from unit.core.builders import NOON, after, an_entry, the_spec


def due(seconds: float, **fields: Any) -> RangeQuery | None:
    entry = an_entry(outcome=Outcome.SERVING, **({"available_at": NOON} | fields))
    spec = the_spec()
    status = ModelDeploymentStatus(history=(entry,))
    return checks.due_measurements(Key("default", "fraud"), spec, status, after(seconds)).get("accuracy")


def test_nothing_is_measured_before_the_first_interval_of_a_revision_is_over() -> None:
    assert due(9.999) is None


@pytest.mark.parametrize(
    ("seconds", "start", "end", "lookback"),
    [
        pytest.param(10, 10, 10, 10, id="the first check looks back to the revision's beginning only"),
        pytest.param(25, 10, 20, 10, id="between two checks the last one stands"),
        pytest.param(30, 10, 30, 10, id="three checks"),
        pytest.param(95, 70, 90, 20, id="later the last three, and samples of two intervals"),
    ],
)
def test_the_grid_of_checks(seconds: float, start: float, end: float, lookback: int) -> None:
    request = due(seconds)
    assert request is not None
    assert (request.start, request.end, request.lookback_seconds) == (after(start), after(end), lookback)


def test_nothing_is_measured_without_an_available_pod_or_after_the_revision_ended() -> None:
    assert due(100, available_at=None) is None
    assert due(100, ended_at=after(50)) is None


HOSTILE = ['a"b', "a'b", "a\\", "a\nb", '"} or vector(1) #', "${name}", 'a\\"b']


@pytest.mark.parametrize("value", HOSTILE)
def test_a_substituted_value_stays_inside_its_string(value: str) -> None:
    filled = checks.substituted('m{x="${model}"}', {"model": value, "name": "n"})
    body = filled.removeprefix('m{x="').removesuffix('"}')
    assert body.replace("\\\\", "").replace('\\"', "").count('"') == 0
    assert "\n" not in body
    assert len(body.replace("\\\\", "")) - len(body.replace("\\\\", "").rstrip("\\")) == 0


def test_words_that_are_no_placeholders_stay() -> None:
    assert checks.substituted("${window} ${other}", {"window": "30s"}) == "30s ${other}"
