"""What the tests of several registries do with the versions that they read."""

import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

from pennant.api.model_version import ModelVersionSpec
from pennant.registries.http import Pairs
from pennant.registries.protocol import FoundVersion, NotThere


def spec(found: FoundVersion) -> ModelVersionSpec:
    """Return the record of a version; raises where the API would refuse it."""
    return ModelVersionSpec.model_validate({"model": "m", "version": "1", **found.record})


async def peak_of(versions: AsyncIterator[Any], *noted: list[Any]) -> int:
    """Return the bytes of memory that versions need at most, without the requests that a fake has noted."""
    tracemalloc.start()
    async for _ in versions:
        for each in noted:
            each.clear()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


async def short(listed: AsyncIterator[Any], longest: int = 100) -> list[Any]:
    """Return all items of a list; fails where it has more than a few, so that one without an end ends the test."""
    found = []
    async for each in listed:
        found.append(each)
        assert len(found) < longest, "the list is read without an end"
    return found


class NoFiles:
    """Implements the part of `Reader` for files, of which there are none."""

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        """Find nothing."""
        raise NotThere("not found")

    async def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        """Find nothing."""
        raise NotThere("not found")
        yield b""
