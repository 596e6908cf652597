"""When a revision's metrics are read, and what their placeholders become."""

from typing import Any

import pytest

from pennant.api.deployment_status import MetricState, MetricStatus, ModelDeploymentStatus, Stable
from pennant.api.history import Outcome
from pennant.api.reasons import Reason
from pennant.core.analysis import grid, query_template, schedule
from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts, LabelMatcher, alert_names, reads_alerts
from pennant.core.analysis.kinds.prometheus import settling_seconds
from pennant.core.facts.measurement import Question, RangeQuery
from pennant.core.facts.observation import Key
from unit.core.builders import NOON, a_metric, after, an_entry, the_spec


def due(seconds: float, **fields: Any) -> RangeQuery | None:
    entry = an_entry(outcome=Outcome.SERVING, **({"available_at": NOON} | fields))
    spec = the_spec()
    status = ModelDeploymentStatus(history=(entry,))
    request = schedule.due_measurements(Key("default", "fraud"), spec, status, after(seconds)).get(Question("accuracy"))
    assert request is None or isinstance(request, RangeQuery)
    return request


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
    """Rule: R30."""
    request = due(seconds)
    assert request is not None
    assert (request.start, request.end, request.lookback_seconds) == (after(start), after(end), lookback)


@pytest.mark.parametrize(
    ("available", "delay", "first"),
    [
        pytest.param(0, 0, 10, id="available on a grid point"),
        pytest.param(0.001, 0, 20, id="an instant later"),
        pytest.param(9.999, 0, 20, id="an instant before the next one"),
        pytest.param(3, 7, 20, id="delay and interval together are on one"),
        pytest.param(3, 8, 30, id="and a second later"),
    ],
)
def test_the_first_check_is_the_first_grid_point_after_delay_and_interval(
    available: float, delay: int, first: float
) -> None:
    settings = the_spec(analysis={"intervalSeconds": 10, "initialDelaySeconds": delay}).analysis
    entry = an_entry(available_at=after(available))
    assert grid.first_check_at(settings, entry.available_at) == after(first)
    assert grid.checks_done(settings, entry.available_at, after(first - 0.001)) == 0
    assert grid.checks_done(settings, entry.available_at, after(first)) == 1
    assert schedule.next_check_at(settings, entry, NOON) == after(first)
    assert schedule.next_check_at(settings, entry, after(first)) == after(first + 10)


RANGE = 'rate(errors{version="${version}"}[45s])'


@pytest.mark.parametrize(
    ("query", "before", "analysis", "seconds"),
    [
        pytest.param(RANGE, {}, {}, 0, id="series of a version that is new"),
        pytest.param(RANGE, {"version": "1.1.0"}, {}, 45, id="the version served with another template"),
        pytest.param(RANGE.replace("${version}", "${templateHash}"), {"version": "1.1.0"}, {}, 0, id="which it names"),
        pytest.param(
            RANGE.replace("${version}", "${templateHash}"),
            {"template_hash": "hash-1.1.0"},
            {},
            45,
            id="it served before",
        ),
        pytest.param("rate(errors[45s])", {}, {}, 45, id="series of all versions"),
        pytest.param("errors", {}, {}, 10, id="a sample of all versions"),
        pytest.param("errors", {}, {"settleSeconds": 60}, 60, id="a recording rule hides a range"),
        pytest.param("rate(errors[45s])", {}, {"settleSeconds": 0}, 0, id="the user knows better"),
        pytest.param(RANGE, {}, {"settleSeconds": 60}, 0, id="nothing has to settle"),
    ],
)
def test_what_may_show_what_was_there_before_is_checked_when_that_is_over(
    query: str, before: dict[str, str], analysis: dict[str, int], seconds: int
) -> None:
    """Rule: R31."""
    metric = a_metric(prometheus={"query": query})
    earlier = an_entry(1, **({"version": "1.0.0", "template_hash": "another"} | before))
    entry = an_entry(2, "1.1.0", available_at=NOON)
    settings = the_spec(analysis={"intervalSeconds": 10, **analysis}).analysis
    assert metric.prometheus is not None
    assert settling_seconds(settings, metric, metric.prometheus, entry, (earlier, entry)) == seconds


