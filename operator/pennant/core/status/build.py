"""The whole status that a pass writes."""

from pennant.api.deployment_status import ModelDeploymentStatus, Serving, Stable
from pennant.api.history import HistoryEntry
from pennant.core.analysis.assessment import with_stored_values
from pennant.core.facts.in_place import in_place
from pennant.core.rollout import history
from pennant.core.rollout.pass_state import Pass
from pennant.core.status import conditions
from pennant.core.workload import deployment_manifest


def status(at: Pass) -> ModelDeploymentStatus:
    """Return the status of the pass, with the fields that are computed in each pass, such as the conditions."""
    target, workload = at.rollback_target, at.workload
    selector = deployment_manifest.selector(at.snapshot.key.name)
    after = at.status.model_copy(
        update={
            "observed_generation": at.snapshot.generation,
            "conditions": conditions.conditions(at),
            "serving": _serving(at.before.serving, at.history),
            "stable": Stable(version=target.version, revision=target.revision) if target else None,
            "history": history.thinned(at.history),
            "analysis": at.verdict.metrics,
            "replicas": workload.total if workload else 0,
            "ready_replicas": workload.ready if workload else 0,
            "selector": ",".join(f"{key}={value}" for key, value in selector.items()),
        }
    )
    return at.before if _differs_in_values_only(after, at.before) else after


def _differs_in_values_only(after: ModelDeploymentStatus, before: ModelDeploymentStatus) -> bool:
    """Return whether nothing but new values of metrics would be written. They wait for the next write of the status.

    Rule: R103.
    """
    analysis = with_stored_values(after.analysis, before.analysis)
    return after.model_copy(update={"analysis": analysis}) == before


def _serving(before: Serving | None, past: tuple[HistoryEntry, ...]) -> Serving | None:
    """Return `status.serving`: the serving revision; while a candidate is rolled out, the stored value."""
    now = in_place(past)
    if now.candidate is not None or now.serving is None or now.serving.rolled_out_at is None:
        return before
    found = now.serving
    return Serving(version=found.version, digest=found.digest, revision=found.revision, since=found.rolled_out_at)
