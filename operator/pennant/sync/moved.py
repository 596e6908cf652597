"""Says that a tag was moved: in the log, as an Event on the version, and in the metrics."""

import logging

from pennant.api.reasons import Reason
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.observation import Key
from pennant.kube.events import EventRecorder, Regarding
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import Move, tags_of
from pennant.registries.catalogue import KINDS
from pennant.sync.aliases import Follow
from pennant.sync.config import RegistrySettings
from pennant.sync.telemetry import Telemetry

_log = logging.getLogger(__name__)


class Moves:
    """Tells of the moves for one registry."""

    def __init__(self, settings: RegistrySettings, recorder: EventRecorder, telemetry: Telemetry) -> None:
        """Tell in the name of a registry."""
        self._settings, self._recorder, self._telemetry = settings, recorder, telemetry

    async def moved(self, step: Follow, move: Move) -> None:
        """Tell of one move."""
        self._telemetry.moved(self._settings.name)
        title, metadata = KINDS[self._settings.kind].title, move.new["metadata"]
        before = sorted(each["metadata"]["name"] for each in move.old if step.tag in tags_of(each))
        came = f" from {' and '.join(before)}" if before else ""
        said = (
            f"got the tag {step.tag}{came}, because the alias {step.alias} was moved to version {step.version} in the "
            f"registry {self._settings.name} ({title})"
        )
        _log.info("%s %s", step.name, said, extra={"registry": self._settings.name})
        key = Key(metadata["namespace"], metadata["name"])
        regarding = Regarding(Kind.MODEL_VERSION, key, metadata["uid"], metadata["resourceVersion"])
        await self._recorder.record(regarding, Event(EventType.NORMAL, Reason.ALIAS_MOVED, said))
