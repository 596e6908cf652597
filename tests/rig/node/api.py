"""The few requests that the node makes of the API server."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

Object = dict[str, Any]
STRATEGIC = "application/strategic-merge-patch+json"


class Gone(Exception):
    """The object is not there any more, or is another one."""


class Expired(Exception):
    """The watch is too old: everything is to be listed anew."""


class Api:
    """A session with the API server of a kubeconfig that has a token."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the kubeconfig."""
        content = json.loads(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        self.server = cluster["server"]
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {user['token']}", "User-Agent": "rig-node"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=64), headers=self._headers, trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Object:
        """Return the answer; raises `Gone` for what is not there and `OSError` for all that may pass."""
        assert self._session is not None
        sent = {"Content-Type": headers.get("content_type", "application/json")}
        data = json.dumps(body) if body is not None else None
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with self._session.request(
                method, f"{self.server}{path}", data=data, headers=sent, timeout=timeout
            ) as answer:
                if answer.status in (404, 409, 422):
                    raise Gone(f"{method} {path}: {answer.status} {await answer.text()}")
                if answer.status >= 400:
                    raise OSError(f"{method} {path}: {answer.status} {await answer.text()}")
                content: Object = await answer.json()
                return content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(f"{method} {path}: {error}") from error

    async def patch(self, path: str, body: Mapping[str, Any]) -> Object:
        """Merge into an object by its strategy."""
        return await self.request("PATCH", path, body, content_type=STRATEGIC)

    async def delete(self, path: str, uid: str) -> None:
        """Delete this very object at once; one that is gone is no error."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        try:
            await self.request("DELETE", path, options)
        except Gone:
            return

    async def watch(self, path: str, selector: str, resource_version: str) -> AsyncIterator[Object]:
        """Yield the events from a version on; ends when the connection ends."""
        assert self._session is not None
        query = f"{path}?watch=1&fieldSelector={selector}&resourceVersion={resource_version}&timeoutSeconds=120"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=130)
        try:
            async with self._session.get(f"{self.server}{query}", timeout=timeout) as answer:
                if answer.status == 410:
                    raise Expired
                async for line in answer.content:
                    event: Object = json.loads(line)
                    if event["type"] == "ERROR":
                        raise Expired
                    yield event
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OSError(str(error)) from error
