"""The server of the dashboard: it answers GET requests from this machine, and nothing else."""

import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from pennant.cli import clock
from pennant.cli.dashboard import pages, view
from pennant.cli.dashboard.feed import Feed, Seen
from pennant.cli.dashboard.pages import Page, Scope, Stale
from pennant.cli.dashboard.state import sentence
from pennant.core.facts.observation import Key

ADDRESS = "127.0.0.1"
HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names in the `Host` header of a request that was meant for this server. Any other one is that of a website whose name
was made to resolve to this machine, so that its script could read the answer (DNS rebinding)."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC: Mapping[str, Path] = {each.name: each for each in (pages.HERE / "static").iterdir()}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Pages about what a feed reads."""

    def __init__(self, feed: Feed, scope: Scope, flags: str = "") -> None:
        """`flags` are added to the commands that a page names, such as `--context prod`."""
        self._feed, self._scope, self._flags = feed, scope, flags

    def app(self) -> web.Application:
        """Return the application; the caller binds it to 127.0.0.1."""
        app = web.Application(middlewares=[_guarded])
        app.router.add_get("/", self._list, allow_head=False)
        app.router.add_get("/namespaces/{namespace}/{name}", self._deployment, allow_head=False)
        app.router.add_get("/static/{name}", _static, allow_head=False)
        app.router.add_get("/{path:.*}", self._nowhere, allow_head=False)
        return app

    async def _list(self, request: web.Request) -> web.Response:
        seen = await self._feed.listed()
        if seen.value is None:
            return _answered(request, self._unread("The ModelDeployments cannot be read", seen.error))
        rows = tuple(view.row(each) for each in seen.value)
        return _answered(request, pages.listing(rows, self._scope, _stale(seen)))

    async def _deployment(self, request: web.Request) -> web.Response:
        key = Key(request.match_info["namespace"], request.match_info["name"])
        if self._feed.namespace not in ("", key.namespace):
            message = (
                f"This dashboard shows the namespace {self._feed.namespace}. Start it with -n {key.namespace} or -A."
            )
            return _answered(request, self._missing(f"{key} is in another namespace", message))
        seen = await self._feed.single(key)
        if seen.value is None and seen.error:
            return _answered(request, self._unread(f"{key.name} cannot be read", seen.error))
        if seen.value is None:
            message = f"The namespace {key.namespace} has no ModelDeployment of this name."
            return _answered(request, self._missing(f"{key.name} does not exist", message))
        found = view.deployment(seen.value, clock.now(), sentence(seen.missing), self._flags)
        return _answered(request, pages.details(found, self._scope, _stale(seen)))

    async def _nowhere(self, request: web.Request) -> web.Response:
        return _answered(request, self._missing("There is no such page", "The list has all ModelDeployments."))

    def _unread(self, heading: str, error: str) -> Page:
        return pages.problem(502, heading, sentence(error), self._scope, tries_again=True)

    def _missing(self, heading: str, message: str) -> Page:
        return pages.problem(404, heading, message, self._scope, tries_again=False)


def _stale(seen: Seen[Any]) -> Stale | None:
    return Stale(sentence(seen.error), seen.read_at) if seen.error and seen.read_at is not None else None


def _answered(request: web.Request, page: Page) -> web.Response:
    """Return a page, or only that it is still the one that the browser has."""
    if request.headers.get("If-None-Match") == page.tag:
        return web.Response(status=304, headers={"ETag": page.tag})
    return web.Response(text=page.html, status=page.status, content_type="text/html", headers={"ETag": page.tag})


async def _static(request: web.Request) -> web.Response:
    path = STATIC.get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what is not a GET request for this machine, and give every answer the headers that protect it."""
    response = await _permitted(request, handler)
    response.headers.update(HEADERS)
    return response


async def _permitted(request: web.Request, handler: Handler) -> web.StreamResponse:
    if _hostname(request.headers.get("Host", "")) not in HOSTS:
        text = "This server answers requests for 127.0.0.1 and localhost only.\n"
        return web.Response(status=421, text=text)
    if request.method != "GET":
        return web.Response(status=405, text="This page is read-only.\n", headers={"Allow": "GET"})
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.Response(status=error.status, text=f"{error.reason}\n")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
