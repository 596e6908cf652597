"""Opens a Git repository whose tags are versions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pennant.registries.catalogue import Given
from pennant.registries.git import opening
from pennant.registries.git.opening import Address
from pennant.registries.git.registry import GitTags
from pennant.registries.protocol import Registry


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open the repository; raises `NoAccess` where it is none, or cannot be read."""
    address = Address.of(given.address)
    async with opening.opened(address, given) as one:
        yield GitTags(one, address.part)
