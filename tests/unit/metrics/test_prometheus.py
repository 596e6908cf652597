"""A metric source that misbehaves in every way it can: the answer is an error of ours, bounded, and never its text."""

import asyncio
import json
import logging
import math
import resource
import socket
import ssl
import threading
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pennant.core.analysis.kinds.alert import Alerts
from pennant.core.facts.measurement import RangeQuery, Series
from pennant.metrics.config import load
from pennant.metrics.http import Authorities, BasicAuth
from pennant.metrics.prometheus import Prometheus, PrometheusSettings
from pennant.ports import Partial, Refused, Unavailable
from pennant.runtime.app import SystemClock
from unit.certificates import CERTIFICATES

NOON = datetime(2026, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)
REQUEST = RangeQuery("default", 'up{a="b"}', NOON, NOON + timedelta(seconds=20), 10, 20)
CANARY = "the secret that must not be read"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0] and f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def another(number: int) -> RangeQuery:
    """Return a request that is equal to none of another number, so that no answer is shared."""
    return replace(REQUEST, query=f'up{{a="{number}"}}')


async def ask(handler: Handler, **settings: Any) -> Series:
    told: list[str] = []
    async with serving(handler) as url:
        endpoint = PrometheusSettings(url=url, **({"timeout_seconds": 1.0} | settings))
        source = Prometheus("default", endpoint, lambda _, result, __: told.append(result))
        try:
            return await source.query_range(REQUEST)
        finally:
            await source.aclose()
            assert len(told) == 1


def says(body: Any, status: int = 200, **options: Any) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, **options)

    return handler


def matrix(*series: list[tuple[Any, Any]], **more: Any) -> Any:
    result = [{"metric": {}, "values": each} for each in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}


async def test_series_come_by_milliseconds_with_nan_and_infinities() -> None:
    found = await ask(says(matrix([(1.123, "0.5"), (2, "NaN"), (3, "+Inf"), (4, "-Inf"), (5, "1e-07")], [])))
    first, second = found.series
    assert first[1123] == 0.5
    assert math.isnan(first[2000])
    assert (first[3000], first[4000], first[5000]) == (math.inf, -math.inf, 1e-07)
    assert second == {}


async def test_the_request_is_what_the_api_of_prometheus_takes() -> None:
    forms: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert (request.method, request.path) == ("POST", "/prefix/api/v1/query_range")
        forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response(matrix())

    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=f"{url}/prefix/"), lambda *_: None)
        await source.query_range(REQUEST)
        await source.aclose()
    (form,) = forms
    assert form["query"] == REQUEST.query
    assert form["start"].endswith(".123")
    assert float(form["end"]) - float(form["start"]) == pytest.approx(20)
    assert (form["step"], form["lookback_delta"]) == ("10", "20s")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "body",
    [
        "<html>down for maintenance</html>",
        "",
        "null",
        "[]",
        nested(100_000),
        '{"status": "success", "data": null}',
        {"status": "error"},
        {"status": "success", "data": {"resultType": "vector", "result": []}},
        {"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}},
        {"status": "success", "data": {"resultType": "string", "result": [1, "1"]}},
        {"status": "success", "data": {"resultType": "matrix", "result": None}},
        {"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1]]}]}},
        {"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[{}, "1"]]}]}},
        matrix([(1, "1_0")]),
        matrix([(1, "٣")]),
        matrix([(1, "infinity")]),
        matrix([(1, 0.5)]),
        matrix([(1, None)]),
        matrix([(1, "")]),
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1, NaN]]}]}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1e999, "1"]]}]}}',
        f'{{"status": "success", "data": {{"resultType": "matrix", "result": [{{"values": [[{"9" * 5000}, "1"]]}}]}}}}',
        matrix([(1, "9" * 200_000)]),
        matrix([(1, f"0.{'0' * 200_000}1")]),
        matrix([("1", "1")]),
        matrix([(True, "1")]),
        matrix([(1, "1")], warnings=1),
        matrix([(1, "1")], warnings="partial"),
        matrix([(1, "1")], warnings=[{"partial": 1}]),
    ],
    ids=lambda body: str(body)[:40],
)
async def test_an_answer_that_makes_no_sense_is_no_answer(body: Any) -> None:
    with pytest.raises(Unavailable):
        await ask(says(body))


