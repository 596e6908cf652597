"""kopf's settings: no writes, no discovery at cluster scope, and short pauses after an error."""

from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from pennant.kube.http.resources import MANAGED_BY, Kind
from pennant.runtime.kopf_session import WATCHED

ERROR_BACKOFFS = (0.1, 0.2, 0.5, 1, 1, 2, 2, 3, 3, *(5 for _ in range(30)))
"""Seconds between attempts of kopf's requests.

The first are short, because a watch delivers nothing while it waits; all together outlast a restart of the API server.
"""


def settings() -> kopf.OperatorSettings:
    """Return the settings of the operator's watches."""
    chosen = kopf.OperatorSettings()
    chosen.persistence.diffbase_storage = NoDiffBase()
    chosen.persistence.progress_storage = NoProgress()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    # Scanning watches CRDs and namespaces, which takes permissions at cluster scope. `Presence` waits for the CRDs.
    chosen.scanning.disabled = True
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 310
    chosen.watching.connect_timeout = 5
    for kind in (Kind.DEPLOYMENT, Kind.SERVICE):
        chosen.watching.label_selectors[WATCHED[kind]] = MANAGED_BY
    chosen.queueing.idle_timeout = 0.5
    chosen.networking.request_timeout = 15
    chosen.networking.error_backoffs = ERROR_BACKOFFS
    chosen.process.ultimate_exiting_timeout = 10
    return chosen


class NoDiffBase(kopf.DiffBaseStorage):
    """Stores no last-handled state: no handler compares an object with its past, and kopf would copy each object."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return None."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing."""


class NoProgress(kopf.ProgressStorage):
    """Stores no progress of handlers: kopf retries none, and must never write an annotation."""

    def fetch(self, **_: Any) -> Any:
        """Return None."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing."""

    def purge(self, **_: Any) -> None:
        """Do nothing."""

    def touch(self, **_: Any) -> None:
        """Do nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence unchanged."""
        return essence


class NoMemories(ResourceMemories):
    """Remembers no object: no handler keeps a state between two events, and kopf would keep 1 KB of each for ever."""

    async def recall(self, raw_body: Any, **options: Any) -> ResourceMemory:
        """Return a new memory, which ends with the event."""
        return await super().recall(raw_body, **{**options, "ephemeral": True})
