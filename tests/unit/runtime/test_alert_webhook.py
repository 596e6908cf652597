"""The alert webhook: whatever is sent, it is a hint at most, and costs little."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pennant.runtime import alert_webhook, http_server
from pennant.runtime.alert_webhook import AlertWebhook
from pennant.runtime.http_server import LINGERING_SECONDS, MAX_BODY_BYTES

TOKEN = "open-sesame"
BURST = 40


def notification(*alerts: tuple[str, str], **more: Any) -> Any:
    """Return what Alertmanager sends for alerts with these statuses and names."""
    found = [
        {
            "status": status,
            "labels": {"alertname": name, "namespace": "default"},
            "annotations": {},
            "startsAt": "2026-01-01T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "a",
        }
        for status, name in alerts
    ]
    head = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "pennant"}
    return {**head, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": found, **more}


class Site:
    """A webhook that listens, and what it passed on."""

    def __init__(self, token_file: Path) -> None:
        self.token_file = token_file
        self.hints: list[frozenset[str]] = []
        self.codes: list[int] = []
        self.leads = True
        self.webhook = AlertWebhook(token_file, self.hints.append, lambda: self.leads, self.codes.append)

    async def start(self) -> None:
        await self.webhook.start("127.0.0.1", 0)
        assert self.webhook.address is not None
        self.url = "http://{}:{}/alerts".format(*self.webhook.address)
        self.session = aiohttp.ClientSession()

    async def post(self, body: Any, token: str | None = TOKEN, **headers: str) -> int:
        given = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.url, data=data, headers={**given, **headers}) as answer:
            await answer.read()
            return answer.status

    async def stop(self) -> None:
        await self.session.close()
        await self.webhook.stop()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    made = Site(token)
    await made.start()
    yield made
    await made.stop()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_alert_that_fires_is_a_hint(site: Site) -> None:
    assert await site.post(notification(("firing", "Slow"), ("resolved", "Wrong"))) == 204
    await settled()
    assert site.hints == [frozenset({"Slow"})]


async def test_an_alert_that_is_over_is_no_hint(site: Site) -> None:
    assert await site.post(notification(("resolved", "Slow"))) == 204
    await settled()
    assert site.hints == []


@pytest.mark.parametrize("token", [None, "", "wrong", f"{TOKEN}x", TOKEN[:-1], "ö"])
async def test_without_the_token_nothing_is_heard(site: Site, token: str | None) -> None:
    assert await site.post(notification(("firing", "Slow")), token) == 401
    await settled()
    assert site.hints == []


@pytest.mark.parametrize("given", [b"\xff\xfe", TOKEN.encode() + b"\xff"])
async def test_a_token_that_is_no_text_is_a_wrong_one(site: Site, given: bytes) -> None:
    assert (await by_hand(site, b"Authorization: Bearer " + given, b"")).startswith(b"HTTP/1.1 401")
    assert site.codes == [401]


async def test_a_token_in_the_file_may_be_any_bytes(site: Site) -> None:
    site.token_file.write_bytes(b"\xff\xfe\n")
    assert await site.post(notification(("firing", "Slow")), "x") == 401
    body = json.dumps(notification(("firing", "Slow"))).encode()
    assert (await by_hand(site, b"Authorization: Bearer \xff\xfe", body)).startswith(b"HTTP/1.1 204")


async def by_hand(site: Site, header: bytes, body: bytes) -> bytes:
    """Return the first line of the answer to a request of which each byte is chosen."""
    reader, writer = await asyncio.open_connection(*site.webhook.address or ("", 0))
    head = b"POST /alerts HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()
    return line


async def test_a_token_may_be_replaced_and_an_empty_or_missing_one_admits_no_request(site: Site) -> None:
    site.token_file.write_text("another")
    assert await site.post(notification(("firing", "Slow"))) == 401
    assert await site.post(notification(("firing", "Slow")), "another") == 204
    site.token_file.write_text("\n")
    assert await site.post(notification(("firing", "Slow")), "") == 401
    site.token_file.unlink()
    assert await site.post(notification(("firing", "Slow")), "another") == 401


async def test_hints_come_once_a_second_and_none_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_webhook, "HINT_INTERVAL_SECONDS", 0.3)
    for name in ("A", "B", "C"):
        assert await site.post(notification(("firing", name))) == 204
    await settled()
    assert site.hints == [frozenset({"A"})]
    async with asyncio.timeout(5):
        while len(site.hints) < 2:
            await asyncio.sleep(0.02)
    assert site.hints[1] == frozenset({"B", "C"})


async def test_a_burst_of_notifications_gives_few_hints_and_loses_no_alert(site: Site) -> None:
    """Alertmanager sends one for each group of alerts, and does not retry one that is refused with 429."""
    names = [f"Alert{number}" for number in range(BURST)]
    codes = await asyncio.gather(*(site.post(notification(("firing", name))) for name in names))
    assert codes == [204] * BURST
    assert site.codes == codes, "each response is counted"
    async with asyncio.timeout(5):
        while frozenset[str]().union(*site.hints) != set(names):
            await asyncio.sleep(0.02)
    assert len(site.hints) <= BURST // 4


async def test_a_huge_body_is_refused_also_after_decompression(site: Site) -> None:
    assert await site.post(b" " * (MAX_BODY_BYTES + 1)) == 413
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(b" " * (64 << 20)) + packer.flush()
    assert len(bomb) < MAX_BODY_BYTES
    assert await site.post(bomb, **{"Content-Encoding": "gzip"}) == 413
    assert site.hints == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_cannot_be_decompressed_is_refused(site: Site, encoding: str) -> None:
    assert await site.post(b"not compressed", **{"Content-Encoding": encoding}) == 400
    assert site.codes == [400]


async def test_a_body_that_does_not_come_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "BODY_TIMEOUT_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection(*site.webhook.address or ("", 0))
    head = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert b"408" in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"[" * 100_000,
        b"null",
        b"[]",
        b"{}",
        {"alerts": None},
        {"alerts": [1]},
        {"alerts": [{"status": "firing"}]},
        {"alerts": [{"status": "firing", "labels": []}]},
        {"alerts": [{"labels": {"alertname": "Slow"}}]},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_what_is_no_notification_is_refused(site: Site, body: Any) -> None:
    assert await site.post(body) == 400
    assert site.hints == []


async def test_a_replica_that_does_not_lead_asks_for_another_try_by_another_connection(site: Site) -> None:
    site.leads = False
    body = json.dumps(notification(("firing", "Slow"))).encode()
    given = {"Authorization": f"Bearer {TOKEN}"}
    async with site.session.post(site.url, data=body, headers=given) as answer:
        assert (answer.status, answer.headers["Connection"]) == (503, "close")
    assert site.hints == []
    site.leads = True
    async with site.session.post(site.url, data=body, headers=given) as answer:
        assert (answer.status, answer.headers.get("Connection")) == (204, None)


async def test_a_token_that_cannot_be_read_is_logged_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    token = site.token_file.read_text()
    for count in (1, 2):
        site.token_file.unlink()
        for _ in range(BURST):
            assert await site.post(notification(("firing", "Slow"))) == 401
        assert caplog.text.count("cannot be read") == count
        site.token_file.write_text(token)
        assert await site.post(notification(("firing", "Slow"))) == 204


async def test_of_who_has_no_token_no_body_is_waited_for(site: Site) -> None:
    reader, writer = await asyncio.open_connection(*site.webhook.address or ("", 0))
    writer.write(b"POST /alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    async with asyncio.timeout(2 * LINGERING_SECONDS):
        said = await reader.read()
    assert said.startswith(b"HTTP/1.1 401")
    assert b"Connection: close" in said
    writer.close()


async def test_other_methods_and_paths_are_not_there(site: Site) -> None:
    async with site.session.get(site.url) as answer:
        assert answer.status == 405
    async with site.session.post(f"{site.url}/x") as answer:
        assert answer.status == 404