def test_certificates_that_were_replaced_are_the_ones_that_are_trusted(tmp_path: Path) -> None:
    path, (first, second) = tmp_path / "ca.crt", CERTIFICATES
    authorities = Authorities(path)

    def trusted() -> ssl.SSLContext:
        context = authorities.context()
        assert isinstance(context, ssl.SSLContext)
        return context

    path.write_text(first)
    before = trusted()
    assert before.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(first)]
    assert trusted() is before, "connections are used again"
    path.write_text(second)
    assert trusted().get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(second)]


@pytest.mark.parametrize("content", ["", "no certificate", None], ids=["empty", "something else", "no file"])
async def test_certificates_that_cannot_be_read_make_a_source_unavailable(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ca.crt").write_text(content)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await ask(says(matrix()), ca_file=tmp_path / "ca.crt")


def vector(*samples: tuple[Any, Any]) -> Any:
    result = [{"metric": labels, "value": [1, value]} for labels, value in samples]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


async def ask_alerts(handler: Handler) -> Alerts:
    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
        try:
            return await source.firing_alerts(frozenset({"Slow"}))
        finally:
            await source.aclose()


async def test_an_alert_has_its_labels_and_its_beginning() -> None:
    labels = {"__name__": "ALERTS_FOR_STATE", "alertname": "Slow", "severity": "page"}
    (alert,) = (await ask_alerts(says(vector((labels, "1767268800"))))).firing
    assert alert.labels == {"alertname": "Slow", "severity": "page"}
    assert alert.since == datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        matrix(),
        vector(({}, "NaN")),
        vector(({}, "1e300")),
        vector(({}, "1e18")),
        vector(([], "1")),
        vector(({}, None)),
        vector(({"alertname": ["Slow"]}, "1")),
        {"status": "error"},
    ],
    ids=lambda body: str(body)[:60],
)
async def test_alerts_that_make_no_sense_are_no_answer(body: Any) -> None:
    with pytest.raises(Unavailable):
        await ask_alerts(says(body))


async def test_alerts_that_are_too_many_for_one_answer_are_asked_for_in_parts() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        query = str((await request.post())["query"])
        asked.append(query)
        names = [f"A{number}" for number in range(8) if f"A{number}" in query]
        long = "x" * (2_000_000 if "A3" in names else 300_000 * len(names))
        labels = [{"alertname": each, "of": long} for each in names]
        return web.json_response(vector(*((each, "1767268800") for each in labels)))

    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
        found = await source.firing_alerts(frozenset(f"A{number}" for number in range(8)))
        await source.aclose()
    assert sorted(each.labels["alertname"] for each in found.firing) == [
        f"A{number}" for number in range(8) if number != 3
    ]
    assert found.unanswered == {"A3": "the alert A3 fires so often that the answer is larger than 1 MiB"}
    assert len(asked) < 16


async def test_a_question_about_many_alerts_has_a_bounded_length() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(str((await request.post())["query"]))
        return web.json_response(vector())

    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
        await source.firing_alerts(frozenset(f"{number:0250}" for number in range(100)))
        await source.firing_alerts(frozenset())
        await source.aclose()
    assert len(asked) == 7
    assert max(map(len, asked)) < 10_000


def rules(*names: str, **more: Any) -> Any:
    listed = [{"type": "alerting", "name": each, "query": "up"} for each in names]
    return {"status": "success", "data": {"groups": [{"name": "g", "rules": listed}] if listed else []}, **more}


async def undefined(body: Any, status: int = 200, type_status: int = 400, **settings: Any) -> frozenset[str] | None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.method == "GET"
        assert request.path == "/api/v1/rules"
        if request.query["type"] != "alert":
            return web.json_response({}, status=type_status)
        assert request.query.getall("rule_name[]") == ["Slow", "Wrong & |"]
        return web.Response(text=body if isinstance(body, str) else json.dumps(body), status=status)

    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url, **settings), lambda *_: None)
        try:
            return await source.undefined_alerts(frozenset({"Slow", "Wrong & |"}))
        finally:
            await source.aclose()


