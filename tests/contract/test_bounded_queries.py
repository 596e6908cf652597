"""Queries that are bounded to a namespace, and a real Prometheus: it reads no series of another one, by no trick.

A second server has the series of that namespace alone. What it answers to a query as it is written is what the first
one, with the series of all, must answer to the bounded one.

Rule: R185.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.prometheus_server import PrometheusServer
from pennant.core.facts.measurement import RangeQuery, Series
from pennant.metrics.bounded_query import bounded
from pennant.metrics.config import load
from pennant.metrics.promql_words import FUNCTIONS, KEYWORDS
from pennant.ports import NotPermitted, Refused
from pennant.runtime.app import SystemClock
from rig import Rig
from simulation.support.sources import Sample

BEGIN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
OWN = {"name": "namespace", "type": "=", "value": "a"}
NAMES = ("requests", "sum", "by", "target_info", "ALERTS", "job:errors:ratio")


def samples(namespace: str | None, value: float) -> list[Sample]:
    """Return series of all names, one of them with the name of a keyword, over ten minutes."""
    label = {} if namespace is None else {"namespace": namespace}
    return [
        Sample(name, {**label, "job": "x", "instance": "i", "alertname": "Secret"}, float(seconds), value)
        for name in NAMES
        for seconds in range(0, 600, 15)
    ]


A, B, NONE = samples("a", 2.0), samples("b", 7919.0), samples(None, 104_729.0)


@pytest.fixture(scope="module")
def everybody(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    started = PrometheusServer(rig, tmp_path_factory.mktemp("everybody"), BEGIN, [*A, *B, *NONE])
    yield started
    started.close()


@pytest.fixture(scope="module")
def alone(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    started = PrometheusServer(rig, tmp_path_factory.mktemp("alone"), BEGIN, A)
    yield started
    started.close()


def request(query: str, namespace: str = "a") -> RangeQuery:
    end = BEGIN + timedelta(seconds=590)
    return RangeQuery("default", query, end - timedelta(seconds=60), end, 30, 60, asker=(namespace, "fraud"))


async def answered(server: PrometheusServer, directory: Path, query: str, namespace: str = "a", **more: Any) -> Series:
    """Return what a source with these settings answers to a ModelDeployment of the namespace."""
    file = directory / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": {"default": {"url": server.url, **more}}}))
    sources = load(file, lambda *_: None, SystemClock())
    try:
        answer = await sources["default"].answer(request(query, namespace))
    finally:
        await sources.aclose()
    assert isinstance(answer, Series)
    return answer


def parsed(server: PrometheusServer, query: str) -> Any:
    """Return the syntax tree of a query; None where Prometheus refuses it."""
    form = urllib.parse.urlencode({"query": query}).encode()
    try:
        with urllib.request.urlopen(f"{server.url}/api/v1/parse_query", data=form, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code != 400:
            raise
        return None


def selectors(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        if tree.get("type") in ("vectorSelector", "matrixSelector"):
            yield tree
        for each in tree.values():
            yield from selectors(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from selectors(each)


def unbounded(tree: Any) -> Any:
    """Return a syntax tree without the matcher, and without the name of a selector, which is a matcher as well."""
    if isinstance(tree, list):
        return [unbounded(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    is_selector = tree.get("type") in ("vectorSelector", "matrixSelector")
    made = {name: unbounded(each) for name, each in tree.items() if not (is_selector and name == "name")}
    if is_selector:
        made["matchers"] = sorted((each for each in made["matchers"] if each != OWN), key=str)
    return made


TRICKS = (
    "requests",
    "sum(requests)",
    'sum(requests{namespace=~".*"})',
    'sum(requests{namespace!="a"}) or vector(0)',
    'sum(requests{namespace="b"})',
    'sum(requests{namespace=""})',
    'sum({__name__=~".+"})',
    'count({__name__!=""})',
    '{"requests"}',
    '{"requests", "namespace"="b"}',
    "max_over_time(sum(requests)[5m:15s])",
    "max_over_time(requests[5m]) * 2",
    'sum(label_replace(requests, "namespace", "b", "namespace", ".*"))',
    'sum(label_join(requests, "namespace", "", "job"))',
    "sum(requests offset 1m)",
    "sum(requests offset -1m)",
    f"sum(requests @ {BEGIN.timestamp() + 300})",
    "sum(requests @ start())",
    "sum(sum_over_time(requests[1m] @ end()))",
    "requests or target_info",
    "sum(requests) or sum(target_info)",
    "requests and on(job) target_info",
    "requests unless on(job) absent(requests)",
    "sum(requests * on(job, instance) group_left(alertname) target_info)",
    "topk(5, requests)",
    'count_values("namespace", requests)',
    "quantile by (namespace) (0.9, requests)",
    "sum by (namespace) (requests)",
    "sum without (namespace) (requests)",
    'absent(requests{namespace="b"})',
    'requests{job="x} or requests{namespace="} or sum(requests)',
    'sum(requests{job="x",instance=~"i\\\\|.*"})',
    "sum(requests{job=`x`}) # } or sum(requests)",
    'sum(requests # {namespace="a"}\n)',
    "sum(requests{job='x'})",
    "sum({__name__='sum'})",
    'sum({__name__="by"})',
    "ALERTS",
    "sum(job:errors:ratio)",
    "-sum(requests) ^ 2 + scalar(sum(requests)) % 7",
    "sum(requests) > bool 1",
    "clamp_max(sum(requests), time())",
    'group({__name__=~"requests|target_info"})',
)


@pytest.mark.parametrize("query", TRICKS)
async def test_a_namespace_reads_its_own_series_as_if_there_were_no_others(
    everybody: PrometheusServer, alone: PrometheusServer, tmp_path: Path, query: str
) -> None:
    bound = await answered(everybody, tmp_path, query, namespaceLabel="namespace")
    assert bound == await answered(alone, tmp_path, query)
    tree = parsed(everybody, bounded(query, "namespace", "a"))
    assert all(OWN in each["matchers"] for each in selectors(tree))
    assert unbounded(tree) == unbounded(parsed(everybody, query))


async def test_without_the_label_a_source_answers_with_the_series_of_all(
    everybody: PrometheusServer, tmp_path: Path
) -> None:
    """So the tests above would fail if nothing were bounded."""
    answer = await answered(everybody, tmp_path, "max(requests)")
    assert answer.number == 104_729.0
    other = await answered(everybody, tmp_path, "max(requests)", "b", namespaceLabel="namespace")
    assert other.number == 7919.0


async def test_what_cannot_be_bounded_is_not_sent(everybody: PrometheusServer, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r'cannot be bounded to namespace="a": info is not one of the functions'):
        await answered(everybody, tmp_path, "info(requests)", namespaceLabel="namespace")


async def test_a_source_answers_the_namespaces_that_may_use_it(everybody: PrometheusServer, tmp_path: Path) -> None:
    """Rule: R184."""
    answer = await answered(everybody, tmp_path, "max(requests)", namespaces=["a", "c"])
    assert answer.number == 104_729.0
    with pytest.raises(NotPermitted, match="does not permit this source in the namespace b"):
        await answered(everybody, tmp_path, "max(requests)", "b", namespaces=["a", "c"])


# Random queries. Of words that mean something, so that many of them are queries.

WORDS = st.sampled_from(
    [
        *("requests", "sum", "by", "namespace", "job", "info", "target_info", "nan", "Inf", "x:y", "_"),
        *(
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "[5m]",
            "[5m:]",
            "[1m:15s]",
            ",",
            "@",
            "offset",
            "-",
            "+",
            "start()",
            "#",
            "\n",
        ),
        *("=", "!=", "=~", "!~", "==", ">", "bool", "and", "or", "unless", "on", "ignoring", "group_left", "without"),
        *('"', "'", "`", "\\", '"b"', "'b'", "`b`", '"\\""', "'\\''", "`\\`", '".*"', '"namespace"', "5m", "1", "0x1f"),
        *(" ", "\t", "\r", "\r\n", "rate(", "sum(", "topk(1,", "label_replace(", "vector(1)", '{namespace="b"}', "é"),
        *sorted(KEYWORDS),
    ]
)
SELECTORS = st.sampled_from(
    ["requests", "{__name__=~'.+'}", 'requests{namespace="b"}', "x:y", '{"requests"}', "requests{job=`x`,}", "{x!=''}"]
)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = st.sampled_from(sorted(FUNCTIONS))
    operators = st.sampled_from(
        ["+", "or", "AND", "unless on()", "* ignoring(x) group_left(y)", "== bool", "^", "atan2"]
    )
    return st.one_of(
        st.tuples(functions, inner).map(lambda each: f"{each[0]}({each[1]})"),
        st.tuples(inner, operators, inner).map(" ".join),
        inner.map(lambda each: f"sum by (job) ({each})"),
        inner.map(lambda each: f"TOPK(1, ({each})) WITHOUT (namespace)"),
        inner.map(lambda each: f"({each})[5m:1m] offset 1m"),
        inner.map(lambda each: f"{each} # comment }}\n"),
        inner.map(lambda each: f"-{each} @ 1e3"),
    )


QUERIES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=14).map("".join),
    st.lists(WORDS, min_size=1, max_size=14).map(" ".join),
    st.recursive(SELECTORS, _nested, max_leaves=5),
    st.tuples(st.recursive(SELECTORS, _nested, max_leaves=3), st.lists(WORDS, max_size=4).map("".join)).map("".join),
)


def test_whatever_is_written_prometheus_finds_the_matcher_in_each_selector_and_no_other_change(
    everybody: PrometheusServer,
) -> None:
    counts = {"both": 0}

    @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
    @given(QUERIES)
    def check(query: str) -> None:
        try:
            sent = bounded(query, "namespace", "a")
        except Refused:
            return
        tree = parsed(everybody, sent)
        if tree is None:
            assert parsed(everybody, query) is None, "a query that Prometheus accepts must stay one"
            return
        assert all(OWN in each["matchers"] for each in selectors(tree)), sent
        before = parsed(everybody, query)
        # An empty selector is a query only with the matcher.
        if before is not None:
            assert unbounded(tree) == unbounded(before), sent
            counts["both"] += 1

    check()
    assert counts["both"] > 100, "too few of the random queries are valid"
