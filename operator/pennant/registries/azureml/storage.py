"""The files of a model version in the storage of a workspace."""

import re
from typing import Any
from urllib.parse import quote

from pennant.api.meta import Json
from pennant.registries import bucket
from pennant.registries.azureml.source import Source
from pennant.registries.bucket import Bucket
from pennant.registries.protocol import RegistryError
from pennant.registries.tokens import Tokens

HINT = (
    "The role Storage Blob Data Reader permits it; or set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN of the "
    "account"
)
DEFAULT_SUFFIX = "core.windows.net"
ARTIFACT_STORE = "workspaceartifactstore"
"""The datastore in which jobs keep what they log."""
BLOBS: dict[str, str] = {"AzureBlob": "containerName", "AzureDataLakeGen2": "filesystem"}
"""Kinds of datastores that are containers of blobs, and the field that names the container."""
_DATASTORE = re.compile(r"azureml://(?:.*/)?datastores/([^/]+)/(?:paths/)?(.+)", re.IGNORECASE)
_JOB = re.compile(r"azureml://(?:.*/)?jobs/([^/]+)/outputs/artifacts/(?:paths/)?(.+)|runs:/([^/]+)/(.+)", re.IGNORECASE)
_BLOB = re.compile(r"https://([a-z0-9]+)\.(?:blob|dfs)\.[^/]+/([^/]+)/(.+)")


class Storage:
    """Opens the places of artefacts."""

    def __init__(self, source: Source, suffix: str, tokens: Tokens | None) -> None:
        """`suffix` ends the names of accounts; without `tokens`, obstore looks for credentials in the environment."""
        self._source = source
        self._suffix = suffix
        self._tokens = tokens
        self._opened: dict[str, Bucket] = {}

    async def bucket(self, uri: str) -> Bucket:
        """Return where an artefact is; raises `RegistryError` where it is in no container of blobs."""
        if uri not in self._opened:
            account, container, root = await self._container(uri)
            self._opened = {uri: Bucket(self._store(account, container, uri), root, uri, HINT)}
        return self._opened[uri]

    async def _container(self, uri: str) -> tuple[str, str, str]:
        if (blob := _BLOB.fullmatch(uri)) is not None:
            return blob[1], blob[2], blob[3]
        name, path = location(uri)
        path_of = f"{self._source.path}/datastores/{quote(name, safe='')}"
        answer = await self._source.http.json(path_of, (("api-version", self._source.api),))
        known: Json = answer.get("properties") or {}
        field = BLOBS.get(str(known.get("datastoreType")))
        if field is None or not known.get("accountName") or not known.get(field):
            raise RegistryError(
                f"{uri} is in the datastore {name} of the kind {known.get('datastoreType')}; --verify reads the kinds "
                f"{' and '.join(BLOBS)}"
            )
        return str(known["accountName"]), str(known[field]), path

    def _store(self, account: str, container: str, uri: str) -> Any:
        options: dict[str, Any] = {"account_name": account, "retry_config": dict(bucket.RETRIES)}
        if self._suffix != DEFAULT_SUFFIX:
            options["endpoint"] = f"https://{account}.blob.{self._suffix}"
        if self._tokens is not None:
            options["credential_provider"] = bucket.provider(self._tokens)
        return bucket.opened(
            lambda stores: stores.AzureStore(container, client_options={"allow_http": True}, **options), uri
        )


def location(uri: str) -> tuple[str, str]:
    """Return the datastore of an artefact and its path in it; raises `RegistryError` where it is in none."""
    if (found := _DATASTORE.fullmatch(uri)) is not None:
        return found[1], found[2]
    if (found := _JOB.fullmatch(uri)) is not None:
        # Jobs keep what they log below their own directory.
        return ARTIFACT_STORE, f"ExperimentRun/dcid.{found[1] or found[3]}/{found[2] or found[4]}"
    raise RegistryError(f"{uri} is in no datastore of the workspace, so its files cannot be read")
