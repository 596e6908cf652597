"""Versions of a list that are read at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pennant.registries.protocol import Failed, NoAccess, NotThere
from pennant.registries.reading import CONCURRENCY, UNEXPECTED, or_failed, together


async def numbers(count: int) -> AsyncIterator[int]:
    for each in range(count):
        yield each


async def raising(error: Exception) -> str:
    raise error


@pytest.mark.parametrize("count", [0, 1, CONCURRENCY, CONCURRENCY + 1, 3 * CONCURRENCY])
async def test_the_order_is_that_of_the_list_and_so_many_are_read_at_the_same_time(count: int) -> None:
    running, most = 0, 0

    async def read(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        # The later ones of a page end first.
        await asyncio.sleep(0.001 * (CONCURRENCY - number % CONCURRENCY))
        running -= 1
        return number

    assert [each async for each in together(numbers(count), read)] == list(range(count))
    assert most == min(count, CONCURRENCY)


@pytest.mark.parametrize("kind", [*UNEXPECTED, KeyError, IndexError])
async def test_an_answer_of_another_form_is_a_version_that_failed(kind: type[Exception]) -> None:
    found = await or_failed(raising(kind("no")), "churn", "3", "the answer", ("champion",))
    assert found == Failed("churn", "3", f"the answer does not have the expected form: {kind('no')!r}", ("champion",))


async def test_an_error_of_the_registry_is_told_as_it_is_and_no_access_ends_the_list() -> None:
    assert await or_failed(raising(NotThere("gone")), "churn", "3", "the answer") == Failed("churn", "3", "gone")
    with pytest.raises(NoAccess, match="denied"):
        await or_failed(raising(NoAccess("denied")), "churn", "3", "the answer")
