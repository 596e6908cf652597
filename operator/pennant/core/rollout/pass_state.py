"""The context of a pass: what it observed, what it concluded, and what it is about to write."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry, QuarantineEntry
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.api.reasons import Reason
from pennant.core.analysis.assessment import Verdict
from pennant.core.facts.decision import Action, DryRunWorkload, Event
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Observation, Snapshot, Workload, WriteProblem
from pennant.core.rollout import history, rollback
from pennant.core.rollout.history import History, Quarantine
from pennant.core.rollout.rollback_limits import RollbackLimit
from pennant.core.versions.selection import Selection


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a gate blocks the rollout of the target version."""

    version: str
    reason: Reason
    message: str
    until: datetime | None = None
    """When the gate ends without any change; None: it needs a change."""


@dataclass(frozen=True, slots=True)
class RollbackBlocked:
    """The analysis or the rollout of the current revision failed, and a limit blocks its quarantine."""

    limit: RollbackLimit
    message: str
    """How it failed: the breach with its numbers, or why pods are not available."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one ModelDeployment. It is frozen; each step returns a changed copy."""

    observation: Observation
    spec: ModelDeploymentSpec
    selection: Selection
    """Which version the tag or `spec.version` targets."""
    template: Json | None
    """The pod template that serves the target version; None where there is none, or its record is invalid."""
    inputs_hash: str
    """The hash of what that template is rendered from."""
    status: ModelDeploymentStatus
    """The status as it will be written; its conditions are computed last."""
    verdict: Verdict
    """What the metrics say of the current revision."""
    failed_as: QuarantineEntry | None
    """The quarantine entry of the current revision; None: it did not fail."""
    unreleased: Quarantine = ()
    """The stored and restored quarantine, before this pass released anything of it."""
    rollback_blocked: RollbackBlocked | None = None
    """The limit that blocks the quarantine of the current revision, although its analysis or rollout failed."""
    was_verified: bool = False
    """Whether the current revision's content was verified with its pod template before."""
    rollback_target: HistoryEntry | None = None
    """The newest verified revision that did not fail since."""
    gate: Blocked | None = None
    """The gate that blocks the target version."""
    pending: bool = False
    """Whether the Deployment needs a write, in this pass or in the next one."""
    dry_run: DryRunWorkload | None = None
    """The dry run that the spec needs before it is rolled out; None: the API server is known to accept it."""
    template_problem: WriteProblem | None = None
    """Why that dry run was refused; None: it was not, or it was not made yet."""
    refusal: WriteProblem | None = None
    """Why a write that the next ones depend on cannot be made; None: no such write is refused."""
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def now(self) -> datetime:
        """The time of the observation."""
        return self.observation.now

    @property
    def snapshot(self) -> Snapshot:
        """The objects of the API server."""
        return self.observation.snapshot

    @property
    def before(self) -> ModelDeploymentStatus:
        """The status as it is stored."""
        return self.observation.snapshot.status

    @property
    def workload(self) -> Workload | None:
        """The Deployment; None: there is none."""
        return self.observation.snapshot.workload

    @property
    def tag(self) -> str | None:
        """The tag that is followed; None where `spec.version` names a version."""
        return self.spec.tag if self.spec.version is None else None

    @property
    def history(self) -> History:
        """The history as it will be written."""
        return self.status.history

    @property
    def quarantine(self) -> Quarantine:
        """The quarantine as it will be written."""
        return self.status.quarantine

    @property
    def active(self) -> HistoryEntry | None:
        """The current revision: the newest entry of the history."""
        return current(self.status.history)

    @property
    def is_frozen(self) -> bool:
        """Whether the current revision failed and `rollback.action: Pause` keeps it until a user acts.

        Rule: R62.
        """
        return self.failed_as is not None and self.spec.rollback.action is RollbackAction.PAUSE

    @property
    def awaits_dry_run(self) -> bool:
        """Whether the API server was not asked yet whether it accepts the spec."""
        return self.dry_run is not None and self.template_problem is None

    def with_status(self, **fields: Any) -> "Pass":
        """Return the pass with these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=fields))

    def with_quarantine(self, quarantine: Quarantine) -> "Pass":
        """Return the pass with this quarantine, and with the `failed_as` and `rollback_target` that follow from it."""
        active = self.active
        failed_as = None if active is None else history.quarantine_entry_of(active, quarantine)
        content = active.digest if active is not None else ""
        target = rollback.newest_verified(self.history, quarantine, self.snapshot.revisions, content)
        return replace(self.with_status(quarantine=quarantine), failed_as=failed_as, rollback_target=target)
