"""The port `Retained` on a real API server: facts from the cache, and deletions of ModelVersions as they were seen.

Rule: R193.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from pennant.core.versions.retention import DeploymentFact, Verdict, VersionFact, fact
from pennant.kube.cache.listing import refresh
from pennant.kube.cache.models import Model
from pennant.kube.cache.store import Store
from pennant.kube.http import writes
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.ports import Conflict

KIND = Kind.MODEL_VERSION


class KubernetesRetained:
    """Implements `ports.Retained`."""

    def __init__(self, client: Client, store: Store) -> None:
        """Share `store` with the other controllers."""
        self._client, self._store = client, store

    def models(self) -> Iterable[Model]:
        """Return the namespace and the name of each model that has a ModelDeployment."""
        return tuple(self._store.models())

    def deployments(self, model: Model) -> tuple[DeploymentFact, ...]:
        """Return what is known of the ModelDeployments of a model."""
        return tuple(map(fact, self._store.deployments_of(model)))

    def versions(self, model: Model, now: datetime) -> tuple[VersionFact, ...]:
        """Return what is known of the ModelVersions of a model."""
        return tuple(self._store.version_facts(model, now))

    def version(self, key: Key, now: datetime) -> VersionFact | None:
        """Return what is known of one ModelVersion; None where it does not exist."""
        return self._store.version_fact(key, now)

    def publish(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Have the condition `Expired` written; a version without a verdict has none."""
        self._store.versions.set_verdicts(verdicts)

    async def read(self, version: VersionFact) -> Json | None:
        """Return a ModelVersion as it is stored; None where it does not exist. Raises `Conflict` where it changed."""
        raw = await self._client.get(KIND, version.key.namespace, version.key.name)
        if raw is None:
            return None
        if writes.State.of(raw) != writes.State(version.uid, version.resource_version):
            self._store.update(KIND, None, raw)
            raise Conflict(f"{version.key} was written meanwhile")
        return raw

    async def delete(self, version: VersionFact) -> None:
        """Delete a ModelVersion in this state; raises `Conflict` where it changed."""
        key = version.key
        try:
            await writes.delete(self._client, KIND, key.namespace, key.name, version)
        except Conflict:
            await refresh(self._client, self._store, KIND, key)
            raise
