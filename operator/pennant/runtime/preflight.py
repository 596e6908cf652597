"""Checks before the start: credentials, the API server, permissions and CustomResourceDefinitions.

A process that cannot do its work exits with a message that says why. kopf would retry for ever instead.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from pennant import __version__
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.errors import NotServed
from pennant.kube.permissions import Right, described, missing, to_be_elected, to_serve
from pennant.kube.presence import OWN
from pennant.ports import Refused, Unavailable
from pennant.runtime.settings import Settings

CONNECT_SECONDS = 10.0
"""Timeout of all checks together."""
CHECKS_AT_A_TIME = 4
"""Requests at a time: each takes a connection, whose memory a standby would keep."""
_log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The process cannot do its work; the message says why and how to fix it."""


async def connect(settings: Settings) -> Connection:
    """Return a connection to the API server that works and has all permissions; raises `CannotStart`.

    A CustomResourceDefinition that is missing is no error: the operator waits for it.
    """

    async def check(client: Client, connection: Connection) -> None:
        await check_permissions(client, _required(connection, settings))
        for kind in OWN:
            with suppress(NotServed):
                await client.probe(kind, settings.namespace)

    return await connected(settings.kubeconfig, settings.context, check)


async def connected(
    kubeconfig: str | None, context: str | None, check: Callable[[Client, Connection], Awaitable[None]]
) -> Connection:
    """Return a connection to the API server that passes a check; raises `CannotStart`."""
    try:
        connection = Connection(kubeconfig, context)
        async with asyncio.timeout(CONNECT_SECONDS), Client(connection, limit=CHECKS_AT_A_TIME) as client:
            await check(client, connection)
    except (Unavailable, TimeoutError) as error:
        reason = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        raise CannotStart(f"the API server cannot be used: {reason}") from error
    _log.info("Starting", extra={"version": __version__, "server": connection.server})
    return connection


def lease_namespace(settings: Settings, connection: Connection) -> str:
    """Return the namespace of the Lease; by default that of the pod or of the kubeconfig's context."""
    return settings.lease_namespace or connection.namespace


def _required(connection: Connection, settings: Settings) -> Iterable[Right]:
    yield from to_serve(settings.namespace, deletes_versions=settings.retention_deletes)
    if settings.leader_election:
        yield from to_be_elected(lease_namespace(settings, connection), settings.lease_name)


async def check_permissions(client: Client, required: Iterable[Right]) -> None:
    """Raise `CannotStart` with each permission that is missing; where they cannot be asked for, it is logged."""
    try:
        lacking = await missing(client, required)
    except Refused as error:
        _log.warning("Permissions cannot be checked", extra={"error": str(error)})
        return
    if lacking:
        raise CannotStart(f"rights are missing: {described(lacking)}; the roles of the chart grant them (rbac.create)")
