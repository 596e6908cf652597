"""Takes versions of a registry over as ModelVersions, one after the other: what `import` and `sync` have in common.

Where versions go, and who is told what became of each, are arguments. The error of one version stops no other one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pennant.api.meta import Json, rfc3339
from pennant.ports import Refused
from pennant.record.document import model_version
from pennant.record.errors import RegisterError
from pennant.registries.changes import addition, changes, contradiction
from pennant.registries.digest import verified
from pennant.registries.names import kept, semantic
from pennant.registries.protocol import (
    Failed,
    Found,
    FoundVersion,
    NoAccess,
    NotThere,
    Registry,
    RegistryError,
    Selection,
    Skipped,
)


class Outcome(StrEnum):
    """What became of a version."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Target(Protocol):
    """Where versions go."""

    async def tags(self, model: str) -> Mapping[str, str]:
        """Return who has each tag of a model there, by the name of the object."""
        ...

    async def put(self, document: Json) -> Outcome:
        """Add a version, unless it is there; raises `RegistryError` where it is there with other content."""
        ...


class Telling(Protocol):
    """Who is told what became of each version."""

    def failed(self, what: str, why: str) -> None:
        """Take a version, or a model, that cannot be imported."""
        ...

    def skipped(self, what: str, why: str) -> None:
        """Take a version that has nothing to import."""
        ...

    def done(self, what: str, found: FoundVersion, outcome: Outcome) -> None:
        """Take a version that is there now."""
        ...

    def warned(self, sentence: str) -> None:
        """Take what a user should know of a version that is there."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is imported, and how."""

    selection: Selection
    as_semver: bool = False
    """Whether versions get semantic names: 3 becomes 3.0.0."""
    is_verified: bool = False
    """Whether the artefacts are downloaded to compute their sha256."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The tag that a new version with an alias gets, by alias."""
    namespace: str | None = None

    def name(self, model: str, version: str) -> str:
        """Return the name of the object of a version; raises `RegistryError` where it can have none."""
        return f"{kept(model)}-{self.version(version)}"

    def version(self, version: str) -> str:
        """Return `spec.version` of a version; raises `RegistryError` where it can have none."""
        return semantic(version) if self.as_semver else kept(version)


@dataclass(frozen=True, slots=True)
class Import:
    """One import: from where, what, and to where."""

    registry: Registry
    wish: Wish
    target: Target
    telling: Telling
    now: Callable[[], datetime]
    given: dict[tuple[str, str], str] = field(default_factory=dict)
    """By model and tag: the version that this import gave it to."""
    aliases: set[str] = field(default_factory=set)
    """All aliases of the versions that were there."""
    models: set[str] = field(default_factory=set)
    """All models that were there."""

    async def model(self, model: str) -> None:
        """Take over the versions of a model that are asked for; raises `NoAccess` where nothing more can be read."""
        self.models.add(model)
        try:
            async for each in self.registry.versions(model, self.wish.selection):
                await self.take(each)
        except NoAccess:
            raise
        except NotThere as error:
            said = f"{error}. A name is written as the registry has it; leave it out to import all models"
            self.telling.failed(model, said)
        except RegistryError as error:
            self.telling.failed(model, str(error))

    async def take(self, each: Found) -> Outcome | None:
        """Take over a version; None: it was known, and is not read.

        Raises `NoAccess`, and `Refused` where the credentials do not permit to write any version.
        """
        what = f"{each.model} {each.version}"
        self.aliases.update(each.aliases)
        match each:
            case Skipped():
                self.telling.skipped(what, each.why)
                return Outcome.SKIPPED
            case Failed():
                self.telling.failed(what, each.why)
                return Outcome.FAILED
            case FoundVersion():
                return await self._version(each, what)
        return None

    def end(self) -> None:
        """Tell which aliases of the wish no version had."""
        there = f"those that were found: {', '.join(sorted(self.aliases)[:20])}" if self.aliases else "none has any"
        for alias in sorted(self.wish.tags.keys() - self.aliases):
            self.telling.warned(
                f"no version that was asked for has the alias {alias}, so none gets the tag {self.wish.tags[alias]}; "
                f"{there}"
            )

    async def _version(self, found: FoundVersion, what: str) -> Outcome:
        try:
            outcome = await self.target.put(await self._document(found))
        except NoAccess:
            raise
        except (RegistryError, RegisterError, Refused) as error:
            if isinstance(error, Refused) and "forbidden" in str(error):
                raise
            self.telling.failed(what, str(error))
            return Outcome.FAILED
        self.telling.done(what, found, outcome)
        return outcome

    async def _document(self, found: FoundVersion) -> Json:
        model, version = kept(found.model), self.wish.version(found.version)
        record: dict[str, Any] = dict(await verified(self.registry, found) if self.wish.is_verified else found.record)
        record["source"] = {**record["source"], "importedAt": rfc3339(self.now())}
        if "parent" in record:
            record["parent"] = self.wish.version(record["parent"])
        tags = await self._free_tags(found, f"{model}-{version}", model)
        spec = {"model": model, "version": version, **({"tags": list(tags)} if tags else {}), **record}
        return model_version(spec, self.wish.namespace)

    async def _free_tags(self, found: FoundVersion, name: str, model: str) -> tuple[str, ...]:
        """Return the tags of the aliases of a version. One that another version has is not given to a second one."""
        wanted = sorted({self.wish.tags[each] for each in found.aliases if each in self.wish.tags})
        if not wanted:
            return ()
        given = {tag: holder for (of, tag), holder in self.given.items() if of == model}
        holders = {**await self.target.tags(model), **given}
        for tag in (each for each in wanted if holders.get(each, name) != name):
            self.telling.warned(
                f"{name} does not get the tag {tag}, which {holders[tag]} has; move it with `pennant promote {name}`"
            )
        free = tuple(each for each in wanted if holders.get(each, name) == name)
        self.given.update({(model, each): name for each in free})
        return free


def same(document: Json, there: Json, where: str, telling: Telling) -> Outcome:
    """Return that a version is there already; raises `RegistryError` if it has other content or is being deleted."""
    name = str(document["metadata"]["name"])
    if "deletionTimestamp" in there["metadata"]:
        raise RegistryError(f"{where} is being deleted; the version can be imported when that is done")
    found = changes(there.get("spec") or {}, document["spec"])
    if found.changed:
        raise RegistryError(contradiction(name, where, found))
    if said := addition(name, found):
        telling.warned(said)
    return Outcome.UNCHANGED
