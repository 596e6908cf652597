"""Threads for calls that block."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
THREADS = 4
"""A place that does not answer holds a thread; those of other parts of the process stay free."""


class Threads:
    """Runs calls in threads of its own."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, "archive")

    async def run(self, work: Callable[[], T]) -> T:
        """Return what a call returns; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Start no more calls; one that is under way is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