async def test_an_alert_that_is_not_listed_is_not_defined() -> None:
    """Rule: R43."""
    assert await undefined(rules("Slow")) == frozenset({"Wrong & |"})
    assert await undefined(rules("Slow", "Wrong & |", "Other")) == frozenset()
    assert await undefined(rules()) == frozenset({"Slow", "Wrong & |"})


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 500, 501, 503])
async def test_a_server_without_rules_does_not_tell_which_alerts_are_defined(status: int) -> None:
    assert await undefined(rules("Slow"), status) is None


async def test_a_server_that_knows_no_types_of_rules_does_not_tell_either() -> None:
    """VictoriaMetrics without vmalert answers every question about rules by an empty list."""
    assert await undefined(rules(), type_status=200) is None


async def test_a_source_whose_rules_are_elsewhere_is_not_asked_for_them() -> None:
    assert await undefined(rules("Slow"), lists_rules=False) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        nested(100_000),
        {"status": "error"},
        {"status": "success"},
        {"status": "success", "data": {"groups": None}},
        {"status": "success", "data": {"groups": [{"rules": [{}]}]}},
        {"status": "success", "data": {"groups": [1]}},
        rules("Slow", warnings=["a rule endpoint did not answer"]),
        " " * (2 << 20),
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_list_of_rules_that_makes_no_sense_or_is_partial_tells_nothing(body: Any) -> None:
    assert await undefined(body) is None


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 500, 502, 503])
async def test_an_error_of_the_server_is_no_answer_and_its_text_stays_there(status: int) -> None:
    with pytest.raises(Unavailable) as caught:
        await ask(says({"error": CANARY}, status))
    assert str(caught.value) == f"HTTP {status}"


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refused_query_is_refused_by_a_word_of_a_closed_set(status: int) -> None:
    with pytest.raises(Refused, match="bad_data"):
        await ask(says({"status": "error", "errorType": "bad_data", "error": CANARY}, status))
    with pytest.raises(Refused) as caught:
        await ask(says({"status": "error", "errorType": CANARY}, status))
    assert CANARY not in str(caught.value)
    with pytest.raises(Refused, match="unknown error"):
        await ask(says({"status": "error", "errorType": [CANARY]}, status))


THANOS = "receive series from Addr: 10.0.0.1:10901 LabelSets: {} MinTime: 0: rpc error: code = Unavailable"


@pytest.mark.parametrize(
    "marks",
    [
        {"warnings": [THANOS]},
        {"warnings": ["failed to receive any data in 30s from sidecar"]},
        {"warnings": ["No StoreAPIs matched for this query"]},
        {"warnings": ["remote_read: remote server http://x returned http status 500"]},
        {"warnings": ["PromQL info: metric might not be a counter", THANOS]},
        {"isPartial": True},
        {"isPartial": "yes"},
    ],
    ids=str,
)
async def test_an_answer_that_says_that_it_is_partial_is_no_answer(marks: dict[str, Any]) -> None:
    """Rule: R36."""
    with pytest.raises(Partial) as caught:
        await ask(says(matrix([(1, "1")], **marks)))
    assert str(caught.value) == "the answer is partial, because a part of the source did not answer"
    with pytest.raises(Partial):
        await ask_alerts(says(vector() | marks))


@pytest.mark.parametrize(
    "marks",
    [
        {"warnings": ['PromQL info: metric might not be a counter, name does not end in _total: "m" (1:6)']},
        {
            "warnings": [
                "PromQL warning: quantile value should be between 0 and 1",
                "3 more warning annotations omitted",
            ]
        },
        {"warnings": None},
        {"warnings": []},
        {"infos": ["anything"]},
        {"isPartial": False},
        {"isPartial": None},
    ],
    ids=str,
)
async def test_an_answer_that_warns_of_the_query_is_an_answer(marks: dict[str, Any]) -> None:
    assert (await ask(says(matrix([(1, "1")], **marks)))).series


