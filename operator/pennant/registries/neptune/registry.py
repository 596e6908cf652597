"""The versions of models in an export of Neptune."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pennant.record import hashing
from pennant.record.errors import RegisterError
from pennant.record.progress import Silent
from pennant.registries.fields import moment_of
from pennant.registries.neptune import files, tracked
from pennant.registries.neptune.export import Export, Object, below
from pennant.registries.neptune.files import Files
from pennant.registries.neptune.known import Attributes
from pennant.registries.neptune.record import Exported, record
from pennant.registries.neptune.tracked import TrackedFile
from pennant.registries.notes import Notes
from pennant.registries.protocol import Failed, File, FoundVersion, Item, NotThere, RegistryError, Selection, Skipped
from pennant.registries.stored import Stored, local

STAGES = frozenset({"production", "staging"})
"""Stages that select a version, as an alias does. Several versions may have one."""
RUN_LINKS = ("run/id", "run/sys/id")
"""Attributes with the identifier of the run that trained a version."""

Read = Callable[[Iterable[Path]], Attributes]


class Neptune:
    """Implements `Registry`."""

    def __init__(
        self,
        versions: Export,
        models: Export,
        runs: Export,
        read: Read,
        stored: Stored,
        repository: str | None = None,
    ) -> None:
        """Read `versions` of `models` by `read`; `runs` trained them, if they were exported as well."""
        self._attributes = read
        self._versions = versions
        self._models = models
        self._runs = runs
        self._stored = stored
        self._repository = repository

    @cached_property
    def _index(self) -> dict[tuple[str, str], list[Object]]:
        """The versions by project and model, by their numbers."""
        found: dict[tuple[str, str], list[Object]] = {}
        for project in self._versions.projects():
            for each in self._versions.objects(project):
                found.setdefault((project, each.id.rpartition("-")[0]), []).append(each)
        return {key: sorted(each, key=_number) for key, each in sorted(found.items())}

    def _named(self) -> dict[str, tuple[str, str]]:
        """Return project and model by the name in this import: that of the model, if no other project has it."""
        counts = Counter(model for _, model in self._index)
        return {
            model if counts[model] == 1 else f"{self._title(project, model)}/{model}": (project, model)
            for project, model in self._index
        }

    def _title(self, project: str, model: str) -> str:
        complete = next((each for each in self._index[project, model] if each.parts), None)
        return self._attributes(complete.parts[:1]).project if complete is not None else project

    async def models(self) -> AsyncIterator[str]:
        """Yield the identifiers of all models, such as `CLS-PRE`; with the project, if several projects have one."""
        for name in self._named():
            yield name

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model, the newest first. One after the other is in memory."""
        known = self._named()
        if model not in known:
            raise NotThere(f"the export has no versions of a model {model!r}; there are {', '.join(known) or 'none'}")
        stages: set[str] = set()
        is_newest = True
        for each in reversed(self._index[known[model]]):
            found = self._one(each, model)
            if not isinstance(found, FoundVersion):
                yield found
                continue
            is_staged = bool(found.aliases)
            # Several versions may have a stage. An alias belongs to one, and the newest has it.
            aliases = tuple(stage for stage in found.aliases if stage not in stages)
            stages.update(aliases)
            if selection.since is not None:
                created = moment_of(found.record.get("createdAt"))
                is_wanted = created is None or created >= selection.since
            else:
                is_wanted = selection.is_all or is_staged or is_newest
            is_newest = False
            if is_wanted:
                yield replace(found, aliases=aliases)

    def _one(self, each: Object, model: str) -> Item:
        number = each.id.rpartition("-")[2]
        if not each.parts:
            return Failed(model, number, "its export was interrupted. Its first part is missing, so it is not complete")
        try:
            read = self._attributes(each.parts)
            trashed = read.values.get("sys/trashed")
            if trashed is not None and trashed.value is True:
                return Skipped(model, number, "it was in the trash of Neptune")
            return self._found(each, model, number, read)
        except RegistryError as error:
            return Failed(model, number, str(error))
        except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
            return Failed(model, number, f"the export does not have the expected form: {error!r}")

    def _found(self, each: Object, model: str, number: str, read: Attributes) -> FoundVersion:
        notes = Notes()
        own = files.of(read, self._versions, each.directory, notes)
        run, of_run = self._run(each.directory, read, notes)
        described = self._models.object(each.directory, each.id.rpartition("-")[0])
        requirements = own.requirements or of_run.requirements
        code = own.code or of_run.code
        exported = Exported(
            model=model,
            number=number,
            version=read,
            files=own,
            described=self._attributes(described.parts) if described is not None else None,
            run=run,
            run_files=of_run,
            requirements=requirements.read_bytes() if requirements is not None and requirements.is_file() else None,
            code_digest=_digest(code.path) if code is not None and code.path is not None else None,
            repository=self._repository,
        )
        fields = record(exported, notes)
        stage = read.text("sys/stage")
        aliases = (stage,) if stage in STAGES else ()
        return FoundVersion(
            model,
            number,
            fields,
            aliases,
            notes.said,
            {name: one.place for name, one in files.labelled(own.models).items()},
        )

    def _run(self, directory: str, read: Attributes, notes: Notes) -> tuple[Attributes | None, Files]:
        """Return the run that trained a version, and its files, if it was exported."""
        name = read.text(*RUN_LINKS)
        if not name:
            notes.add("no attribute run/id names its run, so only what the version itself has is known")
            return None, Files()
        run = self._runs.object(directory, name)
        if run is None:
            notes.add(f"the run {name} is not in the export, so only what the version itself has is known")
            return None, Files()
        known = self._attributes(run.parts)
        return known, files.of(known, self._runs, directory, notes)

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of all artefacts of a version: of the export, or where Neptune tracked them."""
        for artifact, place in found.place.items():
            if place.startswith(files.LISTED):
                listed = _listed(place)
                for each in listed:
                    yield File("" if len(listed) == 1 else each.path, each.size, artifact, each.digest)
            else:
                for name, path in below(_path(place)):
                    yield File(name, path.stat().st_size, artifact)

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file."""
        place = found.place[file.artifact]
        if place.startswith(files.LISTED):
            parts = self._stored.chunks(next(each.uri for each in _listed(place) if file.path in ("", each.path)))
        else:
            parts = local(_path(place) / file.path if file.path else _path(place))
        async for part in parts:
            yield part


def _listed(place: str) -> tuple[TrackedFile, ...]:
    return tracked.read(_path(place.removeprefix(files.LISTED)))


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _digest(path: Path) -> str:
    """Return the digest of code, which is small; raises `RegistryError` where it cannot be read."""
    try:
        return hashing.of_path(path, Silent()).digest
    except RegisterError as error:
        raise RegistryError(str(error)) from error


def _number(each: Object) -> tuple[int, str]:
    number = each.id.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0), each.id
