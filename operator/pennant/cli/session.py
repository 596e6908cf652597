"""One verb's session with the API server: the user's own kubeconfig, and errors as sentences that say what to do."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.cli import names
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.codec import decode
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.errors import Forbidden, Missing, NotServed, Unauthenticated
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.inspector import Inspector
from pennant.ports import PortError, Unavailable

ResultT = TypeVar("ResultT")
FIELD_MANAGER = "kubectl-pennant"
REQUEST_SECONDS = 30.0
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@dataclass(frozen=True, slots=True)
class Session:
    """An open client, and the namespace that names without one are in."""

    client: Client
    namespace: str
    server: str

    @property
    def inspector(self) -> Inspector:
        """What reads a ModelDeployment with all that belongs to it."""
        return Inspector(self.client)

    async def deployment(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment alone, without what belongs to it; None where it does not exist."""
        raw = await self.client.get(Kind.MODEL_DEPLOYMENT, key.namespace, key.name)
        return None if raw is None else decode.model_deployment(raw)

    async def user(self) -> str:
        """Return the user name as the API server knows it; empty where it does not say."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            review = await self.client.request(ApiVerb.CREATE, Kind.ACCESS_REVIEW, REVIEWS, body=body)
        except PortError:
            return ""
        return str(review.get("status", {}).get("userInfo", {}).get("username", ""))

    async def patch(self, kind: Kind, key: Key, body: Json, *, dry_run: str = "none", subresource: str = "") -> Json:
        """Merge a patch into an object as the field manager `kubectl-pennant`, and return the object."""
        params, path = _params(dry_run), RESOURCES[kind].path(key.namespace, key.name, subresource)
        return await self.client.request(ApiVerb.PATCH, kind, path, params=params, body=body, content_type=MERGE)

    async def create(self, kind: Kind, body: Json, *, dry_run: str = "none") -> Json:
        """Create an object as the field manager `kubectl-pennant`; raises `Conflict` where its name is taken."""
        path = RESOURCES[kind].path(body["metadata"]["namespace"])
        return await self.client.request(ApiVerb.CREATE, kind, path, params=_params(dry_run), body=body)


def _params(dry_run: str) -> dict[str, str]:
    """Return the parameters of a write."""
    return {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run == "server" else {})


def run(options: ClusterOptions, verb: Callable[[Session], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run the asynchronous part of a verb; every failure of the API server ends as a `CliError`."""

    async def opened() -> ResultT:
        connection = Connection(options.kubeconfig, options.context)
        async with Client(connection, total_seconds=REQUEST_SECONDS) as client:
            namespace = names.valid(options.namespace or connection.namespace or "default", "namespace")
            session = Session(client, namespace, connection.server)
            try:
                return await verb(session)
            except PortError as error:
                raise explained(error, connection.server) from error

    try:
        return asyncio.run(opened())
    except Unavailable as error:
        raise CliError(unusable(str(error), options.kubeconfig)) from error


def unusable(problem: str, kubeconfig: str | None) -> str:
    """Return the error for a kubeconfig that cannot be used, with its path if the user gave one."""
    if kubeconfig is not None and not Path(kubeconfig).exists():
        return f"the kubeconfig file {kubeconfig} does not exist"
    where = f"{kubeconfig}: " if kubeconfig is not None else ""
    return f"{where}{problem.rstrip('.')}; set KUBECONFIG or --kubeconfig to a file that kubectl can use"


_BY_POLICY = "ValidatingAdmissionPolicy"
"""In the message of the API server where an admission policy refuses a request."""


def explained(error: PortError, server: str) -> CliError:
    """Return what a failure of the API server means to a user, and what to do."""
    said = str(error)
    if isinstance(error, NotServed):
        return CliError(
            f"the server at {server} has no ModelDeployments ({GROUP}). Install Pennant's "
            "CustomResourceDefinitions with its chart, or choose another cluster with --context"
        )
    if isinstance(error, Unauthenticated):
        return CliError(f"the server at {server} does not accept your credentials: {said}. Log in again")
    if isinstance(error, Forbidden) or "forbidden" in said.lower():
        # A policy says itself what is wrong, which need not be a permission: four eyes need another user.
        return CliError(said if _BY_POLICY in said else f"{said}. Ask an administrator for this permission")
    if isinstance(error, Missing):
        return CliError(said)
    if said.startswith("the API server does not answer"):
        # aiohttp names the TLS context, which tells a user nothing.
        cause = re.sub(r" ssl:(<[^>]*>|\S+)", "", said.partition(": ")[2])
        return CliError(f"the server at {server} does not answer: {cause}. Is the address right?")
    return CliError(said)
