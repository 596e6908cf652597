"""A front end before Prometheus, as there are many: it aligns, is slow, gives a part, or nothing.

The first part of the path says how it behaves, so one serves several metric sources:

- `/aligned` rounds the start and the end of a range down to whole steps, as Thanos' query front end does.
- `/slow` passes each question on after some seconds.
- `/partial` adds the warning of Thanos that a store did not answer, `/half` the mark of VictoriaMetrics.
- `/empty` finds nothing, whatever it is asked for, as one does whose stores have not come back.
- `/unruly` knows no rules.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

HEADERS = ("Content-Type", "Accept")
UPSTREAM_SECONDS = 10
WARNING = "receive series from Addr: 10.0.0.1:10901 LabelSets: {}: rpc error: code = Unavailable desc = no answer"
MARKS: dict[str, dict[str, Any]] = {"partial": {"warnings": [WARNING]}, "half": {"isPartial": True}}
NOTHING: dict[str, Any] = {"result": [], "groups": []}


class FrontEnd:
    """A front end on 127.0.0.1, as long as it is entered."""

    def __init__(self, upstream: str, slow_seconds: float = 3.0) -> None:
        """Pass questions on to the server of this URL."""
        handler = type("Handler", (_Handler,), {"upstream": upstream, "slow_seconds": slow_seconds})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def url(self, behaviour: str) -> str:
        """Return where it behaves like this."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{behaviour}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    upstream: str
    slow_seconds: float

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def _pass_on(self, body: bytes | None) -> None:
        _, behaviour, path = self.path.split("/", 2)
        if behaviour == "slow":
            time.sleep(self.slow_seconds)
        if behaviour == "aligned" and body is not None and path.endswith("query_range"):
            body = _aligned(body)
        if behaviour == "unruly" and "/rules" in path:
            self._answer(404, b"no rules here")
            return
        code, answer = self._asked(f"{self.upstream}/{path}", body)
        if behaviour in MARKS and code == 200:
            answer = json.dumps(json.loads(answer) | MARKS[behaviour]).encode()
        if behaviour == "empty" and code == 200:
            answer = _emptied(answer)
        self._answer(code, answer)

    def _asked(self, url: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {name: self.headers[name] for name in HEADERS if name in self.headers}
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=UPSTREAM_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a test reads its own logs."""


def _emptied(answer: bytes) -> bytes:
    told = json.loads(answer)
    data = {name: NOTHING.get(name, each) for name, each in told["data"].items()}
    return json.dumps(told | {"data": data}).encode()


def _aligned(body: bytes) -> bytes:
    form = dict(parse_qsl(body.decode()))
    step = float(form["step"])
    rounded = {name: str(float(form[name]) // step * step) for name in ("start", "end")}
    return urlencode(form | rounded).encode()
