"""Which parts of `spec.serving` of a version a ModelDeployment permits (`spec.allowServing`).

A user who may record a version is not always permitted to choose what runs. So a version that sets more than is
permitted is not rolled out; nothing of it is left out silently.

Rule: R181.
"""

from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.api.serving import ServingPart
from pennant.core.facts.observation import Version
from pennant.core.rollout.pass_state import Blocked, Pass

MAX_NAMED = 5
"""Fields that a message names."""


def blocked(at: Pass, version: Version, record: ModelVersionSpec) -> Blocked | None:
    """Return why the target version must not be rolled out; None: it may be.

    A pod template that is in the history was permitted when it was created, and may be used again.

    Rule: R182.
    """
    if not (said := problem(at.spec, record)):
        return None
    if any((each.digest, each.inputs_hash) == (version.digest, at.inputs_hash) for each in at.history):
        return None
    return Blocked(version.version, Reason.SERVING_NOT_ALLOWED, said)


def problem(spec: ModelDeploymentSpec, record: ModelVersionSpec) -> str:
    """Return what a record sets and the ModelDeployment does not permit, as a sentence; empty: nothing."""
    found = missing(spec, record)
    if not found:
        return ""
    names = [f"serving.{each}" for each in found]
    fields = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
    lacking = " and ".join(dict.fromkeys(found.values()))
    return f"{record.version} sets {fields}, and spec.allowServing of the ModelDeployment lacks {lacking}"


def missing(spec: ModelDeploymentSpec, record: ModelVersionSpec) -> dict[str, ServingPart]:
    """Return what a record sets and the ModelDeployment does not permit: each path with the part that would do so."""
    set_ = () if record.serving is None else record.serving.parts()
    return {path: part for path, part in set_ if part not in spec.allow_serving}
