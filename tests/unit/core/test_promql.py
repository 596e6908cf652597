"""As much of PromQL as must be known of a query."""

import pytest

from pennant.core.promql import Matcher, Selector, reach, selectors

MINUTE, HOUR = 60, 3600
REACHES: list[tuple[str, int | None]] = [
    ("errors", 10),
    ("sum(rate(errors[5m]))", 5 * MINUTE),
    ("rate(errors[1h30m])", 90 * MINUTE),
    ("rate(errors[${window}])", 10),
    ("rate(errors[90])", 90),
    ("rate(errors[500ms])", 1),
    ("rate(errors[5m]) / rate(requests[10m])", 10 * MINUTE),
    ("rate(errors[10m]) / rate(requests[5m])", 10 * MINUTE),
    ("max_over_time(rate(errors[5m])[1h:1m])", HOUR + 5 * MINUTE),
    ("max_over_time(errors[1h:])", HOUR + 10),
    ("max_over_time((rate(errors[5m]) + requests)[1h:1m])", HOUR + 5 * MINUTE),
    ("errors offset 1h", HOUR + 10),
    ("errors @ end() offset 1h", HOUR + 10),
    ("rate(errors[5m] offset 1h)", HOUR + 5 * MINUTE),
    ("errors offset -5m", 10),
    ("errors OFFSET 5m or errors offset 1w", 604_800 + 10),
    ("sum by (le) (rate(errors[5m])) / on (le) group_left () sum without (pod) (rate(requests[1m]))", 5 * MINUTE),
    ("histogram_quantile(0.99, sum by(le) (rate(errors_bucket[2m])))", 2 * MINUTE),
    ('rate(errors{path="[1h]"}[5m])', 5 * MINUTE),
    ("rate(errors{path='}[1h]'}[5m])", 5 * MINUTE),
    ("rate(errors[5m]) # not [1h]", 5 * MINUTE),
    ('label_replace(rate(errors[5m]), "a", "[1h]", "b", "(.*)")', 5 * MINUTE),
    ("vector(1)", None),
    ("time() > bool 5", None),
    ('errors{version="${version}"}', None),
    ('rate(errors{version="${version}"}[5m])', None),
    ('sum(rate(errors{version=~"${version}|x"}[5m])) by (le)', None),
    ('max_over_time(rate(errors{version="${version}"}[5m])[1h:1m])', None),
    ('rate(errors{version="${version}"}[5m]) / rate(requests[10m])', 10 * MINUTE),
    ('rate(errors{version!="${version}"}[5m])', 5 * MINUTE),
    ('rate(errors{model="${model}"}[5m]) # ${version}', 5 * MINUTE),
    ("rate(errors[1.5m])", 90),
    ("rate(errors[3i])", 30),
]
"""How far queries reach back where the interval is 10 s and the version is new."""
OF_OTHERS = ("rate(errors[1.5m])", "rate(errors[3i])")
"""Those of them that VictoriaMetrics understands, and Prometheus does not."""


@pytest.mark.parametrize(("query", "seconds"), REACHES, ids=lambda each: str(each))
def test_how_far_back_a_query_reaches(query: str, seconds: int | None) -> None:
    assert reach(query, 10, frozenset({"version"})) == seconds


@pytest.mark.parametrize("query", ["rate(errors[5m", "((((", "))))", "[5m]", "offset", "{", "errors[]", '"', ""])
def test_what_is_no_query_does_no_harm(query: str) -> None:
    reach(query, 10, frozenset())


def test_what_a_query_selects() -> None:
    query = 'sum by (a) (rate(m{x="1",y=~`a,b}`}[5m])) / {__name__="n"} + up'
    assert selectors(query) == (
        Selector("m", (Matcher("x", "=", '"1"'), Matcher("y", "=~", "`a,b}`"))),
        Selector("", (Matcher("__name__", "=", '"n"'),)),
        Selector("up", ()),
    )
