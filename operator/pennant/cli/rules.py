"""What a reason means to a user of the command line: the rules of docs/behaviour.md, and the verb that helps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pennant.api.reasons import Reason

RULES: Mapping[Reason, tuple[str, ...]] = {
    Reason.TAG_UNASSIGNED: ("R3",),
    Reason.TAG_AMBIGUOUS: ("R4",),
    Reason.HOLDER_INVALID: ("R1",),
    Reason.VERSION_NOT_FOUND: ("R6",),
    Reason.PAUSED: ("R13",),
    Reason.HISTORY_TAMPERED: ("R77",),
    Reason.STATUS_UNREADABLE: ("R73",),
    Reason.RECORD_INCOMPLETE: ("R9", "R80"),
    Reason.GATE_FAILED: ("R9", "R11"),
    Reason.VERSION_REPLACED: ("R155",),
    Reason.FOUR_EYES: ("R156",),
    Reason.SERVING_NOT_ALLOWED: ("R181", "R182"),
    Reason.ROLLBACK_BUDGET_EXHAUSTED: ("R60",),
    Reason.ROLLBACK_COOLING_DOWN: ("R60",),
    Reason.ROLLBACK_DID_NOT_HELP: ("R56",),
    Reason.ROLLBACK_LIMIT_REACHED: ("R56",),
    Reason.BREACH_PAUSED: ("R62",),
    Reason.MASS_BREACH_SUSPECTED: ("R61",),
    Reason.ROLLOUT_IN_PROGRESS: ("R19",),
    Reason.ROLLBACK_IN_PROGRESS: ("R55",),
    Reason.PODS_UNAVAILABLE: ("R23", "R50"),
    Reason.PODS_UNSCHEDULABLE: ("R21",),
    Reason.PODS_REFUSED: ("R21",),
    Reason.PODS_EVICTED: ("R21",),
    Reason.PODS_NOT_STARTED: ("R21",),
    Reason.CONTROLLERS_AWAY: ("R21",),
    Reason.SCALED_TO_ZERO: ("R48",),
    Reason.BAKING: ("R46", "R47"),
    Reason.NOT_VERIFIED: ("R51",),
    Reason.AWAITING_FIRST_CHECK: ("R29", "R31"),
    Reason.NO_BASELINE: ("R41",),
    Reason.TOO_FEW_SAMPLES: ("R40",),
    Reason.ALERT_FIRING: ("R42",),
    Reason.ALERT_FIRING_BEFORE: ("R42",),
    Reason.ALERT_UNKNOWN: ("R43",),
    Reason.NO_DATA: ("R35", "R38"),
    Reason.NOT_A_NUMBER: ("R35",),
    Reason.MULTIPLE_SERIES: ("R35",),
    Reason.SOURCE_UNAVAILABLE: ("R35",),
    Reason.SOURCE_SLOW: ("R34",),
    Reason.SOURCE_PARTIAL: ("R36",),
    Reason.QUERY_REFUSED: ("R35",),
    Reason.METRIC_BREACH: ("R53", "R63"),
    Reason.PROGRESS_DEADLINE_EXCEEDED: ("R20", "R63"),
    Reason.DIGEST_MISMATCH: ("R162", "R63"),
    Reason.ARTIFACT_REFUSED: ("R162", "R164", "R63"),
    Reason.ARTIFACT_UNDELIVERABLE: ("R161",),
    Reason.UNDONE: ("R66",),
    Reason.NO_ROLLBACK_TARGET: ("R59",),
    Reason.QUARANTINED: ("R63", "R64"),
    Reason.ROLLED_BACK: ("R63",),
    Reason.INVALID_SPEC: ("R88",),
    Reason.TEMPLATE_REFUSED: ("R104",),
    Reason.NAME_CONFLICT: ("R9", "R129"),
    Reason.ADOPTION_WAITING: ("R125",),
    Reason.ADOPTION_BLOCKED: ("R125",),
    Reason.DEPLOYMENT_REFUSED: ("R93",),
    Reason.DEPLOYMENT_ALTERED: ("R27",),
    Reason.WRITE_FAILING: ("R94",),
    Reason.RETENTION_EXCEEDED: ("R190",),
    Reason.KEPT: ("R190", "R191"),
    Reason.DELETION_REFUSED: ("R193",),
}
"""The rules that explain a reason; a reason that is not there is explained by its message alone."""

SECTIONS: Mapping[str, Sequence[int]] = {
    "the-target-version": range(1, 9),
    "gates-before-a-rollout": (*range(9, 15), 104, 124),
    "the-rollout": (*range(15, 29), 106),
    "analysis": (*range(29, 53), 225, 226),
    "rollback": range(53, 67),
    "manual-changes-of-the-deployment": (*range(67, 71), 105),
    "history-and-status": (*range(71, 83), 123, *range(140, 145), *range(150, 158), 227),
    "tenants": range(180, 190),
    "retention-and-the-archive": range(190, 200),
    "in-general": (*range(83, 104), *range(120, 123), 176, *range(220, 223), *range(229, 234)),
    "sync": range(200, 208),
    "adopting-an-existing-deployment": range(125, 130),
    "importing-versions": range(210, 220),
    "delivering-artefacts": range(160, 176),
}
"""The sections of docs/behaviour.md by their anchors, and the numbers of the rules in them."""


def place(rule: str) -> str:
    """Return where a rule is documented, such as `docs/behaviour.md#rollback`."""
    number = int(rule.removeprefix("R"))
    return "docs/behaviour.md#" + next(anchor for anchor, numbers in SECTIONS.items() if number in numbers)


@dataclass(frozen=True, slots=True)
class Help:
    """A command line that may help, and what it does, with fields to fill in.

    `version` is the blocked version, `serving` the one that serves, and `earlier` is where an undo goes to.
    """

    line: str
    does: str


_STAY = Help(
    "kubectl pennant promote {model}-{serving}{tag} -n {namespace}", "gives the tag to {serving}, which serves already"
)
_VERSIONS = Help("kubectl pennant versions {model} -n {namespace}", "lists the versions that can be promoted instead")
_RETRY = Help("kubectl pennant retry {name} {version} -n {namespace}", "releases {version} and rolls it out again")
_UNDO = Help("kubectl pennant undo {name} -n {namespace}", "goes back to {earlier}")
_RESUME = Help("kubectl pennant resume {name} -n {namespace}", "ends the pause")
_COMPARE = Help("kubectl pennant compare {model}-{serving} {model}-{version} -n {namespace}", "shows what differs")
_BUDGET = Help("kubectl edit modeldeployment {name} -n {namespace}", "raises rollback.budget, if it is not set in Git")
_QUARANTINED = (_RETRY, _STAY, _VERSIONS)
COMMANDS: Mapping[Reason, tuple[Help, ...]] = {
    Reason.TAG_UNASSIGNED: (_STAY, _VERSIONS),
    Reason.TAG_AMBIGUOUS: (_STAY, _VERSIONS),
    Reason.HOLDER_INVALID: (_STAY, _VERSIONS),
    Reason.PAUSED: (_RESUME,),
    Reason.RECORD_INCOMPLETE: (_STAY, _VERSIONS),
    Reason.GATE_FAILED: (_COMPARE, _STAY),
    Reason.VERSION_REPLACED: (_VERSIONS,),
    Reason.FOUR_EYES: (_VERSIONS,),
    Reason.SERVING_NOT_ALLOWED: (_STAY, _VERSIONS),
    Reason.ROLLBACK_BUDGET_EXHAUSTED: (_UNDO, _STAY, _VERSIONS, _BUDGET),
    Reason.ROLLBACK_COOLING_DOWN: (_UNDO,),
    Reason.ROLLBACK_DID_NOT_HELP: (_UNDO, _VERSIONS),
    Reason.ROLLBACK_LIMIT_REACHED: (_UNDO, _VERSIONS),
    Reason.BREACH_PAUSED: (_UNDO, _RETRY, _VERSIONS),
    Reason.MASS_BREACH_SUSPECTED: (_UNDO,),
    Reason.METRIC_BREACH: _QUARANTINED,
    Reason.PROGRESS_DEADLINE_EXCEEDED: _QUARANTINED,
    Reason.DIGEST_MISMATCH: _QUARANTINED,
    Reason.ARTIFACT_REFUSED: _QUARANTINED,
    Reason.ARTIFACT_UNDELIVERABLE: (_STAY, _VERSIONS),
    Reason.UNDONE: _QUARANTINED,
    Reason.QUARANTINED: _QUARANTINED,
    Reason.ROLLED_BACK: _QUARANTINED,
    Reason.NO_ROLLBACK_TARGET: (_RETRY, _VERSIONS),
    Reason.PODS_UNAVAILABLE: (_UNDO,),
}
"""The verbs that may help; one is left out where a field of it is not known."""
