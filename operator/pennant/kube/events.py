"""Kubernetes Events on ModelDeployments and ModelVersions."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pennant.api import API_VERSION, GROUP
from pennant.api.meta import Json, clip
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Key
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.http.timestamps import micro_time
from pennant.ports import Clock, Conflict, PortError

_log = logging.getLogger(__name__)

CONTROLLER = f"{GROUP}/operator"
NOTE_BYTES = 1024
"""The API server allows no longer note."""


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about."""

    kind: Kind
    key: Key
    uid: str
    resource_version: str


class Events(Protocol):
    """Takes Events."""

    async def record(self, regarding: Regarding, event: Event) -> None:
        """Take an Event about an object; raises no error of the port."""
        ...


class EventRecorder:
    """Creates Events in the name of this process."""

    def __init__(self, client: Client, clock: Clock, instance: str = "operator", controller: str = CONTROLLER) -> None:
        """`instance` is the `reportingInstance` of the Events, usually the name of the pod."""
        self._client = client
        self._clock = clock
        self._instance = instance
        self._controller = controller

    async def record(self, regarding: Regarding, event: Event, at: datetime | None = None) -> None:
        """Create an Event that happened `at` a time, or now.

        Raises no error of the port: if it fails, it is logged and the Event is lost.
        """
        kind, key = Kind.EVENT, regarding.key
        try:
            body = self._manifest(regarding, event, at or self._clock.now())
            await self._client.request(ApiVerb.CREATE, kind, RESOURCES[kind].path(key.namespace), body=body)
        except Conflict as error:
            # The namespace is being deleted.
            _log.debug("The event %s on %s is not recorded: %s", event.reason, key, error)
        except PortError as error:
            _log.warning("The event %s on %s is lost: %s", event.reason, key, error)

    def _manifest(self, regarding: Regarding, event: Event, at: datetime) -> Json:
        key = regarding.key
        return {
            "apiVersion": RESOURCES[Kind.EVENT].api_version,
            "kind": Kind.EVENT,
            "metadata": {"generateName": f"{key.name}-", "namespace": key.namespace},
            "eventTime": micro_time(at),
            "type": event.type,
            "reason": event.reason,
            "note": _within(clip(event.message, NOTE_BYTES), NOTE_BYTES),
            "action": "Reconcile",
            "reportingController": self._controller,
            "reportingInstance": self._instance,
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": regarding.kind,
                "namespace": key.namespace,
                "name": key.name,
                "uid": regarding.uid,
                "resourceVersion": regarding.resource_version,
            },
        }


def _within(text: str, size: int) -> str:
    """Return the text, cut so that its UTF-8 has at most `size` bytes."""
    return text.encode()[:size].decode(errors="ignore")
