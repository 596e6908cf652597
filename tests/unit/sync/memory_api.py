"""The API server of `unit.cli.fake_api` without HTTP, behind the methods of a `Client`."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.errors import failure
from pennant.kube.http.resources import Kind
from unit.cli.fake_api import FakeApi, Json

NAMESPACE = "shop"


class MemoryApi:
    """Implements what sync uses of a `Client`."""

    def __init__(self, api: FakeApi | None = None) -> None:
        self.api = api or FakeApi()
        self.asked: Counter[str] = Counter()
        """Requests by verb."""
        self.before: Callable[[str, str], Any] = lambda _verb, _name: None
        """Called before each request with its verb and name; an error is raised instead of an answer."""
        self.managers: dict[str, str] = {}
        """The field manager of the last write of each object."""
        self.events: list[Json] = []

    @property
    def client(self) -> Client:
        return cast(Client, self)

    async def pages(self, kind: Kind, namespace: str, **selectors: str) -> AsyncIterator[Json]:
        await self._asked("list", "")
        query = {name: [each] for name, each in selectors.items()}
        items = self.api.list("modelversions", namespace, query)[1]["items"]
        for start in range(0, max(len(items), 1), 500):
            yield {"items": items[start : start + 500]}

    async def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        await self._asked("get", name)
        code, raw = self.api.get("modelversions", namespace, name)
        return raw if code == 200 else None

    async def request(
        self, verb: ApiVerb, kind: Kind, path: str, *, params: Mapping[str, str] | None = None, body: Any, **_: Any
    ) -> Json:
        if kind is Kind.EVENT:
            self.events.append(body)
            return {}
        name = body["metadata"]["name"] if verb is ApiVerb.CREATE else path.rpartition("/")[2]
        await self._asked(verb.value, name)
        if verb is ApiVerb.CREATE:
            code, raw = self.api.create("modelversions", NAMESPACE, body, False)
        else:
            code, raw = self.api.patch("modelversions", NAMESPACE, name, body, False)
        if code >= 300:
            raise failure(code, json.dumps(raw).encode(), {})
        self.managers[name] = (params or {})["fieldManager"]
        return raw

    async def _asked(self, verb: str, name: str) -> None:
        self.asked[verb] += 1
        # Others get their turn, as they do while a request is under way.
        await asyncio.sleep(0)
        if (error := self.before(verb, name)) is not None:
            raise error

    # What there is.
    def names(self) -> list[str]:
        return sorted(name for _, _, name in self.api.objects)

    def holders(self, tag: str = "production") -> list[str]:
        return [each for each in self.names() if tag in self.api.tags(each, NAMESPACE)]

    def raw(self, name: str) -> Json:
        return self.api.objects["modelversions", NAMESPACE, name]

    def delete(self, name: str) -> None:
        del self.api.objects["modelversions", NAMESPACE, name]

    def set_tags(self, name: str, *tags: str) -> None:
        """Set the tags of a version as somebody else does."""
        self.api.touch("modelversions", name, NAMESPACE, tags=list(tags))

    @property
    def writes(self) -> int:
        return self.asked["create"] + self.asked["patch"]
