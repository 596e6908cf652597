"""Log lines: what aiohttp says of a request holds none of its words.

Rule: R100.
Rule: R101.
"""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp import web

from pennant.runtime import logs

TOKEN = "open-sesame"
QUIETED = ("kopf", "asyncio", "aiohttp.access")


@pytest.fixture(params=["json", "console"])
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Write log lines as the operator does, every one of them, and return where they go."""
    root, quieted = logging.getLogger(), [logging.getLogger(name) for name in QUIETED]
    handlers, levels = root.handlers[:], [each.level for each in (root, *quieted)]
    # What pytest has put there must not be closed.
    root.handlers[:] = []
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(request.param, "DEBUG")
    yield stream
    root.handlers[:] = handlers
    logging.getLogger("aiohttp.server").removeFilter(logs.redact_request)
    for each, level in zip((root, *quieted), levels, strict=True):
        each.setLevel(level)


async def fails(request: web.Request) -> web.Response:
    raise KeyError(await request.text())


async def served(*requests: bytes) -> list[bytes]:
    """Return the first lines of the answers of a server to these requests."""
    app = web.Application()
    app.router.add_post("/fails", fails)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = runner.addresses[0][:2]
    lines = []
    for each in requests:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(each)
        async with asyncio.timeout(5):
            lines.append(await reader.readline())
        writer.close()
    await runner.cleanup()
    return lines


HEAD = f"POST /fails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()


@pytest.mark.parametrize(
    ("request_", "answer", "kind"),
    [
        (f"POST /fails HTTP/1.1 Authorization: Bearer {TOKEN}\r\n\r\n".encode(), b"400", "BadStatusLine"),
        (f"{TOKEN} /fails\r\n\r\n".encode(), b"400", "BadHttpMethod"),
        (HEAD + f"Authorization Bearer {TOKEN}\r\n\r\n".encode(), b"400", "BadHttpMessage"),
        (HEAD + f"Content-Length: {TOKEN}\r\n\r\n".encode(), b"400", "BadHttpMessage"),
        (HEAD + f"Transfer-Encoding: chunked\r\n\r\n{TOKEN}\r\n".encode(), b"400", "BadHttpMessage"),
        (f"POST http://[{TOKEN}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode(), b"400", "InvalidURLError"),
        (HEAD + f"Content-Encoding: gzip\r\nContent-Length: 11\r\n\r\n{TOKEN}".encode(), b"500", "RequestPayloadError"),
    ],
    ids=["first line", "method", "header", "length", "chunk", "URL", "gzip"],
)
async def test_of_a_request_that_cannot_be_read_only_the_kind_of_mistake_is_logged(
    said: io.StringIO, request_: bytes, answer: bytes, kind: str
) -> None:
    (line,) = await served(request_)
    log = said.getvalue()
    assert answer in line
    assert "Error handling request from 127.0.0.1" in log
    assert kind in log
    assert TOKEN not in log
    assert "Traceback" not in log


async def test_a_mistake_of_ours_is_logged_with_its_place_and_redact_request(
    said: io.StringIO,
) -> None:
    body = json.dumps({"token": TOKEN}).encode()
    (line,) = await served(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    log = said.getvalue()
    assert b"500" in line
    assert "in fails" in log
    assert "RequestFailed: KeyError" in log
    assert TOKEN not in log


@pytest.mark.parametrize("sign", ["\n", "\u202e", "\u2028", "\x1b", "\x9b", "\U000e0041"])
def test_what_others_wrote_cannot_change_the_look_of_a_log(said: io.StringIO, sign: str) -> None:
    try:
        raise ValueError(f"broken{sign}here")
    except ValueError:
        logging.getLogger("pennant").exception("seen: %s", f"a{sign}b" + "x" * 10_000, extra={"fact": f"c{sign}d"})
    text, number = said.getvalue(), f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
    assert all(each.isprintable() for each in text.split("\n")), "a sign is shown as it is"
    assert f"a{number}b" in text.replace("\\\\", "\\")
    assert f"c{number}d" in text.replace("\\\\", "\\")
    assert "x" * 5000 not in text
    assert not any(each.startswith("b") for each in text.split("\n"))
