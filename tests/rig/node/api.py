"""The few requests that the node makes of the API server."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

Object = dict[str, Any]
REQUEST_SECONDS = 10
# The server ends a watch after this long, and everything is listed anew: so that nothing stays missed for longer.
WATCH_SECONDS = 120
_TRANSPORT = (aiohttp.ClientError, TimeoutError, OSError)


class Gone(Exception):
    """The object is not there any more."""


class Expired(Exception):
    """The watch is too old: everything is to be listed anew."""


class Unavailable(Exception):
    """The API server does not answer now; it may later."""


class Refused(Exception):
    """The API server will not have what the node sends: a fault of the node."""


class Api:
    """A session with the API server of a kubeconfig that has a token."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the first cluster and the first user of the kubeconfig."""
        content = yaml.safe_load(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        self._server = cluster["server"]
        self._tls = ssl.create_default_context(cafile=cluster.get("certificate-authority"))
        self._headers = {"Authorization": f"Bearer {user['token']}", "User-Agent": "rig-node"}

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=64), headers=self._headers, read_bufsize=2**20
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self._session.close()

    async def pods_of(self, node: str) -> Object:
        """Return the list of the pods that are bound to a node."""
        return await self._request("GET", f"/api/v1/pods?fieldSelector=spec.nodeName={node}")

    async def watch_pods_of(self, node: str, resource_version: str) -> AsyncIterator[Object]:
        """Yield the events of the pods of a node after a version; raises `Expired` or `Unavailable`, or just ends."""
        query = f"?watch=1&fieldSelector=spec.nodeName={node}&timeoutSeconds={WATCH_SECONDS}"
        url = f"{self._server}/api/v1/pods{query}&resourceVersion={resource_version}"
        timeout = aiohttp.ClientTimeout(sock_connect=REQUEST_SECONDS, sock_read=WATCH_SECONDS + REQUEST_SECONDS)
        try:
            async with self._session.get(url, timeout=timeout) as answer:
                if answer.status == 410:
                    raise Expired
                if answer.status != 200:
                    raise Unavailable(f"watch: {answer.status} {await answer.text()}")
                async for line in answer.content:
                    event: Object = json.loads(line)
                    if event["type"] == "ERROR":
                        raise Expired
                    yield event
        # ValueError: a line that was cut off, or is too long for the buffer. Both are healed by a new list.
        except (*_TRANSPORT, ValueError) as error:
            raise Unavailable(f"watch: {error!r}") from error

    async def apply(self, path: str, body: Object) -> None:
        """Make the object, or make it so."""
        await self._request("PATCH", f"{path}?fieldManager=rig-node&force=true", body, "application/apply-patch+yaml")

    async def patch(self, path: str, body: Object) -> None:
        """Merge into the object; a body with a uid is refused for another object."""
        await self._request("PATCH", path, body, "application/strategic-merge-patch+json")

    async def delete(self, path: str, uid: str) -> None:
        """Delete this very object at once; raises `Gone` where it is not there."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        await self._request("DELETE", path, options)

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> Object:
        data = json.dumps(body) if body is not None else None
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        headers = {"Content-Type": content_type}
        try:
            async with self._session.request(
                method, f"{self._server}{path}", data=data, headers=headers, timeout=timeout
            ) as answer:
                said = await answer.text()
        except _TRANSPORT as error:
            raise Unavailable(f"{method} {path}: {error!r}") from error
        if answer.status < 300:
            content: Object = json.loads(said)
            return content
        raise _error(answer.status)(f"{method} {path}: {answer.status} {said}")


def _error(status: int) -> type[Exception]:
    match status:
        case 404:
            return Gone
        case 400 | 422:
            return Refused
        case _:
            return Unavailable
