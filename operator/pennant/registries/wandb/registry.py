"""The versions of models on a W&B server, by its GraphQL."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from pennant.api.meta import Json
from pennant.registries.fields import mappings, moment_of, object_of
from pennant.registries.notes import Notes
from pennant.registries.protocol import (
    Failed,
    File,
    FoundVersion,
    Item,
    NotThere,
    RegistryError,
    Selection,
    Skipped,
    Unreadable,
)
from pennant.registries.reading import or_failed, together
from pennant.registries.stored import MISSING, Stored
from pennant.registries.wandb import manifest
from pennant.registries.wandb.graphql import COLLECTION, COLLECTIONS, FILE, ORIGIN, PROJECTS, VERSIONS, Graph, inner
from pennant.registries.wandb.graphql import nodes as nodes_of
from pennant.registries.wandb.known import Version
from pennant.registries.wandb.record import MODEL, record
from pennant.registries.wandb.runs import Runs, used

REGISTRY = "wandb-registry-"
"""How the names of projects begin that are registries."""
_OWN_ALIAS = re.compile(r"latest|v\d+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where models are on a server."""

    app: str
    """Address of the pages for people."""
    entity: str
    project: str | None
    """None: all projects of the entity."""
    type: str = MODEL
    """Of the artefacts that are models."""
    organization: str = ""
    """Of a registry, for the addresses of its pages."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version as the list of a collection has it."""

    project: str
    collection: str
    name: str
    """In this collection, such as `v3`: the same artefact has another number in each collection."""
    artifact: Json

    @property
    def number(self) -> int:
        """The number of the version; -1: it has none."""
        return int(self.name[1:]) if re.fullmatch(r"v\d{1,18}", self.name) else -1


