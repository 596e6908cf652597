import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from pennant.kube.http import client as module
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.errors import Missing, NotServed, Throttled
from pennant.kube.http.resources import Kind
from pennant.ports import AdmissionFailed, Conflict, Ending, PortError, Refused, Unavailable
from unit.kube.api_server import Answers, a_connection, serving

UID_CAUSE = {"causes": [{"reason": "FieldValueInvalid", "field": "metadata.uid"}]}
TERMINATING_CAUSE = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}
NOT_CALLED = 'Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: EOF'
DENIED = 'admission webhook "policy.example.com" denied the request: too many models'
FIELD_CAUSE = {"causes": [{"reason": "FieldValueInvalid", "field": "spec.replicas"}]}


@pytest.fixture
async def client(answers: Answers, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(answers) as url, Client(a_connection(tmp_path, url, token="secret")) as found:
        yield found


async def write(client: Client) -> None:
    await client.request(ApiVerb.UPDATE, Kind.DEPLOYMENT, "/apis/x", body={})


@pytest.mark.parametrize(
    ("code", "message", "details", "error"),
    [
        (400, "strict decoding error", {}, Refused),
        (403, "exceeded quota", {}, Refused),
        (403, "unable to create new content in namespace x", TERMINATING_CAUSE, Ending),
        (404, "not found", {}, Missing),
        (408, "timeout", {}, Unavailable),
        (409, "the object has been modified", {}, Conflict),
        (410, "the continue token is too old", {}, Unavailable),
        (413, "too large", {}, Refused),
        (422, "is invalid: spec.replicas", FIELD_CAUSE, Refused),
        (422, "is invalid: metadata.uid", UID_CAUSE, Conflict),
        (429, "too many requests", {}, Unavailable),
        (500, "etcdserver: leader changed", {}, Unavailable),
        (500, NOT_CALLED, {}, AdmissionFailed),
        (503, NOT_CALLED, {}, AdmissionFailed),
        (500, DENIED, {}, Refused),
        (429, DENIED, {}, Refused),
        (504, "Timeout: request did not complete within requested timeout", {}, Unavailable),
        (500, "failed to create typed patch object (x): field not declared in schema", {}, Refused),
        (500, "failed to convert new object (x) to proper version: quantities", {}, Refused),
        (503, "the server is currently unable", {}, Unavailable),
        (302, "elsewhere", {}, Unavailable),
    ],
)
async def test_a_response_becomes_an_error_of_the_port(
    client: Client, answers: Answers, code: int, message: str, details: dict[str, object], error: type[PortError]
) -> None:
    answers.status(code, message, details=details)
    with pytest.raises(error) as raised:
        await write(client)
    assert type(raised.value) is error
    assert str(raised.value) == message


async def test_a_forbidden_read_may_be_permitted_later(client: Client, answers: Answers) -> None:
    answers.status(403, "forbidden")
    with pytest.raises(Unavailable, match="forbidden"):
        await client.get(Kind.DEPLOYMENT, "default", "fraud")


async def test_a_long_message_of_the_server_is_cut(client: Client, answers: Answers) -> None:
    answers.status(422, "x" * 5000)
    with pytest.raises(Refused) as raised:
        await write(client)
    assert len(str(raised.value)) == 1024


async def test_the_text_of_a_proxy_is_not_repeated(client: Client, answers: Answers) -> None:
    answers.text("<html>secret</html>", 502)
    with pytest.raises(Unavailable) as raised:
        await write(client)
    assert str(raised.value) == "HTTP 502"


@pytest.mark.parametrize(("header", "expected"), [("7", 7.0), ("soon", None), ("²", None), ("9" * 5000, None)])
async def test_the_seconds_of_retry_after_are_kept(
    client: Client, answers: Answers, header: str, expected: float | None
) -> None:
    answers.status(429, "slow down", headers={"Retry-After": header})
    with pytest.raises(Unavailable) as raised:
        await write(client)
    waits = raised.value.retry_after_seconds if isinstance(raised.value, Throttled) else None
    assert waits == expected


@pytest.mark.parametrize("body", ["no JSON", "[]", ""])
async def test_a_response_that_is_no_json_object_is_unavailable(client: Client, answers: Answers, body: str) -> None:
    answers.text(body)
    with pytest.raises(Unavailable):
        await write(client)


async def test_a_kind_that_is_not_served_is_not_a_missing_object(answers: Answers, tmp_path: Path) -> None:
    absent: list[Kind] = []
    answers.text("404 page not found", 404)
    async with serving(answers) as url, Client(a_connection(tmp_path, url), absent=absent.append) as client:
        with pytest.raises(NotServed):
            await client.get(Kind.MODEL_VERSION, "default", "fraud-1.0.0")
    assert absent == [Kind.MODEL_VERSION]


async def test_a_response_without_end_is_aborted(
    client: Client, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1000)
    answers.text("x" * 1001)
    with pytest.raises(Unavailable, match="larger than 1000 bytes"):
        await write(client)


async def test_a_refused_connection_is_unavailable(tmp_path: Path) -> None:
    async with Client(a_connection(tmp_path, "http://127.0.0.1:1")) as client:
        with pytest.raises(Unavailable, match="does not answer"):
            await write(client)


async def test_a_timeout_is_unavailable(answers: Answers, tmp_path: Path) -> None:
    async with serving(answers) as url, Client(a_connection(tmp_path, url), total_seconds=0.05) as client:
        with pytest.raises(Unavailable, match="does not answer: TimeoutError"):
            await write(client)


async def test_there_is_no_write_without_permit(answers: Answers, tmp_path: Path) -> None:
    answers.json({})
    async with serving(answers) as url, Client(a_connection(tmp_path, url), permit=lambda: False) as client:
        with pytest.raises(Unavailable, match="not leading"):
            await write(client)
        await client.get(Kind.DEPLOYMENT, "default", "fraud")
    assert [each.method for each in answers.asked] == ["GET"]


async def test_every_request_is_observed_with_its_outcome(answers: Answers, tmp_path: Path) -> None:
    observed: list[tuple[str, str, int]] = []
    answers.status(409, "conflict")
    async with serving(answers) as url:
        connection = a_connection(tmp_path, url)
        async with Client(
            connection, observed=lambda verb, kind, code, _: observed.append((verb, kind, code))
        ) as client:
            with pytest.raises(Conflict):
                await write(client)
    assert observed == [("update", "Deployment", 409)]


@pytest.mark.parametrize("verb", [ApiVerb.CREATE, ApiVerb.UPDATE, ApiVerb.PATCH])
async def test_a_write_has_a_field_manager_and_strict_validation(
    client: Client, answers: Answers, verb: ApiVerb
) -> None:
    """Rule: R84."""
    answers.json({})
    await client.request(verb, Kind.DEPLOYMENT, "/apis/x", body={})
    (request,) = answers.asked
    assert dict(request.query) == {"fieldManager": "pennant", "fieldValidation": "Strict", "timeout": "9s"}
    assert request.headers["User-Agent"].startswith("pennant/")
    assert request.headers["Authorization"] == "Bearer secret"


async def test_a_replaced_token_is_read_again_and_the_request_repeated(answers: Answers, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    answers.status(401, "Unauthorized")
    answers.json({"kind": "Deployment"})
    async with serving(answers) as url, Client(a_connection(tmp_path, url, tokenFile=str(token))) as client:
        token.write_text("new")
        assert await client.get(Kind.DEPLOYMENT, "default", "fraud") == {"kind": "Deployment"}
    assert [each.headers["Authorization"] for each in answers.asked] == ["Bearer old", "Bearer new"]


async def test_credentials_that_stay_refused_are_unavailable_and_not_repeated(client: Client, answers: Answers) -> None:
    answers.status(401, "Unauthorized")
    with pytest.raises(Unavailable, match="Unauthorized"):
        await write(client)
    assert len(answers.asked) == 1


async def test_a_closed_client_is_unavailable(client: Client) -> None:
    await client.close()
    with pytest.raises(Unavailable, match="closed"):
        await write(client)


async def test_the_pages_of_a_list_follow_the_continue_token(client: Client, answers: Answers) -> None:
    answers.json({"metadata": {"continue": "more"}, "items": [1]})
    answers.json({"metadata": {}, "items": [2]})
    pages = [page["items"] async for page in client.pages(Kind.DEPLOYMENT, labelSelector="a=b")]
    assert pages == [[1], [2]]
    assert [each.query.get("continue") for each in answers.asked] == [None, "more"]
    assert {each.query["labelSelector"] for each in answers.asked} == {"a=b"}


def a_page_of(count: int, size: int) -> str:
    items = [{"metadata": {"name": f"m{each}"}, "notes": "x" * size} for each in range(count)]
    return json.dumps({"metadata": {"resourceVersion": "1", "continue": ""}, "items": items})


def limits(answers: Answers) -> list[int]:
    return [int(each.query["limit"]) for each in answers.asked]


async def test_a_page_that_is_too_large_is_halved_until_it_fits_and_grows_again(
    client: Client, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: R89."""
    monkeypatch.setattr(module, "PAGE", 8)
    monkeypatch.setattr(module, "FIRST_PAGE", 8)
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", 1000)
    answers.text(a_page_of(8, 1000))
    answers.text(a_page_of(4, 1000))
    answers.text(a_page_of(2, 1000))
    answers.text(a_page_of(1, 1000))
    found = [page async for page in client.pages(Kind.MODEL_VERSION)]
    assert [len(page["items"]) for page in found] == [1]
    assert limits(answers) == [8, 4, 2, 1]
    answers.replies.clear()
    answers.text(a_page_of(1, 10))
    for _ in range(5):
        assert [page async for page in client.pages(Kind.MODEL_VERSION)]
    assert limits(answers)[4:] == [1, 2, 4, 8, 8]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (413, "too large"),
        (500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (3 vs. 2)"),
    ],
)
async def test_a_page_that_the_server_cannot_send_is_halved(
    client: Client, answers: Answers, code: int, message: str
) -> None:
    answers.status(code, message)
    answers.text(a_page_of(1, 1))
    assert [page async for page in client.pages(Kind.MODEL_VERSION)]
    assert limits(answers) == [16, 8]


async def test_a_page_that_takes_too_long_is_smaller_the_next_time(answers: Answers, tmp_path: Path) -> None:
    async with serving(answers) as url, Client(a_connection(tmp_path, url), total_seconds=0.2) as client:
        with pytest.raises(Unavailable):
            _ = [page async for page in client.pages(Kind.MODEL_VERSION)]
        answers.text(a_page_of(1, 1))
        assert [page async for page in client.pages(Kind.MODEL_VERSION)]
    assert limits(answers) == [16, 8]


async def watched(client: Client) -> list[object]:
    async with aclosing(client.watch(Kind.LEASE, "default", "pennant", after="7")) as events:
        return [event async for event in events]


async def test_a_watch_of_one_object_ends_with_the_response(client: Client, answers: Answers) -> None:
    events = [{"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "8"}}}, {"type": "DELETED", "object": {}}]
    answers.text("\n".join(json.dumps(each) for each in events))
    assert await watched(client) == events
    (asked,) = answers.asked
    assert asked.path == "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    assert asked.query == {"watch": "true", "fieldSelector": "metadata.name=pennant", "resourceVersion": "7"}


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (
            200,
            '{"type": "ERROR", "object": {"message": "too old resource version: 7 (90)"}}',
            "too old resource version",
        ),
        (200, "<html>", "no JSON"),
        (200, "x" * 1_000_000, "too large"),
        (403, '{"kind": "Status", "message": "may not watch"}', "may not watch"),
    ],
    ids=["too old", "a proxy", "a long line", "forbidden"],
)
async def test_a_watch_that_fails_is_an_error_of_the_port(
    client: Client, answers: Answers, code: int, text: str, error: str
) -> None:
    answers.text(text, code)
    with pytest.raises(Unavailable, match=error):
        await watched(client)
