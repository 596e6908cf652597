"""Reads the versions in a list: some at the same time, and the error of one becomes `Failed` and stops no other one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from pennant.registries.protocol import Failed, NoAccess, RegistryError

Listed = TypeVar("Listed")
Read = TypeVar("Read")
CONCURRENCY = 8
"""Versions that are read at the same time."""
UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""Errors of code that reads an answer of another form than the expected one."""


async def together(listed: AsyncIterator[Listed], read: Callable[[Listed], Awaitable[Read]]) -> AsyncIterator[Read]:
    """Yield what `read` returns for each item, in the order of the list."""
    page: list[Listed] = []
    async for each in listed:
        page.append(each)
        if len(page) == CONCURRENCY:
            for done in await asyncio.gather(*map(read, page)):
                yield done
            page = []
    for done in await asyncio.gather(*map(read, page)):
        yield done


async def or_failed(
    reading: Awaitable[Read], model: str, version: str, answer: str, aliases: tuple[str, ...] = ()
) -> Read | Failed:
    """Return the version that is read, or `Failed` with its error; `answer` names what does not have the right form.

    Raises `NoAccess`, after which no other version can be read.
    """
    try:
        return await reading
    except NoAccess:
        raise
    except RegistryError as error:
        return Failed(model, version, str(error), aliases)
    except UNEXPECTED as error:
        return Failed(model, version, f"{answer} does not have the expected form: {error!r}", aliases)
