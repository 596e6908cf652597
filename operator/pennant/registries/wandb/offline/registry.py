"""The versions in the files of offline runs: each artefact of the type model that a run logged.

Rule: R212.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pennant.api.meta import Json
from pennant.registries.fields import moment_of
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
from pennant.registries.reading import UNEXPECTED
from pennant.registries.stored import Stored, local
from pennant.registries.wandb import manifest
from pennant.registries.wandb.known import Run, Version, of_client
from pennant.registries.wandb.offline.folding import Folded
from pennant.registries.wandb.offline.log import AGAIN, payloads
from pennant.registries.wandb.record import MODEL, record

LOG = "run-*.wandb"
REQUIREMENTS, PATCH = "requirements.txt", "diff.patch"
LARGEST_FILE = 16 * 1024 * 1024
NO_END = (
    "the log of the run has no end record, so it may be incomplete: the run is still running or was killed, or the "
    "file was cut"
)
"""Of a log whose last record is whole, but not the one that a run writes when it ends."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A version in a log."""

    log: Path
    model: str
    name: str
    number: int
    """Of the artefacts in the log."""
    created: str | None
    aliases: tuple[str, ...]


@dataclass(slots=True)
class Index:
    """Which log has which versions."""

    versions: dict[str, list[Logged]] = field(default_factory=dict)
    """By the name of the model, the oldest run first."""
    broken: list[tuple[Path, str]] = field(default_factory=list)
    """Logs that may have versions that cannot be read, and why."""
    unfinished: list[Path] = field(default_factory=list)
    """Logs without a model and without an end, which may get or have lost one, and of which nobody was told yet."""

    @property
    def unread(self) -> str:
        """Why there may be more versions than those that were found; empty: there are none."""
        unfinished = (f"{each} has no model, and {NO_END}" for each in self.unfinished)
        return "; ".join((*(why for _, why in self.broken), *unfinished))

    def holders(self, model: str) -> dict[str, str]:
        """Return the version that has each alias: the last one that got it."""
        return {alias: each.name for each in self.versions.get(model, ()) for alias in each.aliases}


