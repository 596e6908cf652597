"""A fake API server that sends the responses of a test, and a connection to it."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from aiohttp import web

from pennant.kube.http.connection import Connection


@dataclass
class Answers:
    """The responses in order, and the requests so far. The last response is repeated; without any there is none."""

    replies: deque[Callable[[], web.StreamResponse]] = field(default_factory=deque)
    asked: list[web.Request] = field(default_factory=list)

    def status(self, code: int, message: str = "", headers: Mapping[str, str] | None = None, **rest: Any) -> None:
        body = json.dumps({"kind": "Status", "code": code, "message": message, **rest})
        self.replies.append(lambda: web.Response(status=code, text=body, headers=headers))

    def json(self, body: Any) -> None:
        self.replies.append(lambda: web.json_response(body))

    def text(self, text: str, code: int = 200) -> None:
        self.replies.append(lambda: web.Response(status=code, text=text))

    async def reply(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        if not self.replies:
            # No response, until the client times out and this is cancelled.
            await asyncio.Event().wait()
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        return reply()


@dataclass
class Routes:
    """The response of each path, and the requests so far."""

    replies: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def status(self, path: str, code: int, message: str) -> None:
        body = json.dumps({"kind": "Status", "code": code, "message": message})
        self.replies[path] = lambda: web.Response(status=code, text=body)

    def json(self, path: str, body: Any) -> None:
        self.replies[path] = lambda: web.json_response(body)

    async def reply(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        return self.replies[request.path]()


class Replies(Protocol):
    """What answers requests."""

    async def reply(self, request: web.Request) -> web.StreamResponse: ...


@asynccontextmanager
async def serving(answers: Replies) -> AsyncIterator[str]:
    """Serve on a free port of the loopback and yield the URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answers.reply)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def a_connection(directory: Path, server: str, cluster: Mapping[str, Any] | None = None, **user: Any) -> Connection:
    """Return a connection by a kubeconfig with this user, and these fields of its cluster."""
    return Connection(str(a_kubeconfig(directory, server, cluster, **user)))


def a_kubeconfig(directory: Path, server: str, cluster: Mapping[str, Any] | None = None, **user: Any) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "models"}},
        ],
    }
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
