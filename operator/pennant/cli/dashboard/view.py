"""What the pages show, as frozen values: pure functions from snapshots."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pennant.api.deployment_status import MetricState
from pennant.api.history import Evidence, HistoryEntry, QuarantineEntry
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.cli.actors import who
from pennant.cli.dashboard.comparison import Comparison, comparison
from pennant.cli.dashboard.plot import Plot, limits, plot
from pennant.cli.dashboard.state import State, Tone, ended, sentence, state, tone_of, words
from pennant.cli.dashboard.way_back import WayBack, way_back
from pennant.cli.forecast import forecast
from pennant.cli.outcomes import outcome
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.rollout.history import quarantine_entry_of

METRIC_TONES = {MetricState.PASSING: Tone.GOOD, MetricState.BREACHING: Tone.BAD, MetricState.UNKNOWN: Tone.IDLE}


@dataclass(frozen=True, slots=True)
class Row:
    """A ModelDeployment on the list."""

    namespace: str
    name: str
    state: State
    follows: str
    version: str
    """The version that serves; empty: none does."""
    since: datetime | None
    target: str
    """The target version, where it is another one."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A revision on its way to take the place of the one that serves."""

    version: str
    revision: int
    since: datetime
    available: int
    replicas: int


@dataclass(frozen=True, slots=True)
class Now:
    """What serves."""

    version: str
    revision: int
    since: datetime
    verified_at: datetime | None
    ready: int
    replicas: int


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric of the current revision."""

    name: str
    word: str
    tone: Tone
    message: str
    since: datetime | None
    value: str
    """The value of the last check that the status has; empty: it had none."""
    checked_at: datetime | None
    limits: str
    is_observed: bool
    """Whether nothing follows from it, because its mode is Observe."""
    plot: Plot | None


@dataclass(frozen=True, slots=True)
class Step:
    """A revision on the timeline."""

    revision: int
    version: str
    outcome: str
    tone: Tone
    trigger: str
    actor: str
    """The authenticated user, or the actor with what it is."""
    reason: str
    started_at: datetime
    available_at: datetime | None
    rolled_out_at: datetime | None
    verified_at: datetime | None
    ended_at: datetime | None
    is_serving: bool
    failure: str
    """Why it was quarantined, in a sentence; empty: it is not."""
    evidence: tuple[Evidence, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """An entry of the quarantine, with the measurements behind it."""

    version: str
    revision: int
    reason: str
    message: str
    since: datetime
    scope: str
    evidence: tuple[Evidence, ...]
    command: str
    """What releases it."""


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """All that the page of one ModelDeployment shows."""

    namespace: str
    name: str
    model: str
    follows: str
    state: State
    now: Now | None
    rollout: Rollout | None
    target: str
    way_back: WayBack
    comparison: Comparison | None
    metrics: tuple[MetricView, ...]
    quarantine: tuple[Blocked, ...]
    timeline: tuple[Step, ...]
    """The newest revision first."""
    pending: str = ""
    """What the operator has not done yet; empty: it has nothing to do."""
    missing: str = ""
    """What could not be read besides the ModelDeployment, and what to do; empty: all was read."""


def row(snapshot: Snapshot) -> Row:
    """Return the line of the list."""
    serving = snapshot.status.serving
    return Row(
        snapshot.key.namespace,
        snapshot.key.name,
        state(snapshot),
        follows(snapshot),
        serving.version if serving is not None else "",
        serving.since if serving is not None else None,
        _target(snapshot),
    )


def deployment(snapshot: Snapshot, now: datetime, missing: str = "", flags: str = "") -> DeploymentView:
    """Return the page of one ModelDeployment.

    `missing` says why only the ModelDeployment itself could be read: then what needs more is left out. `flags` are
    added to the commands.
    """
    spec, history = snapshot.spec, snapshot.status.history
    unknown = WayBack("Not known", False, "The ControllerRevisions could not be read.")
    return DeploymentView(
        namespace=snapshot.key.namespace,
        name=snapshot.key.name,
        model="" if isinstance(spec, Invalid) else spec.model,
        follows=follows(snapshot),
        state=state(snapshot),
        now=_now(snapshot),
        rollout=_rollout(snapshot),
        target=_target(snapshot),
        way_back=unknown if missing else way_back(snapshot, now, flags),
        comparison=None if missing else comparison(snapshot),
        metrics=() if isinstance(spec, Invalid) else tuple(_metrics(snapshot, spec)),
        quarantine=tuple(_blocked(each, snapshot, flags) for each in reversed(snapshot.status.quarantine)),
        timeline=tuple(_step(each, snapshot) for each in reversed(history)),
        pending="" if missing else forecast(snapshot, now).pending,
        missing=missing,
    )


def follows(snapshot: Snapshot) -> str:
    """Return which version is asked for: by a tag, or by name."""
    if isinstance(snapshot.spec, Invalid):
        return ""
    pinned = snapshot.spec.version
    return f"version {pinned}, set in the spec" if pinned is not None else f"tag {snapshot.spec.tag}"


def _target(snapshot: Snapshot) -> str:
    """Return the target version, where another one serves."""
    desired, serving = snapshot.status.desired, snapshot.status.serving
    differs = desired is not None and (serving is None or desired.digest != serving.digest)
    return desired.version if desired is not None and differs else ""


def _now(snapshot: Snapshot) -> Now | None:
    status, serving = snapshot.status, snapshot.status.serving
    if serving is None:
        return None
    entry = next((each for each in status.history if each.revision == serving.revision), None)
    workload = snapshot.workload
    return Now(
        serving.version,
        serving.revision,
        serving.since,
        entry.verified_at if entry is not None else None,
        status.ready_replicas,
        workload.replicas if workload is not None else status.replicas,
    )


def _rollout(snapshot: Snapshot) -> Rollout | None:
    candidate, workload = in_place(snapshot.status.history).candidate, snapshot.workload
    if candidate is None:
        return None
    applied = workload is not None and workload.template_hash == candidate.template_hash and workload.settled
    # Pods of older templates are available too, while they are replaced.
    old = workload.total - workload.updated if workload is not None else 0
    available = max(workload.available - old, 0) if workload is not None and applied else 0
    replicas = workload.replicas if workload is not None else 0
    return Rollout(candidate.version, candidate.revision, candidate.started_at, min(available, replicas), replicas)


def _metrics(snapshot: Snapshot, spec: ModelDeploymentSpec) -> Iterable[MetricView]:
    status = snapshot.status
    known = {each.name: each for each in status.analysis}
    for metric in spec.analysis.metrics:
        found = known.get(metric.name)
        yield MetricView(
            name=metric.name,
            word=str(found.state) if found is not None else "Not checked yet",
            tone=METRIC_TONES.get(found.state, Tone.IDLE) if found is not None else Tone.IDLE,
            message=ended(found.message) if found is not None else "",
            since=found.since if found is not None else None,
            value=(found.value or "") if found is not None else "",
            checked_at=found.checked_at if found is not None else None,
            limits=limits(metric.threshold),
            is_observed=metric.mode.value == "Observe",
            plot=plot(metric.name, metric.threshold, status.history, found),
        )


def _step(entry: HistoryEntry, snapshot: Snapshot) -> Step:
    failed = quarantine_entry_of(entry, snapshot.status.quarantine)
    place = in_place(snapshot.status.history)
    is_serving = place.serving is not None and place.serving.revision == entry.revision
    became = words(outcome(entry, snapshot.status.history))
    return Step(
        revision=entry.revision,
        version=entry.version,
        # Its successor is on record as soon as the rollout begins.
        outcome="Being replaced" if is_serving and entry.ended_at is not None else became,
        tone=tone_of(entry),
        trigger=words(str(entry.trigger)),
        actor=who(entry),
        reason=sentence(entry.reason),
        started_at=entry.started_at,
        available_at=entry.available_at,
        rolled_out_at=entry.rolled_out_at,
        verified_at=entry.verified_at,
        ended_at=entry.ended_at,
        is_serving=is_serving,
        failure=ended(failed.message) if failed is not None else "",
        evidence=entry.evidence,
        digest=entry.digest,
    )


def _blocked(entry: QuarantineEntry, snapshot: Snapshot, flags: str) -> Blocked:
    revision = next((each for each in snapshot.status.history if each.revision == entry.revision), None)
    return Blocked(
        version=entry.version,
        revision=entry.revision,
        reason=words(str(entry.reason)),
        message=ended(entry.message),
        since=entry.since,
        scope="with every pod template"
        if entry.inputs_hash is None
        else f"with the pod template of revision {entry.revision}",
        evidence=revision.evidence if revision is not None else (),
        command=f"kubectl pennant retry {snapshot.key.name} {entry.version} -n {snapshot.key.namespace}{flags}",
    )