class Offline:
    """Implements `Registry`."""

    def __init__(self, root: Path, message: Callable[[], Any], stored: Stored, repository: str | None = None) -> None:
        """Read the runs below `root`; `message` makes an empty record of W&B's protocol."""
        self._logs = _logs(root)
        self._root = root
        self._message = message
        self._stored = stored
        self._repository = repository
        self._known: Index | None = None
        self._last: tuple[Path, Folded, list[str]] | None = None
        """The log that was read last: a run often logs many versions."""
        self._lists_models = False
        """Whether the models are listed, after which logs that cannot be read are told."""

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all models; raises `RegistryError` after them where a log cannot be read."""
        self._lists_models = True
        index = self._index()
        for name in sorted(index.versions):
            yield name
        if why := index.unread if index.broken or not index.versions else "":
            raise RegistryError(why)

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a model, the oldest run first, and then the logs that cannot be read or have no end.

        A log that cannot be read is told for each model, or once by `models`, and one without an end once.
        """
        index = self._index()
        if model not in index.versions:
            unread = f". Not read: {index.unread}" if index.unread else ""
            raise NotThere(f"no run below {self._root} logged a model {model!r}{unread}")
        holders = index.holders(model)
        newest = index.versions[model][-1]
        for each in index.versions[model]:
            aliases = tuple(alias for alias, name in holders.items() if name == each.name)
            if selection.since is not None:
                created = moment_of(each.created)
                is_wanted = created is None or created >= selection.since
            else:
                is_wanted = selection.is_all or bool(aliases) or each is newest
            if is_wanted:
                yield self._one(each, aliases)
        for log, why in index.broken if not self._lists_models else ():
            yield Failed(model, log.name, why)
        while index.unfinished:
            yield Skipped(model, index.unfinished.pop(0).name, f"it has no model, and {NO_END}")

    def _one(self, logged: Logged, aliases: tuple[str, ...]) -> Item:
        try:
            return self._found(logged, aliases)
        except RegistryError as error:
            return Failed(logged.model, logged.name, str(error))
        except UNEXPECTED as error:
            return Failed(logged.model, logged.name, f"{logged.log} does not have the expected form: {error!r}")

    def _found(self, logged: Logged, aliases: tuple[str, ...]) -> FoundVersion:
        notes = Notes()
        folded, cuts = self._read(logged.log)
        for each in cuts:
            notes.add(each)
        if not folded.has_ended and not cuts:
            notes.add(NO_END)
        artifact = folded.artifacts[logged.number]
        if artifact["manifestFile"]:
            notes.add("the list of the files is not in the log, because they are too many")
        run = _with_files(folded.whole, logged.log.parent / "files", notes)
        version = Version(
            app="",
            instance=logged.log.parent.parent.resolve().as_uri(),
            page="",
            uri=of_client(artifact["id"]),
            model=logged.model,
            name=logged.name,
            aliases=aliases,
            artifact=artifact,
            collection={},
            contents=artifact["contents"],
            run=run,
            repository=self._repository,
            others={"project": "/".join(filter(None, (run.entity, run.project)))},
        )
        place = {"log": str(logged.log), "number": str(logged.number)}
        return FoundVersion(logged.model, logged.name, record(version, notes), aliases, notes.said, place)

    def _read(self, log: Path) -> tuple[Folded, list[str]]:
        if self._last is None or self._last[0] != log:
            folded, cuts = Folded(), list[str]()
            for payload in payloads(log, cuts.append):
                message = self._message()
                try:
                    message.ParseFromString(payload)
                except Exception as error:
                    # protobuf has an error of its own, which is not imported here.
                    raise RegistryError(f"{log} has a record that cannot be read: {error}") from error
                folded.add(message)
            self._last = log, folded, cuts
        return self._last[1], self._last[2]

    def _index(self) -> Index:
        """Return which log has which versions. A run that was resumed in another log goes on counting."""
        if self._known is not None:
            return self._known
        index, counts = Index(), Counter[tuple[str, str]]()
        for log in self._logs:
            try:
                folded, cuts = self._read(log)
            except RegistryError as error:
                index.broken.append((log, str(error)))
                continue
            has_model = any(each["type"] == MODEL for each in folded.artifacts)
            if cuts and not has_model:
                index.broken.append((log, f"{'; '.join(cuts)}. It has no model before that. {AGAIN}"))
            elif not folded.has_ended and not has_model:
                index.unfinished.append(log)
            for number, each in enumerate(folded.artifacts):
                if each["type"] == MODEL:
                    key = (folded.run.id, str(each["name"]))
                    name = f"{folded.run.id}-v{counts[key]}"
                    counts[key] += 1
                    logged = Logged(log, key[1], name, number, each["createdAt"], tuple(each["aliases"]))
                    index.versions.setdefault(key[1], []).append(logged)
        self._known = index
        return index

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefact of a version."""
        entries = self._entries(found)
        if not entries:
            raise RegistryError("the log does not list the files of the artefact; import without --verify")
        for each in manifest.files(entries):
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file, which is where the run copied it to, or at the place that it refers to."""
        entry = manifest.entry_of(self._entries(found), file)
        if ref := entry.get("ref"):
            async for part in self._stored.chunks(str(ref), (entry.get("extra") or {}).get("versionID")):
                yield part
            return
        path = Path(str(entry.get("localPath") or ""))
        if not path.is_file():
            raise RegistryError(
                f"the file {file.path} of the artefact is no longer on this machine; run `wandb sync` and import from "
                "the server, or import without --verify"
            )
        async for part in local(path):
            yield part

    def _entries(self, found: FoundVersion) -> dict[str, Json]:
        folded, _ = self._read(Path(found.place["log"]))
        entries: dict[str, Json] = folded.artifacts[int(found.place["number"])]["contents"]
        return entries


def _logs(root: Path) -> tuple[Path, ...]:
    """Return the logs at or below a path, the oldest run first; raises `NoAccess` where there is none."""
    if root.is_file():
        return (root,)
    places = (LOG, f"*run-*/{LOG}", f"wandb/*run-*/{LOG}")
    # W&B links the newest run a second time.
    found = {each.resolve(): each for place in places for each in root.glob(place) if each.is_file()}
    if not found:
        raise NoAccess(
            f"there is no {LOG} below {root}; give the directory wandb that has the directories offline-run-*"
        )
    return tuple(sorted(found, key=_begun))


def _begun(log: Path) -> tuple[str, str]:
    """Return what orders logs by the start of their runs, which the name of the directory has."""
    moment = re.search(r"run-(\d{8}_\d{6})-", log.parent.name)
    return moment[1] if moment is not None else "", str(log)


def _with_files(run: Run, directory: Path, notes: Notes) -> Run:
    """Return a run with what is in the files that W&B writes beside its log."""
    path = directory / REQUIREMENTS
    requirements = None
    try:
        requirements = path.read_bytes() if path.stat().st_size <= LARGEST_FILE else None
    except OSError as error:
        notes.add(f"the file {REQUIREMENTS} of the run cannot be read: {error.strerror}")
    has_patch = (directory / PATCH).is_file()
    return replace(run, requirements=requirements, has_changes=True if has_patch else run.has_changes)
