"""Access tokens that expire: fetched when one is needed, and again before it expires."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

EARLY = timedelta(minutes=5)
"""A token is replaced so long before it expires."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token."""

    value: str
    expires: datetime | None
    """None: it is not known."""

    def __repr__(self) -> str:
        """Return no secret."""
        return f"Token(expires={self.expires})"


class Tokens:
    """The current token of one source."""

    def __init__(self, fetch: Callable[[], Token], now: Callable[[], datetime]) -> None:
        """Fetch by `fetch`, which may wait and runs in a thread; it raises `RegistryError` where there is none."""
        self._fetch = fetch
        self._now = now
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Token:
        """Return a token that does not expire soon."""
        async with self._lock:
            if self._token is None or self._expires_soon(self._token):
                self._token = await asyncio.to_thread(self._fetch)
            return self._token

    async def value(self) -> str:
        """Return the current token as a text."""
        return (await self.current()).value

    def _expires_soon(self, token: Token) -> bool:
        return token.expires is not None and token.expires - self._now() < EARLY


def given(value: str, now: Callable[[], datetime]) -> Tokens:
    """Return a token that a user gave, such as one in a variable of the environment."""
    return Tokens(lambda: Token(value, None), now)
