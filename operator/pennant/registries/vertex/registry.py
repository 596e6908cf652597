"""The model versions of a location of Vertex AI, by its REST API."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pennant.api.meta import Json
from pennant.registries import bucket
from pennant.registries.fields import of_text
from pennant.registries.http import Pairs, Reader
from pennant.registries.notes import Notes
from pennant.registries.pages import pages
from pennant.registries.protocol import (
    Failed,
    File,
    FoundVersion,
    Item,
    NotThere,
    Refused,
    RegistryError,
    Selection,
)
from pennant.registries.reading import or_failed, together
from pennant.registries.tokens import Tokens
from pennant.registries.vertex.record import Answers, artifact_uri, name_of, record

PAGE = 100
HINT = "The role roles/storage.objectViewer permits it"
_STORE = re.compile(r"gs://([^/]+)/*(.*)")


class Vertex:
    """Implements `Registry`."""

    def __init__(self, http: Reader, host: str, location: str, tokens: Tokens, repository: str | None = None) -> None:
        """Read through `http`; `location` is `projects/P/locations/L`, `tokens` are those for its buckets."""
        self._http = http
        self._host = host
        self._location = location
        self._tokens = tokens
        self._repository = repository
        self._opened: dict[str, bucket.Bucket] = {}
        """The bucket of the version that is read, so that its files share connections."""

    async def models(self) -> AsyncIterator[str]:
        """Yield the IDs of all models. Display names need not be unique."""
        async for each in self._pages(f"/v1/{self._location}/models", "models", ()):
            yield _id_of(each)

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model, which is named by its ID or by its display name."""
        identity = await self._identity(model)
        async for done in together(self._listed(identity, selection), self._one):
            yield done

    async def _identity(self, model: str) -> str:
        """Return the ID of a model; raises `NotThere` where there is none, `RegistryError` where there are several."""
        if re.fullmatch(r"[a-z0-9_-]{1,63}", model):
            try:
                path = f"/v1/{self._location}/models/{model}"
                return _id_of(self._named(await self._http.json(path), path))
            except (NotThere, Refused):
                # A display name may look like an ID.
                pass
        if '"' in model:
            raise NotThere(f"no model has the ID {model}, and a filter of Vertex AI cannot have its quotes")
        named = ("filter", f'displayName="{model}"')
        found = [_id_of(each) async for each in self._pages(f"/v1/{self._location}/models", "models", (named,))]
        if not found:
            raise NotThere(f"no model in {self._location} has the ID or the display name {model}")
        if len(found) > 1:
            raise RegistryError(f"several models have the display name {model}; give the ID of one: {', '.join(found)}")
        return found[0]

    async def _listed(self, identity: str, selection: Selection) -> AsyncIterator[Json]:
        """Yield entries of the list of versions. The list has aliases, and its order is not relied upon."""
        path = f"/v1/{self._location}/models/{quote(identity, safe='')}:listVersions"
        newest: Json | None = None
        aliased: list[Json] = []
        async for each in self._pages(path, "models", (("orderBy", "create_time"),)):
            if selection.since is not None:
                if (created := _moment(each)) is None or created >= selection.since:
                    yield each
            elif selection.is_all:
                yield each
            else:
                if newest is None or _number(each) > _number(newest):
                    newest = each
                if each.get("versionAliases"):
                    aliased.append(each)
        chosen = {_number(each): each for each in (*aliased, *([newest] if newest is not None else []))}
        for number in sorted(chosen):
            yield chosen[number]

    async def _pages(self, path: str, field: str, params: Pairs) -> AsyncIterator[Json]:
        def ask(token: str) -> Awaitable[Json]:
            more = (("pageSize", str(PAGE)), *((("pageToken", token),) if token else ()))
            return self._http.json(path, (*params, *more))

        async for page in pages(ask, lambda page: page.get("nextPageToken"), f"{self._host}{path}"):
            listed = page.get(field) or []
            for each in listed if isinstance(listed, list) else [listed]:
                yield self._named(each, path)

    def _named(self, item: Any, path: str) -> Json:
        """Return an item of an answer; raises `RegistryError` where it has no name."""
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise RegistryError(f"{self._host}{path} gives an item without a name. Is it Vertex AI?")
        return item

    async def _one(self, model: Json) -> Item:
        name, version = name_of(model), str(model.get("versionId") or "")
        if not version:
            return Failed(name, "?", f"{model['name']} has no versionId. Is it Vertex AI?")
        return await or_failed(self._found(model, name, version), name, version, "Vertex AI's answer")

    async def _found(self, model: Json, name: str, version: str) -> Item:
        if not artifact_uri(model):
            return Failed(
                name,
                version,
                "Vertex AI has no artifactUri of it, as of models of AutoML and of a container alone. Export it in "
                "Vertex AI, and register what was exported with `pennant register`",
            )
        notes = Notes()
        pipeline = await self._linked(model.get("trainingPipeline"), "the training pipeline", notes)
        task = pipeline.get("trainingTaskMetadata")
        job_name = task.get("backingCustomJob") if isinstance(task, Mapping) else None
        data = pipeline.get("inputDataConfig")
        data_name = data.get("datasetId") if isinstance(data, Mapping) else None
        evaluations, job, custom, dataset, lineage = await asyncio.gather(
            self._evaluations(model),
            self._linked(model.get("pipelineJob"), "the pipeline job", notes),
            self._linked(job_name, "the custom job", notes),
            self._linked(f"{self._location}/datasets/{data_name}" if data_name else None, "the data set", notes),
            self._lineage(model.get("metadataArtifact"), notes),
        )
        spec = custom.get("jobSpec")
        run = await self._linked(spec.get("experimentRun") if isinstance(spec, Mapping) else None, "the run", notes)
        answers = Answers(
            host=self._host,
            location=self._location,
            model=model,
            evaluations=evaluations,
            pipeline=pipeline,
            job=job,
            custom=custom,
            dataset=dataset,
            run=run,
            lineage=lineage,
            repository=self._repository,
        )
        aliases = tuple(map(str, model.get("versionAliases") or ()))
        return FoundVersion(name, version, record(answers, notes), aliases, notes.said, {"uri": artifact_uri(model)})

    async def _linked(self, name: Any, what: str, notes: Notes) -> Json:
        """Return what another resource names, such as a training pipeline; empty: there is none, or none any more."""
        if not name:
            return {}
        try:
            return await self._http.json(f"/v1/{quote(str(name), safe='/@')}")
        except NotThere:
            notes.add(f"{what} {name} was deleted, with what it says of the training")
            return {}

    async def _evaluations(self, model: Json) -> list[tuple[Json, list[Json]]]:
        """Return the evaluations of a version, each with its slices."""
        version = f"{str(model['name']).partition('@')[0]}@{model['versionId']}"
        found = []
        async for each in self._pages(f"/v1/{quote(version, safe='/@')}/evaluations", "modelEvaluations", ()):
            slices: list[Json] = []
            if each.get("sliceDimensions"):
                path = f"/v1/{quote(str(each['name']), safe='/@')}/slices"
                slices = [one async for one in self._pages(path, "modelEvaluationSlices", ())]
            found.append((each, slices))
        return found

    async def _lineage(self, artifact: Any, notes: Notes) -> Json:
        """Return the executions that made or read the model in ML Metadata, and what else they made and read."""
        if not artifact:
            return {}
        try:
            path = f"/v1/{quote(str(artifact), safe='/')}:queryArtifactLineageSubgraph"
            return await self._http.json(path, (("maxHops", "2"),))
        except NotThere:
            notes.add(f"the lineage {artifact} was deleted from ML Metadata")
            return {}

    def _bucket(self, found: FoundVersion) -> bucket.Bucket:
        uri = found.place["uri"]
        if uri in self._opened:
            return self._opened[uri]
        if (parts := _STORE.fullmatch(uri)) is None:
            raise RegistryError(f"{uri} is no place in Cloud Storage, so its files cannot be read")
        made = bucket.opened(
            lambda stores: stores.GCSStore(
                parts[1],
                credential_provider=bucket.provider(self._tokens),
                retry_config=dict(bucket.RETRIES),
                client_options={"allow_http": True},
            ),
            uri,
        )
        self._opened = {uri: bucket.Bucket(made, parts[2], uri, HINT)}
        return self._opened[uri]

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact of a version in Cloud Storage."""
        async for each in self._bucket(found).files():
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact."""
        async for part in self._bucket(found).content(file):
            yield part


def _id_of(model: Json) -> str:
    """Return the ID of a model, without the version that a list of versions adds."""
    return str(model["name"]).rpartition("/")[2].partition("@")[0]


def _number(model: Json) -> int:
    version = str(model.get("versionId"))
    return int(version) if version.isdecimal() else 0


def _moment(model: Json) -> datetime | None:
    text = of_text(model.get("versionCreateTime"))
    return datetime.fromisoformat(text) if text is not None else None
