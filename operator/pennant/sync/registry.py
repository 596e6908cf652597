"""One poll of one registry: what is new there becomes a ModelVersion, and tags follow their aliases.

Rule: R201.
Rule: R207.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from pennant.ports import Clock
from pennant.registries import catalogue
from pennant.registries.catalogue import KINDS, Given
from pennant.registries.importing import Import, Outcome
from pennant.registries.protocol import (
    Found,
    FoundVersion,
    NoAccess,
    Registry,
    RegistryError,
    Skipped,
    Unread,
    Watchable,
)
from pennant.sync.aliases import Aliases, Follow
from pennant.sync.config import RegistrySettings
from pennant.sync.memory import Model, WaitingList
from pennant.sync.tags import Tags, TagStays
from pennant.sync.target import Cluster
from pennant.sync.telling import Teller
from pennant.sync.versions import Origin, Versions, origin_of

_log = logging.getLogger(__name__)
Opened = Callable[[str, Given], AbstractAsyncContextManager[Registry]]
THE_MODEL = ""
"""The name under which a model as a whole waits among its versions."""


class RegistrySync:
    """What a process does for one registry, and remembers of it."""

    def __init__(
        self,
        settings: RegistrySettings,
        versions: Versions,
        tags: Tags,
        teller: Teller,
        clock: Clock,
        seconds: Callable[[], float],
        opened: Opened = catalogue.opened,
    ) -> None:
        """Take versions over into those of `versions`; `seconds` is a monotonic clock, `opened` opens a registry."""
        self._settings, self._versions, self._tags, self._teller = settings, versions, tags, teller
        self._clock, self._seconds, self._opened = clock, seconds, opened
        self._title = KINDS[settings.kind].title
        self._aliases = Aliases(settings.name, self._title, settings.aliases, settings.wish)
        self._target = Cluster(versions.client, versions, settings.manager, teller)
        self._models: dict[str, Model] = {}
        self.again: Callable[[Collection[str]], None] = lambda _models: None
        """Called with models that are to be polled again soon."""

    async def poll(self, only: Collection[str] = ()) -> None:
        """Read what changed, of these models or of all; raises `RegistryError` or `PortError` where that ends early."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds) as limit:
                self._teller.extend = lambda: self._extend(limit)
                await self._versions.refresh()
                async with self._opened(self._settings.kind, self._given()) as registry:
                    await self._poll(registry, only)
        except TimeoutError as error:
            seconds = self._settings.timeout_seconds
            raise RegistryError(
                f"no version and no model could be read within {seconds:g} s; is it hanging?"
            ) from error
        finally:
            self._teller.waits(self._models.values())

    def _extend(self, limit: asyncio.Timeout) -> None:
        limit.reschedule(asyncio.get_running_loop().time() + self._settings.timeout_seconds)

    def _given(self) -> Given:
        try:
            environment = self._settings.environment()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "a file is no text"
            raise NoAccess(
                f"the credentials in {self._settings.credentials_directory} cannot be read: {said}"
            ) from error
        return Given(self._settings.address, environment, self._clock.now, self._settings.repository)

    async def _poll(self, registry: Registry, only: Collection[str]) -> None:
        seen = set[str]()
        async for model, state in self._listed(registry, only):
            self._teller.progressed()
            seen.add(model)
            memory = self._remembered(model)
            losses = self._versions.losses(self._title, model)
            if not state or (state, losses) != (memory.state, memory.losses):
                if state:
                    memory.versions.wake()
                    memory.tags.wake()
                memory.is_complete = memory.is_complete and losses == memory.losses
                await self._read(registry, model, memory)
                memory.state, memory.losses = state, losses
            elif memory.versions.has_due(self._seconds()):
                await self._read(registry, model, memory)
            if memory.is_complete:
                await self._follow(model, memory)
        if only:
            return
        named = set(self._settings.models)
        self._models = {name: each for name, each in self._models.items() if name in seen | named}
        for model in sorted(named - seen):
            why = f"{self._title} has no model {model}; a name is written as the registry has it"
            self._wait(self._remembered(model).versions, THE_MODEL, model, why, is_failure=True)

    def _remembered(self, model: str) -> Model:
        if model not in self._models:
            seconds = self._settings.poll_seconds
            self._models[model] = Model(WaitingList(seconds), WaitingList(seconds))
        return self._models[model]

    async def _listed(self, registry: Registry, only: Collection[str]) -> AsyncIterator[tuple[str, str]]:
        """Yield the models to look at, with their states; a state is empty where the registry says none."""
        wanted = sorted(set(only) & set(self._settings.models or only) if only else self._settings.models)
        if only and not wanted:
            return
        if isinstance(registry, Watchable):
            async for each in registry.states(wanted):
                yield each
        elif wanted:
            for model in wanted:
                yield model, ""
        else:
            async for model in registry.models():
                yield model, ""

    async def _read(self, registry: Registry, model: str, memory: Model) -> None:
        """Take over the versions of a model. If its list breaks off, the rest is read at the next attempt."""
        now = self._seconds()
        selection = replace(
            self._settings.wish.selection,
            known=lambda version, instance: (
                memory.versions.is_resting(version, now)
                or self._is_there(model, version, (self._title, instance, model, version))
            ),
            ends_at_known=memory.is_complete and not memory.versions,
        )
        wish = replace(self._settings.wish, selection=selection)
        job = Import(registry, wish, self._target, self._teller, self._clock.now)
        aliases, seen, present = dict[str, str](), set[str](), set[str]()
        try:
            async for each in registry.versions(model, selection):
                self._teller.progressed()
                seen.add(each.version)
                aliases |= dict.fromkeys(each.aliases, each.version)
                if await self._take(job, each, memory) and each.aliases:
                    present.add(each.version)
        except NoAccess:
            raise
        except RegistryError as error:
            self._wait(memory.versions, THE_MODEL, model, str(error), is_failure=True)
            memory.is_complete = False
        else:
            memory.versions.done(THE_MODEL)
            memory.versions.keep_only(seen)
            memory.aliases, memory.present, memory.is_complete = aliases, frozenset(present), True

    async def _take(self, job: Import, each: Found, memory: Model) -> bool:
        """Take over a version, unless it is there or it is too early to try again; return whether it is there."""
        is_resting = memory.versions.is_resting(each.version, self._seconds())
        if isinstance(each, Unread) or is_resting:
            return not is_resting
        if isinstance(each, FoundVersion):
            # Of a registry that reads all versions anew.
            if self._is_there(each.model, each.version, origin_of(each.record["source"])):
                return True
            each = self._settled(each)
        outcome = await job.take(each)
        if outcome in (Outcome.IMPORTED, Outcome.UNCHANGED):
            memory.versions.done(each.version)
            return True
        what, is_failure = f"{each.model} {each.version}", outcome is Outcome.FAILED
        self._wait(memory.versions, each.version, what, self._teller.why, is_failure=is_failure)
        return False

    def _is_there(self, model: str, version: str, origin: Origin) -> bool:
        """Return whether a version is in the cluster, and from there."""
        try:
            known = self._versions.get(self._settings.wish.name(model, version))
        except RegistryError:
            return False
        return known is not None and known.origin == origin

    def _settled(self, found: FoundVersion) -> Found:
        """Return the version, or that it is skipped because its training run may still log metrics.

        Rule: R206.
        """
        training = found.record.get("training", {})
        if "startedAt" not in training or "finishedAt" in training:
            return found
        try:
            created = datetime.fromisoformat(found.record.get("createdAt") or training["startedAt"])
            is_new = self._clock.now() - created < timedelta(seconds=self._settings.settle_seconds)
        except (TypeError, ValueError):
            # What is wrong with the time is said when the record is checked.
            return found
        if not is_new:
            return found
        why = "its training run has not ended, and may still log metrics"
        return Skipped(found.model, found.version, why, found.aliases)

    async def _follow(self, model: str, memory: Model) -> None:
        """Move the tags of a model that have to move."""
        stays = set()
        for step in self._aliases.steps(model, memory, self._versions):
            if not isinstance(step, Follow):
                stays.add(step.alias)
                self._wait(memory.tags, step.alias, f"{model}, alias {step.alias}", step.why, is_failure=True)
                continue
            if memory.tags.is_resting(step.alias, self._seconds()):
                stays.add(step.alias)
                continue
            # The next list, which comes soon, finds other versions that got the tag meanwhile.
            memory.moved[step.alias] = self._versions.lists
            self._versions.expire()
            self.again({model})
            try:
                await self._tags.follow(model, step)
            except TagStays as error:
                stays.add(step.alias)
                self._wait(memory.tags, step.alias, f"{model}, alias {step.alias}", str(error), is_failure=True)
        memory.tags.keep_only(stays)
        checked = {alias for alias, lists in memory.moved.items() if lists < self._versions.lists} - stays
        memory.moved = {alias: lists for alias, lists in memory.moved.items() if alias not in checked}

    def _wait(self, waiting: WaitingList, name: str, what: str, why: str, *, is_failure: bool) -> None:
        if waiting.add(name, why, self._seconds(), is_failure=is_failure):
            level = logging.WARNING if is_failure else logging.INFO
            _log.log(level, "Not taken over: %s", why, extra={"registry": self._settings.name, "what": what})
