"""What a contract case needs besides the port: users who write behind the operator's back."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.decision import ApplyWorkload
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Invalid, Key, Revision, Snapshot, Workload
from pennant.core.rollout.revision import chained, render, template_hash
from pennant.core.workload import deployment_manifest
from pennant.ports import Cluster, Versions

NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NAME = "fraud"


class Backend(Protocol):
    """One empty namespace, the port under test, and what users do; users never need the port."""

    @property
    def namespace(self) -> str:
        """The namespace that all of this happens in."""
        ...

    @property
    def cluster(self) -> Cluster:
        """The port under test."""
        ...

    @property
    def versions(self) -> Versions:
        """The port of versions' own statuses under test, which shares with the other one what is known."""
        ...

    async def deploy(self, spec: Json) -> None:
        """Create the ModelDeployment `fraud`, or replace its spec."""
        ...

    async def publish(self, record: Json, tags: Sequence[str] = ()) -> None:
        """Create a ModelVersion, or replace its tags."""
        ...

    async def retract(self, version: str) -> None:
        """Delete a ModelVersion of the model `fraud`."""
        ...

    async def withdraw(self) -> None:
        """Delete the ModelDeployment `fraud`, and nothing else."""
        ...

    async def let_go(self) -> None:
        """Delete the ModelDeployment `fraud`, and let what it owns belong to nobody."""
        ...

    async def occupy(self) -> None:
        """Create a Deployment `fraud` that is not ours."""
        ...

    async def deploy_by_hand(self, template: Json, replicas: int) -> None:
        """Create a Deployment `fraud` that is not ours, with the selector `app: fraud`."""
        ...

    async def workload_image(self) -> str:
        """Return the image that the Deployment `fraud` runs, whoever's it is."""
        ...

    async def touch_workload(self) -> None:
        """Change the Deployment `fraud` by hand."""
        ...

    async def catch_up(self) -> None:
        """Let the port hear of everything that happened."""
        ...


async def seen(backend: Backend) -> Snapshot:
    """Return the snapshot of the ModelDeployment, which is there."""
    snapshot = await backend.cluster.snapshot(Key(backend.namespace, NAME))
    assert snapshot is not None
    return snapshot


async def seen_when(backend: Backend, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """Return the first snapshot for which `holds`, after at most some seconds."""
    for _ in range(100):
        await backend.catch_up()
        snapshot = await seen(backend)
        if holds(snapshot):
            return snapshot
    raise AssertionError("it never came to hold")


def a_revision(snapshot: Snapshot, number: int = 1) -> Revision:
    """Return a revision of the first version that is seen."""
    version = snapshot.versions[0]
    template = _template(snapshot)
    entry = HistoryEntry(
        revision=number,
        version=version.version,
        digest=version.digest,
        template_hash=template_hash(template),
        trigger=Trigger.TAG_MOVED,
        actor="kubectl",
        reason=f"the tag moved to {version.version}",
        started_at=NOON,
        outcome=Outcome.IN_PROGRESS,
        previous_hash="",
        hash="",
    )
    return Revision(chained(entry, None), template, version.record)


def an_application(snapshot: Snapshot, seen_before: Workload | None, **container: Any) -> ApplyWorkload:
    """Return the write of a Deployment whose container has these fields besides its own."""
    assert not isinstance(snapshot.spec, Invalid)
    template = _template(snapshot)
    containers = [{**template["spec"]["containers"][0], **container}]
    template = {**template, "spec": {**template["spec"], "containers": containers}}
    entry = a_revision(snapshot).entry
    manifest = deployment_manifest.deployment(snapshot, snapshot.spec, entry, template, paused=False)
    return ApplyWorkload(manifest, short_hash(manifest), seen_before)


def _template(snapshot: Snapshot) -> Json:
    version = snapshot.versions[0]
    assert not isinstance(snapshot.spec, Invalid)
    assert isinstance(version.spec, ModelVersionSpec)
    return render(snapshot.key.name, snapshot.spec, version.spec)
