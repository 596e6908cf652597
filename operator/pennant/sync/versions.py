"""What is known of the ModelVersions of a namespace: where each comes from, and its tags.

It is read by a list and kept in memory, so that a poll in which nothing changed asks the API server nothing. A stale
entry does no harm: each write has a precondition, and the next list corrects the entry.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from sys import intern
from typing import Any

from pennant.api.annotations import ALIAS_OF
from pennant.api.meta import Json
from pennant.kube.codec import decode
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import tags_of

Origin = tuple[str, str, str, str]
"""Registry, instance, name of the model and of the version there: `spec.source`."""


@dataclass(frozen=True, slots=True)
class Known:
    """A ModelVersion in the cluster."""

    model: str
    """`spec.model`."""
    origin: Origin
    tags: frozenset[str]
    marks: Mapping[str, str]
    """The alias that each of its tags follows or followed, as `<registry>/<alias>`, by tag (`ALIAS_OF`)."""


def known(raw: Json) -> Known:
    """Return what is known of an object."""
    origin = origin_of(decode.field(decode.field(raw, "spec"), "source"))
    return Known(intern(decode.model_and_version(raw)[0]), origin, tags_of(raw), marks_of(raw))


def origin_of(source: Mapping[str, Any]) -> Origin:
    """Return what `spec.source` says of the version in the registry."""
    registry, instance, model = (intern(str(source.get(each, ""))) for each in ("registry", "instance", "modelName"))
    return registry, instance, model, str(source.get("version", ""))


def marks_of(raw: Json) -> Mapping[str, str]:
    """Return the aliases in the annotations of an object, by tag."""
    annotations = raw["metadata"].get("annotations") or {}
    return {name.removeprefix(ALIAS_OF): str(each) for name, each in annotations.items() if name.startswith(ALIAS_OF)}


class Versions:
    """The ModelVersions of one namespace, by name."""

    def __init__(self, client: Client, namespace: str, resync_seconds: float, seconds: Callable[[], float]) -> None:
        """List again after `resync_seconds`; `seconds` is a monotonic clock."""
        self.client, self.namespace = client, namespace
        self._resync_seconds, self._seconds = resync_seconds, seconds
        self._by_name: dict[str, Known] = {}
        self._tagged: dict[tuple[str, str], set[str]] = {}
        """By model and tag: the names of the versions that have the tag, or a mark of it."""
        self._changed: dict[str, Known | None] = {}
        """What this process learned since the running list began."""
        self._losses: dict[tuple[str, str], int] = {}
        self._listed_at: float | None = None
        self._is_expired = False
        self.lists = 0
        """How many lists there were."""
        self._lock = asyncio.Lock()

    @property
    def is_listed(self) -> bool:
        """Whether there was a list."""
        return self._listed_at is not None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_name)

    def get(self, name: str) -> Known | None:
        """Return what is known of a version; None: it is not there."""
        return self._by_name.get(name)

    def concerned(self, model: str, tag: str, mark: str) -> frozenset[str]:
        """Return the names of the versions of a model that have a tag, or a mark that says which alias it follows."""
        names = self._tagged.get((model, tag), set())
        return frozenset(each for each in names if self._has(self._by_name[each], tag, mark))

    def losses(self, registry: str, model: str) -> int:
        """Return how many versions of a model of a registry have gone from the cluster since the start."""
        return self._losses.get((registry, model), 0)

    @property
    def _is_due(self) -> bool:
        is_old = self._listed_at is None or self._seconds() - self._listed_at >= self._resync_seconds
        return self._is_expired or is_old

    async def refresh(self) -> None:
        """List all versions if the last list is older than allowed; raises `PortError`."""
        async with self._lock:
            if not self._is_due:
                return
            self._is_expired = False
            self._changed, found = {}, dict[str, Known]()
            begun = self._seconds()
            async for page in self.client.pages(Kind.MODEL_VERSION, self.namespace):
                for raw in page["items"]:
                    if "deletionTimestamp" not in raw["metadata"]:
                        found[str(raw["metadata"]["name"])] = known(raw)
            for name in self._by_name.keys() - found.keys() - self._changed.keys():
                self._lose(self._by_name[name])
            changed, self._by_name, self._tagged, self._listed_at = self._changed, {}, {}, begun
            for name, each in {**found, **changed}.items():
                self._set(name, each)
            self.lists += 1

    def expire(self) -> None:
        """Have the next `refresh` list again."""
        self._is_expired = True

    def add(self, raw: Json) -> None:
        """Take in an object as it was read or written."""
        self._set(str(raw["metadata"]["name"]), known(raw))

    def remove(self, name: str) -> None:
        """Take in that an object is not there."""
        if (each := self._by_name.get(name)) is not None:
            self._lose(each)
        self._set(name, None)

    def tag(self, name: str, tag: str, mark: str, *, has_tag: bool) -> None:
        """Take in that a version got a tag with its mark, or lost both."""
        if (each := self._by_name.get(name)) is None:
            return
        others = {of: alias for of, alias in each.marks.items() if (of, alias) != (tag, mark)}
        marks = {**others, tag: mark} if has_tag else others
        self._set(name, replace(each, tags=each.tags | {tag} if has_tag else each.tags - {tag}, marks=marks))

    def _lose(self, each: Known) -> None:
        of = each.origin[0], each.origin[2]
        self._losses[of] = self._losses.get(of, 0) + 1

    @staticmethod
    def _has(each: Known, tag: str, mark: str) -> bool:
        return tag in each.tags or each.marks.get(tag) == mark

    def _set(self, name: str, each: Known | None) -> None:
        self._changed[name] = each
        if (before := self._by_name.pop(name, None)) is not None:
            for tag in {*before.tags, *before.marks}:
                self._tagged[before.model, tag].discard(name)
        if each is not None:
            self._by_name[name] = each
            for tag in {*each.tags, *each.marks}:
                self._tagged.setdefault((each.model, tag), set()).add(name)