class Wandb:
    """Implements `Registry`."""

    def __init__(self, graph: Graph, stored: Stored, place: Place, repository: str | None = None) -> None:
        """Ask through `graph`; `repository` is where code is that has only a commit."""
        self._graph = graph
        self._stored = stored
        self._place = place
        self._repository = repository
        self._runs = Runs(graph, stored)
        self._manifest: tuple[str, dict[str, Json]] = ("", {})
        """Identifier of the artefact whose files were listed last, and its manifest."""

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all collections of models; with the project before each, if there are several."""
        async for project in self._projects():
            names = self._graph.pages(
                COLLECTIONS,
                ("project", "artifactType", "artifactCollections"),
                **self._at(project),
            )
            async for each in names:
                name = str(each["node"].get("name"))
                yield name if self._place.project else f"{project}/{name}"

    async def _projects(self) -> AsyncIterator[str]:
        if self._place.project is not None:
            yield self._place.project
            return
        async for each in self._graph.pages(PROJECTS, ("models",), entity=self._place.entity):
            yield str(each["node"].get("name"))

    def _at(self, project: str) -> dict[str, str]:
        return {"entity": self._place.entity, "project": project, "type": self._place.type}

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a collection in the order in which the server lists them."""
        project, _, name = model.rpartition("/")
        project = project or self._place.project or ""
        asked = await self._graph.ask(COLLECTION, **self._at(project), name=name)
        collection = inner(asked, "project", "artifactType", "artifactCollection")
        if not collection:
            where = f"{self._place.entity}/{project or 'PROJECT'}"
            raise NotThere(f"{where} has no collection {name!r} of the type {self._place.type!r} that you may read")
        selected = self._selected(project, name, selection)
        async for done in together(selected, lambda each: self._one(each, model, collection)):
            yield done

    async def _selected(self, project: str, name: str, selection: Selection) -> AsyncIterator[Listed]:
        newest: Listed | None = None
        path = ("project", "artifactType", "artifactCollection", "artifacts")
        async for edge in self._graph.pages(VERSIONS, path, **self._at(project), name=name):
            number = edge.get("version") or f"v{edge['node'].get('versionIndex')}"
            each = Listed(project, name, str(number), edge["node"])
            if selection.since is not None:
                created = moment_of(each.artifact.get("createdAt"))
                if created is None or created >= selection.since:
                    yield each
            elif selection.is_all or self._aliases(each):
                yield each
            if _is_there(each) and (newest is None or each.number > newest.number):
                newest = each
        is_default = selection.since is None and not selection.is_all
        if is_default and newest is not None and not self._aliases(newest):
            yield newest

    def _aliases(self, listed: Listed) -> tuple[str, ...]:
        """Return the aliases that users gave the version in this collection. Each collection has its own."""
        here = (self._place.entity, listed.project, listed.collection)
        return tuple(
            alias
            for each in mappings(listed.artifact.get("aliases"))
            if (alias := str(each.get("alias") or "")) and not _OWN_ALIAS.fullmatch(alias) and _collection(each) == here
        )

    async def _one(self, listed: Listed, model: str, collection: Json) -> Item:
        state = listed.artifact.get("state") or "COMMITTED"
        if state != "COMMITTED":
            return Skipped(model, listed.name, f"its state is {state}")
        if listed.number < 0:
            return Failed(model, listed.name, "the server does not say its number")
        return await or_failed(self._found(listed, model, collection), model, listed.name, "the answer of the server")

    async def _found(self, listed: Listed, model: str, collection: Json) -> FoundVersion:
        notes = Notes()
        identity = str(listed.artifact["id"])
        origin = inner(await self._graph.ask(ORIGIN, id=identity), "artifact")
        by = inner(origin, "createdBy")
        run = None
        if by.get("__typename") == "Run":
            owner = inner(by, "project")
            name = (str(inner(owner, "entity").get("name")), str(owner.get("name")), str(by.get("name")))
            run = await self._runs.get(name)
        version = Version(
            app=self._place.app,
            instance=f"{self._place.app}/{self._place.entity}/{listed.project}",
            page=self._page(listed),
            uri=f"wandb-artifact://{self._place.entity}/{listed.project}/{listed.collection}:{listed.name}",
            model=listed.collection,
            name=listed.name,
            aliases=self._aliases(listed),
            artifact=listed.artifact,
            collection=collection,
            contents=await self._contents(origin, notes),
            run=run,
            repository=self._repository,
            others=_origin(listed, self._place.entity),
        )
        place = {"id": identity, "project": listed.project, "collection": listed.collection}
        return FoundVersion(model, listed.name, record(version, notes), version.aliases, notes.said, place)

    def _page(self, listed: Listed) -> str:
        app, entity, name = self._place.app, self._place.entity, listed.collection
        if listed.project.startswith(REGISTRY) and self._place.organization:
            path = quote(f"{entity}/{listed.project}/{name}", safe="")
            registry = f"{app}/orgs/{self._place.organization}/registry/{listed.project.removeprefix(REGISTRY)}"
            return f"{registry}?selectionPath={path}&view=membership&version={listed.name}"
        return f"{app}/{entity}/{listed.project}/artifacts/{quote(self._place.type)}/{quote(name)}/{listed.name}"

    async def _contents(self, origin: Json, notes: Notes) -> dict[str, Json]:
        try:
            return await self._manifest_at(origin)
        except MISSING as error:
            notes.add(f"the list of files cannot be read, so formats and references are not known: {error}")
            return {}

    async def _manifest_at(self, origin: Json) -> dict[str, Json]:
        url = inner(origin, "currentManifest", "file").get("directUrl")
        if not url:
            raise Unreadable("the server has no list of the files of the artefact")
        try:
            return manifest.contents(object_of(await self._stored.whole(str(url))))
        except ValueError as error:
            raise Unreadable(f"the list of files ends early or is wrong: {error}. Run the import again") from error

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact of a version."""
        identity = found.place["id"]
        entries = await self._manifest_at(inner(await self._graph.ask(ORIGIN, id=identity), "artifact"))
        self._manifest = identity, entries
        for each in manifest.files(entries):
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact, which W&B has or only refers to."""
        identity, entries = self._manifest
        entry = manifest.entry_of(entries, file) if identity == found.place["id"] else {}
        if ref := entry.get("ref"):
            version = (entry.get("extra") or {}).get("versionID")
            parts = self._stored.chunks(str(ref), str(version) if version else None)
        else:
            parts = self._stored.chunks(await self._url(found, file))
        async for part in parts:
            yield part

    async def _url(self, found: FoundVersion, file: File) -> str:
        """Return a signed URL of a file. It is asked for when it is needed, because it expires."""
        project, collection = found.place["project"], found.place["collection"]
        asked = await self._graph.ask(
            FILE,
            entity=self._place.entity,
            project=project,
            collection=collection,
            version=found.version,
            names=[file.path],
        )
        listed = nodes_of(inner(asked, "project", "artifactCollection", "artifactMembership").get("files"))
        if not listed or not listed[0].get("directUrl"):
            raise RegistryError(f"the server does not have the file {file.path}, which its list of files names")
        return str(listed[0]["directUrl"])


def _is_there(listed: Listed) -> bool:
    return (listed.artifact.get("state") or "COMMITTED") == "COMMITTED"


def _collection(alias: Json) -> tuple[str, str, str]:
    """Return entity, project and name of the collection that has an alias."""
    collection = inner(alias, "artifactCollection")
    project = inner(collection, "project")
    return str(inner(project, "entity").get("name")), str(project.get("name")), str(collection.get("name"))


def _origin(listed: Listed, entity: str) -> dict[str, str]:
    """Return where a version was logged, if it is only linked to this collection."""
    first = used(listed.artifact)
    if (first.entity, first.project, first.name) == (entity, listed.project, listed.collection):
        return {}
    return {"linkedFrom": f"{first.entity}/{first.project}/{first.name}:{first.version}"}
