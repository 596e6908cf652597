"""The run that logged a version, as a server of W&B has it."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.registries.fields import object_of
from pennant.registries.stored import MISSING, Stored
from pennant.registries.wandb import manifest, measured
from pennant.registries.wandb.graphql import PAGE, RUN, Graph, inner, nodes
from pennant.registries.wandb.known import Run, Used
from pennant.registries.wandb.record import CODE

METADATA, REQUIREMENTS, PATCH = "wandb-metadata.json", "requirements.txt", "diff.patch"
"""Files that W&B writes for each run; the last one only if the working tree had changes."""
KEPT = 16
"""Runs that are remembered: one run often logs many versions, one after the other."""
ENDED = frozenset({"finished", "failed", "crashed", "killed"})

Name = tuple[str, str, str]
"""Entity, project and identifier of a run."""


class Runs:
    """Reads runs, each once for versions that follow each other."""

    def __init__(self, graph: Graph, stored: Stored) -> None:
        """Ask through `graph`; the files of a run are in `stored`."""
        self._graph = graph
        self._stored = stored
        self._known: OrderedDict[Name, asyncio.Task[Run | None]] = OrderedDict()

    async def get(self, name: Name) -> Run | None:
        """Return a run; None: it was deleted."""
        if name not in self._known:
            self._known[name] = asyncio.ensure_future(self._read(name))
        task = self._known[name]
        try:
            return await task
        except BaseException:
            self._known.pop(name, None)
            raise
        finally:
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    async def _read(self, name: Name) -> Run | None:
        entity, project, identity = name
        asked = [METADATA, REQUIREMENTS, PATCH]
        data = await self._graph.ask(RUN, entity=entity, project=project, run=identity, names=asked)
        found = inner(data, "project", "run")
        if not found:
            return None
        urls = {str(each.get("name")): str(each.get("directUrl") or "") for each in nodes(found.get("files"))}
        unknown: list[str] = []
        return of_answer(
            name,
            found,
            metadata=object_of(await self._file(urls, METADATA, unknown)),
            requirements=await self._file(urls, REQUIREMENTS, unknown),
            has_patch=PATCH in urls,
            unknown=unknown,
        )

    async def _file(self, urls: Mapping[str, str], name: str, unknown: list[str]) -> bytes | None:
        if not urls.get(name):
            return None
        try:
            return await self._stored.whole(urls[name])
        except MISSING as error:
            unknown.append(f"the file {name} of the run cannot be read: {error}")
            return None


def of_answer(
    name: Name, found: Json, *, metadata: Json, requirements: bytes | None, has_patch: bool, unknown: list[str]
) -> Run:
    """Return a run of the answer of the server and of its files."""
    state = str(found.get("state") or "")
    user = inner(found, "user")
    git = inner(metadata, "git")
    if inner(found, "inputArtifacts", "pageInfo").get("hasNextPage"):
        unknown.append(f"the record has the first {PAGE} artefacts that the run used")
    inputs = tuple(used(each) for each in nodes(found.get("inputArtifacts")))
    outputs = (used(each) for each in nodes(found.get("outputArtifacts")))
    return Run(
        *name,
        title=_text(found.get("displayName")),
        config=measured.config(found.get("config")),
        summary=object_of(found.get("summaryMetrics")),
        directions=measured.directions(found.get("config")),
        commit=_text(found.get("commit") or git.get("commit")),
        remote=_text(git.get("remote")),
        path=_text(metadata.get("codePath")),
        arguments=tuple(map(str, metadata.get("args") or ())),
        has_changes=True if has_patch else None,
        author=_text(user.get("username") or user.get("name")),
        email=_text(metadata.get("email")),
        notes=_text(found.get("notes")),
        tags=tuple(map(str, found.get("tags") or ())),
        group=_text(found.get("group")),
        job_type=_text(found.get("jobType")),
        sweep=_text(found.get("sweepName")),
        state=state,
        started=found.get("createdAt"),
        finished=found.get("heartbeatAt") if state in ENDED else None,
        python=_text(metadata.get("python")),
        requirements=requirements,
        inputs=inputs,
        code=next((each for each in outputs if each.type == CODE), None),
        unknown=tuple(unknown),
    )


def used(node: Json) -> Used:
    """Return an artefact that a run used or logged."""
    sequence = inner(node, "artifactSequence")
    return Used(
        entity=_text(inner(sequence, "project", "entity").get("name")),
        project=_text(inner(sequence, "project").get("name")),
        name=_text(sequence.get("name")) or "artifact",
        version=f"v{node.get('versionIndex')}",
        type=_text(inner(node, "artifactType").get("name")),
        digest=manifest.digest(node),
    )


def _text(value: Any) -> str:
    return str(value) if value is not None else ""
