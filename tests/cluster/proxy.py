"""A proxy of the API server that holds requests, answers or watch events until a test releases them.

It has the API server's own certificate, on another port of 127.0.0.1, so that whoever trusts that one trusts it too.
"""

import asyncio
import re
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from rig import Rig

SECONDS = 120
HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(eq=False)
class Held:
    """The first request of this method whose path ends so and whose body has this text."""

    method: str
    path: str
    text: str
    answer: bool
    """Whether the request is passed on at once and only its answer is held back."""
    loop: asyncio.AbstractEventLoop
    code: int = 0
    audit_id: str = ""
    _here: threading.Event = field(default_factory=threading.Event)
    _go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _answered: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait until the request has come."""
        assert self._here.wait(SECONDS), f"no {self.method} of {self.path} with {self.text!r} within {SECONDS} s"

    def let_go(self) -> None:
        """Release it."""
        self.loop.call_soon_threadsafe(self._go_on.set)

    def pass_on(self) -> int:
        """Release it, and return the HTTP status of the answer."""
        self.let_go()
        assert self._answered.wait(SECONDS), f"no answer within {SECONDS} s"
        return self.code

    def is_meant(self, request: web.Request, body: bytes) -> bool:
        """Return whether this is the request to hold, and none is held yet."""
        if self._here.is_set() or request.method != self.method:
            return False
        return re.search(f"{self.path}$", request.path) is not None and self.text.encode() in body

    async def hold(self) -> None:
        """Tell the test that it has come, and wait for its release."""
        self._here.set()
        async with asyncio.timeout(SECONDS):
            await self._go_on.wait()

    def answered(self, code: int, audit_id: str) -> None:
        """Note the answer."""
        self.code, self.audit_id = code, audit_id
        self._answered.set()


class Tunnel:
    """A proxy by CONNECT whose every tunnel leads to the API server of a rig, whatever was asked for."""

    def __init__(self, rig: Rig) -> None:
        self._host, _, self._port = rig.api_server.removeprefix("https://").partition(":")
        self.asked: list[bytes] = []
        """The first lines of what was asked for."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """Serve as long as the context lasts, and give the URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield "http://{}:{}".format(*server.sockets[0].getsockname())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        there, back = await asyncio.open_connection(self._host, self._port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            to.write(data)
            await to.drain()
    to.close()


class Proxy:
    """Passes everything on to the API server of a rig, from a thread of its own; use it as a context."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(rig.ca_file, rig.ca_file.with_suffix(".key"))
        self._held: list[Held] = []
        self.passed: set[str] = set()
        """The ids by which the audit log knows the requests that went through here."""
        self._port = 0
        self._not_watched = ""
        self._hearing = asyncio.Event()
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._held:
            each.let_go()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(SECONDS)

    def kubeconfig(self, known: Path, path: Path) -> Path:
        """Write a copy of a kubeconfig with the address of the proxy."""
        path.touch(mode=0o600)
        path.write_text(known.read_text().replace(self._rig.api_server, f"https://127.0.0.1:{self._port}"))
        return path

    def hold(self, method: str, path: str, text: str = "", *, answer: bool = False) -> Held:
        """Hold back the next request of which this is true."""
        held = Held(method, path, text, answer, self._loop)
        self._held.append(held)
        return held

    @contextmanager
    def without_events_of(self, resource: str) -> Iterator[None]:
        """Hold the watch events of this resource for as long as the context lasts."""
        self._hearing.clear()
        self._not_watched = resource
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._hearing.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._forward)
        trust = ssl.create_default_context(cafile=str(self._rig.ca_file))
        self._upstream = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()
        await self._upstream.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        held = next((each for each in self._held if each.is_meant(request, body)), None)
        if held is not None and not held.answer:
            await held.hold()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._upstream.request(
            request.method,
            f"{self._rig.api_server}{request.raw_path}",
            headers=headers,
            skip_auto_headers=("Content-Type",),
            data=body or None,
        ) as answer:
            audit_id = answer.headers["Audit-Id"]
            self.passed.add(audit_id)
            if held is not None:
                if held.answer:
                    await held.hold()
                held.answered(answer.status, audit_id)
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=answer.status, headers=dict(kept))
            # Whoever asked may be gone by now.
            with suppress(ConnectionResetError):
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if "watch" in request.query and request.path.endswith(f"/{self._not_watched}"):
                        await self._hearing.wait()
                    await response.write(chunk)
                await response.write_eof()
            return response
