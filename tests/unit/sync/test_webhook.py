"""Webhooks of MLflow: only a signed one is believed, and it is a hint at most."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pennant.registries.mlflow.webhook import WINDOW_SECONDS, signed
from pennant.runtime.http_server import MAX_BODY_BYTES
from pennant.sync.webhook import MAX_DELIVERIES, Webhook
from unit.sync.conftest import World

SECRET = b"a secret of MLflow"
ALIAS = {"entity": "model_version_alias", "action": "created", "data": {"name": "churn", "alias": "champion"}}


def test_the_signature_is_that_of_mlflow() -> None:
    """Of a request that MLflow 3.17.2 made, with the secret `s3cret`."""
    body = b'{"entity": "registered_model", "action": "created", "timestamp": "2026-01-01T00:00:00+00:00", "data": {}}'
    assert (
        signed("1b4e28ba-2fa1-11d2-883f-0016d3cca427", "1767225600", body, b"s3cret")
        == b"v1,+MTpolBuGs4DpFV3X+qrosUPO4IiLKlCGqyAPCXD7Cw="
    )


class Site:
    """A webhook that listens, and what it passed on."""

    def __init__(self, world: World, secret_file: Path) -> None:
        self.world, self.secret_file = world, secret_file
        self.hints: list[set[str]] = []
        self.codes: list[int] = []
        self.count = 0
        settings = world.settings(webhookSecretFile=str(secret_file))
        without = world.settings(name="other")
        hints = {each.name: (each, lambda models: self.hints.append(set(models))) for each in (settings, without)}
        self.webhook = Webhook(hints, world.clock, self.codes.append)

    async def start(self) -> None:
        await self.webhook.start("127.0.0.1", 0)
        assert self.webhook.address is not None
        self.url = "http://{}:{}/webhooks/".format(*self.webhook.address)
        self.session = aiohttp.ClientSession()

    async def post(self, payload: Any, name: str = "mlflow", secret: bytes = SECRET, **changed: Any) -> int:
        """Send what MLflow would send, with some headers changed or left out."""
        self.count += 1
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        known: dict[str, str | None] = {
            "id": f"delivery-{self.count}",
            "at": f"{self.world.clock.now().timestamp():.0f}",
        }
        given = {**known, **changed}
        sign = signed(given["id"] or "", given["at"] or "", body, secret).decode()
        headers = {
            "X-MLflow-Delivery-Id": given["id"],
            "X-MLflow-Timestamp": given["at"],
            "X-MLflow-Signature": given.get("sign", sign),
        }
        sent = {key: each for key, each in headers.items() if each is not None}
        async with self.session.post(self.url + name, data=body, headers=sent) as answer:
            await answer.read()
            return answer.status

    async def stop(self) -> None:
        await self.session.close()
        await self.webhook.stop()


@pytest.fixture
async def site(world: World, tmp_path: Path) -> AsyncIterator[Site]:
    path = tmp_path / "secret"
    path.write_bytes(SECRET + b"\n")
    made = Site(world, path)
    await made.start()
    yield made
    await made.stop()


async def test_a_signed_request_is_a_hint_about_its_model(site: Site) -> None:
    """Rule: R205."""
    assert await site.post(ALIAS) == 204
    assert await site.post({"entity": "model_version", "action": "created", "data": {"name": "fraud"}}) == 204
    assert await site.post({"entity": "prompt", "action": "created", "data": {"name": "fraud"}}) == 204
    assert [each for each in site.hints if each] == [{"churn"}, {"fraud"}]
    assert site.codes == [204, 204, 204]


@pytest.mark.parametrize(
    "changed",
    [
        {"sign": None},
        {"sign": "v1,"},
        {"sign": "v1,AAAA"},
        {"sign": "é"},
        {"id": None},
        {"id": "x" * 200},
        {"at": None},
        {"at": ""},
        {"at": "soon"},
        {"at": "-1"},
        {"at": "9" * 40},
    ],
    ids=str,
)
async def test_a_request_without_proof_is_refused(site: Site, changed: dict[str, Any]) -> None:
    assert await site.post(ALIAS, **changed) == 401
    assert site.hints == []


async def test_a_request_with_another_secret_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert await site.post(ALIAS, secret=b"guessed") == 401
    said = [each.getMessage() for each in caplog.records]
    assert said == ["A webhook is refused: the signature is wrong: is the secret the same in MLflow and here?"]


async def test_a_body_that_is_not_the_signed_one_is_refused(site: Site) -> None:
    sign = signed("a", f"{site.world.clock.now().timestamp():.0f}", b"{}", SECRET).decode()
    assert await site.post(ALIAS, id="a", sign=sign) == 401


@pytest.mark.parametrize(("seconds", "code"), [(0.9, 204), (1.1, 401)])
async def test_an_old_request_is_refused(site: Site, seconds: float, code: int) -> None:
    at = f"{site.world.clock.now().timestamp():.0f}"
    for sign in (1, -1):
        site.world.clock.seconds = sign * seconds * WINDOW_SECONDS
        assert await site.post(ALIAS, at=at) == code


async def test_a_request_that_is_sent_again_is_accepted_and_no_hint(site: Site) -> None:
    for _ in range(3):
        assert await site.post(ALIAS, id="the same") == 204
    assert site.hints == [{"churn"}]
    for number in range(MAX_DELIVERIES + 1):
        site.webhook._is_new("mlflow", str(number))
    assert len(site.webhook._seen) == MAX_DELIVERIES


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"entity": []}', b"[" * 100_000, b'{"entity": "model_version"}'])
async def test_a_signed_body_that_is_none_of_mlflow_is_refused(site: Site, body: bytes) -> None:
    assert await site.post(body) == 400
    assert site.hints == []


async def test_a_very_large_body_is_refused(site: Site) -> None:
    assert await site.post(b"x" * (MAX_BODY_BYTES + 1)) == 413


async def test_only_a_registry_with_a_secret_has_a_webhook(site: Site) -> None:
    assert await site.post(ALIAS, name="other") == 404
    assert await site.post(ALIAS, name="nobody") == 404


async def test_a_secret_may_be_rotated_and_none_admits_nobody(site: Site) -> None:
    site.secret_file.write_bytes(b"another")
    assert await site.post(ALIAS) == 401
    assert await site.post(ALIAS, secret=b"another") == 204
    site.secret_file.write_bytes(b"")
    assert await site.post(ALIAS, secret=b"") == 401
    site.secret_file.unlink()
    assert await site.post(ALIAS, secret=b"") == 401
