"""A value in a query stays inside its string and means itself: as a real Prometheus parses and answers it.

In real life the schema keeps quotes out of all of these values; nothing here rests on that.

Rule: R37.
"""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.hostile import HOSTILE
from contract.prometheus_server import PrometheusServer
from pennant.api.promql import NAMES
from pennant.core.analysis.query_template import substituted
from pennant.core.facts.measurement import RangeQuery
from pennant.metrics.prometheus import Prometheus, PrometheusSettings
from rig import Rig
from simulation.support.sources import Sample

BEGIN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
QUOTES = ('"', "'", "`")
# Each series says by its value which label it has; beside each is one that a careless match would find too.
SAMPLES = [
    *(Sample("hostile", {"value": value}, 0, float(number)) for number, value in enumerate(HOSTILE.values())),
    *(Sample("hostile", {"value": f"{value}-"}, 0, -1.0) for value in HOSTILE.values()),
    *(Sample("hostile", {"value": value}, 0, -2.0) for value in ("", "x", "harmless")),
]
HARMLESS = dict.fromkeys(NAMES, "harmless")


@pytest.fixture(scope="module")
def server(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    started = PrometheusServer(rig, tmp_path_factory.mktemp("prometheus"), BEGIN, SAMPLES)
    yield started
    started.close()


def every(value: str) -> Mapping[str, str]:
    """Return this value for every placeholder."""
    return dict.fromkeys(NAMES, value)


def parsed(server: PrometheusServer, query: str) -> Any:
    form = urllib.parse.urlencode({"query": query}).encode()
    with urllib.request.urlopen(f"{server.url}/api/v1/parse_query", data=form, timeout=10) as answer:
        return json.load(answer)["data"]


def replaced(tree: Any, old: str, new: str) -> Any:
    """Return a syntax tree with a part of all of its strings replaced."""
    if isinstance(tree, dict):
        return {name: replaced(each, old, new) for name, each in tree.items()}
    if isinstance(tree, list):
        return [replaced(each, old, new) for each in tree]
    return tree.replace(old, new) if isinstance(tree, str) else tree


async def found(server: PrometheusServer, query: str) -> list[float]:
    """Return the value of each series that the query gives."""
    source = Prometheus("default", PrometheusSettings(url=server.url), lambda *_: None)
    answer = await source.query_range(RangeQuery("default", query, BEGIN, BEGIN, 1, 1))
    await source.aclose()
    return [value for series in answer.series for value in series.values()]


@pytest.mark.parametrize("quote", QUOTES, ids=["double", "single", "back"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_query_keeps_its_shape_and_its_string_is_the_value(
    server: PrometheusServer, hostile: str, quote: str
) -> None:
    matchers = ",".join(f"{name}={quote}before ${{{name}}} after{quote}" for name in NAMES)
    query = f'sum(m{{{matchers}, end="end"}}) / ignoring(x) label_replace(m, "x", {quote}${{model}}{quote}, "", "")'
    harmless = parsed(server, substituted(query, HARMLESS))
    assert parsed(server, substituted(query, every(hostile))) == replaced(harmless, "harmless", hostile)


@pytest.mark.parametrize("quote", QUOTES, ids=["double", "single", "back"])
@pytest.mark.parametrize(("name", "hostile"), HOSTILE.items(), ids=HOSTILE.keys())
async def test_a_value_matches_exactly_the_series_that_has_it(
    server: PrometheusServer, name: str, hostile: str, quote: str
) -> None:
    number = [float(list(HOSTILE).index(name))]
    assert await found(server, substituted(f"hostile{{value={quote}${{version}}{quote}}}", every(hostile))) == number
    regex = substituted(f"hostile{{value=~{quote}(${{version}}|none){quote}}}", every(hostile))
    assert await found(server, regex) == number, "in a regular expression the value means itself"
    others = substituted(f"count(hostile{{value!~ # not\n {quote}${{version}}{quote}}})", every(hostile))
    assert await found(server, others) == [len(SAMPLES) - 1]


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_value_never_stands_outside_of_a_string_or_ends_a_comment(server: PrometheusServer, hostile: str) -> None:
    comment = substituted("m # ${version}\n + n", every(hostile))
    assert parsed(server, comment) == parsed(server, "m + n")
    assert substituted("rate(m[${window}])", every(hostile)) == "rate(m[${window}])"
    assert substituted("m_${version}", every(hostile)) == "m_${version}"


def test_the_window_stands_for_a_duration(server: PrometheusServer) -> None:
    query = substituted("sum_over_time(m[${window}:${window}] offset ${window}) > ${window}", {"window": "30s"})
    assert parsed(server, query) == parsed(server, "sum_over_time(m[30s:30s] offset 30s) > 30s")


@pytest.mark.parametrize("text", [r"a\d+\.b", 'say "x"', "two\nlines", r"\u0041", "a`b"[:1]], ids=repr)
def test_a_string_in_back_quotes_means_the_same_as_before(server: PrometheusServer, text: str) -> None:
    raw = parsed(server, f"m{{x=`{text}`,y=`{text}end`}}")
    assert parsed(server, substituted(f"m{{x=`{text}`,y=`{text}${{name}}`}}", {"name": "end"})) == raw
