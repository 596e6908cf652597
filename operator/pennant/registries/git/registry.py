"""The versions of a Git repository: tags such as `v1.2.3`, and `churn/v1.2.3` where it has several models.

Rule: R210.
"""

import posixpath
import re
from collections.abc import AsyncIterator

from pennant.record.errors import RegisterError
from pennant.registries.git import artifact, finding, tag_names
from pennant.registries.git.artifact import Place
from pennant.registries.git.opening import Opened
from pennant.registries.git.provenance import Provenance
from pennant.registries.git.record import Facts, record
from pennant.registries.git.tag_names import FORMS, Models, Tagged
from pennant.registries.notes import Notes
from pennant.registries.protocol import (
    Failed,
    File,
    FoundVersion,
    NoAccess,
    NotThere,
    RegistryError,
    Selection,
    Skipped,
)


class GitTags:
    """Implements `Registry`."""

    def __init__(self, opened: Opened, part: str | None = None) -> None:
        """Read an open repository; `part` is the path of the model in it, if a user names it."""
        self._opened = opened
        self._repository = opened.repository
        self._part = part
        self._models: Models | None = None

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all models, which are in the names of the tags."""
        found = await self._known()
        if not found.versions:
            raise RegistryError(f"{self._opened.url} has no tags that are versions, such as {FORMS}")
        for each in found.versions:
            yield each

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[FoundVersion | Skipped | Failed]:
        """Yield versions of a model, the oldest first."""
        found = await self._known()
        if model not in found.versions:
            raise NotThere(f"no tag of {self._opened.url} is a version of {model}, such as {FORMS}")
        aliased = frozenset(each.version for each in found.versions[model] if found.aliases(each))
        for each in tag_names.chosen(found.versions[model], selection, aliased):
            yield await self._one(each)

    async def _known(self) -> Models:
        if self._models is None:
            name = posixpath.basename(re.sub(r"(/?\.git)?/*$", "", self._opened.url.replace(":", "/")))
            self._models = tag_names.models(await self._repository.tags(), name or "model")
        return self._models

    async def _one(self, one: Tagged) -> FoundVersion | Skipped | Failed:
        if one.tag.kind != "commit":
            return Skipped(
                one.model, one.version, f"the tag {one.tag.name} is of a {one.tag.kind}, and not of a commit"
            )
        try:
            return await self._found(one)
        except NoAccess:
            raise
        except (RegistryError, RegisterError) as error:
            return Failed(one.model, one.version, str(error))

    async def _found(self, one: Tagged) -> FoundVersion | Skipped:
        notes, models = Notes(), await self._known()
        commit = await self._repository.commit(one.tag.target)
        if (there := await finding.manifest(self._repository, commit.tree, one)) is not None:
            return Skipped(one.model, one.version, f"the commit has its record already, in {there}; apply that file")
        is_shared = len(models.versions) > 1
        place = await artifact.place(self._repository, commit.tree, one.model, self._part, is_shared=is_shared)
        annotation = await self._repository.annotation(one.tag.object) if one.tag.is_annotated else None
        uri = self._opened.uri(one.tag.target, place.path)
        start = place.path if place.entry.is_directory else posixpath.dirname(place.path)
        evidence = await finding.found(self._repository, commit.tree, start, notes, is_shared=is_shared)
        if is_shared:
            unread = await finding.unread(self._repository, commit.tree, evidence)
            _note_unclaimed(models, one, unread, notes)
        facts = Facts(
            model=one.model,
            version=one.version,
            provenance=Provenance(one.tag, annotation, commit, self._opened.url),
            artifact=await artifact.fields(self._repository, place, uri, notes),
            evidence=evidence,
            parent=models.parents[one.model].get(one.version),
            aliases=models.aliases(one),
        )
        fields, where = record(facts, notes), {"tree": commit.tree, "path": place.path}
        return FoundVersion(one.model, one.version, fields, facts.aliases, notes.said, where)

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact."""
        async for each in artifact.files(self._repository, await self._place(found)):
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of the artefact."""
        async for part in artifact.content(self._repository, await self._place(found), file.path):
            yield part

    async def _place(self, found: FoundVersion) -> Place:
        return await artifact.place(self._repository, found.place["tree"], found.model, found.place["path"] or ".")


def _note_unclaimed(models: Models, one: Tagged, unread: list[str], notes: Notes) -> None:
    """Note what may be of this version, where the tags of a repository name several models."""
    if left := [*unread, *(f"the tag {each}" for each in models.unclaimed(one))]:
        notes.add(
            f"{', '.join(left)}: left out, because nothing says of which model, and the tags name several: "
            f"{models.named}. Rename a tag that is of no model, put files beside the model, and name an alias as in "
            f"{one.model}/production"
        )
