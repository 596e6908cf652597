"""A REST API with lists in pages, and an object store beside it, for registries of clouds."""

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from pennant.api.meta import Json
from pennant.registries.http import Pairs
from pennant.registries.protocol import NotThere, RegistryError
from unit.http_server import serving


@dataclass(frozen=True)
class Answer:
    """One answer; `cut` bytes of it are not sent."""

    code: int
    body: str | bytes = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0


@dataclass
class FakeRest:
    """The base of a fake: what every one of them does alike."""

    resources: dict[str, Any] = field(default_factory=dict)
    """By path: a JSON object, or a list of those in a list."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """What is in the object store, by `<bucket>/<path>`."""
    faults: deque[Answer] = field(default_factory=deque)
    """Given before anything else."""
    broken: dict[str, Answer] = field(default_factory=dict)
    """Given to each request whose path begins so."""
    page_size: int = 2
    grant: Mapping[str, Any] | None = None
    """The answer to each request for a token, at `/token`."""
    asked: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)

    def reply(self, path: str, query: Mapping[str, str]) -> Answer:
        self.asked.append(path)
        if self.faults:
            return self.faults.popleft()
        if (fault := next((each for start, each in self.broken.items() if path.startswith(start)), None)) is not None:
            return fault
        if path == "/token" and self.grant is not None:
            return Answer(200, json.dumps(self.grant))
        if path.lstrip("/") in self.objects:
            return Answer(200, self.objects[path.lstrip("/")], {"Last-Modified": "Fri, 01 May 2026 09:00:00 GMT"})
        if (found := self.listed(path, query)) is not None:
            return found
        value = self.value(path, query)
        return Answer(200, json.dumps(value)) if value is not None else self.no_such(path)

    def value(self, path: str, query: Mapping[str, str]) -> Any:
        raise NotImplementedError

    def no_such(self, path: str) -> Answer:
        return Answer(404, json.dumps({"error": {"code": 404, "message": f"{path} not found", "status": "NOT_FOUND"}}))

    def page(self, items: list[Any], token: str | None) -> tuple[list[Any], str | None]:
        """Return a page of a list, and the token of the next one."""
        start = int(token or 0) if str(token or 0).isdecimal() else len(items)
        end = start + self.page_size
        return items[start:end], str(end) if end < len(items) else None

    def listed(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Return the list of a bucket as Cloud Storage and Azure Blob Storage write it; None: it is no bucket."""
        bucket, prefix = path.strip("/"), query.get("prefix", "")
        if not any(each.startswith(f"{bucket}/") for each in self.objects) or bucket.count("/"):
            return None
        found = {
            name: content
            for each, content in self.objects.items()
            if (name := each.removeprefix(f"{bucket}/")).startswith(prefix)
        }
        when = "2026-05-01T09:00:00.000Z"
        if query.get("comp") == "list":
            when = "Fri, 01 May 2026 09:00:00 GMT"
            entries = "".join(
                f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{when}</Last-Modified><Content-Length>"
                f"{len(content)}</Content-Length><Content-Type>x</Content-Type><Etag>e</Etag></Properties></Blob>"
                for name, content in found.items()
            )
            return Answer(200, f"<EnumerationResults><Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>")
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{when}</LastModified><ETag>e</ETag><Size>"
            f"{len(content)}</Size></Contents>"
            for name, content in found.items()
        )
        return Answer(200, f"<ListBucketResult>{entries}</ListBucketResult>")


@dataclass
class Direct:
    """Implements `Reader` with the answers of a fake, without a connection."""

    fake: FakeRest

    async def json(self, path: str, params: Pairs = ()) -> Json:
        answer = self.fake.reply(unquote(path), dict(params))
        if answer.code != 200:
            raise (NotThere if answer.code == 404 else RegistryError)(f"{answer.code}: {path}")
        found: Json = json.loads(answer.body)
        return found

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        raise NotImplementedError

    def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        raise NotImplementedError


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@dataclass
class Damaged(Direct):
    """Replaces a value in one of the answers by anything that JSON can have."""

    data: st.DataObject
    which: int
    """The number of the answer."""

    async def json(self, path: str, params: Pairs = ()) -> Json:
        answer: Any = await super().json(path, params)
        if self.which == 0:
            holder, key = answer, self._key(answer)
            while isinstance(holder[key], dict | list) and holder[key] and self.data.draw(st.integers(0, 4)):
                holder, key = holder[key], self._key(holder[key])
            holder[key] = self.data.draw(JSON)
        self.which -= 1
        found: Json = answer
        return found

    def _key(self, holder: Any) -> Any:
        return self.data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))


@contextmanager
def served(fake: FakeRest) -> Iterator[str]:
    """Serve on a free port of the loopback and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            fake.credentials.append(self.headers.get("Authorization"))
            answer = fake.reply(unquote(url.path), dict(parse_qsl(url.query, keep_blank_values=True)))
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            self.send_response(answer.code)
            self.send_header("ETag", '"e"')
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) - answer.cut])
            if answer.cut:
                self.close_connection = True

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address
