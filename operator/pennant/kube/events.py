"""Kubernetes Events: what people are told of an object besides its status."""

import logging
from dataclasses import dataclass
from datetime import datetime

from pennant.api import API_VERSION, GROUP
from pennant.api.meta import Json, clip
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Key
from pennant.kube.http.client import Client, Verb
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.http.timestamps import micro_time
from pennant.ports import Conflict, PortError

_log = logging.getLogger(__name__)

CONTROLLER = f"{GROUP}/operator"
NOTE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about."""

    kind: Kind
    key: Key
    uid: str
    resource_version: str


async def record(client: Client, regarding: Regarding, event: Event, now: datetime, instance: str) -> None:
    """Record an Event that this instance reports; one that is lost is logged, no more."""
    kind, key = Kind.EVENT, regarding.key
    body: Json = {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "metadata": {"generateName": f"{key.name}-", "namespace": key.namespace},
        "eventTime": micro_time(now),
        "type": event.type,
        "reason": event.reason,
        "note": _within(clip(event.message, NOTE_BYTES), NOTE_BYTES),
        "action": "Reconcile",
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": regarding.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": regarding.uid,
            "resourceVersion": regarding.resource_version,
        },
    }
    try:
        await client.request(Verb.CREATE, kind, RESOURCES[kind].path(key.namespace), body=body)
    except Conflict as error:
        # The object goes, and so does its namespace: nobody will look for what happened to it.
        _log.debug("The event %s on %s is not told: %s", event.reason, key, error)
    except PortError as error:
        _log.warning("The event %s on %s is lost: %s", event.reason, key, error)


def _within(text: str, size: int) -> str:
    """Return the text, cut so that its UTF-8 has at most `size` bytes."""
    return text.encode()[:size].decode(errors="ignore")
