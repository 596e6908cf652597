"""What the conditions of one pass are computed from, and what a condition says."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.conditions import ConditionStatus
from pennant.api.deployment_status import HistoryEntry, PodProgress, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.core.analysis.assessment import Verdict
from pennant.core.facts.observation import Workload, WriteProblem
from pennant.core.rollout.judgement import RollbackBlocked
from pennant.core.rollout.promotion_gates import Blocked
from pennant.core.versions.selection import Selection

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions of one pass are computed from."""

    now: datetime
    generation: int
    tag: str | None
    """The tag that is followed; None where a version is named."""
    holder: Selection
    unresolved_since: datetime | None
    """Since when the tag has not been held by exactly one version; None: it is."""
    active: HistoryEntry | None
    workload: Workload | None
    progress: PodProgress | None
    """How far the pods of the active revision have come; None while enough of them are available."""
    known_good: bool
    """Whether the active revision's content was known good with its pod template before."""
    deadline_seconds: int
    """How long no further pod may become available."""
    advice: str
    """What may help where no node has room for the pods; empty: nothing in particular."""
    verdict: Verdict
    condemned: QuarantineEntry | None
    """Says that the active revision was found bad."""
    withheld: RollbackBlocked | None
    """Says that the active revision breaches, and why nothing follows from that now."""
    blocked: QuarantineEntry | None
    """Says that what is asked for was found bad, and is not what is in place."""
    gate: Blocked | None
    """Says why the version that is asked for is not rolled out."""
    paused: bool
    """Whether `spec.paused` is true."""
    frozen: bool
    """Whether a bad version is left where it is, because `rollback.action` is Pause."""
    broken: tuple[str, ...]
    """What is wrong with the records of the history."""
    unrecorded: str
    """Why the active revision cannot be applied again: its record was changed or is gone; empty: it can."""
    has_target: bool
    """Whether a version known good is there to go back to."""
    pending: bool
    """Whether the Deployment is still to be written."""
    refusal: WriteProblem | None
    """Which write cannot be made, and why."""
    failing: str
    """Which copy of what the status says cannot be written, and why; empty: none."""


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """Status, reason and message of a condition."""

    status: ConditionStatus
    reason: Reason
    message: str
