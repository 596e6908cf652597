"""`dashboard`: serve the page on 127.0.0.1 until the user stops it."""

import asyncio
import shlex
import signal
from dataclasses import dataclass

import click
from aiohttp import web

from pennant.cli.dashboard.feed import Feed
from pennant.cli.dashboard.pages import Scope
from pennant.cli.dashboard.server import ADDRESS, Server
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key, Snapshot


def execute(cluster: ClusterOptions, all_namespaces: bool, port: int, opens: bool) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.dashboard`."""
    run(cluster, lambda session: serve(session, cluster, "" if all_namespaces else session.namespace, port, opens))


@dataclass(frozen=True, slots=True)
class SessionReader:
    """Reads by a session with the API server."""

    session: Session

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it; None where it does not exist."""
        return await self.session.inspector.snapshot(key)

    async def snapshots(self, namespace: str) -> tuple[Snapshot, ...]:
        """Return the ModelDeployments of a namespace, or of all."""
        return await self.session.inspector.snapshots(namespace)

    async def alone(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment without what belongs to it."""
        return await self.session.deployment(key)


async def serve(session: Session, cluster: ClusterOptions, namespace: str, port: int, opens: bool) -> None:
    """Serve until SIGINT or SIGTERM; raises `CliError` where the port is taken."""
    feed = Feed(SessionReader(session), namespace, session.server)
    flags = "".join(
        f" {flag} {shlex.quote(value)}"
        for flag, value in (("--kubeconfig", cluster.kubeconfig), ("--context", cluster.context))
        if value is not None
    )
    server = Server(feed, Scope(namespace, cluster.context or session.server), flags)
    runner = web.AppRunner(server.app(), access_log=None)
    await runner.setup()
    try:
        url = await _listening(runner, port)
        what = f"namespace {namespace}" if namespace else "all namespaces"
        click.echo(f"Pennant dashboard for {what} of {session.server} is available at {url}")
        if opens:
            click.launch(url)
        await _stopped()
    finally:
        await runner.cleanup()


async def _listening(runner: web.AppRunner, port: int) -> str:
    try:
        await web.TCPSite(runner, ADDRESS, port).start()
    except OSError as error:
        raise CliError(
            f"cannot listen on {ADDRESS}:{port}: {error.strerror}; choose another port with --port, or 0 for a free one"
        ) from error
    return f"http://{ADDRESS}:{runner.addresses[0][1]}/"


async def _stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