async def test_a_number_may_be_as_long_as_one_of_64_bits_can_be() -> None:
    (found,) = (await ask(says(matrix([(1, f"{1.7976931348623157e308:f}"), (2, f"{5e-324:.324f}")])))).series
    assert found == {1000: 1.7976931348623157e308, 2000: 5e-324}


async def test_a_redirect_is_not_followed_and_no_credentials_go_there(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(CANARY)
    heard: list[Any] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        heard.append(dict(request.headers))
        return web.json_response(matrix([(1, "1")]))

    async with serving(elsewhere) as other:

        async def redirect(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"{other}/api/v1/query_range")

        with pytest.raises(Unavailable, match="HTTP 302"):
            await ask(redirect, bearer_token_file=token, headers={"X-Scope-OrgID": "tenant"})
    assert heard == []


async def test_cookies_are_not_kept() -> None:
    heard: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        heard.append(request.headers.get("Cookie"))
        return web.json_response(matrix(), headers={"Set-Cookie": "session=1"})

    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
        for number in range(2):
            await source.query_range(another(number))
        await source.aclose()
    assert heard == [None, None]


async def slow_headers(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def slow_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(300):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


@pytest.mark.parametrize("handler", [slow_headers, slow_body])
async def test_a_slow_answer_is_given_up_in_time(handler: Handler) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(Unavailable):
        await ask(handler, timeout_seconds=0.5)
    assert loop.time() - begun < 5


async def test_a_query_has_its_time_when_its_turn_comes() -> None:
    """To wait for a turn is no fault of the source."""

    async def handler(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return web.json_response(matrix([(1, "1")]))

    took: list[float] = []
    async with serving(handler) as url:
        endpoint = PrometheusSettings(url=url, timeout_seconds=1, concurrent_queries=2)
        source = Prometheus("default", endpoint, lambda _, __, seconds: took.append(seconds))
        answers = await asyncio.gather(
            *(source.query_range(another(number)) for number in range(6)), return_exceptions=True
        )
        await source.aclose()
    assert all(isinstance(each, Series) for each in answers)
    assert max(took) < 1, "nor is it of its time"


async def test_a_hundred_queries_that_hang_keep_nobody_of_another_namespace_waiting() -> None:
    """Also where their texts change with each check.

    Rule: R91.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        if "slow" in str((await request.post())["query"]):
            await asyncio.sleep(30)
        return web.json_response(matrix([(1, "1")]))

    loop = asyncio.get_running_loop()
    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url, timeout_seconds=2), lambda *_: None)

        async def hang(number: int) -> None:
            for check in range(100):
                asking = replace(REQUEST, query=f"slow_{number}_{check}", asker=("bad", f"d{number}"))
                with suppress(Unavailable):
                    await source.query_range(asking)

        hanging = [asyncio.create_task(hang(number)) for number in range(100)]
        took = []
        for turn in range(10):
            await asyncio.sleep(0.1)
            begun = loop.time()
            quick = (replace(another(10 * turn + number), asker=("good", f"d{number}")) for number in range(10))
            assert all(each.series for each in await asyncio.gather(*map(source.query_range, quick)))
            took.append(loop.time() - begun)
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await source.aclose()
    assert max(took) < 1


async def test_a_question_of_several_askers_is_sent_once() -> None:
    """ModelDeployments of three namespaces ask at once, and others after the answer.

    Rule: R225.
    """
    asked, told = list[tuple[str, str]](), list[str]()

    async def handler(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        asked.append((str(form["query"]), str(form["end"])))
        await asyncio.sleep(0.05)
        return web.json_response(matrix([(1, "1")]))

    queries = [replace(another(number), asker=(f"n{who % 3}", f"d{who}")) for number in range(2) for who in range(30)]
    later = replace(queries[0], end=queries[0].end + timedelta(seconds=10))
    async with serving(handler) as url:
        endpoint = PrometheusSettings(url=url, concurrent_queries=4)
        source = Prometheus("default", endpoint, lambda _, result, __: told.append(result))
        answers = await asyncio.gather(*map(source.query_range, queries))
        answers += [await source.query_range(each) for each in (*queries, later)]
        await source.aclose()
    assert len(asked) == len(set(asked)) == 3
    assert told == ["success"] * 3, "a shared answer is no request"
    assert {id(each) for each in answers[:30]} == {id(answers[60])}, "the answer is in memory once"


async def test_each_part_of_a_question_makes_it_another_one() -> None:
    """Rule: R225."""
    asked = list[str]()

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(str(dict(await request.post())))
        return web.json_response(matrix([(1, "1")]))

    second = timedelta(seconds=1)
    different = [
        replace(REQUEST, query="down"),
        replace(REQUEST, start=REQUEST.start - second),
        replace(REQUEST, end=REQUEST.end + second),
        replace(REQUEST, step_seconds=REQUEST.step_seconds + 1),
        replace(REQUEST, lookback_seconds=REQUEST.lookback_seconds + 1),
    ]
    async with serving(handler) as url:
        source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
        for each in (REQUEST, *different, replace(REQUEST, revision=7)):
            await source.query_range(each)
        await source.aclose()
    assert len(set(asked)) == len(asked) == 6


async def test_a_refused_connection_is_no_answer() -> None:
    source = Prometheus("default", PrometheusSettings(url="http://127.0.0.1:1"), lambda *_: None)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await source.query_range(REQUEST)
    await source.aclose()


@contextmanager
def said_by_hand(*parts: bytes, again: bytes = b"") -> Iterator[str]:
    """Serve whatever bytes as an answer, and then one part again and again until the other side leaves."""

    def answer(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(10)
                    connection.recv(1 << 16)
                    for part in parts:
                        connection.sendall(part)
                    while again:
                        connection.sendall(again)
                        time.sleep(0.001)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer, args=(listener,))
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    server.join(10)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("parts", "again"),
    [
        pytest.param((b"no HTTP at all\r\n\r\n",), b"", id="no HTTP"),
        pytest.param((OK + b"Content-Length: 100\r\n\r\n{",), b"", id="an answer that breaks off"),
        pytest.param((OK + b"Content-Length: x\r\n\r\n{}",), b"", id="a length that is no number"),
        pytest.param((OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",), b"", id="a chunk of no length"),
        pytest.param((OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",), b"", id="gzip that is none"),
        pytest.param((OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",), b"", id="an unknown encoding"),
        pytest.param((OK, b"X: " + b"x" * (1 << 20), b"\r\n\r\n"), b"", id="a header of a megabyte"),
        pytest.param((OK,), b"X: y\r\n", id="headers without end"),
        pytest.param((OK,), b"x", id="one header without end"),
        pytest.param((), b"HTTP/1.1 100 Continue\r\n\r\n", id="promises without end"),
        pytest.param((OK + b"Transfer-Encoding: chunked\r\n\r\n",), b"1\r\n \r\n", id="tiny chunks without end"),
        pytest.param((OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",), b"X: y\r\n", id="trailers without end"),
    ],
)
async def test_what_is_no_proper_answer_is_given_up(parts: tuple[bytes, ...], again: bytes) -> None:
    with said_by_hand(*parts, again=again) as url:
        source = Prometheus("default", PrometheusSettings(url=url, timeout_seconds=1), lambda *_: None)
        with pytest.raises(Unavailable):
            await source.query_range(REQUEST)
        await source.aclose()


def bomb(kind: int) -> bytes:
    """Return 200 MiB of white space as 200 KB, without ever holding it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, kind)
    return b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(200)), packer.flush()])


