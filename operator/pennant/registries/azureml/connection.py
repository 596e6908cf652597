"""Opens a workspace or a registry of Azure ML with the credentials that Azure's own clients find."""

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from pennant.api.meta import clip
from pennant.registries.azureml.address import PROVIDER, Place, place
from pennant.registries.azureml.registry import AzureMl
from pennant.registries.azureml.runs import Runs
from pennant.registries.azureml.source import Source
from pennant.registries.azureml.storage import Storage
from pennant.registries.catalogue import Given
from pennant.registries.http import Http
from pennant.registries.protocol import NoAccess, Registry, RegistryError
from pennant.registries.tokens import Token, Tokens

TOKEN = "AZURE_ACCESS_TOKEN"
WORKSPACE_API = "2023-10-01"
REGISTRY_API = "2021-10-01-dataplanepreview"
"""What the official client says to registries, which it does not ask through Azure Resource Manager."""
DISCOVERY = "/registrymanagement/v1.0/registries/{}/discovery"
FRONT = "mferp/managementfrontend"
STORAGE_SCOPE = "https://storage.azure.com/.default"
OF_STORAGE = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN")
HINT = (
    f"Run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or {TOKEN}; the role Reader "
    "permits all reads"
)
_IS_NOT_SET_UP = re.compile("unavailable|not found|not installed|could not be found|requires")
"""What azure-identity says of kinds of credentials that nobody set up."""


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open a workspace or a registry; raises `NoAccess` where there is none of this address, or no credentials."""
    where = place(given.address, given.environment)
    fetch = _fetch(given)
    of_management = Tokens(fetch(f"{where.cloud.management}/.default"), given.now)
    sessions: list[Http] = []

    def session(base: str) -> Http:
        if base.startswith("http://") and where.host.startswith("https://"):
            raise NoAccess(f"{where.host} names {base}, which is without TLS and gets no credentials")
        sessions.append(Http(base, {}, hint=HINT, token=of_management.value, now=given.now))
        return sessions[-1]

    # A token that is given is one for management, and none for storage.
    has_other = any(given.environment.get(each) for each in (TOKEN, *OF_STORAGE))
    of_storage = None if has_other else Tokens(fetch(STORAGE_SCOPE), given.now)
    try:
        if where.is_registry:
            source = await _registry(session, where)
            yield AzureMl(source, None, None, given.repository)
        else:
            source = Source(session(where.host), where.uri, where.path, WORKSPACE_API)
            storage = Storage(source, where.cloud.storage, of_storage)
            yield AzureMl(source, Runs(source, session), storage, given.repository)
    finally:
        for each in sessions:
            await each.close()


async def _registry(session: Callable[[str], Http], where: Place) -> Source:
    """Return where a registry answers, which the discovery says."""
    found = await session(where.host).json(DISCOVERY.format(quote(where.name, safe="")), (("api-version", "v1.0"),))
    try:
        parts = urlsplit(f"{str(found['primaryRegionResourceProviderUri']).rstrip('/')}/{FRONT}")
        path = f"/subscriptions/{found['subscriptionId']}/resourceGroups/{found['resourceGroup']}"
    except (KeyError, ValueError) as error:
        raise RegistryError(f"{where.host} does not say where the registry {where.name} is: {error!r}") from error
    http = session(f"{parts.scheme}://{parts.netloc}")
    return Source(http, where.uri, f"{parts.path}{path}/{PROVIDER}/registries/{where.name}", REGISTRY_API)


def _fetch(given: Given) -> Callable[[str], Callable[[], Token]]:
    """Return what fetches a token for a scope."""
    if value := given.environment.get(TOKEN):
        return lambda _: lambda: Token(value, None)
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    known: list[Any] = []
    # What it logs is in the error, which says it once.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)

    def of_scope(scope: str) -> Callable[[], Token]:
        def fetch() -> Token:
            try:
                if not known:
                    known.append(DefaultAzureCredential())
                found = known[0].get_token(scope)
            except ClientAuthenticationError as error:
                raise NoAccess(f"there are no credentials for Azure: {reason(str(error))}. {HINT}") from error
            return Token(str(found.token), datetime.fromtimestamp(found.expires_on, UTC))

        return fetch

    return of_scope


def reason(text: str) -> str:
    """Return what an error of azure-identity says of the credentials that are set up, or else its first line."""
    tried = [each.strip() for each in text.splitlines() if each.startswith("\t")]
    failed = [each for each in tried if _IS_NOT_SET_UP.search(each) is None]
    return clip("; ".join(failed) or text.partition("\n")[0], 400).rstrip(".")
