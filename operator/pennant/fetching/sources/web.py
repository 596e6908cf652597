"""Files over HTTP, by the standard library: no listing, and an offset where the server supports ranges."""

import base64
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from pennant import __version__
from pennant.fetching.sources.source import CHUNK, Opened, Unavailable

STALL_SECONDS = 60.0
"""Time without a byte after which a server counts as one that does not answer."""
LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes of a listing or a manifest."""
FINAL = frozenset({400, 401, 403, 404, 405, 410, 451})
"""Status codes for which repeating the request at once does not help."""
_Answer = Any


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for HTTP alone: a redirect must not lead to a file or to FTP.

    There is one for all requests: reading the certificates of the system takes 20 ms.
    """
    opener = urllib.request.OpenerDirector()
    for each in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(each)
    return opener


def request(url: str, headers: Mapping[str, str] | None = None, secret: str = "") -> _Answer:
    """Return the answer to a GET; raises `Unavailable` with the status code.

    `secret` is an Authorization, which a redirect does not get.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    asked = urllib.request.Request(parts._replace(netloc=host, fragment="").geturl())
    asked.add_header("User-Agent", f"pennant/{__version__}")
    for name, value in (headers or {}).items():
        asked.add_header(name, value)
    if secret or user:
        asked.add_unredirected_header("Authorization", secret or basic(*map(unquote, user.partition(":")[::2])))
    try:
        return _opener().open(asked, timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise HttpStatus(error.code, error.headers) from error
    except urllib.error.URLError as error:
        raise Unavailable(f"{host} does not answer ({type(error.reason).__name__})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"{host} does not answer ({type(error).__name__})") from error


class HttpStatus(Unavailable):
    """A server answered with a status code that does not mean success."""

    def __init__(self, code: int, headers: Any) -> None:
        """Keep the code and the headers; the text of the server is not kept."""
        word = http.client.responses.get(code, "")
        super().__init__(f"HTTP {code} {word}".rstrip(), is_final=code in FINAL)
        self.code, self.headers = code, headers


def basic(user: str, password: str) -> str:
    """Return an Authorization by a user name and a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def document(url: str, headers: Mapping[str, str] | None = None, secret: str = "") -> tuple[bytes, Any]:
    """Return a small document and its headers."""
    with request(url, headers, secret) as answer:
        content = b"".join(_read(answer, LARGEST_DOCUMENT))
        return content, answer.headers


class Web:
    """A file at an HTTP URL."""

    def __init__(self, url: str, secret: str = "") -> None:
        """Read it with an Authorization; empty: without one."""
        self._url, self._secret = url, secret

    def files(self) -> Mapping[str, int | None]:
        """Raise `Unavailable`: HTTP has no listing."""
        raise Unavailable("a directory cannot be listed over HTTP: record an archive, and unpack it", is_final=True)

    def open(self, path: str, offset: int) -> Opened:
        """Return the file from an offset on, or as a whole where the server does not support ranges."""
        # Bytes that a server compresses on the way would have another length and another digest.
        headers = {"Accept-Encoding": "identity"}
        try:
            answer = request(self._url, headers | ({"Range": f"bytes={offset}-"} if offset else {}), self._secret)
        except HttpStatus as error:
            if error.code != 416:
                raise
            found = re.fullmatch(r"bytes \*/([0-9]+)", error.headers.get("Content-Range", ""))
            total = int(found[1]) if found else None
            if total == offset:
                return Opened(iter(()), offset, total)
            return self.open(path, 0)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            raise Unavailable("the server compresses the file, so that its bytes are not those of the record")
        if answer.status == 206:
            found = re.match(r"bytes ([0-9]+)-[0-9]+/([0-9]+)?", answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != offset:
                answer.close()
                return self.open(path, 0)
            return Opened(_read(answer), offset, int(found[2]) if found[2] else None)
        length = answer.headers.get("Content-Length", "")
        return Opened(_read(answer), 0, int(length) if length.isdecimal() else None)


def _read(answer: _Answer, most: int | None = None) -> Iterator[bytes]:
    count = 0
    with answer:
        while True:
            try:
                chunk = answer.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise Unavailable(f"the server stopped in the middle ({type(error).__name__})") from error
            if not chunk:
                return
            count += len(chunk)
            if most is not None and count > most:
                raise Unavailable(f"the answer has more than {most} bytes", is_final=True)
            yield chunk
