"""SIGTERM and SIGINT: the first one starts a graceful shutdown, the second one ends the process at once."""

import asyncio
import logging
import os
import signal

_log = logging.getLogger(__name__)


class StopSignal:
    """Is set when the process is asked to stop."""

    def __init__(self) -> None:
        """Start unset; no handler is installed yet."""
        self._received = asyncio.Event()

    @property
    def is_set(self) -> bool:
        """Whether a signal was received."""
        return self._received.is_set()

    async def wait(self) -> None:
        """Wait for the first signal."""
        await self._received.wait()

    def install(self) -> None:
        """Handle SIGTERM and SIGINT on the running loop, in place of any handler that was there before."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._receive)

    def _receive(self) -> None:
        if self._received.is_set():
            os._exit(1)
        _log.info("Stopping")
        self._received.set()
