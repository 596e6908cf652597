"""From series to verdict."""

import math
from typing import Any

import pytest

from pennant.api.model_deployment import Analysis, MetricState, MetricStatus, Outcome
from pennant.api.reasons import Reason
from pennant.core import analysis
from pennant.core.measurement import Fault, Measurement, RangeQuery, Series, Unanswered
from unit.core.builders import NOON, a_metric, after, an_entry

SERVING = an_entry(available_at=NOON, rolled_out_at=NOON, outcome=Outcome.SERVING)
NAN, INF = math.nan, math.inf


def checked(*values: float | None, metric: dict[str, Any] | None = None, answer: Any = None) -> analysis.Verdict:
    """Return the verdict over three checks, 10 s apart, with these values; None is a check without a sample."""
    settings = Analysis(interval_seconds=10, metrics=(a_metric(**metric or {}),))
    request = RangeQuery("default", "q", after(10), after(30), 10, 20)
    points = {
        round(after(10 * i).timestamp() * 1000): value for i, value in enumerate(values, start=1) if value is not None
    }
    series = Series((points,)) if points else Series(())
    measurements = {"accuracy": Measurement(request, answer or series)}
    return analysis.assess(settings, SERVING, measurements, (), after(30))


@pytest.mark.parametrize(
    ("values", "metric", "state", "reason"),
    [
        pytest.param((0.95, 0.95, 0.95), {}, "Passing", "WithinThreshold", id="all checks pass"),
        pytest.param((0.9, 0.9, 0.9), {}, "Passing", "WithinThreshold", id="the bound itself is good"),
        pytest.param((0.8, 0.8, 0.8), {}, "Breaching", "ThresholdBreached", id="three of three break it"),
        pytest.param((0.8, 0.95, 0.8), {}, "Passing", "WithinThreshold", id="two of three are not three"),
        pytest.param(
            (0.8, 0.95, 0.8), {"breaches": {"count": 2, "of": 3}}, "Breaching", "ThresholdBreached", id="two of three"
        ),
        pytest.param((0.5, 0.5, 0.5), {"threshold": {"max": "0.4"}}, "Breaching", "ThresholdBreached", id="above max"),
        pytest.param((0.3, 0.3, 0.3), {"threshold": {"max": "0.4"}}, "Passing", "WithinThreshold", id="below max"),
        pytest.param((None, None, None), {}, "Unknown", "NoData", id="no sample is neither good nor bad"),
        pytest.param((0.8, 0.8, None), {}, "Unknown", "NoData", id="a gap is no third breach"),
        pytest.param((NAN, NAN, NAN), {}, "Unknown", "NotANumber", id="NaN is neither good nor bad"),
        pytest.param((NAN, NAN, NAN), {"threshold": {"max": "1"}}, "Unknown", "NotANumber", id="NaN under max too"),
        pytest.param((INF, INF, INF), {"threshold": {"max": "1"}}, "Unknown", "NotANumber", id="so is an infinite one"),
        pytest.param(
            (None, None, None), {"onNoData": "Breach"}, "Breaching", "NoData", id="unless no data is a breach"
        ),
        pytest.param(
            (None, None, 0.95), {"onNoData": "Hold"}, "Passing", "WithinThreshold", id="the last check counts"
        ),
    ],
)
def test_state_of_a_metric(values: tuple[float, ...], metric: dict[str, Any], state: str, reason: str) -> None:
    verdict = checked(*values, metric=metric)
    assert [(each.state.value, each.reason) for each in verdict.metrics] == [(state, reason)]
    assert bool(verdict.evidence) == (state == "Breaching")


def test_the_message_and_the_evidence_carry_the_numbers() -> None:
    verdict = checked(0.95, 0.71, 0.7, metric={"breaches": {"count": 2, "of": 3}})
    assert verdict.metrics[0].message == "accuracy is 0.7, below 0.9, in 2 of 3 checks"
    evidence = verdict.evidence[0]
    assert (evidence.value, evidence.threshold, evidence.breaches, evidence.at) == (
        "0.7",
        "min 0.9",
        "2 of 3",
        after(30),
    )


@pytest.mark.parametrize(
    ("values", "metric", "is_clean"),
    [
        pytest.param((0.95, 0.95, 0.95), {}, True, id="passing"),
        pytest.param((0.95, 0.95, 0.8), {}, False, id="the last check is a breach, if not yet enough of them"),
        pytest.param((0.95, 0.95, None), {}, False, id="no data holds"),
        pytest.param((None, None, None), {"onNoData": "Ignore"}, True, id="no data that is ignored does not hold"),
    ],
)
def test_what_keeps_a_revision_from_being_verified(
    values: tuple[float, ...], metric: dict[str, Any], is_clean: bool
) -> None:
    assert (checked(*values, metric=metric).clean_since is not None) is is_clean


def test_two_series_cannot_be_compared() -> None:
    at = round(after(30).timestamp() * 1000)
    verdict = checked(answer=Series(({at: 0.1}, {at: 0.99})))
    assert verdict.metrics[0].reason is Reason.MULTIPLE_SERIES
    assert not verdict.breached


@pytest.mark.parametrize("fault", list(Fault))
def test_a_source_that_gives_no_answer_is_unknown_and_never_a_breach(fault: Fault) -> None:
    verdict = checked(answer=Unanswered(fault, "connection refused"))
    assert verdict.metrics[0].state is MetricState.UNKNOWN
    assert verdict.clean_since is None
    assert not verdict.breached


def test_an_error_counts_as_a_breach_once_it_has_lasted_for_the_asked_intervals() -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(onError="Breach"),))
    request = RangeQuery("default", "q", after(10), after(30), 10, 20)
    silence = {"accuracy": Measurement(request, Unanswered(Fault.UNAVAILABLE, "refused"))}

    first = analysis.assess(settings, SERVING, silence, (), after(30))
    early = analysis.assess(settings, SERVING, silence, first.metrics, after(59))
    late = analysis.assess(settings, SERVING, silence, first.metrics, after(60))

    assert [bool(each.breached) for each in (first, early, late)] == [False, False, True]


def test_what_was_said_before_stands_until_the_next_answer_but_proves_nothing() -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(),))
    said = MetricStatus(
        name="accuracy",
        revision=1,
        state=MetricState.BREACHING,
        reason=Reason.THRESHOLD_BREACHED,
        message="was bad",
        since=NOON,
    )
    verdict = analysis.assess(settings, SERVING, {}, (said,), after(30))
    assert verdict.metrics == (said,)
    assert not verdict.breached
    assert verdict.clean_since is None