def test_each_metric_has_its_own_first_check_and_samples_are_as_old_as_the_metric() -> None:
    long = {"name": "long", "prometheus": {"query": "rate(m[1m])"}, "threshold": {"max": "1"}}
    counted = ERRORS | {"minimumSamples": {"query": "increase(seen[2m])", "count": 1}}
    alerted = ALERTED | {"name": "alerted"}
    firsts = {
        name: min(now for now in range(0, 300, 10) if f"{name}/value" in asked(now, long, counted, alerted))
        for name in ("long", "errors", "alerted")
    }
    assert firsts == {"alerted": 40, "long": 30 + 60, "errors": 30 + 120}


@pytest.mark.parametrize("interval", [1, 7, 60, 86_400])
def test_checks_are_made_at_whole_multiples_of_the_interval(interval: int) -> None:
    """Rule: R32."""
    settings = the_spec(analysis={"intervalSeconds": interval}).analysis
    first = grid.first_check_at(settings, after(3.123))
    assert first is not None
    assert first.timestamp() % interval == 0


def test_nothing_is_measured_without_an_available_pod_or_after_the_revision_ended() -> None:
    assert due(100, available_at=None) is None
    assert due(100, ended_at=after(50)) is None


def asked(
    now: float,
    *metrics: dict[str, Any],
    stable: bool = True,
    hinted_at: float | None = None,
    said: tuple[MetricStatus, ...] = (),
    pod_template_hash: str | None = None,
    of_stable: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the questions about revision 2, which became available at noon, by metric and role."""
    entries = (
        an_entry(
            1,
            "1.0.0",
            **{"available_at": after(-900), "verified_at": after(-600), "ended_at": after(-5), **(of_stable or {})},
        ),
        an_entry(2, "1.1.0", started_at=after(-5), available_at=NOON, pod_template_hash=pod_template_hash),
    )
    known = Stable(version="1.0.0", revision=1) if stable else None
    status = ModelDeploymentStatus(history=entries, stable=known, analysis=said)
    spec = the_spec(analysis={"intervalSeconds": 10, "initialDelaySeconds": 30, "metrics": list(metrics)})
    hint = None if hinted_at is None else after(hinted_at)
    due = schedule.due_measurements(Key("ns", "fraud"), spec, status, after(now), hint)
    return {f"{question.metric}/{question.role}": request for question, request in due.items()}


ERRORS = {"name": "errors", "prometheus": {"query": 'errors{version="${version}"}'}, "threshold": {"max": "1"}}
COMPARED = ERRORS | {"compareTo": "Stable", "maxIncreasePercent": "10"}
ALERTED = {
    "name": "slow",
    "alert": {"matchLabels": {"alertname": "Slow", "version": "${version}", "ns": "${namespace}"}},
}


def test_the_number_of_samples_is_asked_for_at_the_same_times() -> None:
    found = asked(95, ERRORS | {"minimumSamples": {"query": 'seen{version="${version}"}', "count": 100}})
    value, samples = found["errors/value"], found["errors/samples"]
    assert samples.query == 'seen{version="1.1.0"}'
    assert (samples.start, samples.end, samples.step_seconds) == (value.start, value.end, value.step_seconds)


@pytest.mark.parametrize(
    ("stable", "start", "end", "lookback"),
    [
        pytest.param({}, -30, -10, 20, id="the last checks before it ended"),
        pytest.param({"ended_at": after(-300)}, -320, -300, 20, id="another revision served since"),
        pytest.param({"ended_at": after(30)}, -30, -10, 20, id="it ended later than the next one began"),
        pytest.param({"available_at": after(-65)}, -20, -10, 10, id="it had two checks alone"),
        pytest.param({"available_at": after(-55)}, -10, -10, 10, id="it had one check alone"),
        pytest.param({"available_at": after(-40)}, None, None, None, id="it was never checked"),
    ],
)
def test_the_baseline_is_what_the_stable_version_had_while_it_served(
    stable: dict[str, Any], start: float | None, end: float | None, lookback: int | None
) -> None:
    """Rule: R41."""
    baseline = asked(95, COMPARED, of_stable=stable).get("errors/baseline")
    if start is None or end is None:
        assert baseline is None
        return
    assert baseline is not None
    assert baseline.query == 'errors{version="1.0.0"}'
    assert (baseline.start, baseline.end, baseline.lookback_seconds) == (after(start), after(end), lookback)


def test_without_another_verified_version_there_is_no_baseline() -> None:
    assert asked(95, COMPARED, stable=False).keys() == {"errors/value"}


def test_a_verified_version_is_compared_with_nothing() -> None:
    entry = an_entry(1, "1.0.0", available_at=NOON, verified_at=after(60))
    status = ModelDeploymentStatus(history=(entry,), stable=Stable(version="1.0.0", revision=1))
    assert schedule.compared_with(status, entry) is None


@pytest.mark.parametrize(
    ("now", "hinted_at", "at"),
    [
        pytest.param(39, None, None, id="not before the first check"),
        pytest.param(40, None, 40, id="at the first check"),
        pytest.param(58, None, 50, id="between two checks the last one stands"),
        pytest.param(58, 57, 57, id="a hint asks once more"),
        pytest.param(61, 57, 60, id="until the next check"),
        pytest.param(35, 31, 31, id="a hint may come before the first check"),
        pytest.param(35, 29, None, id="but not within the initial delay"),
    ],
)
def test_when_alerts_are_asked_for(now: float, hinted_at: float | None, at: float | None) -> None:
    found = asked(now, ALERTED, hinted_at=hinted_at)
    demands = (LabelMatcher("alertname", ("Slow",)), LabelMatcher("ns", ("ns",)), LabelMatcher("version", ("1.1.0",)))
    query = AlertQuery("default", after(0 if at is None else at), demands, 10, 2, ("ns", "fraud"))
    assert found == ({} if at is None else {"slow/value": query})


@pytest.mark.parametrize(
    ("reason", "message", "revision", "is_asked"),
    [
        pytest.param(Reason.NO_DATA, "errors returned no sample", 2, True, id="it gave nothing"),
        pytest.param(Reason.NO_DATA, "errors returned no sample; probable cause: x", 2, False, id="it is told why"),
        pytest.param(Reason.NO_DATA, "errors returned no sample", 1, False, id="the revision before gave nothing"),
        pytest.param(Reason.NOT_A_NUMBER, "errors is nan", 2, False, id="it gave something"),
    ],
)
def test_it_is_asked_why_a_query_gave_nothing(reason: Reason, message: str, revision: int, is_asked: bool) -> None:
    said = MetricStatus(
        name="errors", revision=revision, state=MetricState.UNKNOWN, reason=reason, message=message, since=after(71)
    )
    first, later = (asked(now, ERRORS, said=(said,)).get("errors/explanation") for now in (95, 195))
    assert (first is not None) is is_asked
    assert first == later, "one question, whatever the time"
    if first is not None:
        assert (first.start, first.end, first.lookback_seconds) == (after(70), after(70), 300)
        assert 'count(errors{version="1.1.0"})' in first.query


HASHED = ERRORS | {"prometheus": {"query": 'errors{pod=~"${name}-${podTemplateHash}-.*"}'}}
FIRING = {"name": "slow", "alert": {"matchLabels": {"alertname": "Slow", "hash": "${podTemplateHash}"}}}


@pytest.mark.parametrize(
    "metric", [HASHED, ERRORS | {"minimumSamples": {"query": 'm{x="${podTemplateHash}"}', "count": 1}}, FIRING]
)
def test_a_query_that_names_pods_by_their_hash_is_asked_when_that_is_known(metric: dict[str, Any]) -> None:
    """Rule: R39."""
    assert asked(95, metric) == {}
    assert asked(95, metric, pod_template_hash="5d7c9f8b6")
    assert schedule.needs_pod_template_hash(the_spec(analysis={"metrics": [metric]}))
    assert not schedule.needs_pod_template_hash(the_spec(analysis={"metrics": [ERRORS, ALERTED]}))


def test_the_hash_of_pods_is_that_of_the_revision_that_is_asked_for() -> None:
    compared = HASHED | {"compareTo": "Stable", "maxIncreasePercent": "10"}
    found = asked(95, compared, pod_template_hash="5d7c9f8b6", of_stable={"pod_template_hash": "6f9c"})
    assert found["errors/value"].query == 'errors{pod=~"fraud-5d7c9f8b6-.*"}'
    assert found["errors/baseline"].query == 'errors{pod=~"fraud-6f9c-.*"}'
    assert "errors/baseline" not in asked(95, compared, pod_template_hash="5d7c9f8b6"), "nobody knows that of long ago"


@pytest.mark.parametrize(
    ("expression", "met", "not_met"),
    [
        ({"operator": "In", "values": ["a", "b"]}, ["a", "b"], ["c", ""]),
        ({"operator": "NotIn", "values": ["a", "b"]}, ["c", ""], ["a", "b"]),
        ({"operator": "Exists"}, ["a"], [""]),
        ({"operator": "DoesNotExist"}, [""], ["a"]),
        ({"operator": "In", "values": ["${version}"]}, ["1.1.0"], ["${version}"]),
    ],
    ids=lambda each: str(each),
)
def test_labels_of_alerts_are_compared_as_those_of_kubernetes_are(
    expression: dict[str, Any], met: list[str], not_met: list[str]
) -> None:
    selector = {"matchLabels": {"alertname": "Slow"}, "matchExpressions": [{"key": "x", **expression}]}
    found = asked(95, {"name": "slow", "alert": selector})["slow/value"]
    alerts = Alerts(tuple(Alert({"alertname": "Slow"} | ({"x": each} if each else {}), NOON) for each in met + not_met))
    assert [each.labels.get("x", "") for each in alerts.matching(found.demands).firing] == met


def test_alerts_of_several_names_can_be_asked_for() -> None:
    named = {"matchExpressions": [{"key": "alertname", "operator": "In", "values": ["Slow", "Wrong-${model}"]}]}
    found = asked(95, {"name": "slow", "alert": named})["slow/value"]
    assert found.names == ("Slow", "Wrong-fraud")
    analysis = the_spec(analysis={"metrics": [{"name": "slow", "alert": named}]}).analysis
    assert reads_alerts(alert_names(analysis), frozenset({"Slow"}))


@pytest.mark.parametrize(
    ("selector", "own"),
    [
        ({"matchLabels": {"version": "${version}"}}, True),
        ({"matchLabels": {"x": "fraud-${podTemplateHash}"}}, True),
        ({"matchLabels": {"model": "${model}"}}, False),
        ({"matchExpressions": [{"key": "version", "operator": "In", "values": ["${version}"]}]}, True),
        ({"matchExpressions": [{"key": "version", "operator": "In", "values": ["${version}", "1.0.0"]}]}, False),
        ({"matchExpressions": [{"key": "version", "operator": "NotIn", "values": ["${version}"]}]}, False),
    ],
    ids=lambda each: str(each),
)
def test_whether_an_alert_is_about_the_revision_alone(selector: dict[str, Any], own: bool) -> None:
    selector["matchLabels"] = selector.get("matchLabels", {}) | {"alertname": "Slow"}
    alert = a_metric(prometheus=None, threshold=None, alert=selector).alert
    assert alert is not None
    assert alert.names_the_revision is own


def test_a_hint_changes_no_question_about_numbers() -> None:
    assert asked(58, ERRORS, hinted_at=57) == asked(58, ERRORS)


def test_a_query_is_filled_with_what_the_revision_is() -> None:
    text = 'a{b="${namespace}/${name}",c=\'${model}-${version}\',d="${templateHash}",e="${stableVersion}"}[${window}]'
    found = asked(95, ERRORS | {"prometheus": {"query": text}})["errors/value"].query
    assert found == 'a{b="ns/fraud",c=\'fraud-1.1.0\',d="hash-1.1.0",e="1.0.0"}[10s]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('m{x="${model}"}', 'm{x="a.b"}'),
        ('m{x=~"${model}.*"}', r'm{x=~"a\u005c.b.*"}'),
        ("m{x!~ # why\n '${model}|c'}", "m{x!~ # why\n 'a\\u005c.b|c'}"),
        (r"m{x=`\d${model}`}", r'm{x="\u005cda.b"}'),
        (r"m{x=`\d`}", r"m{x=`\d`}"),
        ("m # ${model}", "m # ${model}"),
        ('m{x="${other} ${1} $model"}', 'm{x="${other} ${1} $model"}'),
        (r'm{x="\${model}"}', r'm{x="\${model}"}'),
        (r'm{x="\\${model}"}', r'm{x="\\a.b"}'),
        ("m_${model}", "m_${model}"),
        ('m{x="ends not ${model}', 'm{x="ends not ${model}'),
    ],
    ids=repr,
)
def test_a_value_is_put_into_strings_only_and_means_itself(text: str, expected: str) -> None:
    assert query_template.substituted(text, {"model": "a.b"}) == expected
