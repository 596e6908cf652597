"""From series to verdict."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pennant.api.analysis import Analysis
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import HistoryEntry, Outcome
from pennant.api.reasons import Reason
from pennant.core.analysis import assessment
from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts, LabelMatcher
from pennant.core.facts.measurement import Awaited, Fault, Measurement, Question, RangeQuery, Role, Series, Unanswered
from unit.core.builders import NOON, a_metric, after, an_entry

SERVING = an_entry(started_at=after(-5), available_at=NOON, rolled_out_at=NOON, outcome=Outcome.SERVING)
ACCURACY = Question("accuracy")
NAN, INF = math.nan, math.inf


def checked(*values: float | None, metric: dict[str, Any] | None = None, answer: Any = None) -> assessment.Verdict:
    """Return the verdict over three checks, 10 s apart, with these values; None is a check without a sample."""
    settings = Analysis(interval_seconds=10, metrics=(a_metric(**metric or {}),))
    request = RangeQuery("default", "q", after(10), after(30), 10, 20)
    points = {
        round(after(10 * i).timestamp() * 1000): value for i, value in enumerate(values, start=1) if value is not None
    }
    series = Series((points,)) if points else Series(())
    measurements = {ACCURACY: Measurement(request, answer or series)}
    return assessment.assess(settings, SERVING, None, measurements, (), after(30))


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
        pytest.param(
            (3e-05, 3e-05, 3e-05), {"threshold": {"max": 2e-05}}, "Breaching", "ThresholdBreached", id="above a number"
        ),
        pytest.param(
            (2e-05, 0, 0), {"threshold": {"max": 2e-05}}, "Passing", "WithinThreshold", id="the number itself"
        ),
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


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        pytest.param((0.95, 0.8, 0.97), "0.97", id="of the last check"),
        pytest.param((0.95, 0.95, 0.8), "0.8", id="a breach that is not yet enough of them"),
        pytest.param((0.95, 0.95, None), None, id="the last check has none"),
    ],
)
def test_the_status_has_the_value_of_the_last_check(values: tuple[float, ...], shown: str | None) -> None:
    status = checked(*values).metrics[0]
    assert (status.value, status.checked_at) == (shown, after(30))


def test_two_series_cannot_be_compared() -> None:
    at = round(after(30).timestamp() * 1000)
    verdict = checked(answer=Series(({at: 0.1}, {at: 0.99})))
    assert verdict.metrics[0].reason is Reason.MULTIPLE_SERIES
    assert not verdict.breached


@pytest.mark.parametrize(
    ("points", "state"),
    [
        pytest.param({10: 0.1, 20: 0.1, 30: 0.1}, "Breaching", id="as asked for"),
        pytest.param({6: 0.1, 16: 0.1, 26: 0.1}, "Breaching", id="each a bit before"),
        pytest.param({14: 0.1, 24: 0.1, 34: 0.1}, "Breaching", id="each a bit after"),
        pytest.param({10: 0.1, 20: 0.1, 21: 0.95, 30: 0.1}, "Breaching", id="the nearest one counts"),
        pytest.param({0: 0.1, 1: 0.1, 2: 0.1}, "Unknown", id="three for one grid point are one"),
        pytest.param({40: 0.1, 50: 0.1, 60: 0.1}, "Unknown", id="a step away is too far"),
    ],
)
def test_a_point_counts_for_the_nearest_one_that_was_asked_for(points: dict[int, float], state: str) -> None:
    """Rule: R32."""
    series = {round(after(at).timestamp() * 1000): value for at, value in points.items()}
    assert checked(answer=Series((series,))).metrics[0].state.value == state


@pytest.mark.parametrize("fault", list(Fault))
def test_a_source_that_gives_no_answer_is_unknown_and_never_a_breach(fault: Fault) -> None:
    verdict = checked(answer=Unanswered(fault, "connection refused"))
    assert verdict.metrics[0].state is MetricState.UNKNOWN
    assert verdict.clean_since is None
    assert not verdict.breached


def test_an_error_counts_as_a_breach_once_it_has_lasted_for_the_asked_intervals() -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(onError="Breach"),))
    request = RangeQuery("default", "q", after(10), after(30), 10, 20)
    silence = {ACCURACY: Measurement(request, Unanswered(Fault.UNAVAILABLE, "refused"))}

    first = assessment.assess(settings, SERVING, None, silence, (), after(30))
    early = assessment.assess(settings, SERVING, None, silence, first.metrics, after(59))
    late = assessment.assess(settings, SERVING, None, silence, first.metrics, after(60))

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
    awaited = {ACCURACY: Measurement(RangeQuery("default", "q", after(10), after(30), 10, 20), Awaited())}
    verdict = assessment.assess(settings, SERVING, None, awaited, (said,), after(30))
    assert verdict.metrics == (said,)
    assert not verdict.breached
    assert verdict.clean_since is None
    not_due = assessment.assess(settings, SERVING, None, {}, (said,), after(30))
    assert [each.reason.value for each in not_due.metrics] == ["AwaitingFirstCheck"], "what is not asked does not stand"


@pytest.mark.parametrize(
    ("value", "seconds", "state", "reason", "is_clean"),
    [
        pytest.param(0.95, 9, "Passing", "WithinThreshold", False, id="a newer answer is about to come"),
        pytest.param(0.95, 15, "Passing", "WithinThreshold", True, id="one always is about to come"),
        pytest.param(0.95, 21, "Unknown", "SourceSlow", False, id="late, so nothing is proven"),
        pytest.param(0.5, 21, "Breaching", "ThresholdBreached", False, id="late, and a breach all the same"),
    ],
)
def test_an_older_answer_counts_by_how_long_it_took(
    value: float, seconds: float, state: str, reason: str, is_clean: bool
) -> None:
    """Rule: R34."""
    question, answered = next(iter(measured(Role.VALUE, value, value, value).items()))
    older = {question: replace(answered, took=timedelta(seconds=seconds), pending=True)}
    settings = Analysis(interval_seconds=10, metrics=(a_metric(),))
    verdict = assessment.assess(settings, SERVING, None, older, (), after(60))
    assert [(each.state.value, each.reason.value) for each in verdict.metrics] == [(state, reason)]
    assert (verdict.clean_since is not None) is is_clean
    assert bool(verdict.evidence) == (state == "Breaching")


def test_a_late_answer_about_an_alert_proves_no_more_than_one_about_a_number() -> None:
    for firing, reason in ((alerts(), "SourceSlow"), (alerts(5), "AlertFiring")):
        ((question, answered),) = firing.items()
        late = replace(answered, took=timedelta(seconds=121))
        assert told({question: late}, **ALERT)[1] == reason


def measured(role: Role, *values: float | None, answer: Any = None) -> dict[Question, Measurement]:
    """Return the answer to one question over three checks, 10 s apart."""
    points = {
        round(after(10 * i).timestamp() * 1000): value for i, value in enumerate(values, start=1) if value is not None
    }
    request = RangeQuery("default", "q", after(10), after(30), 10, 20)
    return {Question("accuracy", role): Measurement(request, answer or Series((points,) if points else ()))}


def told(
    *answers: dict[Question, Measurement], stable: HistoryEntry | None = None, **metric: Any
) -> tuple[str, str, str]:
    """Return state, reason and message of a metric that was answered like this."""
    settings = Analysis(interval_seconds=10, metrics=(a_metric(**metric),))
    measurements = {question: each for answer in answers for question, each in answer.items()}
    (status,) = assessment.assess(settings, SERVING, stable, measurements, (), after(30)).metrics
    return status.state.value, status.reason.value, status.message


ENOUGH: dict[str, Any] = {"minimumSamples": {"query": "s", "count": 100}}


@pytest.mark.parametrize(
    ("samples", "state", "reason"),
    [
        pytest.param((100, 100, 100), "Breaching", "ThresholdBreached", id="as many as are asked for"),
        pytest.param((100, 100, 99), "Unknown", "TooFewSamples", id="one too few in the last check"),
        pytest.param((99, 99, 100), "Passing", "WithinThreshold", id="one breach that counts is not three"),
        pytest.param((None, None, None), "Unknown", "TooFewSamples", id="no series is no sample"),
        pytest.param((NAN, NAN, NAN), "Unknown", "TooFewSamples", id="nor is NaN"),
    ],
)
def test_a_check_counts_only_with_enough_samples(samples: tuple[float, ...], state: str, reason: str) -> None:
    found = told(measured(Role.VALUE, 0.1, 0.1, 0.1), measured(Role.SAMPLES, *samples), **ENOUGH)
    assert found[:2] == (state, reason)


def test_too_few_samples_are_told_with_both_numbers() -> None:
    found = told(measured(Role.VALUE, 0.1, 0.1, 0.1), measured(Role.SAMPLES, 7, 7, 7), **ENOUGH)
    assert found[2] == "accuracy has 7 samples, minimumSamples.count is 100"


def test_while_one_of_two_answers_is_on_its_way_nothing_is_said() -> None:
    awaited = measured(Role.SAMPLES, answer=Awaited())
    assert told(measured(Role.VALUE, 0.1, 0.1, 0.1), awaited, **ENOUGH)[1] == "AwaitingFirstCheck"


def test_two_answers_about_different_times_say_nothing_together() -> None:
    ((question, answered),) = measured(Role.SAMPLES, 100, 100, 100).items()
    assert isinstance(answered.request, RangeQuery)
    older = {question: replace(answered, request=replace(answered.request, end=after(20)))}
    assert told(measured(Role.VALUE, 0.1, 0.1, 0.1), older, **ENOUGH)[1] == "AwaitingFirstCheck"


def test_of_an_answer_from_before_a_change_of_the_spec_the_last_checks_count() -> None:
    value = measured(Role.VALUE, 0.1, 0.95, 0.95)
    assert told(value, breaches={"count": 1, "of": 3})[0] == "Breaching"
    assert told(value, breaches={"count": 1, "of": 2})[0] == "Passing"


def test_a_question_about_samples_that_fails_is_an_error_of_the_metric() -> None:
    refused = measured(Role.SAMPLES, answer=Unanswered(Fault.REFUSED, "the query is refused (bad_data)"))
    assert told(measured(Role.VALUE, 0.1, 0.1, 0.1), refused, **ENOUGH)[:2] == ("Unknown", "QueryRefused")


PASSING: dict[str, Any] = {"onNoData": "Pass"}
NOTHING = (None, None, None)


@pytest.mark.parametrize(
    ("values", "state", "reason", "is_clean"),
    [
        pytest.param(NOTHING, "Passing", "NoData", True, id="no sample passes"),
        pytest.param((NAN, NAN, NAN), "Passing", "NotANumber", True, id="so does NaN"),
        pytest.param((INF, INF, INF), "Unknown", "NotANumber", False, id="but nothing infinite"),
        pytest.param((0.1, 0.1, 0.1), "Breaching", "ThresholdBreached", False, id="nor what is bad"),
        pytest.param((0.1, None, 0.1), "Passing", "NoData", False, id="the last check is a breach"),
        pytest.param((0.1, 0.1, None), "Passing", "NoData", True, id="the last check is without data"),
    ],
)
def test_no_data_may_pass(values: tuple[float | None, ...], state: str, reason: str, is_clean: bool) -> None:
    """Rule: R38."""
    verdict = checked(*values, metric=PASSING)
    assert [(each.state.value, each.reason.value) for each in verdict.metrics] == [(state, reason)]
    assert (verdict.clean_since is not None) is is_clean


def test_too_few_samples_may_pass_and_two_series_never_do() -> None:
    few = measured(Role.SAMPLES, 7, 7, 7)
    assert told(measured(Role.VALUE, 0.1, 0.1, 0.1), few, **ENOUGH, **PASSING)[:2] == ("Passing", "TooFewSamples")
    two = Series(({round(after(30).timestamp() * 1000): 0.95},) * 2)
    assert told(measured(Role.VALUE, answer=two), **PASSING)[:2] == ("Unknown", "MultipleSeries")


def test_what_passes_without_data_and_then_with_passes_all_the_time() -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(**PASSING),))
    first = assessment.assess(settings, SERVING, None, measured(Role.VALUE, *NOTHING), (), after(30))
    numbers = measured(Role.VALUE, 0.95, 0.95, 0.95)
    then = assessment.assess(settings, SERVING, None, numbers, first.metrics, after(40))
    assert [each.reason.value for each in (*first.metrics, *then.metrics)] == ["NoData", "WithinThreshold"]
    assert then.metrics[0].since == first.metrics[0].since == after(30)


def message(query: str, **metric: Any) -> tuple[str, str]:
    """Return what is said of a query before its first check, and when it gives nothing."""
    asking = {"prometheus": {"query": query}, **metric}
    nothing = {ACCURACY: Measurement(RangeQuery("default", query, after(10), after(30), 10, 20), Series(()))}
    return told(**asking)[2], told(nothing, **asking)[2]


def test_what_helps_where_no_series_means_that_all_is_well_is_told() -> None:
    helps = ". If no series means that all is well, add `or vector(0)` to the query, or set onNoData: Pass"
    assert message("m") == ("accuracy has not been checked yet", f"accuracy returned no sample{helps}")
    assert message("m", onNoData="Ignore")[1] == "accuracy returned no sample"


def test_a_comparison_that_drops_series_is_told_before_the_first_check() -> None:
    """Rule: R38."""
    to_do = "set threshold instead of the comparison, or write `> bool`"
    helps = f"the query has no value while its comparison > is false: {to_do}"
    assert message("m > 10") == (f"accuracy has not been checked yet; {helps}", f"accuracy returned no sample; {helps}")
    assert message("m > 10", onNoData="Pass") == (
        "accuracy has not been checked yet",
        "accuracy returned no sample, which passes because onNoData is Pass",
    )


@pytest.mark.parametrize(
    ("answer", "told_why"),
    [
        pytest.param(Series(({1: 1.0},)), True, id="the name is there, the label is not"),
        pytest.param(Awaited(), False, id="it is on its way"),
        pytest.param(Unanswered(Fault.REFUSED, ""), False, id="it is refused"),
        pytest.param(Series(()), False, id="nothing"),
        pytest.param(Series(({1: NAN},)), False, id="NaN"),
        pytest.param(Series(({1: INF},)), False, id="infinite"),
        pytest.param(Series(({1: -1.0},)), False, id="below zero"),
        pytest.param(Series(({1: 1e300},)), False, id="more than can be"),
    ],
)
def test_why_a_query_gives_nothing_is_told_once_it_is_known(answer: Any, told_why: bool) -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(prometheus={"query": 'm{x="1"}'}),))
    request = RangeQuery("default", 'm{x="1"}', after(10), after(30), 10, 20)
    nothing = {ACCURACY: Measurement(request, Series(()))}
    first = assessment.assess(settings, SERVING, None, nothing, (), after(30)).metrics
    why = {Question("accuracy", Role.EXPLANATION): Measurement(request, answer)}
    (then,) = assessment.assess(settings, SERVING, None, nothing | why, first, after(31)).metrics
    assert then.message.endswith('; probable cause: no series of m has x="1"') is told_why
    assert then.since == first[0].since
    assert assessment.assess(settings, SERVING, None, nothing, (then,), after(40)).metrics == (then,), "and stays so"


STABLE = an_entry(1, "0.9.0", verified_at=NOON)
LATENCY: dict[str, Any] = {"threshold": None, "compareTo": "Stable", "maxIncreasePercent": "20"}
LATENCY_BEFORE = measured(Role.BASELINE, 0.2, None, 0.3)


@pytest.mark.parametrize(
    ("values", "metric", "state", "reason"),
    [
        pytest.param((0.3, 0.3, 0.3), LATENCY, "Passing", "WithinThreshold", id="20 % above the mean is allowed"),
        pytest.param((0.31, 0.31, 0.31), LATENCY, "Breaching", "WorseThanStable", id="more is not"),
        pytest.param((0.01, 0.01, 0.01), LATENCY, "Passing", "WithinThreshold", id="less is"),
        pytest.param((0.31, 0.29, 0.31), LATENCY, "Passing", "WithinThreshold", id="two of three are not three"),
        pytest.param(
            (0.29, 0.29, 0.29), LATENCY | {"threshold": {"max": "0.28"}}, "Breaching", "ThresholdBreached", id="both"
        ),
        pytest.param(
            (0.23, 0.23, 0.23),
            {"threshold": None, "compareTo": "Stable", "maxDecreasePercent": "5"},
            "Breaching",
            "WorseThanStable",
            id="smaller can be worse",
        ),
    ],
)
def test_compared_with_the_stable_version(
    values: tuple[float, ...], metric: dict[str, Any], state: str, reason: str
) -> None:
    found = told(measured(Role.VALUE, *values), LATENCY_BEFORE, stable=STABLE, **metric)
    assert found[:2] == (state, reason)


def test_a_comparison_is_told_with_both_numbers() -> None:
    found = told(measured(Role.VALUE, 0.4, 0.4, 0.4), LATENCY_BEFORE, stable=STABLE, **LATENCY)
    assert found[2] == "accuracy is 0.4, more than 20 % above 0.25 of 0.9.0, in 3 of 3 checks"


def test_percentages_are_of_the_absolute_value() -> None:
    below_zero = measured(Role.BASELINE, -1, -1, -1)
    assert told(measured(Role.VALUE, -0.9, -0.9, -0.9), below_zero, stable=STABLE, **LATENCY)[0] == "Passing"
    assert told(measured(Role.VALUE, -0.7, -0.7, -0.7), below_zero, stable=STABLE, **LATENCY)[0] == "Breaching"


@pytest.mark.parametrize(
    "baseline",
    [
        pytest.param(measured(Role.BASELINE, None, None, None), id="there was no sample"),
        pytest.param(measured(Role.BASELINE, NAN, INF, NAN), id="there was no number"),
        pytest.param(measured(Role.BASELINE, answer=Series(({1: 1.0}, {1: 2.0}))), id="there were two series"),
    ],
)
def test_without_a_baseline_it_cannot_be_told(baseline: dict[Question, Measurement]) -> None:
    found = told(measured(Role.VALUE, 0.9, 0.9, 0.9), baseline, stable=STABLE, **LATENCY)
    assert found[:2] == ("Unknown", "NoBaseline")
    with_threshold = LATENCY | {"threshold": {"max": "0.5"}}
    found = told(measured(Role.VALUE, 0.9, 0.9, 0.9), baseline, stable=STABLE, **with_threshold)
    assert found[:2] == ("Breaching", "ThresholdBreached"), "a threshold protects all the same"


def test_the_first_version_is_compared_with_nothing() -> None:
    assert told(measured(Role.VALUE, 9, 9, 9), **LATENCY)[:2] == ("Passing", "NothingToCompare")
    assert told(**LATENCY)[:2] == ("Unknown", "AwaitingFirstCheck")


def alerts(*since: float, answer: Any = None, undefined: frozenset[str] = frozenset()) -> dict[Question, Measurement]:
    firing = Alerts(tuple(Alert({"alertname": "Slow"}, after(each)) for each in since), undefined)
    request = AlertQuery("default", after(30), (LabelMatcher("alertname", ("Slow",)),))
    return {ACCURACY: Measurement(request, answer or firing)}


ALERT: dict[str, Any] = {"prometheus": None, "threshold": None, "alert": {"matchLabels": {"alertname": "Slow"}}}


@pytest.mark.parametrize(
    ("answer", "state", "reason", "message"),
    [
        pytest.param(alerts(), "Passing", "NoAlertFiring", "accuracy: alert Slow does not fire", id="none fires"),
        pytest.param(
            alerts(0),
            "Breaching",
            "AlertFiring",
            "accuracy: alert Slow fires since 2026-01-01T12:00:00Z",
            id="one fires that began with the revision",
        ),
        pytest.param(
            alerts(-1),
            "Unknown",
            "AlertFiringBefore",
            "accuracy: alert Slow fires since 2026-01-01T11:59:59Z, before this revision was available, so "
            "it is not known whether this revision is the cause",
            id="one fires that began before",
        ),
        pytest.param(
            alerts(undefined=frozenset({"Slow"})),
            "Unknown",
            "AlertUnknown",
            "accuracy: metric source default has no alerting rule Slow",
            id="nobody defined it",
        ),
        pytest.param(
            alerts(10, undefined=frozenset({"Slow"})),
            "Breaching",
            "AlertFiring",
            "accuracy: alert Slow fires since 2026-01-01T12:00:10Z",
            id="it fires, so somebody did",
        ),
        pytest.param(
            alerts(-1, 20, 10),
            "Breaching",
            "AlertFiring",
            "accuracy: alert Slow fires since 2026-01-01T12:00:10Z",
            id="the oldest of its own is told",
        ),
        pytest.param(
            alerts(answer=Unanswered(Fault.UNAVAILABLE, "HTTP 503")),
            "Unknown",
            "SourceUnavailable",
            "accuracy cannot be read from metric source default: HTTP 503",
            id="nobody knows",
        ),
    ],
)
def test_alerts(answer: dict[Question, Measurement], state: str, reason: str, message: str) -> None:
    assert told(answer, **ALERT) == (state, reason, message)


@pytest.mark.parametrize("label", ["${version}", "template ${templateHash}"])
def test_an_alert_with_a_label_of_the_revision_is_its_own_from_its_beginning_on(label: str) -> None:
    """Rule: R42."""
    begun = (SERVING.started_at - NOON).total_seconds()
    assert begun < 0, "it was recorded before its first pod was available"
    named = ALERT | {"alert": {"matchLabels": {"alertname": "Slow", "of": label}}}
    assert told(alerts(begun), **named)[:2] == ("Breaching", "AlertFiring")
    before = told(alerts(begun - 1), **named)
    assert before[:2] == ("Unknown", "AlertFiringBefore")
    assert "before this revision began" in before[2]


def test_an_alert_that_names_a_revision_may_begin_in_the_very_second_in_which_it_was_recorded() -> None:
    """Prometheus tells when it began in whole seconds, rounded down."""
    recorded = SERVING.model_copy(update={"started_at": SERVING.started_at + timedelta(milliseconds=86)})
    begun = (SERVING.started_at - NOON).total_seconds()
    named = a_metric(**ALERT | {"alert": {"matchLabels": {"alertname": "Slow", "of": "${version}"}}})
    verdict = assessment.assess(
        Analysis(interval_seconds=10, metrics=(named,)), recorded, None, alerts(begun), (), after(30)
    )
    assert [each.state for each in verdict.metrics] == ["Breaching"]


def test_an_alert_needs_no_second_check() -> None:
    verdict = assessment.assess(
        Analysis(interval_seconds=10, metrics=(a_metric(**ALERT),)), SERVING, None, alerts(10), (), after(30)
    )
    assert [each.metric for each in verdict.evidence] == ["accuracy"]
    assert verdict.evidence[0].value == "1 firing"


def test_from_an_observed_metric_nothing_follows() -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(mode="Observe"),))
    verdict = assessment.assess(settings, SERVING, None, measured(Role.VALUE, 0.1, 0.1, 0.1), (), after(30))
    assert verdict.metrics[0].state is MetricState.BREACHING
    assert verdict.metrics[0].message.endswith("in 3 of 3 checks; mode is Observe, so this has no effect")
    assert (verdict.breached, verdict.breaching, verdict.enforced) == ((), (), ())
    assert verdict.clean_since == NOON


@pytest.mark.parametrize(
    ("answer", "metric", "suspected"),
    [
        pytest.param(measured(Role.VALUE, 0.95, 0.95, 0.1), {}, {"default": True}, id="the newest check is a breach"),
        pytest.param(measured(Role.VALUE, 0.1, 0.1, 0.95), {}, {"default": False}, id="the newest check passes"),
        pytest.param({}, {}, {}, id="nothing was answered yet"),
        pytest.param(
            measured(Role.VALUE, answer=Unanswered(Fault.UNAVAILABLE, "")), {}, {}, id="the source did not answer"
        ),
        pytest.param(
            measured(Role.VALUE, answer=Unanswered(Fault.UNAVAILABLE, "")),
            {"onError": "Breach"},
            {"default": True},
            id="the source did not answer, and that is a breach",
        ),
        pytest.param(measured(Role.VALUE, 0.1, 0.1, 0.1), {"mode": "Observe"}, {}, id="it is only observed"),
        pytest.param(alerts(10), ALERT, {"default": True}, id="an alert fires"),
        pytest.param(alerts(-10), ALERT, {"default": False}, id="an alert fires that began before"),
    ],
)
def test_what_a_source_is_suspected_of(
    answer: dict[Question, Measurement], metric: dict[str, Any], suspected: dict[str, bool]
) -> None:
    settings = Analysis(interval_seconds=10, metrics=(a_metric(**metric),))
    assert assessment.suspicions(settings, SERVING, None, answer) == suspected
