"""Metric sources that speak HTTP: their settings, and a client that bounds time, size and concurrency of each request.

What a server answers is not trusted. A response is read up to 1 MiB, redirects are not followed, and no text of it gets
into an error.

Rule: R100.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic import Field, field_validator, model_validator

from pennant import __version__
from pennant.metrics.fair_queue import Asker, FairQueue
from pennant.metrics.settings import Observed, Settings, SourceSettings
from pennant.metrics.shared_answers import SharedAnswers
from pennant.ports import Refused, Unavailable

LARGEST_ANSWER_BYTES = 1 << 20
CONNECT_SECONDS = 3.0
CONCURRENT_QUERIES = 16
"""Prometheus answers 20 at the same time, unless its `query.max-concurrency` says otherwise, and serves others, too."""
OF_ALL = ("", "")
"""The asker of a request that serves all ModelDeployments."""

AnswerT = TypeVar("AnswerT")


HeaderName = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9][-A-Za-z0-9_]*$")]


class BasicAuth(Settings):
    """A user and a password."""

    username: str
    """Name of the user."""
    password_file: Path
    """File that holds the password; read again for each query."""


class HttpSettings(SourceSettings):
    """One server that is reached by HTTP."""

    url: Annotated[str, Field(max_length=2048)]
    """URL of the server, with the path before `/api/v1` if there is one; http or https."""
    bearer_token_file: Path | None = None
    """File that holds a bearer token; read again for each query."""
    basic_auth: BasicAuth | None = None
    """User and password."""
    ca_file: Path | None = None
    """File of certificates to trust instead of the system's; read again for each query."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers to send, such as `X-Scope-OrgID`."""
    header_files: dict[HeaderName, Path] = Field(default_factory=dict)
    """Headers whose values are secret, each with the file that holds its value; read again for each query."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Seconds after which a query counts as not answered. Default: 10."""
    concurrent_queries: Annotated[int, Field(ge=1, le=256)] = CONCURRENT_QUERIES
    """How many queries may be under way at the same time; a namespace takes three quarters of them at most. Default:
    16, because Prometheus answers 20 by default."""

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https URL, such as http://prometheus.monitoring:9090")
        if parts.username or parts.password:
            raise ValueError("must not hold credentials; use basicAuth")
        return url

    @model_validator(mode="after")
    def _one_credential(self) -> "HttpSettings":
        if self.bearer_token_file is not None and self.basic_auth is not None:
            raise ValueError("set at most one of bearerTokenFile and basicAuth")
        return self

    @model_validator(mode="after")
    def _headers_once(self) -> "HttpSettings":
        names = [each.lower() for each in (*self.headers, *self.header_files)]
        if self.bearer_token_file is not None or self.basic_auth is not None:
            names.append("authorization")
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise ValueError(f"the header {twice[0]} is set twice, by headers, headerFiles or a credential")
        return self


class TooLarge(Unavailable):
    """The response is larger than any that is read."""


class HttpClient:
    """Sends requests to one server, in turns (`FairQueue`). Credentials and certificates are read anew for each."""

    def __init__(self, name: str, settings: HttpSettings, observed: Observed) -> None:
        """Tell `observed` of each request, under the name of the source. No connection is made before the first one."""
        self._name, self._settings, self._observed = name, settings, observed
        self._turns = FairQueue(settings.concurrent_queries)
        self._shared = SharedAnswers[Any]()
        self._session: aiohttp.ClientSession | None = None
        self._authorities = Authorities(settings.ca_file)

    async def in_time(self, ask: Callable[[], Awaitable[AnswerT]], asker: Asker = OF_ALL) -> AnswerT:
        """Await the asker's turn, then the result of `ask`; raises `Unavailable` after the timeout of the source.

        The time that is spent waiting for the turn does not count: the source is not at fault for it.
        """
        try:
            async with self._turns.of(asker):
                return await self._observed_in_time(ask)
        except TimeoutError as error:
            raise self._late() from error

    async def shared(
        self, ask: Callable[[], Awaitable[AnswerT]], asker: Asker, question: Hashable, seconds: float
    ) -> AnswerT:
        """Return the answer to a question as `in_time` does, or one that another asker got; it is kept so long.

        Equal questions have answers of the same type.
        """
        answers: SharedAnswers[AnswerT] = self._shared
        try:
            return await answers.answer(
                question, seconds, lambda: self._turns.of(asker), lambda: self._observed_in_time(ask)
            )
        except TimeoutError as error:
            raise self._late() from error

    async def request(self, method: str, path: str, **content: Any) -> tuple[int, bytes]:
        """Return the status code and the body of one response; call it within `in_time`."""
        url = f"{self._settings.url.rstrip('/')}{path}"
        try:
            headers, tls = self._headers(), self._authorities.context()
            async with self._opened().request(
                method, url, headers=headers, ssl=tls, allow_redirects=False, **content
            ) as response:
                return response.status, await _bounded(response)
        except aiohttp.ClientError as error:
            raise Unavailable(f"cannot be reached ({type(error).__name__})") from error
        except OSError as error:
            raise Unavailable(f"cannot be reached ({error.strerror or type(error).__name__})") from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _late(self) -> Unavailable:
        return Unavailable(f"no answer within {self._settings.timeout_seconds:g} s")

    async def _observed_in_time(self, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        begun, result = monotonic(), "unavailable"
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                answer = await ask()
            result = "success"
            return answer
        except Refused:
            result = "refused"
            raise
        finally:
            self._observed(self._name, result, monotonic() - begun)

    def _headers(self) -> dict[str, str]:
        headers, login = dict(self._settings.headers), self._settings.basic_auth
        headers |= {name: _secret(path) for name, path in self._settings.header_files.items()}
        if self._settings.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {_secret(self._settings.bearer_token_file)}"
        elif login is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(login.username, _secret(login.password_file))
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._settings.concurrent_queries),
                # `in_time` limits the whole.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers={"User-Agent": f"pennant/{__version__}", "Accept-Encoding": "gzip"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


class Authorities:
    """The certificates that are trusted: those of a file, which may be replaced at any time, or the system's."""

    def __init__(self, path: Path | None) -> None:
        """Trust the certificates of this file; None: those that the system trusts."""
        self._path = path
        self._known: tuple[bytes, ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext | bool:
        """Return the TLS context for aiohttp, the same as before unless the file has changed; raises `OSError`."""
        if self._path is None:
            return True
        content = self._path.read_bytes()
        if self._known is None or self._known[0] != content:
            self._known = content, ssl.create_default_context(cafile=str(self._path))
        return self._known[1]


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body after decompression; raises `TooLarge` above the limit."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise TooLarge(f"the answer is larger than {LARGEST_ANSWER_BYTES >> 20} MiB")
    return bytes(body)


def _secret(path: Path) -> str:
    """Return the one line of a file; an error about it quotes no part of it."""
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise Unavailable(f"the source's credentials cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise Unavailable("the source's credentials are no text") from None
    if not text or not text.isprintable():
        raise Unavailable("the source's credentials are not one line of text")
    return text
