"""Access tokens that expire."""

import asyncio
from datetime import timedelta

import pytest

from pennant.registries import tokens
from pennant.registries.protocol import NoAccess
from pennant.registries.tokens import EARLY, Token, Tokens
from unit.core.builders import NOON


class Clock:
    def __init__(self) -> None:
        self.now = NOON
        self.fetched = 0

    def fetch(self) -> Token:
        self.fetched += 1
        return Token(f"t{self.fetched}", self.now + timedelta(hours=1))


async def test_a_token_is_kept_until_it_expires_soon() -> None:
    clock = Clock()
    source = Tokens(clock.fetch, lambda: clock.now)
    assert [await source.value(), await source.value()] == ["t1", "t1"]
    clock.now += timedelta(hours=1) - EARLY
    assert await source.value() == "t1"
    clock.now += timedelta(seconds=1)
    assert await source.value() == "t2"


async def test_requests_at_the_same_time_fetch_one_token() -> None:
    clock = Clock()
    source = Tokens(clock.fetch, lambda: clock.now)
    assert set(await asyncio.gather(*(source.value() for _ in range(8)))) == {"t1"}


async def test_a_source_without_a_token_says_why_each_time() -> None:
    def fetch() -> Token:
        raise NoAccess("no credentials")

    source = Tokens(fetch, lambda: NOON)
    for _ in range(2):
        with pytest.raises(NoAccess, match="no credentials"):
            await source.value()


async def test_a_token_that_a_user_gave_is_not_fetched_again() -> None:
    assert await tokens.given("t", lambda: NOON).value() == "t"


def test_a_token_is_not_shown() -> None:
    assert "hunter2" not in repr(Token("hunter2", NOON))