async def gzip_bomb(_: web.Request) -> web.StreamResponse:
    return web.Response(body=bomb(31), headers={"Content-Encoding": "gzip"})


async def deflate_bomb(_: web.Request) -> web.StreamResponse:
    return web.Response(body=bomb(15), headers={"Content-Encoding": "deflate"})


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3200):
        await response.write(b" " * (1 << 16))
    return response


@pytest.mark.parametrize("handler", [gzip_bomb, deflate_bomb, endless])
async def test_a_huge_answer_is_cut_off_after_decompression(handler: Handler) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unavailable, match="larger than 1 MiB"):
        await ask(handler, timeout_seconds=10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


@pytest.mark.parametrize(
    ("header", "prefix"), [("Authorization", "Bearer "), ("X-Api-Key", "")], ids=["a token", "a header"]
)
async def test_credentials_are_read_again_and_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, header: str, prefix: str
) -> None:
    token = tmp_path / "token"
    heard: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        heard.append(request.headers[header])
        return web.json_response(matrix())

    named: dict[str, Any] = {"bearer_token_file": token} if prefix else {"header_files": {header: token}}
    with caplog.at_level(logging.DEBUG):
        async with serving(handler) as url:
            source = Prometheus("default", PrometheusSettings(url=url, **named), lambda *_: None)
            for number, each in enumerate(("first", "second")):
                token.write_text(f"{each}\n")
                await source.query_range(another(number))
            token.unlink()
            with pytest.raises(Unavailable):
                await source.query_range(another(2))
            await source.aclose()
    assert heard == [f"{prefix}first", f"{prefix}second"]
    assert "Bearer" not in caplog.text
    assert "first" not in caplog.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "are not one line of text"),
        (b"one\ntwo\n", "are not one line of text"),
        (b"one\r\nX-Admin: 1", "are not one line of text"),
        (b"\xff\xfe", "are no text"),
        (None, "cannot be read"),
    ],
    ids=["empty", "two lines", "a header smuggled in", "no text", "no file"],
)
@pytest.mark.parametrize("setting", ["bearer_token_file", "password_file", "header_files"])
async def test_credentials_that_cannot_be_used_are_no_answer(
    tmp_path: Path, setting: str, content: bytes | None, says: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    named: dict[str, Any] = {
        "bearer_token_file": {"bearer_token_file": secret},
        "password_file": {"basic_auth": BasicAuth(username="u", password_file=secret)},
        "header_files": {"header_files": {"X-Api-Key": secret}},
    }
    with pytest.raises(Unavailable, match=says) as caught:
        await ask(says_nothing, **named[setting])
    assert "two" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


async def says_nothing(_: web.Request) -> web.StreamResponse:
    raise AssertionError("it must not be asked")


async def test_each_source_has_its_own_credentials_and_its_own_trouble(tmp_path: Path) -> None:
    heard: dict[str, str] = {}

    def listening(name: str) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            heard[name] = request.headers.get("Authorization", "none")
            return web.json_response(matrix([(1, "1")]))

        return handler

    for name in ("token", "password"):
        (tmp_path / name).write_text(f"the {name}\n")
    async with serving(listening("a")) as a, serving(listening("b")) as b, serving(slow_headers) as down:
        named = {
            "a": {"url": a, "bearerTokenFile": str(tmp_path / "token")},
            "b": {"url": b, "basicAuth": {"username": "u", "passwordFile": str(tmp_path / "password")}},
            "c": {"url": a},
            "down": {"url": down, "timeoutSeconds": 0.5},
        }
        file = tmp_path / "sources.yaml"
        file.write_text(json.dumps({"sources": named}))
        sources = load(file, lambda *_: None, SystemClock())
        trouble = asyncio.gather(*(sources["down"].answer(REQUEST) for _ in range(8)), return_exceptions=True)
        for name in ("a", "b"):
            assert await sources[name].answer(REQUEST)
        assert heard == {"a": "Bearer the token", "b": "Basic dTp0aGUgcGFzc3dvcmQ="}
        await sources["c"].answer(REQUEST)
        assert heard["a"] == "none"
        assert {type(each) for each in await trouble} == {Unavailable}
        await sources.aclose()


async def test_a_user_and_password_are_sent(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    heard: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        heard.append(request.headers["Authorization"])
        return web.json_response(matrix())

    await ask(handler, basic_auth=BasicAuth(username="ali", password_file=password))
    assert heard == ["Basic YWxpOm9wZW4gc2VzYW1l"]
