"""Judges the versions of all models once an interval, and deletes those that go: exported first, one after another.

It yields to the reconciliation of ModelDeployments before each model and each deletion.

Rule: R192.
Rule: R193.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pennant.api.reasons import Reason
from pennant.core.facts.observation import Key
from pennant.core.versions.retention import Judgement, Verdict, VersionFact, judged, keeps
from pennant.ports import Archive, Clock, Conflict, PortError, Retained

NO_ARCHIVE = "the operator has no archive for its record; set archive in the values of the chart"
NO_PERMISSION = "the operator may not delete ModelVersions; set retention.delete in the values of the chart"
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
        archive: Archive | None,
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
        for model, versions in going:
            for each in versions:
                await self._give_way()
                if not may_work():
                    return
                if problem := await self._go(model, each):
                    # The others would probably meet the same; the next run tries all of them again.
                    self._retained.publish({**verdicts, each.key: _refused(verdicts[each.key], problem)})
                    return
                await asyncio.sleep(self._pause_seconds)

    def _judged(self, model: tuple[str, str]) -> Judgement:
        now = self._clock.now()
        deployments = self._retained.deployments(model)
        if not any(each.retention for each in deployments):
            return Judgement({})
        return judged(self._retained.versions(model, now), deployments, now, self._obstacle)

    async def _go(self, model: tuple[str, str], version: VersionFact) -> str:
        """Export and delete a version that nothing keeps by now; return why it is still there, if a write failed."""
        if self._archive is None or keeps(version, self._retained.deployments(model), self._clock.now()):
            return ""
        extra = {"key": version.key, "version": version.version}
        try:
            if (raw := await self._retained.read(version)) is None:
                return ""
            await self._archive.add_version(raw)
            await self._retained.delete(version)
        except Conflict:
            # It changed since it was judged; the next run judges it again.
            self._telemetry.deleted("conflict")
            return ""
        except PortError as error:
            self._telemetry.deleted("failed")
            _log.warning("A version cannot be deleted", extra={**extra, "error": str(error)})
            return str(error)
        self._telemetry.deleted("success")
        _log.info("Version deleted by spec.retention; its record is in the archive", extra=extra)
        return ""


def _refused(verdict: Verdict, problem: str) -> Verdict:
    return Verdict(Reason.DELETION_REFUSED, f"{verdict.message}; not deleted: {problem}"[:1024])
