"""The versions of an MLflow server, by its REST API."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pennant.api.meta import Json
from pennant.registries.http import Pairs, Reader
from pennant.registries.mlflow import model_file
from pennant.registries.mlflow.listing import API, Listing, token_pages
from pennant.registries.mlflow.record import Answers, artifact_uri, record
from pennant.registries.notes import Notes
from pennant.registries.protocol import (
    Failed,
    File,
    Found,
    FoundVersion,
    NotThere,
    Refused,
    RegistryError,
    Selection,
    Skipped,
    Unread,
    Unreadable,
)
from pennant.registries.reading import or_failed, together

DEEPEST = 32
"""Levels of directories in an artefact."""
REDACTED = "REDACTED"


class Mlflow:
    """Implements `Registry`."""

    def __init__(self, http: Reader, base: str, repository: str | None = None) -> None:
        """Read through `http`; `base` is the address without credentials, `repository` that of code without one."""
        self._http = http
        self._base = base.rstrip("/")
        self._repository = repository
        self._listing = Listing(http, self._base)
        self._experiments: dict[str, str | None] = {}

    def models(self) -> AsyncIterator[str]:
        """Yield the names of all registered models."""
        return self._listing.models()

    def states(self, models: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
        """Yield models with a text that differs if a version or an alias may have changed."""
        return self._listing.states(models)

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Found]:
        """Yield versions of a model: the oldest first, or the newest first where only some are wanted or known."""
        registered = await self._listing.registered(model)
        aliases = _aliases(registered)

        async def read(each: Json) -> Found:
            version = str(each["version"])
            named = aliases.get(version, [])
            if selection.known is not None and selection.known(version, self._base):
                return Unread(model, version, tuple(named))
            return await self._one({**each, "aliases": named}, registered)

        async for done in together(self._listing.versions(model, aliases, selection), read):
            yield done

    async def _one(self, version: Json, registered: Json) -> Found:
        name, number, source = str(version["name"]), str(version["version"]), str(version.get("source") or "")
        status, aliases = version.get("status", "READY"), tuple(version["aliases"])
        if status != "READY":
            said = version.get("status_message")
            return Skipped(name, number, f"its status is {status}{f': {said}' if said else ''}", aliases)
        if not source or source.startswith(REDACTED):
            why = "MLflow has no artefact of it: its source is empty. Register it again in MLflow"
            return Failed(name, number, why, aliases)
        return await or_failed(self._found(version, registered), name, number, "MLflow's answer", aliases)

    async def _found(self, version: Json, registered: Json) -> FoundVersion:
        notes = Notes()
        name, number = str(version["name"]), str(version["version"])
        source = str(version["source"])
        logged, run = await asyncio.gather(self._logged(source, notes), self._run(version.get("run_id"), notes))
        content = await self._file(name, number, "MLmodel", notes)
        requirements = await self._file(name, number, "requirements.txt", notes) if content is not None else None
        answers = Answers(
            base=self._base,
            version=version,
            registered=registered,
            run=run,
            logged=logged,
            experiment=await self._experiment(run.get("info", {}).get("experiment_id")),
            model_file=model_file.parsed(content, notes) if content is not None else {},
            requirements=requirements,
            repository=self._repository,
        )
        fields = record(answers, notes)
        return FoundVersion(name, number, fields, tuple(version["aliases"]), notes.said, _place(answers))

    async def _logged(self, source: str, notes: Notes) -> Json:
        """Return the logged model that a version was made of; empty: it was made of something else."""
        if not source.startswith("models:/m-"):
            return {}
        identity = source.removeprefix("models:/")
        try:
            return dict((await self._http.json(f"{API}/logged-models/{identity}")).get("model") or {})
        except NotThere:
            notes.add(f"the logged model {identity} was deleted, with the metrics of its data sets")
            return {}

    async def _run(self, run: Any, notes: Notes) -> Json:
        if not run or str(run).startswith(REDACTED):
            notes.add("it has no run, so parameters, metrics, data sets and code are not known")
            return {}
        try:
            return dict((await self._http.json(f"{API}/runs/get", (("run_id", str(run)),))).get("run") or {})
        except NotThere:
            notes.add(f"the run {run} was deleted, with its parameters, metrics, data sets and code")
            return {}

    async def _experiment(self, experiment: Any) -> str | None:
        if not experiment:
            return None
        if experiment not in self._experiments:
            try:
                found = await self._http.json(f"{API}/experiments/get", (("experiment_id", str(experiment)),))
                self._experiments[experiment] = str(found["experiment"]["name"])
            except (NotThere, KeyError):
                self._experiments[experiment] = None
        return self._experiments[experiment]

    async def _file(self, name: str, number: str, path: str, notes: Notes) -> bytes | None:
        """Return a small file of the model, which the server reads from its store; None: it cannot."""
        try:
            return await self._http.content(*_artifact(name, number, path))
        except (NotThere, Unreadable, Refused) as error:
            notes.add(f"the file {path} cannot be read through MLflow: {error}")
            return None

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact of a version; raises `RegistryError` where MLflow cannot list them."""
        if not found.place:
            uri = found.record["artifacts"][0]["uri"]
            raise RegistryError(f"MLflow lists only the files of runs and logged models, and these are at {uri}")
        pending = [("", 0)]
        while pending:
            directory, depth = pending.pop()
            if depth > DEEPEST:
                raise RegistryError(f"the artefact has more than {DEEPEST} levels of directories")
            async for path, is_directory, size in self._entries(found.place, directory):
                if is_directory:
                    pending.append((path, depth + 1))
                else:
                    yield File(path, size)

    async def _entries(self, place: Any, directory: str) -> AsyncIterator[tuple[str, bool, int | None]]:
        root = place.get("path", "")
        where = "/".join(filter(None, (root, directory)))
        if "model" in place:
            path = f"{API}/logged-models/{place['model']}/artifacts/directories"
            params: Pairs = (("artifact_directory_path", where),) if where else ()
        else:
            path, params = f"{API}/artifacts/list", (("run_id", place["run"]), ("path", where))
        async for page in token_pages(self._http, path, params, self._base):
            for each in page.get("files") or ():
                size = each.get("file_size")
                inner = str(each["path"]).removeprefix(f"{root}/" if root else "")
                yield inner, bool(each.get("is_dir")), int(size) if size is not None else None

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact."""
        async for part in self._http.chunks(*_artifact(found.model, found.version, file.path)):
            yield part


def _artifact(name: str, number: str, path: str) -> tuple[str, Pairs]:
    return "/model-versions/get-artifact", (("name", name), ("version", number), ("path", path))


def _place(answers: Answers) -> dict[str, str]:
    """Return where the files of a version can be listed: in a logged model, or below a directory of a run."""
    if identity := answers.logged.get("info", {}).get("model_id"):
        return {"model": str(identity)}
    info = answers.run.get("info", {})
    run, root, uri = str(info.get("run_id") or ""), str(info.get("artifact_uri") or ""), artifact_uri(answers)
    if not run:
        return {}
    for start in (f"runs:/{run}/", f"{root.rstrip('/')}/"):
        if uri.startswith(start) and len(start) > 1:
            return {"run": run, "path": uri.removeprefix(start).strip("/")}
    return {}


def _aliases(registered: Json) -> dict[str, list[str]]:
    """Return the aliases by version. The list of versions has none."""
    found: dict[str, list[str]] = {}
    for each in registered.get("aliases") or ():
        found.setdefault(str(each.get("version")), []).append(str(each.get("alias")))
    return found
