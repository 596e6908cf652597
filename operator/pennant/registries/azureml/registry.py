"""The model versions of a workspace or a registry of Azure ML, by its REST API."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pennant.api.meta import Json
from pennant.registries.azureml import job as jobs
from pennant.registries.azureml.record import Answers, artifact_uri, record
from pennant.registries.azureml.runs import Runs
from pennant.registries.azureml.source import Source
from pennant.registries.azureml.storage import Storage
from pennant.registries.fields import mapping, of_text
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
)
from pennant.registries.reading import or_failed, together

ALL = (("listViewType", "All"),)
"""Lists archived versions too, so that an import can say that it skips them."""
MOST_ENVIRONMENTS = 100
"""Environments that are kept, as many versions have the same one."""
SUCCEEDED = "Succeeded"


@dataclass(slots=True)
class Survey:
    """What is known of all versions of a model, before any of them is read."""

    count: int = 0
    newest: str | None = None
    stages: dict[str, str] = field(default_factory=dict)
    """The version that has each stage as an alias."""
    _times: dict[str, str] = field(default_factory=dict)
    """When the newest version was created, by stage; that of all by an empty one."""

    def add(self, version: Json) -> None:
        """Look at a version. A stage is an alias of the newest version that has it, as an alias belongs to one version.

        Rule: R217.
        """
        self.count += 1
        if _why_not(version) is not None:
            return
        name, created = str(version["name"]), _created(version) or ""
        for stage in {"", _stage(version)}:
            if stage in self._times and created < self._times[stage]:
                continue
            self._times[stage] = created
            if stage:
                self.stages[stage] = name
            else:
                self.newest = name

    def aliases(self, version: str) -> tuple[str, ...]:
        """Return the stages that are aliases of a version."""
        return tuple(sorted(stage for stage, holder in self.stages.items() if holder == version))


class AzureMl:
    """Implements `Registry`."""

    def __init__(self, source: Source, runs: Runs | None, storage: Storage | None, repository: str | None) -> None:
        """Read a workspace, or a registry, which has no runs, and storage that is not open."""
        self._source = source
        self._runs = runs
        self._storage = storage
        self._repository = repository
        self._environments: dict[tuple[str, str], Json] = {}

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all models."""
        async for each in self._source.pages("models", params=ALL):
            yield str(each["name"])

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model in the order in which Azure ML lists them."""
        try:
            container = await self._source.get("models", model)
        except NotThere as error:
            raise NotThere(f"no model in {self._source.uri} has the name {model}") from error
        if mapping(container.get("properties")).get("isArchived") is True:
            yield Skipped(model, "(all versions)", "the model is archived")
            return
        survey = Survey()
        async for each in self._source.pages("models", model, "versions", params=ALL):
            survey.add(each)
        if survey.count and survey.newest is None:
            yield Skipped(model, "(all versions)", "each of them is archived or not ready")
            return
        listed = self._source.pages("models", model, "versions", params=ALL)
        selected = (each async for each in listed if _is_selected(each, survey, selection))
        async for done in together(selected, lambda each: self._one(model, each, survey)):
            yield done

    async def _one(self, model: str, version: Json, survey: Survey) -> Item:
        name = str(version["name"])
        return await or_failed(self._found(model, name, version, survey), model, name, "Azure ML's answer")

    async def _found(self, model: str, name: str, version: Json, survey: Survey) -> Item:
        if (why := _why_not(version)) is not None:
            return Skipped(model, name, why)
        if not artifact_uri(version):
            return Failed(
                model, name, "Azure ML has no artefact of it: its modelUri is empty. Register it again in Azure ML"
            )
        notes = Notes()
        job_name = str(mapping(version.get("properties")).get("jobName") or "")
        if self._runs is None:
            # The official client asks for each version of a registry too, because the list may lack fields.
            version = await self._source.get("models", model, "versions", name)
        job, run = await asyncio.gather(self._job(job_name, notes), self._run(job_name, notes))
        answers = Answers(
            instance=self._source.uri,
            model=model,
            version=version,
            job=job,
            job_name=job_name,
            environment=await self._environment(job, notes),
            run=run,
            repository=self._repository,
        )
        place = {"uri": artifact_uri(version)}
        return FoundVersion(model, name, record(answers, notes), survey.aliases(name), notes.said, place)

    async def _job(self, name: str, notes: Notes) -> Json:
        if not name or self._runs is None:
            return {}
        try:
            return mapping((await self._source.get("jobs", name)).get("properties"))
        except NotThere:
            notes.add(f"the job {name} was deleted, with its inputs, code and environment")
            return {}

    async def _run(self, name: str, notes: Notes) -> Json:
        return await self._runs.of_job(name, notes) if name and self._runs is not None else {}

    async def _environment(self, job: Json, notes: Notes) -> Json:
        key = jobs.environment_of(job)
        if key is None:
            return {}
        if len(self._environments) > MOST_ENVIRONMENTS:
            self._environments.clear()
        if key not in self._environments:
            try:
                found = (await self._source.get("environments", key[0], "versions", key[1])).get("properties")
                self._environments[key] = mapping(found)
            except NotThere:
                self._environments[key] = {}
        if not self._environments[key]:
            notes.add(f"the environment {key[0]} {key[1]} was deleted, with its image and libraries")
        return self._environments[key]

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact of a version in the storage of the workspace."""
        opened = await self._open_storage().bucket(found.place["uri"])
        async for each in opened.files():
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact."""
        opened = await self._open_storage().bucket(found.place["uri"])
        async for part in opened.content(file):
            yield part

    def _open_storage(self) -> Storage:
        if self._storage is None:
            raise RegistryError(
                "the storage of a registry of Azure ML gives its files by signed addresses only, so --verify cannot "
                "read them; download the model with `az ml model download` and use `pennant register`"
            )
        return self._storage


def _why_not(version: Json) -> str | None:
    """Return why a version has no record; None: it has one."""
    known: Any = mapping(version.get("properties"))
    if known.get("isArchived") is True:
        return "it is archived in Azure ML; restore it there to import it"
    state = known.get("provisioningState")
    return f"its provisioningState is {state}" if state not in (None, "", SUCCEEDED) else None


def _stage(version: Json) -> str:
    """Return the stage of a version; empty: it has none."""
    stage = str(mapping(version.get("properties")).get("stage") or "")
    return stage if stage != "None" else ""


def _is_selected(version: Json, survey: Survey, selection: Selection) -> bool:
    name, created = str(version["name"]), _created(version)
    if selection.since is not None:
        return created is None or datetime.fromisoformat(created) >= selection.since
    return selection.is_all or name == survey.newest or name in survey.stages.values()


def _created(version: Json) -> str | None:
    """Return when a version was created, as texts that can be compared."""
    return of_text(mapping(version.get("systemData")).get("createdAt"))
