"""The versions that tags of GTO register, as artefacts of DVC at their commits.

Rule: R211.
"""

import posixpath
from collections.abc import AsyncIterator, Mapping

from pennant.api.meta import rfc3339
from pennant.record.errors import RegisterError
from pennant.registries.dvc import finding, journal, outputs
from pennant.registries.dvc.finding import Commit
from pennant.registries.dvc.journal import FORM, Journal, Registered
from pennant.registries.dvc.project import Memory, Project
from pennant.registries.dvc.record import Facts, entry, record
from pennant.registries.dvc.store import Store, Stored
from pennant.registries.git import artifact, tag_names
from pennant.registries.git.artifact import Place
from pennant.registries.git.opening import Opened
from pennant.registries.git.provenance import Provenance
from pennant.registries.notes import Notes
from pennant.registries.protocol import (
    Failed,
    File,
    FoundVersion,
    Item,
    NoAccess,
    NotThere,
    RegistryError,
    Selection,
    Skipped,
)


class Gto:
    """Implements `Registry`."""

    def __init__(self, opened: Opened) -> None:
        """Read an open repository."""
        self._opened = opened
        self._repository = opened.repository
        self._memory = Memory(opened.repository)
        self._store = Store()
        self._journals: Mapping[str, Journal] | None = None

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all models that have tags of GTO."""
        found = await self._known()
        if not found:
            raise RegistryError(
                f"{self._opened.url} has no tags of GTO, such as {FORM}; `pennant import git` reads other tags"
            )
        for each in found:
            yield each

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model, the oldest first. One whose registration was taken back is skipped."""
        known = (await self._known()).get(model)
        if known is None:
            raise NotThere(f"no tag of GTO in {self._opened.url} is a version of {model}, such as {FORM}")
        counting = [each for each in known.versions if each.ended is None]
        chosen = tag_names.chosen(counting, selection, frozenset(known.stages.values()))
        ended = [each for each in known.versions if each.ended is not None and _is_asked(each, selection)]
        for each in tag_names.ordered([*chosen, *ended]):
            yield self._ended(each) if each.ended is not None else await self._one(each, known)
        for commit, stages in known.unregistered.items():
            named, short = ", ".join(sorted(stages)), commit[:12]
            why = f"the commit has the stage {named} and is no version; run `gto register {model} {short}`"
            yield Skipped(model, short, why)

    async def _known(self) -> Mapping[str, Journal]:
        if self._journals is None:
            self._journals = journal.journals(await self._repository.tags())
        return self._journals

    def _ended(self, one: Registered) -> Skipped:
        assert one.ended is not None
        return Skipped(one.model, one.version, f"the tag {one.ended.name} of {rfc3339(one.ended.at)} deregisters it")

    async def _one(self, one: Registered, known: Journal) -> Item:
        try:
            return await self._found(one, known)
        except NoAccess:
            raise
        except (RegistryError, RegisterError) as error:
            return Failed(one.model, one.version, str(error))

    async def _found(self, one: Registered, known: Journal) -> Item:
        notes, commit = Notes(), await self._repository.commit(one.tag.target)
        project = Project(self._memory, commit.tree, notes)
        pipeline, described, models = await project.described(one.model)
        if described.get("type") == "dataset":
            return Skipped(one.model, one.version, f"its type in {pipeline} is dataset, and a record is of a model")
        path = outputs.joined(posixpath.dirname(pipeline), str(described["path"]))
        stages = await project.stages(await self._memory.locks(commit.tree))
        top, remotes = await project.remotes(posixpath.dirname(pipeline), self._opened.checkout)
        cache = finding.cache_of(self._opened.checkout, top)
        read = Commit(self._opened, project, one.tag.target, stages, remotes, cache)
        where = await read.artifact(path)
        making, measuring = read.making(path), read.measuring(path)
        in_git = await project.in_git({dep.path for stage in (*making, *measuring) for dep in stage.deps})
        annotation = await self._repository.annotation(one.tag.object)
        generated = f"Registering artifact {one.model} version {one.version}"
        facts = Facts(
            model=one.model,
            version=one.version,
            provenance=Provenance(one.tag, annotation, commit, self._opened.url, entry(making), generated),
            described=described,
            artifact=where.found,
            making=making,
            measuring=measuring,
            made=frozenset(out.path for stage in stages for out in stage.outs),
            in_git=in_git,
            addresses=read.addresses((*making, *measuring), in_git),
            evidence=await read.evidence(pipeline, models, (*making, *measuring)),
            parent=known.parents.get(one.version),
            aliases=known.aliases(one.version),
            deprecated=await self._deprecated(known),
        )
        return FoundVersion(one.model, one.version, record(facts, notes), facts.aliases, notes.said, where.place)

    async def _deprecated(self, known: Journal) -> str | None:
        """Return what was said when the model was deprecated; None: it is not."""
        if known.deprecated is None:
            return None
        said = (await self._repository.annotation(known.deprecated.object)).message
        return f"{rfc3339(known.deprecated.at)} {said}"

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact; raises `RegistryError` where they cannot be read."""
        if "why" in found.place:
            raise RegistryError(found.place["why"])
        place = await self._place(found)
        async for each in self._store.files(Stored.of(found.place)) if place is None else self._in_git(place):
            yield each

    def _in_git(self, place: Place) -> AsyncIterator[File]:
        return artifact.files(self._repository, place)

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact."""
        place = await self._place(found)
        stored = self._store.content(Stored.of(found.place), file.path)
        async for part in stored if place is None else artifact.content(self._repository, place, file.path):
            yield part

    async def _place(self, found: FoundVersion) -> Place | None:
        """Return where git has the artefact; None: DVC has it."""
        if "tree" not in found.place:
            return None
        return await artifact.place(self._repository, found.place["tree"], found.model, found.place["path"] or ".")


def _is_asked(one: Registered, selection: Selection) -> bool:
    return one.at >= selection.since if selection.since is not None else selection.is_all
