"""The line of the trace for a write, without what other lines say."""

from collections.abc import Iterator

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import Json


def of_status(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> str:
    """Return what a new status adds; empty where other lines say all of it."""
    parts = (_conditions, _progress, _quarantine, _by_people, _pods)
    return "; ".join(word for part in parts for word in part(before, after))


def of_spec(before: Json, after: Json) -> str:
    """Return the fields of a spec that changed, with the new value where it is one word."""
    names = [*after, *(each for each in before if each not in after)]
    changed = [each for each in names if before.get(each) != after.get(each)]
    return ", ".join(_field(each, after) for each in changed)


def _field(name: str, after: Json) -> str:
    value = after.get(name)
    if name not in after:
        return f"{name} is left out"
    return f"other {name}" if isinstance(value, dict | list) else f"{name} is {str(value).lower()}"


def _conditions(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    old = {each.type: each for each in before.conditions}
    for each in after.conditions:
        was = old.get(each.type)
        if was is None or (was.status, was.reason) != (each.status, each.reason):
            yield f"{each.type}={each.status.value} {each.reason}"


def _progress(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    old = {each.revision: each for each in before.history}
    for entry in after.history:
        was = old.get(entry.revision)
        if was is None or was.outcome is not entry.outcome:
            yield f"revision {entry.revision} {entry.outcome}"
        elif was.available_at is None and entry.available_at is not None:
            yield f"revision {entry.revision} takes traffic"
    trimmed = sorted(old.keys() - {each.revision for each in after.history})
    if trimmed:
        yield f"revision {', '.join(map(str, trimmed))} is beyond the limit"


def _quarantine(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    old, new = ({(each.digest, each.inputs_hash): each for each in s.quarantine} for s in (before, after))
    yield from (f"{each.version} is quarantined" for what, each in new.items() if what not in old)
    yield from (f"{each.version} is released" for what, each in old.items() if what not in new)


def _by_people(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    said, drift = after.last_command, after.drift
    if said is not None and said.withdrawn_at is None and said != before.last_command:
        yield f"{said.command} is {said.result.lower()}"
    if drift is not None and drift != before.drift:
        yield f"drift: {drift.message}"


def _pods(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    if before.ready_replicas != after.ready_replicas:
        yield f"{after.ready_replicas} pods ready"
