"""Judges the versions of all models once an interval, and deletes those that go: exported first, one after another.

It yields to the reconciliation of ModelDeployments before each model and each deletion.

Rule: R192.
Rule: R193.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pennant.controller.version_exports import VersionExports
from pennant.core.facts.observation import Key
from pennant.core.versions.retention import NOTHING, Judgement, Verdict, VersionFact, judged, keeps, not_deleted
from pennant.ports import Clock, Conflict, PortError, Retained

NO_ARCHIVE = "the operator has no archive for its record; set archive in the values of the chart"
NO_PERMISSION = "the operator may not delete ModelVersions; set retention.delete in the values of the chart"
ATTEMPTS = 3
"""For a version that is written meanwhile; the next run tries it again."""
_log = logging.getLogger(__name__)


class RetentionTelemetry(Protocol):
    """Metrics of retention."""

    def expired(self, versions: int) -> None:
        """Set the number of versions that need not be kept."""
        ...

    def deleted(self, result: str) -> None:
        """Count a deletion: `success`, `conflict`, or `failed`."""
        ...


class RetentionController:
    """Judges and deletes."""

    def __init__(
        self,
        retained: Retained,
        archive: VersionExports | None,
        clock: Clock,
        telemetry: RetentionTelemetry,
        give_way: Callable[[], Awaitable[object]],
        *,
        may_delete: bool,
        deletes_per_second: float,
    ) -> None:
        """Await `give_way` before each step; delete only if `may_delete`."""
        self._retained, self._archive, self._clock = retained, archive, clock
        self._telemetry, self._give_way = telemetry, give_way
        self._may_delete, self._pause_seconds = may_delete, 1 / deletes_per_second

    @property
    def _obstacle(self) -> str:
        if self._archive is None:
            return NO_ARCHIVE
        return "" if self._may_delete else NO_PERMISSION

    async def run_once(self, may_work: Callable[[], bool] = lambda: True) -> None:
        """Judge all models, publish the verdicts, and delete; stop where `may_work` is false."""
        verdicts, going = dict[Key, Verdict](), list[tuple[tuple[str, str], tuple[VersionFact, ...]]]()
        for model in self._retained.models():
            await self._give_way()
            found = self._judged(model)
            verdicts |= found.verdicts
            if found.to_delete:
                going.append((model, found.to_delete))
        if not may_work():
            return
        self._retained.publish(verdicts)
        self._telemetry.expired(sum(each.expired for each in verdicts.values()))
        if self._archive is not None:
            self._archive.expect(sum(len(versions) for _, versions in going))
        for model, versions in going:
            for each in versions:
                await self._give_way()
                if not may_work():
                    return
                if problem := await self._go(model, each.key):
                    # The others would probably meet the same; the next run tries all of them again.
                    self._retained.publish({**verdicts, each.key: not_deleted(verdicts[each.key], problem)})
                    return
                await asyncio.sleep(self._pause_seconds)

    def _judged(self, model: tuple[str, str]) -> Judgement:
        now = self._clock.now()
        deployments = self._retained.deployments(model)
        if not any(each.retention for each in deployments):
            return NOTHING
        return judged(self._retained.versions(model, now), deployments, now, self._obstacle)

    async def _go(self, model: tuple[str, str], key: Key) -> str:
        """Delete a version that nothing keeps by now; return why it is still there, if a write failed."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            version = self._retained.version(key, now)
            if version is None or version.deleting or keeps(version, self._retained.deployments(model), now):
                return ""
            try:
                await self._export_and_delete(version)
            except Conflict:
                # It was written meanwhile, such as its status. The cache has the new state already.
                self._telemetry.deleted("conflict")
                continue
            except PortError as error:
                self._telemetry.deleted("failed")
                _log.warning("A version cannot be deleted", extra={"key": key, "error": str(error)})
                return str(error)
            self._telemetry.deleted("success")
            _log.info("Version deleted by spec.retention; its record is in the archive", extra={"key": key})
            return ""
        return ""

    async def _export_and_delete(self, version: VersionFact) -> None:
        """Archive a version in the state that was judged, and delete it in that state."""
        raw = await self._retained.read(version)
        if self._archive is not None and raw is not None:
            await self._archive.add_version(raw)
            await self._retained.delete(version)
