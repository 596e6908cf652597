"""Which versions of a model need not be kept.

`judged` is pure and takes time in proportion to the number of versions. It runs once an interval for each model, not
for each event.

Rule: R190.
Rule: R191.
Rule: R192.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pennant.api.meta import clip, rfc3339
from pennant.api.model_version import Retention
from pennant.api.reasons import Reason
from pennant.api.retention import DeploymentRetention, RetentionAction
from pennant.core.facts.observation import Invalid, Key, Snapshot


@dataclass(frozen=True, slots=True)
class VersionFact:
    """What retention knows of a ModelVersion."""

    key: Key
    uid: str
    resource_version: str
    version: str
    created_at: datetime
    parent: Key | None = None
    """The ModelVersion that `spec.parent` names; it need not exist."""
    tags: frozenset[str] = frozenset()
    retention: Retention = field(default_factory=Retention)
    used_until: datetime | None = None
    """When a ModelDeployment last served it; while one does, the present. None: none ever did."""
    quarantined: bool = False
    """Whether `status.quarantinedBy` has an entry."""
    problem: str = ""
    """Why its record cannot be used; empty: it can."""
    manager: str = ""
    """What would create it again, or owns it, such as `Argo CD (application shop)`; empty: nothing that is known."""
    deleting: bool = False

    @property
    def last_used(self) -> datetime:
        """The end of its last use; its creation if it was never used."""
        return self.created_at if self.used_until is None else self.used_until


@dataclass(frozen=True, slots=True)
class DeploymentFact:
    """What retention knows of a ModelDeployment."""

    name: str
    retention: DeploymentRetention | None = None
    uses: Mapping[str, str] = field(default_factory=dict)
    """The versions that it needs, each with a sentence that says for what."""
    problem: str = ""
    """Why it is not known what it needs; then no version of the model goes. Empty: it is known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What retention says of a version that is beyond the limits of all ModelDeployments."""

    reason: Reason
    message: str

    @property
    def expired(self) -> bool:
        """Whether nothing keeps the version."""
        return self.reason is not Reason.KEPT


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result for one model."""

    verdicts: Mapping[Key, Verdict]
    """By version; those that are within the limits have none."""
    to_delete: tuple[VersionFact, ...] = ()
    """The versions to delete, the last created first: a status depends on the parent, so children go before it."""


NOTHING = Judgement({})


def fact(snapshot: Snapshot) -> DeploymentFact:
    """Return what retention knows of a ModelDeployment."""
    name = snapshot.key.name
    if isinstance(spec := snapshot.spec, Invalid):
        return DeploymentFact(name, problem=f"the spec of ModelDeployment {name} is invalid: {spec.problem}")
    if snapshot.unreadable is not None:
        problem = f"the status of ModelDeployment {name} cannot be read: {snapshot.unreadable.problem}"
        return DeploymentFact(name, problem=problem)
    return DeploymentFact(name, spec.retention, dict(_uses(snapshot)))


