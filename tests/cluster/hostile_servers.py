"""A metric source with hostile answers, and hostile requests to the alert webhook.

Whatever they say holds a word by which it is found.
"""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cluster.secrets import FOREIGN_TEXT
from pennant.runtime.http_server import MAX_BODY_BYTES


def answer(body: Any, status: str = "200 OK", **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Length": str(len(content)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode() + content


def matrix(*series: Any, **more: Any) -> dict[str, Any]:
    result = [{"metric": {FOREIGN_TEXT: FOREIGN_TEXT, "__name__": FOREIGN_TEXT}, "values": each} for each in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}


def vector(*samples: Any, **labels: Any) -> dict[str, Any]:
    result = [
        {"metric": {"alertname": "Slow", FOREIGN_TEXT: FOREIGN_TEXT, **labels}, "value": each} for each in samples
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, "infos": [FOREIGN_TEXT]}


FAILED = {"status": "error", "errorType": FOREIGN_TEXT, "error": FOREIGN_TEXT}
# Stands for the time that was asked for.
THEN = 1111111111.111
SAYS = {
    "refused": answer(FAILED, "400 Bad Request"),
    "unprocessable": answer({**FAILED, "errorType": [FOREIGN_TEXT]}, "422 Unprocessable Entity"),
    "unauthorized": answer(FOREIGN_TEXT.encode(), "401 Unauthorized", WWW_Authenticate=f'Basic realm="{FOREIGN_TEXT}"'),
    "not_found": answer(FOREIGN_TEXT.encode(), "404 Not Found"),
    "in_trouble": answer(FAILED, f"500 {FOREIGN_TEXT}"),
    "busy": answer(FAILED, "503 Service Unavailable", Retry_After=FOREIGN_TEXT),
    "redirects": answer(b"", "302 Found", Location=f"http://127.0.0.1:1/{FOREIGN_TEXT}"),
    "redirects_for_good": answer(b"", "308 Permanent Redirect", Location=f"/{FOREIGN_TEXT}"),
    "half_of_json": answer(f'{{"status": "{FOREIGN_TEXT}'.encode()),
    "no_text": answer(b'"\xff\xfe' + FOREIGN_TEXT.encode() + b'"'),
    "no_gzip": answer(FOREIGN_TEXT.encode(), Content_Encoding="gzip"),
    "gzip_bomb": answer(gzip.compress(FOREIGN_TEXT.encode() * 500_000), Content_Encoding="gzip"),
    "unknown_encoding": answer(matrix([[THEN, "1"]]), Content_Encoding=FOREIGN_TEXT),
    "unknown_status": answer({**matrix([[THEN, "1"]]), "status": FOREIGN_TEXT}),
    "unknown_result": answer({"status": "success", "data": {"resultType": FOREIGN_TEXT, "result": [FOREIGN_TEXT]}}),
    "warns_by_number": answer(matrix([[THEN, "1"]], warnings=1)),
    "warns": answer(matrix([[THEN, "1"]], warnings=[f"partial response: {FOREIGN_TEXT}"], infos=[FOREIGN_TEXT])),
    "two_series": answer(matrix([[THEN, "1"]], [[THEN, "1"]])),
    "no_number": answer(matrix([[THEN, FOREIGN_TEXT]])),
    "huge_number": answer(matrix([[THEN, "9" * 400]])),
    "huge_integer": answer(f'{{"status": "{FOREIGN_TEXT}", "data": {"9" * 9000}}}'.encode()),
    "no_time": answer(matrix([[FOREIGN_TEXT, "1"]])),
    "sets_cookies": answer(matrix(), Set_Cookie=f'{FOREIGN_TEXT}"[]=1'),
    "bad_header": f"HTTP/1.1 200 OK\r\n{FOREIGN_TEXT}\r\n\r\n{{}}".encode(),
    "long_header": answer(matrix(), X=FOREIGN_TEXT * 2000),
    "bad_length": answer(matrix(), Content_Length=FOREIGN_TEXT),
    "bad_chunk": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{FOREIGN_TEXT}\r\n".encode(),
    "breaks_off": answer(FOREIGN_TEXT.encode(), Content_Length="9000"),
    "no_http": f"{FOREIGN_TEXT}\r\n\r\n".encode(),
}
"""The answers of a metric source, each to a query of its name."""


def alerts(path: str) -> bytes:
    """Return the answer about alerts of the source with this path: one fires, or there is none."""
    return answer(vector([THEN, str(time.time())])) if "talkative" in path else SAYS["refused"]


class HostileServer:
    """A server in place of a metric source; it notes what it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.credentials: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                name = form["query"][0] if self.path.endswith("query_range") else self.path
                # Why a query gave nothing is asked by a sum of counts.
                name = "counts" if "count(" in name else name
                server.asked.add(name)
                server.credentials.add(self.headers["Authorization"])
                said = SAYS[name] if name in SAYS else alerts(name)
                self.wfile.write(said.replace(str(THEN).encode(), form.get("end", [str(THEN)])[0].encode()))
                self.close_connection = True

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                server.asked.add(path)
                self.wfile.write(rules(path))
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Iterator["HostileServer"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join(10)
            self._server.server_close()


def rules(path: str) -> bytes:
    listed = [{"name": each, "type": FOREIGN_TEXT, "query": FOREIGN_TEXT} for each in ("Slow", FOREIGN_TEXT)]
    groups = [{"name": FOREIGN_TEXT, "file": FOREIGN_TEXT, "rules": listed}]
    return answer({"status": "success", "data": {"groups": groups}, "infos": [FOREIGN_TEXT]})


def requests(token: str) -> dict[str, tuple[bytes, int]]:
    """Return requests to the alert webhook, some with the right token, and the HTTP status that each is to get."""
    right, word = f"Authorization: Bearer {token}", FOREIGN_TEXT.encode()
    alert = {"status": "firing", "labels": {"alertname": FOREIGN_TEXT, FOREIGN_TEXT: FOREIGN_TEXT}}
    gzipped = f"{right}\r\nContent-Encoding: gzip"
    return {
        "an alert that nobody knows": (post(right, json.dumps({"alerts": [alert]}).encode()), 204),
        "a wrong token": (post(f"Authorization: Bearer {FOREIGN_TEXT}", b""), 401),
        "a token that is no text": (post(b"Authorization: Bearer \xff\xfe" + word, b""), 401),
        "no notification": (post(right, word), 400),
        "no gzip": (post(gzipped, word), 400),
        "a gzip bomb": (post(gzipped, gzip.compress(word * 500_000)), 413),
        "too much": (post(right, word * MAX_BODY_BYTES), 413),
        "another path": (post(right, b"", path=f"/{FOREIGN_TEXT}"), 404),
        "no version": (f"POST /alerts HTTP/1.1 {right} {FOREIGN_TEXT}\r\n\r\n".encode(), 400),
        "no method": (f"{FOREIGN_TEXT} /alerts HTTP/1.1\r\n{right}\r\n\r\n".encode(), 400),
        "no URL": (f"POST http://[{FOREIGN_TEXT}/ HTTP/1.1\r\n{right}\r\n\r\n".encode(), 400),
        "no header": (post(f"{right}\r\n{right.replace(':', '')} {FOREIGN_TEXT}", b""), 400),
        "no length": (post(f"{right}\r\nContent-Length: {FOREIGN_TEXT}", b"", length=False), 400),
        "no chunk": (post(f"{right}\r\nTransfer-Encoding: chunked", word + b"\r\n", length=False), 400),
        "another encoding": (post(f"{right}\r\nContent-Encoding: br", word), 400),
        "a long header": (post(f"{right}\r\nX: {FOREIGN_TEXT * 2000}", b""), 400),
        "an expectation": (post(f"{right}\r\nExpect: {FOREIGN_TEXT}", b""), 417),
    }


def post(headers: str | bytes, body: bytes, *, path: str = "/alerts", length: bool = True) -> bytes:
    given = headers if isinstance(headers, bytes) else headers.encode()
    end = f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() if length else b"\r\n\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode() + given + end + body
