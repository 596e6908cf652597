"""Reads of one workspace or registry of Azure ML: its path, the version of its API, lists in pages."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pennant.api.meta import Json
from pennant.registries.http import Pairs, Reader
from pennant.registries.pages import pages
from pennant.registries.protocol import RegistryError


@dataclass(frozen=True, slots=True)
class Source:
    """A workspace or a registry."""

    http: Reader
    uri: str
    """Such as `azureml://registries/R`."""
    path: str
    """Path of the workspace or registry."""
    api: str
    """Version of the API."""

    async def get(self, *names: str) -> Json:
        """Return a resource below the workspace or registry."""
        return await self.http.json(self._path(names), (("api-version", self.api),))

    async def pages(self, *names: str, params: Pairs = ()) -> AsyncIterator[Json]:
        """Yield the items of a list, page by page."""

        def ask(link: str) -> Awaitable[Json]:
            if not link:
                return self.http.json(self._path(names), (("api-version", self.api), *params))
            # Only the path and the query count: the credentials are for this host and no other one.
            parts = urlsplit(link)
            path, query = quote(unquote(parts.path), safe="/:@"), parse_qsl(parts.query, keep_blank_values=True)
            return self.http.json(path, query)

        async for page in pages(ask, lambda page: page.get("nextLink"), self.uri):
            listed = page.get("value") or []
            for each in listed if isinstance(listed, list) else [listed]:
                if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                    raise RegistryError(f"{self.uri} gives an item without a name. Is it Azure ML?")
                yield each

    def _path(self, names: tuple[str, ...]) -> str:
        return "/".join((self.path, *(quote(each, safe="") for each in names)))
