"""Probes and metrics over HTTP.

Alive is more than answering: `/livez` fails when passes or lists make no progress, so that Kubernetes starts the
process anew. A replica that does not lead is alive and ready: its caches are warm.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from pennant.kube.presence import Presence
from pennant.runtime.resync import Resync
from pennant.runtime.workers import PASS_SECONDS, Workers

Check = Callable[[], str]
"""Returns what is wrong; empty where nothing is."""
LAG_TICK_SECONDS = 1.0
LONGEST_LAG_SECONDS = 5.0
MAX_FAILED_LISTS = 3


class LoopLag:
    """How late the event loop comes back to a task that asked to be woken."""

    def __init__(self) -> None:
        """Begin with no lag."""
        self._expected_at: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds by which the loop is late now."""
        if self._expected_at is None:
            return 0.0
        return max(asyncio.get_running_loop().time() - self._expected_at, 0.0)

    async def run(self) -> None:
        """Ask to be woken, for ever."""
        while True:
            self._expected_at = asyncio.get_running_loop().time() + LAG_TICK_SECONDS
            await asyncio.sleep(LAG_TICK_SECONDS)


def alive(
    lag: LoopLag, workers: Sequence[Workers], resync: Resync, resync_seconds: float, presence: Presence
) -> Mapping[str, Check]:
    """Return the checks of `/livez`: something that should make progress makes none.

    A kind that is not served is waited for, and no restart would bring it.
    """
    longest_list_age = 4 * resync_seconds + 30

    def loop() -> str:
        return f"the event loop is {lag.seconds:.0f} s late" if lag.seconds > LONGEST_LAG_SECONDS else ""

    def passes() -> str:
        seconds = max(each.longest_pass_seconds for each in workers)
        return f"a pass takes {seconds:.0f} s" if seconds > PASS_SECONDS + 10 else ""

    def lists() -> str:
        age = resync.age_seconds if presence.is_complete else None
        return f"the last complete list is {age:.0f} s old" if age is not None and age > longest_list_age else ""

    def watches() -> str:
        deaf = resync.failed_lists >= MAX_FAILED_LISTS
        return f"{resync.failed_lists} lists in a row had news that no watch had told" if deaf else ""

    return {"loop": loop, "passes": passes, "lists": lists, "watches": watches}


def ready(resync: Resync, presence: Presence) -> Mapping[str, Check]:
    """Return the checks of `/readyz`."""
    return {"crds": presence.problem, "caches": lambda: "" if resync.filled.is_set() else "not filled yet"}


class Health:
    """The server of `/livez`, `/readyz` and `/metrics`."""

    def __init__(
        self,
        alive: Mapping[str, Check],
        ready: Mapping[str, Check],
        registry: CollectorRegistry,
        before_scrape: Callable[[], None],
    ) -> None:
        """Answer by these checks; call `before_scrape` before the metrics are read."""
        self._alive, self._ready, self._registry, self._before_scrape = alive, ready, registry, before_scrape
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/livez", lambda _: _answer(self._alive))
        app.router.add_get("/readyz", lambda _: _answer(self._ready))
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        self._before_scrape()
        # Thousands of series take tens of milliseconds, in which the loop would do nothing else.
        body = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _answer(checks: Mapping[str, Check]) -> web.Response:
    said = {name: check() for name, check in checks.items()}
    lines = [f"{name}: {problem or 'ok'}" for name, problem in said.items()]
    return web.Response(text="\n".join(lines) + "\n", status=503 if any(said.values()) else 200)
