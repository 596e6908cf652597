"""Opens a Git repository in which GTO registers artefacts of DVC."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pennant.registries.catalogue import Given
from pennant.registries.dvc.registry import Gto
from pennant.registries.git import opening
from pennant.registries.git.opening import Address
from pennant.registries.protocol import Registry


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open the repository; raises `NoAccess` where it is none, or cannot be read."""
    async with opening.opened(Address(given.address or "."), given) as one:
        yield Gto(one)
