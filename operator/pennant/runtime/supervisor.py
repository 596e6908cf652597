"""Runs the tasks of the process, and ends all of them when one ends or a signal is received."""

import asyncio
import logging
import os
from collections.abc import Coroutine, Mapping
from typing import Any

from pennant.runtime import logs
from pennant.runtime.signals import StopSignal

SHUTDOWN_SECONDS = 5.0
_log = logging.getLogger(__name__)


async def supervise(coroutines: Mapping[str, Coroutine[Any, Any, None]], stop: StopSignal, last: str = "") -> int:
    """Run all coroutines as tasks, created in this order; return the exit code.

    The code is 0 after a signal and 1 after a task that ended. The other tasks are cancelled and have
    `SHUTDOWN_SECONDS` to finish, for instance to release the Lease; after that the process exits without them. The
    one that `last` names is cancelled when the others have finished.
    """
    tasks = {asyncio.create_task(each, name=name) for name, each in coroutines.items()}
    signalled = asyncio.create_task(stop.wait(), name="signal")
    ended, _ = await asyncio.wait({*tasks, signalled}, return_when=asyncio.FIRST_COMPLETED)
    code = 0 if stop.is_set else 1
    for task in ended - {signalled}:
        logs.log_end(task)
    loop = asyncio.get_running_loop()
    deadline, left = loop.time() + SHUTDOWN_SECONDS, set[asyncio.Task[Any]]()
    first = {task for task in tasks if task.get_name() != last}
    for group in ({*first, signalled}, tasks - first):
        for task in group:
            task.cancel()
        if group:
            left |= (await asyncio.wait(group, timeout=deadline - loop.time()))[1]
    for task in left:
        _log.warning("A task did not stop in time", extra={"task": task.get_name(), "seconds": SHUTDOWN_SECONDS})
    _log.info("Stopped", extra={"code": code})
    if left:
        # The kubelet sends SIGKILL later, without flushing the log.
        logging.shutdown()
        os._exit(code)
    return code
