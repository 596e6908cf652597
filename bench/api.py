"""Clients of the API server: one kept connection, watches, and many requests over several connections."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.objects import Object
from rig import Rig

PATIENCE_SECONDS = 60.0
CONNECTIONS = 16
PAGE = 500
JSON, MERGE = "application/json", "application/merge-patch+json"


class Api:
    """One kept connection to the API server."""

    def __init__(self, rig: Rig, token: str = "") -> None:
        self._host = urlsplit(rig.api_server).netloc
        self._context = ssl.create_default_context(cafile=str(rig.ca_file))
        self._token = token or rig.admin_token
        self._connection = self._connect()

    def _connect(self, seconds: float | None = PATIENCE_SECONDS) -> HTTPSConnection:
        return HTTPSConnection(self._host, context=self._context, timeout=seconds)

    def text(self, method: str, path: str, body: str | None = None, content_type: str = JSON) -> str:
        """Return what is answered; raises `RuntimeError` with the message of a refusal."""
        try:
            return self._answered(method, path, body, content_type)
        except (HTTPException, OSError):
            # The API server closes a connection that was not used for 90 s.
            self._connection.close()
            return self._answered(method, path, body, content_type)

    def _answered(self, method: str, path: str, body: str | None, content_type: str) -> str:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {content}")
        return content

    def request(self, method: str, path: str, body: Object | None = None, content_type: str = JSON) -> Object:
        content: Object = json.loads(self.text(method, path, None if body is None else json.dumps(body), content_type))
        return content

    def pages(self, path: str) -> Iterator[Object]:
        """Yield the pages of a list of this collection."""
        more = ""
        while True:
            page = self.request("GET", f"{path}?limit={PAGE}{more}")
            yield page
            if not page["metadata"].get("continue"):
                return
            more = f"&continue={page['metadata']['continue']}"

    def watch(self, path: str, heard: Callable[[Object], None]) -> None:
        """Call `heard` with each object of this collection that changes, in a thread, until the process ends.

        The API server ends a watch now and then. The next one begins with all objects, which are heard again.
        """

        def listen() -> None:
            while True:
                # Nothing may happen for long.
                connection = self._connect(None)
                try:
                    connection.request("GET", f"{path}?watch=1", headers={"Authorization": f"Bearer {self._token}"})
                except OSError:
                    # The control plane has ended.
                    return
                with suppress(HTTPException, OSError):
                    for line in connection.getresponse():
                        heard(json.loads(line)["object"])
                time.sleep(1)

        threading.Thread(target=listen, daemon=True).start()


@dataclass(frozen=True, slots=True)
class Request:
    """One request; its body is text, so that writing it costs nothing while it is measured."""

    method: str
    path: str
    body: str | None = None
    content_type: str = JSON


Task = Sequence[Request]
"""Requests that are sent one after the other."""


def created(path: str, manifest: Object) -> Request:
    """Return the request that creates an object in a collection."""
    return Request("POST", path, json.dumps(manifest))


def patched(path: str, change: Object) -> Request:
    """Return the request that merges a change into an object."""
    return Request("PATCH", path, json.dumps(change), MERGE)


def send(rig: Rig, tasks: Iterable[Task], width: int = CONNECTIONS) -> tuple[float, list[Any]]:
    """Do all tasks over so many connections; return the seconds, and the last answer of each task in their order."""
    return asyncio.run(_sent(rig, list(tasks), width))


async def _sent(rig: Rig, tasks: list[Task], width: int) -> tuple[float, list[Any]]:
    left, answers = iter(enumerate(tasks)), [None] * len(tasks)
    context = ssl.create_default_context(cafile=str(rig.ca_file))

    async def some(session: aiohttp.ClientSession) -> None:
        for number, task in left:
            for each in task:
                answers[number] = await _answered(session, each)

    headers = {"Authorization": f"Bearer {rig.admin_token}"}
    connector = aiohttp.TCPConnector(limit=width, ssl=context)
    async with aiohttp.ClientSession(rig.api_server, headers=headers, connector=connector) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(some(session) for _ in range(width)))
        return time.perf_counter() - begun, answers


async def _answered(session: aiohttp.ClientSession, request: Request) -> Any:
    headers = {"Content-Type": request.content_type}
    async with session.request(request.method, request.path, data=request.body, headers=headers) as answer:
        content = await answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{request.method} {request.path}: {content.decode()}")
        return json.loads(content)