def _uses(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the versions that a ModelDeployment needs; the last sentence about a version is the most important one."""
    name, status, spec = snapshot.key.name, snapshot.status, snapshot.spec
    for refused in status.quarantine:
        yield refused.version, f"ModelDeployment {name} quarantines it"
    served = [(each.revision, each.version) for each in status.older_revisions]
    served += [(each.revision, each.version) for each in status.history]
    for revision, version in served:
        yield version, f"revision {revision} of ModelDeployment {name} has it, and can be rolled back to"
    if status.stable is not None:
        yield status.stable.version, f"it is the rollback target of ModelDeployment {name}"
    if status.desired is not None:
        yield status.desired.version, f"it is the target version of ModelDeployment {name}"
    if not isinstance(spec, Invalid) and spec.version is not None:
        yield spec.version, f"spec.version of ModelDeployment {name} names it"
    if status.history:
        yield status.history[-1].version, f"ModelDeployment {name} serves it"


def judged(
    versions: Sequence[VersionFact], deployments: Sequence[DeploymentFact], now: datetime, obstacle: str = ""
) -> Judgement:
    """Return what becomes of the versions of a model.

    `obstacle` says why the operator must not delete a version; empty: it may. Nothing goes while a ModelDeployment of
    the model has no `spec.retention`, or while it is not known what one needs.
    """
    agreed = [each.retention for each in deployments if each.retention is not None and not each.problem]
    if not deployments or len(agreed) < len(deployments):
        return NOTHING
    beyond = _beyond(versions, agreed, now)
    kept = {each.key: why for each in beyond if (why := keeps(each, deployments, now))}
    kept |= _parents(versions, beyond, kept)
    deletes = all(each.action is RetentionAction.DELETE for each in agreed)
    limits = _limits(agreed)
    verdicts = {
        each.key: _verdict(each, limits, kept.get(each.key, ""), obstacle if deletes else "") for each in beyond
    }
    going = [each for each in beyond if each.key not in kept] if deletes and not obstacle else []
    return Judgement(verdicts, tuple(going))


def _beyond(versions: Sequence[VersionFact], agreed: Sequence[DeploymentRetention], now: datetime) -> list[VersionFact]:
    """Return the versions that are beyond the limits of each ModelDeployment."""
    ranked = sorted(versions, key=lambda each: (each.created_at, each.key), reverse=True)
    return [
        each
        for rank, each in enumerate(ranked)
        if not each.deleting
        and not any(rank < (own.keep_last or 0) for own in agreed)
        and not any(own.max_age_days and now - each.last_used <= timedelta(days=own.max_age_days) for own in agreed)
    ]


def keeps(version: VersionFact, deployments: Sequence[DeploymentFact], now: datetime) -> str:
    """Return in a sentence what keeps a version beyond the limits, except for its children; empty: nothing does."""
    return next((why for why in _reasons_to_keep(version, deployments, now) if why), "")


def _reasons_to_keep(
    version: VersionFact, deployments: Sequence[DeploymentFact], now: datetime
) -> Iterator[str | None]:
    """Yield a sentence for each reason, the most important one first; empty or None: it does not apply."""
    own, minimum = version.retention, 0
    for each in deployments:
        yield each.problem
        yield each.uses.get(version.version)
        yield f"ModelDeployment {each.name} has no spec.retention" if each.retention is None else None
        minimum = max(minimum, each.retention.minimum_days if each.retention is not None else 0)
    if version.tags:
        named = " and ".join(sorted(version.tags))
        yield f"it has the tag{'s' if len(version.tags) > 1 else ''} {named}"
    yield "spec.retention.legalHold is set" if own.legal_hold else None
    until = version.last_used + timedelta(days=max(minimum, own.minimum_days or 0))
    yield f"the minimum time of retention ends {rfc3339(until)}" if now < until else None
    yield "a ModelDeployment quarantines it, and its record is the evidence" if version.quarantined else None
    if version.manager:
        yield f"{version.manager} manages it and would create it again; delete it there"
    yield version.problem


def _parents(
    versions: Sequence[VersionFact], beyond: Sequence[VersionFact], kept: Mapping[Key, str]
) -> Mapping[Key, str]:
    """Return what keeps the parents of versions that are kept: their bump is computed from the parent.

    A parent that is kept for this alone keeps no further one.
    """
    going = {each.key for each in beyond if each.key not in kept}
    return {
        child.parent: f"it is the parent of {child.version}"
        for child in sorted(versions, key=lambda each: each.key)
        if child.parent is not None and child.parent in going and child.key not in going
    }


def _limits(agreed: Sequence[DeploymentRetention]) -> str:
    last = max((each.keep_last or 0 for each in agreed), default=0)
    days = max((each.max_age_days or 0 for each in agreed), default=0)
    said = [f"beyond the {last} versions that were created last"] if last else []
    return " and ".join([*said, *([f"not used for {days} days"] if days else [])])


def _verdict(version: VersionFact, limits: str, why_kept: str, obstacle: str) -> Verdict:
    if why_kept:
        return Verdict(Reason.KEPT, clip(f"{limits}; kept: {why_kept}"))
    used = "last used" if version.used_until is not None else "never used; created"
    message = f"{limits}; {used} {rfc3339(version.last_used)}"
    verdict = Verdict(Reason.RETENTION_EXCEEDED, clip(message))
    return not_deleted(verdict, obstacle) if obstacle else verdict


def not_deleted(verdict: Verdict, why: str) -> Verdict:
    """Return the verdict on a version that nothing keeps, and that is not deleted for this reason."""
    return Verdict(Reason.DELETION_REFUSED, clip(f"{verdict.message}; not deleted: {why}"))
