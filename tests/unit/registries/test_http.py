"""Reads of a registry that is slow, busy, broken, or no registry."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from pennant.registries.http import MAX_TRIES, Http
from pennant.registries.protocol import NoAccess, NoSuchPath, NotThere, Refused, RegistryError, Unreadable
from unit.registries.fake_mlflow import Answer, FakeMlflow, served

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PATH = "/api/2.0/mlflow/experiments/get?experiment_id=1"
PARAMS = ("/api/2.0/mlflow/experiments/get", (("experiment_id", "1"),))


@pytest.fixture
def mlflow() -> FakeMlflow:
    return FakeMlflow()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def address(mlflow: FakeMlflow) -> Iterator[str]:
    with served(mlflow) as url:
        yield url


@pytest.fixture
async def http(address: str, pauses: list[float]) -> AsyncIterator[Http]:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    opened = Http(address, {"Authorization": "Bearer t"}, hint="Set TOKEN", pause=pause, now=lambda: NOW)
    yield opened
    await opened.close()


async def test_an_answer_is_read_with_the_credentials(http: Http, mlflow: FakeMlflow) -> None:
    assert (await http.json(*PARAMS))["experiment"]["name"] == "churn training"
    assert mlflow.credentials == ["Bearer t"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Fri, 01 May 2026 12:00:09 GMT", 9.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
        ("86400", 120.0),
        ("soon", 0.5),
        (None, 0.5),
    ],
)
async def test_a_busy_registry_is_asked_again_when_it_says(
    http: Http, mlflow: FakeMlflow, pauses: list[float], header: str | None, seconds: float
) -> None:
    mlflow.faults.append(Answer(429, "{}", {"Retry-After": header} if header is not None else {}))
    await http.json(*PARAMS)
    assert (pauses, len(mlflow.asked)) == ([seconds], 2)


async def test_a_registry_that_counts_by_the_minute_is_given_more_time(
    address: str, mlflow: FakeMlflow, pauses: list[float]
) -> None:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    http = Http(address, {}, hint="", busy_pause=4.0, pause=pause, now=lambda: NOW)
    mlflow.faults += [Answer(429, "{}"), Answer(429, "{}"), Answer(429, "{}", {"Retry-After": "1"})]
    await http.json(*PARAMS)
    await http.close()
    assert pauses == [4.0, 8.0, 1.0]


async def test_each_request_has_the_token_of_its_time(address: str, mlflow: FakeMlflow) -> None:
    given = iter(("t1", "t2"))

    async def token() -> str:
        return next(given)

    http = Http(address, {}, hint="", token=token, now=lambda: NOW)
    await http.json(*PARAMS)
    await http.json(*PARAMS)
    await http.close()
    assert mlflow.credentials == ["Bearer t1", "Bearer t2"]


async def test_the_message_of_an_api_of_google_or_azure_is_told(http: Http, mlflow: FakeMlflow) -> None:
    body = json.dumps({"error": {"code": "ResourceNotFound", "message": "The model nope is not there."}})
    mlflow.broken[PATH] = Answer(404, body)
    with pytest.raises(NotThere, match="not found: The model nope is not there"):
        await http.json(*PARAMS)


async def test_a_registry_that_stays_busy_is_not_asked_for_ever(
    http: Http, mlflow: FakeMlflow, pauses: list[float]
) -> None:
    mlflow.broken[PATH] = Answer(429, json.dumps({"message": "Too many requests."}))
    with pytest.raises(RegistryError, match=r"asks to wait \(429\): Too many requests, 5 times in a row"):
        await http.json(*PARAMS)
    assert (len(mlflow.asked), pauses) == (MAX_TRIES, [0.5, 1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer(401, ""), NoAccess, r"does not accept the credentials \(401\)\. Set TOKEN"),
        (Answer(403, '{"message": "no role"}'), NoAccess, r"may not be read \(403\): no role\. Set TOKEN"),
        (Answer(404, "<html>"), NoSuchPath, r"experiments/get does not exist \(404\)\. Is http://127"),
        (Answer(404, '{"message": "No such experiment"}'), NotThere, "not found: No such experiment"),
        (Answer(400, '{"message": "bad filter"}'), Refused, "fails with HTTP 400: bad filter"),
        (Answer(500, '{"message": "database is locked\\nTraceback"}'), Unreadable, "HTTP 500: database is locked$"),
        (Answer(503, ""), RegistryError, r"is not available \(503\), 5 times in a row"),
        (Answer(200, "<!doctype html><title>Log in</title>"), NoAccess, "answers with a web page, not with JSON"),
        (Answer(200, "[]"), NoAccess, "answers with no JSON object"),
        (Answer(200, '{"experiment": {"na'), RegistryError, r"JSON that ends early or is wrong \(19 bytes\)"),
        (Answer(200, '{"experiment": {}}', cut=9), RegistryError, "the answer ends early"),
    ],
)
async def test_each_failure_says_what_to_do(
    http: Http, mlflow: FakeMlflow, answer: Answer, kind: type[RegistryError], said: str
) -> None:
    mlflow.broken[PATH] = answer
    with pytest.raises(RegistryError, match=said) as caught:
        await http.json(*PARAMS)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Answer(403, "{}"), RegistryError), (Answer(404, "<html>"), NotThere), (Answer(401, ""), NoAccess)],
)
async def test_what_only_a_part_of_a_registry_refuses_does_not_end_the_import(
    http: Http, mlflow: FakeMlflow, answer: Answer, kind: type[RegistryError]
) -> None:
    await http.json(*PARAMS)
    mlflow.broken[PATH] = answer
    with pytest.raises(kind) as caught:
        await http.json(*PARAMS)
    assert type(caught.value) is kind


@pytest.mark.parametrize("fault", [Answer(200, '{"expe'), Answer(200, "{}", cut=1), Answer(500, "{}"), Answer(502, "")])
async def test_an_answer_that_breaks_once_is_read_again(http: Http, mlflow: FakeMlflow, fault: Answer) -> None:
    mlflow.faults.append(fault)
    assert "experiment" in await http.json(*PARAMS)


async def test_a_file_that_is_cut_off_is_no_file(http: Http, mlflow: FakeMlflow) -> None:
    mlflow.broken["/model-versions/get-artifact"] = Answer(200, "x" * 1000, cut=10)
    with pytest.raises(RegistryError, match="the file ends early"):
        _ = [part async for part in http.chunks("/model-versions/get-artifact")]


async def test_an_address_that_redirects_in_a_circle_says_so(http: Http, mlflow: FakeMlflow) -> None:
    mlflow.broken["/"] = Answer(302, "", {"Location": "/again"})
    with pytest.raises(NoAccess, match=r"does not answer: it redirects more than \d+ times, or in a circle\. Is this"):
        await http.json("/start")


async def test_an_address_without_a_server_fails_at_once(pauses: list[float]) -> None:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    http = Http("http://127.0.0.1:9", {}, hint="", pause=pause, now=lambda: NOW)
    with pytest.raises(NoAccess, match=r"does not answer: Cannot connect to host 127\.0\.0\.1:9 .*Is this the address"):
        await http.json("/")
    await http.close()
    assert pauses == []
