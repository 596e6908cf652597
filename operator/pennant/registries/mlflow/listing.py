"""Lists of an MLflow server: its models, which of them changed, and the versions of one that are wanted."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import Any

from pennant.api.meta import Json
from pennant.registries.http import Pairs, Reader
from pennant.registries.pages import pages
from pennant.registries.protocol import NoAccess, NotThere, RegistryError, Selection

API = "/api/2.0/mlflow"
PAGE = 100
VERSIONS = f"{API}/model-versions/search"
Aliases = Mapping[str, Sequence[str]]


class Listing:
    """Reads lists page by page, and keeps one page in memory."""

    def __init__(self, http: Reader, base: str) -> None:
        """Read through `http`; `base` is the address without credentials."""
        self._http, self._base = http, base

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all registered models."""
        async for each in self._models():
            yield str(each["name"])

    async def states(self, models: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
        """Yield models with a hash of all that MLflow says of each; that has its aliases and its newest version.

        All models take a request for each 100 of them, and named ones a request each.
        """
        if not models:
            async for each in self._models():
                yield str(each["name"]), _hash(each)
            return
        for name in models:
            try:
                yield name, _hash(await self.registered(name))
            except NotThere:
                continue

    async def registered(self, model: str) -> Json:
        """Return a registered model; raises `NotThere`, and `NoAccess` where this is no MLflow."""
        answer = await self._http.json(f"{API}/registered-models/get", (("name", model),))
        registered = answer.get("registered_model")
        if not isinstance(registered, dict):
            raise NoAccess(f"{self._base} answers without a registered_model. Is this an MLflow server?")
        return registered

    async def versions(self, model: str, aliases: Aliases, selection: Selection) -> AsyncIterator[Json]:
        """Yield the versions that are wanted.

        Where some are known, the newest come first, and those with an alias are always among them.
        """
        if selection.known is not None and (selection.is_all or selection.since is not None):
            listed, seen = self._until_known(model, selection), set[str]()
            async for each in listed:
                seen.add(str(each["version"]))
                yield each
            async for each in self._named_ones(model, aliases.keys() - seen, selection):
                yield each
        elif selection.since is not None:
            async for each in self._since(model, selection.since.timestamp() * 1000):
                yield each
        elif selection.is_all:
            async for each in self._ordered(model, "version_number ASC"):
                yield each
        else:
            async for each in self._newest_and_aliased(model, aliases, selection):
                yield each

    async def _newest_and_aliased(self, model: str, aliases: Aliases, selection: Selection) -> AsyncIterator[Json]:
        params = (*_of(model), ("order_by", "version_number DESC"), ("max_results", "1"))
        first = await self._http.json(VERSIONS, params)
        listed = [self._named(each, VERSIONS) for each in first.get("model_versions") or ()]
        chosen = {str(each["version"]): each for each in listed}
        async for each in self._named_ones(model, aliases.keys() - chosen.keys(), selection):
            chosen[str(each["version"])] = each
        for version in sorted(chosen, key=number):
            yield chosen[version]

    async def _named_ones(self, model: str, versions: Iterable[str], selection: Selection) -> AsyncIterator[Json]:
        """Yield these versions; one that is known is not asked for, and one that was deleted is left out."""
        for version in sorted(versions, key=number):
            if selection.known is not None and selection.known(version, self._base):
                yield {"name": model, "version": version}
                continue
            params = (("name", model), ("version", version))
            try:
                asked = await self._http.json(f"{API}/model-versions/get", params)
            except NotThere:
                continue
            yield self._named(asked.get("model_version"), VERSIONS)

    async def _until_known(self, model: str, selection: Selection) -> AsyncIterator[Json]:
        assert selection.known is not None
        newest = self._ordered(model, "version_number DESC")
        if selection.since is not None:
            newest = self._since(model, selection.since.timestamp() * 1000)
        async for each in newest:
            yield each
            if selection.ends_at_known and selection.known(str(each["version"]), self._base):
                return

    async def _since(self, model: str, milliseconds: float) -> AsyncIterator[Json]:
        async for each in self._ordered(model, "creation_timestamp DESC"):
            if number(each.get("creation_timestamp")) < milliseconds:
                return
            yield each

    async def _ordered(self, model: str, order: str) -> AsyncIterator[Json]:
        async for each in self._pages(VERSIONS, "model_versions", (*_of(model), ("order_by", order))):
            yield each

    async def _models(self) -> AsyncIterator[Json]:
        async for each in self._pages(f"{API}/registered-models/search", "registered_models", ()):
            yield each

    async def _pages(self, path: str, field: str, params: Pairs) -> AsyncIterator[Json]:
        sized = (*params, ("max_results", str(PAGE)))
        async for page in token_pages(self._http, path, sized, self._base):
            for each in page.get(field) or ():
                yield self._named(each, path)

    def _named(self, item: Any, path: str) -> Json:
        """Return an item of a list; raises `RegistryError` where it has no name."""
        if not isinstance(item, dict) or "name" not in item or ("version" not in item and "model-versions" in path):
            raise RegistryError(f"{self._base}{path} gives an item without a name or a version. Is it MLflow?")
        return item


def number(value: Any) -> int:
    """Return a number that JSON has as a number or as a text; 0: it is none."""
    return int(value) if str(value).isdecimal() else 0


def token_pages(http: Reader, path: str, params: Pairs, base: str) -> AsyncIterator[Json]:
    """Yield the pages of a list of MLflow's API; `base` is the address without credentials."""

    def ask(token: str) -> Awaitable[Json]:
        return http.json(path, (*params, *((("page_token", token),) if token else ())))

    return pages(ask, lambda page: page.get("next_page_token"), f"{base}{path}")


def _hash(item: Json) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def _of(model: str) -> Pairs:
    return (("filter", f"name={_quoted(model)}"),)


def _quoted(name: str) -> str:
    """Return a name as MLflow's filters have it; raises `RegistryError` where they cannot have it."""
    sign = next((sign for sign in "'\"" if sign not in name), None)
    if sign is None:
        raise RegistryError(f"the name {name!r} has both kinds of quotes, which no filter of MLflow can have")
    return f"{sign}{name}{sign}"
