"""The versions of a Kubeflow Model Registry, by its REST API."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import Any

from pennant.api.meta import Json
from pennant.registries.http import Pairs, Reader
from pennant.registries.kubeflow import measured, stored
from pennant.registries.kubeflow.record import Answers, record, usable
from pennant.registries.notes import Notes
from pennant.registries.pages import pages
from pennant.registries.protocol import (
    Failed,
    File,
    FoundVersion,
    Item,
    NoAccess,
    NoSuchPath,
    NotThere,
    RegistryError,
    Selection,
    Skipped,
)
from pennant.registries.reading import or_failed, together

API = "/api/model_registry"
RELEASES = ("v1", "v1alpha3")
"""Of the API, the newest first. Their answers are alike."""
PAGE = 100
ARCHIVED = "ARCHIVED"
OLDEST, NEWEST = (("orderBy", "CREATE_TIME"), ("sortOrder", "ASC")), (("orderBy", "CREATE_TIME"), ("sortOrder", "DESC"))


class Kubeflow:
    """Implements `Registry`."""

    def __init__(self, http: Reader, base: str, repository: str | None = None) -> None:
        """Read through `http`; `base` is the address without credentials, `repository` that of code without one."""
        self._http = http
        self._base = base.rstrip("/")
        self._repository = repository
        self._release: str | None = None
        self._experiments: dict[str, Json] = {}

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all registered models."""
        async for each in self._pages("/registered_models", (("orderBy", "ID"), ("sortOrder", "ASC"))):
            yield str(each["name"])

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model: the oldest first, or the newest first where only some are wanted."""
        registered = self._named(await self._json("/registered_model", (("name", model),)), "/registered_model")
        async for done in together(self._listed(registered, selection), lambda each: self._one(each, registered)):
            yield done

    async def _listed(self, registered: Json, selection: Selection) -> AsyncIterator[Json]:
        """Yield versions. The newest one is the newest that is not archived; no version has an alias."""
        path = f"/registered_models/{registered['id']}/versions"
        order = OLDEST if selection.is_all and selection.since is None else NEWEST
        async for each in self._pages(path, order):
            if selection.since is not None and _number(each.get("createTimeSinceEpoch")) < (
                selection.since.timestamp() * 1000
            ):
                return
            yield each
            is_one = not selection.is_all and selection.since is None
            if is_one and (each.get("state") != ARCHIVED or registered.get("state") == ARCHIVED):
                return

    async def _pages(self, path: str, params: Pairs) -> AsyncIterator[Json]:
        def ask(token: str) -> Awaitable[Json]:
            more = (("pageSize", str(PAGE)), *((("nextPageToken", token),) if token else ()))
            return self._json(path, (*params, *more))

        first, before, source = None, None, f"{self._base}{path}"
        async for page in pages(ask, lambda page: page.get("nextPageToken"), source):
            items = [self._named(each, path) for each in page.get("items") or ()]
            if items and items == before:
                raise RegistryError(f"{source} gives the same page again. Run the import again")
            for each in items:
                yield each
            before, token = items, page.get("nextPageToken")
            # After the last page, an old server names the second page again.
            if not items or token == first:
                return
            first = first or token

    async def _json(self, path: str, params: Pairs = ()) -> Json:
        if self._release is None:
            self._release = await self._found_release()
        return await self._http.json(f"{API}/{self._release}{path}", params)

    async def _found_release(self) -> str:
        """Return the release of the API that the server has."""
        for each in RELEASES:
            try:
                await self._http.json(f"{API}/{each}/registered_models", (("pageSize", "1"),))
            except (NotThere, NoSuchPath):
                continue
            return each
        paths = " and ".join(f"{API}/{each}" for each in RELEASES)
        raise NoAccess(f"{self._base} has no {paths}. Is this the address of a Kubeflow Model Registry?")

    def _named(self, item: Any, path: str) -> Json:
        """Return an item of a list; raises `RegistryError` where it lacks what every item has."""
        is_artifact = path.endswith("/artifacts")
        if not isinstance(item, dict) or not (is_artifact or (item.get("name") and item.get("id"))):
            raise RegistryError(f"{self._base}{path} gives an item without a name or an id. Is it Kubeflow?")
        return item

    async def _one(self, version: Json, registered: Json) -> Item:
        name, number = str(registered["name"]), str(version["name"])
        if registered.get("state") == ARCHIVED:
            return Skipped(name, number, "its registered model is archived in Kubeflow")
        if version.get("state") == ARCHIVED:
            return Skipped(name, number, "it is archived in Kubeflow")
        return await or_failed(self._found(version, registered), name, number, "Kubeflow's answer")

    async def _found(self, version: Json, registered: Json) -> Item:
        notes = Notes()
        name, number = str(registered["name"]), str(version["name"])
        path = f"/model_versions/{version['id']}/artifacts"
        own = [each async for each in self._pages(path, (("orderBy", "ID"), ("sortOrder", "ASC")))]
        if not usable(own):
            return _without_model(name, number, own)
        run, of_run = await self._run(own, notes)
        answers = Answers(
            base=self._base,
            model=registered,
            version=version,
            artifacts=[*own, *of_run],
            run=run,
            experiment=await self._experiment(run.get("experimentId")),
            repository=self._repository,
        )
        return FoundVersion(name, number, record(answers, notes), (), notes.said)

    async def _run(self, own: Sequence[Json], notes: Notes) -> tuple[Json, list[Json]]:
        """Return the experiment run that made the model, and what it measured; empty: there is none."""
        identity = next((each["experimentRunId"] for each in usable(own) if each.get("experimentRunId")), None)
        if identity is None:
            return {}, []
        path = f"/experiment_runs/{identity}"
        known = {each.get("id") for each in own}
        try:
            run = await self._json(path)
            order = (("orderBy", "ID"), ("sortOrder", "ASC"))
            found = [each async for each in self._pages(f"{path}/artifacts", order)]
        except NotThere:
            notes.add(f"the experiment run {identity} is not there, with its parameters, metrics and data sets")
            return {}, []
        return run, [e for e in found if e.get("id") not in known and e.get("artifactType") != measured.MODEL]

    async def _experiment(self, identity: Any) -> Json:
        if not identity:
            return {}
        if identity not in self._experiments:
            try:
                self._experiments[identity] = await self._json(f"/experiments/{identity}")
            except NotThere:
                self._experiments[identity] = {}
        return self._experiments[identity]

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefacts; raises `RegistryError` for one that is in no object store."""
        for artifact in found.record["artifacts"]:
            digest = str(artifact.get("digest", ""))
            async for each in stored.bucket(artifact).files():
                expected = digest if not each.path and digest.startswith("sha256:") else None
                yield replace(each, artifact=artifact["name"], digest=expected)

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file."""
        artifact = next(each for each in found.record["artifacts"] if each["name"] == file.artifact)
        async for part in stored.bucket(artifact).content(file):
            yield part


def _without_model(name: str, number: str, own: Sequence[Json]) -> Item:
    states = {str(each.get("state")) for each in measured.of_type(own, measured.MODEL)}
    if "PENDING" in states:
        return Skipped(name, number, "its artefact is PENDING")
    return Failed(
        name, number, "Kubeflow has no artefact of it with a URI. Register one of the type model-artifact in Kubeflow"
    )


def _number(value: Any) -> int:
    """Return a number that JSON has as a number or as a text; 0: it is none."""
    return int(value) if str(value).isdecimal() else 0
