"""HTTP servers that are slow, that stop in the middle, or that say what was asked of them."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from unit.http_server import serving


@dataclass
class Files:
    """What a server has, and how it behaves."""

    files: dict[str, bytes]
    has_ranges: bool = True
    stops_after: int | None = None
    """Bytes of an answer after which the connection is closed, the first `stops` times."""
    stops: int = 1
    pause: float = 0
    """Seconds before each 64 KiB."""
    is_chunked: bool = False
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, range and authorization of each request."""
    sent: int = 0
    address: str = ""
    begun: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Serves files, and breaks off where it is told to."""

    protocol_version = "HTTP/1.1"
    known: Files

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.known.asked.append((self.path, asked, self.headers.get("Authorization", "")))
        path = self.path.partition("?")[0]
        if path in self.known.redirects:
            self.send_response(302)
            self.send_header("Location", self.known.redirects[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif (whole := self.known.files.get(path)) is None:
            self.send_error(404, "a text of the server")
        else:
            self._answer(whole, asked)

    def _answer(self, whole: bytes, asked: str) -> None:
        found = re.fullmatch("bytes=([0-9]+)-", asked)
        begin = int(found[1]) if found and self.known.has_ranges else 0
        if begin >= len(whole) and begin:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(whole)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(whole) - 1}/{len(whole)}")
        if self.known.is_chunked:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(whole) - begin))
        self.end_headers()
        self._send(whole[begin:])

    def _send(self, rest: bytes) -> None:
        stops = (
            self.known.stops_after is not None and self.known.stops > 0 and len(rest) > (self.known.stops_after or 0)
        )
        if stops:
            self.known.stops -= 1
            rest = rest[: self.known.stops_after]
        for start in range(0, len(rest), 65536):
            if self.known.pause:
                time.sleep(self.known.pause)
            try:
                self.wfile.write(rest[start : start + 65536])
            except OSError:
                self.close_connection = True
                return
            self.known.sent += len(rest[start : start + 65536])
            self.known.begun.set()
        if stops:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def files(content: dict[str, bytes], **how: Any) -> Iterator[Files]:
    """Serve files on 127.0.0.1."""
    known = Files(content, **how)
    with serving(type("Serving", (Handler,), {"known": known})) as address:
        known.address = address
        yield known
