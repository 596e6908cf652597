"""What a poll tells: to the log, and to the metrics."""

import logging
from collections.abc import Callable, Iterable

from pennant.registries.importing import Outcome
from pennant.registries.protocol import FoundVersion
from pennant.sync.memory import Model
from pennant.sync.telemetry import Telemetry

_log = logging.getLogger(__name__)


class Teller:
    """Tells of the versions of one registry. Implements `Telling`."""

    def __init__(self, registry: str, telemetry: Telemetry) -> None:
        """Tell in the name of a registry."""
        self._registry, self._telemetry = registry, telemetry
        self.why = ""
        """Why the last version was not taken over."""
        self.extend: Callable[[], None] = lambda: None
        """Called when a version or a model was handled: the time limit of the poll begins again."""

    def progressed(self) -> None:
        """Note that a version or a model was handled."""
        self.extend()
        self._telemetry.progressed(self._registry)

    def failed(self, what: str, why: str) -> None:
        """Count a version that cannot be imported; the poll logs it, unless it is known already."""
        self.why = why
        self._telemetry.taken(self._registry, Outcome.FAILED)

    def skipped(self, what: str, why: str) -> None:
        """Count a version that is not ready; the poll logs it, unless it is known already."""
        self.why = why
        self._telemetry.taken(self._registry, Outcome.SKIPPED)

    def done(self, what: str, found: FoundVersion, outcome: Outcome) -> None:
        """Log and count a new version, and what its record does not have."""
        self._telemetry.taken(self._registry, outcome)
        if outcome is Outcome.IMPORTED:
            _log.info("Imported %s", what, extra={"registry": self._registry})
            for each in found.unknown:
                _log.info("%s: %s", what, each, extra={"registry": self._registry})

    def warned(self, sentence: str) -> None:
        """Log what a user should know of a version."""
        _log.warning("%s", sentence, extra={"registry": self._registry})

    def waits(self, models: Iterable[Model]) -> None:
        """Set how many versions and tags could not be taken over."""
        versions = tags = 0
        for each in models:
            versions += each.versions.failures
            tags += each.tags.failures
        self._telemetry.failing(self._registry, versions=versions, tags=tags)
