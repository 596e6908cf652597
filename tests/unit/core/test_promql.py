"""As much of PromQL as must be known of a query."""

import pytest

from pennant.core.analysis.promql import Matcher, Selector, filters, lacking, probe, reach, selectors

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


@pytest.mark.parametrize("duration", ["999999999y", f"{'9' * 400}d", "9" * 5000], ids=["long", "longer", "digits"])
def test_nothing_reaches_back_further_than_a_year(duration: str) -> None:
    for query in (f"rate(errors[{duration}])", f"errors offset {duration}", f"rate(errors[5m])[{duration}:1m]"):
        assert reach(query, 10, frozenset()) == 365 * 24 * HOUR


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


TWO = 'sum(rate(m{x="1",y=~"a|b"}[5m])) / sum(n)'


def test_a_probe_counts_each_part_of_each_selector_as_one_bit() -> None:
    assert probe(TWO) == (
        "((count(m) > bool 0) * 1 or vector(0))"
        ' + ((count(m{x="1"}) > bool 0) * 2 or vector(0))'
        ' + ((count(m{y=~"a|b"}) > bool 0) * 4 or vector(0))'
        ' + ((count(m{x="1",y=~"a|b"}) > bool 0) * 8 or vector(0))'
        " + ((count(n) > bool 0) * 16 or vector(0))"
    )


@pytest.mark.parametrize(
    ("query", "value", "words"),
    [
        (TWO, 0, "no series has the name m"),
        (TWO, 0b10101, 'no series of m has x="1"'),
        (TWO, 0b10001, 'no series of m has x="1" and no series of m has y=~"a|b"'),
        (TWO, 0b10111, "no series of m has all of these labels together"),
        (TWO, 0b01111, "no series has the name n"),
        (
            TWO,
            0b11111,
            "every selector matches series: a range is too short, or "
            "the two sides of an operator have different labels",
        ),
        ('m{x="1"}', 0b01, 'no series of m has x="1"'),
        ('{x="1",y!="2"}', 0b00, 'no series has x="1"'),
        ('{x="1",y!="2"}', 0b01, "no series has all of these labels together"),
    ],
)
def test_what_a_query_lacks_is_told_by_its_probe(query: str, value: float, words: str) -> None:
    assert lacking(query, value) == words


def test_a_probe_fits_into_a_number_however_long_the_query_is() -> None:
    matchers = ",".join(f'l{number}="{number}"' for number in range(40))
    many = " + ".join(f"m{number}{{{matchers}}}" for number in range(40))
    assert probe(many).count("count(") <= 53
    assert probe("vector(1)") == ""
    assert probe("{x!='1'}") == "", "nothing could be asked"


FILTERS = [
    ("m > 10", ">"),
    ("(m) >= 10", ">="),
    ("((m != 10))", "!="),
    ("sum(rate(m[5m])) / sum(rate(n[5m])) > 0.05", ">"),
    ("sum by (le) (m) < 10", "<"),
    ("10 == m", "=="),
    ("(m > 10) * 2", ">"),
    ("m > 10 and n", ">"),
    ("m > bool 10", ""),
    ("m >  BOOL 10", ""),
    ("m > bool 10 < 3", "<"),
    ("m > 10 or vector(0)", ""),
    ("(m > 10 or vector(0)) * 2", ""),
    ("sum(m > 10)", ""),
    ("sum by (a) (m > 10)", ""),
    ('m{x!="1",y=~">"}', ""),
    ("m # > 10", ""),
    ('label_replace(m, "a", ">", "b", "c")', ""),
    ("m", ""),
]


@pytest.mark.parametrize(("query", "comparison"), FILTERS)
def test_a_comparison_that_drops_series_is_seen_at_the_top_of_a_query(query: str, comparison: str) -> None:
    """Rule: R38."""
    assert filters(query) == comparison
