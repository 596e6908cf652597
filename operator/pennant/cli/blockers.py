"""What blocks a ModelDeployment, why, until when, and what helps: from the conditions and the pass of a decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from pennant.api import DEFAULT_TAG
from pennant.api.conditions import Condition, ConditionStatus, find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.reasons import ConditionType, Reason
from pennant.cli.outcomes import undo_goes_to
from pennant.cli.rules import COMMANDS, RULES, Help
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.undo import undo_target
from pennant.core.status.inputs import quarantined_target

WAITING = frozenset(
    {Reason.BAKING, Reason.ROLLOUT_IN_PROGRESS, Reason.AWAITING_FIRST_CHECK, Reason.NOT_DEPLOYED, Reason.SCALED_TO_ZERO}
)
"""Reasons for which a revision is not verified yet though nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One gate, limit or problem."""

    what: str
    """What it blocks."""
    reason: Reason
    message: str
    until: datetime | None = None
    """When time alone ends it; None: it does not."""
    version: str = ""
    """The version that is blocked; empty: it is not about a version."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of docs/behaviour.md that explain it."""
        return RULES.get(self.reason, ())

    def commands(self, snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
        """Return the verbs that may help with this ModelDeployment, each as a whole command line, and what it does."""
        known, active = _known(snapshot), current(snapshot.status.history)
        if self.version:
            known["version"] = self.version
        if self.version and active is not None and self.version != active.version:
            # An undo replaces the current revision, and so does not help a version that waits.
            known.pop("earlier", None)
        possible = (each for each in COMMANDS.get(self.reason, ()) if _fields(each) <= known.keys())
        return tuple((each.line.format(**known), each.does.format(**known)) for each in possible)


def _known(snapshot: Snapshot) -> dict[str, str]:
    """Return what command lines about a ModelDeployment can be filled in with."""
    spec, status = snapshot.spec, snapshot.status
    known = {"name": snapshot.key.name, "namespace": snapshot.key.namespace}
    undo = undo_target(status.history, status.quarantine, snapshot, "")
    if isinstance(undo, HistoryEntry):
        known["earlier"] = undo_goes_to(undo)
    if isinstance(spec, Invalid):
        return known
    known |= {"model": spec.model}
    if status.serving is not None and any(each.version == status.serving.version for each in snapshot.versions):
        known["serving"] = status.serving.version
    if spec.version is None:
        known["tag"] = "" if spec.tag == DEFAULT_TAG else f" --tag {spec.tag}"
    return known


def _fields(help_: Help) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(f"{help_.line} {help_.does}") if name is not None}


def of(status: ModelDeploymentStatus, at: Pass | None) -> tuple[Blocker, ...]:
    """Return what blocks, the most general first, and of each reason the first one."""
    found: dict[Reason, Blocker] = {}
    for each in _blockers(status, at):
        found.setdefault(each.reason, each)
    return tuple(found.values())


def _blockers(status: ModelDeploymentStatus, at: Pass | None) -> Iterator[Blocker]:
    stalled = _if(status, ConditionType.STALLED, ConditionStatus.TRUE)
    if at is None:
        # A halt that ends by itself is no problem that needs a user, and is in progress.
        halt = stalled or _if(status, ConditionType.RECONCILING, ConditionStatus.TRUE)
        if halt is not None:
            yield Blocker("all changes", Reason.of(halt.reason), halt.message)
        return
    if (paused := _if(status, ConditionType.SUSPENDED, ConditionStatus.TRUE)) is not None:
        yield Blocker("all changes but the number of replicas", Reason.of(paused.reason), paused.message)
    tag = _if(status, ConditionType.TAG_RESOLVED, ConditionStatus.FALSE)
    if stalled is None or tag is None or stalled.reason != tag.reason:
        yield from _stalled(stalled, at)
    # More than one thing may block: Stalled has only the most urgent of them.
    if (gate := at.gate) is not None:
        message = f"{gate.message.removesuffix('.')}. {gate.reason.to_do}"
        yield Blocker(f"the rollout of {gate.version}", gate.reason, message, gate.until, gate.version)
    if at.rollback_blocked is not None and at.active is not None:
        limit, version = at.rollback_blocked.limit, at.active.version
        message = f"{at.rollback_blocked.message}; {limit.message}. {limit.reason.to_do}"
        yield Blocker(f"the rollback of {version}", limit.reason, message, limit.until, version)
    if tag is not None:
        reason = Reason.of(tag.reason)
        yield Blocker("the choice of the target version", reason, f"{tag.message}. {reason.to_do}")
    back = _if(status, ConditionType.ROLLED_BACK, ConditionStatus.TRUE)
    if back is not None and (target := quarantined_target(at)) is not None:
        yield Blocker(f"the rollout of {target.version}", Reason.of(back.reason), back.message, version=target.version)
    yield from _unverified(status, at)


def _stalled(stalled: Condition | None, at: Pass) -> Iterator[Blocker]:
    """Yield what Stalled says, with what the pass knows of it besides; RolledBack says the same in more words."""
    if stalled is None or stalled.reason == Reason.ROLLED_BACK:
        return
    reason, active = Reason.of(stalled.reason), at.active
    if at.gate is not None and at.gate.reason is reason:
        what = f"the rollout of {at.gate.version}"
        yield Blocker(what, reason, stalled.message, at.gate.until, at.gate.version)
    elif at.rollback_blocked is not None and at.rollback_blocked.limit.reason is reason and active is not None:
        until = at.rollback_blocked.limit.until
        yield Blocker(f"the rollback of {active.version}", reason, stalled.message, until, active.version)
    elif at.failed_as is not None and reason in (Reason.NO_ROLLBACK_TARGET, Reason.BREACH_PAUSED):
        version = at.failed_as.version
        yield Blocker(f"the rollback of {version}", reason, stalled.message, version=version)
    elif (target := quarantined_target(at)) is not None and reason is Reason.QUARANTINED:
        yield Blocker(f"the rollout of {target.version}", reason, stalled.message, version=target.version)
    else:
        version = active.version if active is not None else ""
        yield Blocker(f"the rollout of {version}" if version else "the rollout", reason, stalled.message)


def _unverified(status: ModelDeploymentStatus, at: Pass) -> Iterator[Blocker]:
    verified = _if(status, ConditionType.VERIFIED, ConditionStatus.FALSE)
    if verified is None or at.active is None or at.failed_as is not None or at.rollback_blocked is not None:
        return
    reason, version = Reason.of(verified.reason), at.active.version
    if reason not in WAITING:
        message = f"{verified.message.removesuffix('.')}. {reason.to_do}"
        yield Blocker(f"the verification of {version}", reason, message, version=version)


def _if(status: ModelDeploymentStatus, kind: ConditionType, is_status: ConditionStatus) -> Condition | None:
    found = find(status.conditions, kind)
    return found if found is not None and found.status is is_status else None
