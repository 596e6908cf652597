"""Reads a list that a server gives page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from pennant.api.meta import Json
from pennant.registries.protocol import RegistryError


async def pages(
    ask: Callable[[str], Awaitable[Json]], next_of: Callable[[Json], Any], source: str
) -> AsyncIterator[Json]:
    """Yield all pages of a list.

    `ask` returns the page that a token names, and the first page for an empty token. `next_of` returns the token of
    the next page, and a false value after the last one. Raises `RegistryError` where a token is given twice, because
    such a list has no end; `source` names the server or the list.
    """
    token, seen = "", set[str]()
    while True:
        page = await ask(token)
        yield page
        token = str(next_of(page) or "")
        if not token:
            return
        if token in seen:
            raise RegistryError(f"{source} gives the same page again. Run the import again")
        seen.add(token)
