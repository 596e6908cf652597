"""What prevents that an existing Deployment is taken over, and what the status says of it.

Rule: R125.
Rule: R129.
"""

from dataclasses import replace
from typing import Any

import pytest

from pennant.api.adoption import Adoption, AdoptionPhase
from pennant.api.conditions import ConditionStatus, find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.reasons import Reason
from pennant.core.decide import decide
from pennant.core.facts.decision import CreateRevision, Decision, DryRunWorkload
from pennant.core.facts.observation import Observation, Refusal, Workload, WriteProblem
from unit.core.builders import NOON, a_revision, a_snapshot, a_version, a_workload, after, the_spec

TAKEN = Adoption(
    phase=AdoptionPhase.ADOPTED,
    uid="before",
    generation=1,
    manifest="fraud-adopted",
    template_hash="hash-1.0.0",
    since=NOON,
)


def existing(**fields: Any) -> Workload:
    """Return a Deployment of three pods that belongs to nobody and is at rest."""
    return a_workload(**{"owned": False, "template_hash": "", "editor": "argocd-controller"} | fields)


def decided(
    workload: Workload, adoption: Adoption | None = None, *, status: ModelDeploymentStatus | None = None, **spec: Any
) -> Decision:
    status = status or ModelDeploymentStatus(adoption=adoption)
    spec = {"adopt": True, "replicas": 3} | spec
    versions = (a_version("1.0.0", "production"),)
    snapshot = a_snapshot("fraud", *versions, spec=the_spec(**spec), status=status, workload=workload)
    return decide(Observation(NOON, snapshot))


def halted(decision: Decision) -> tuple[str, str]:
    """Return the reason and the message of Ready, where nothing but the status is written."""
    assert decision.actions == ()
    found = find(decision.status.conditions, "Ready")
    assert found is not None
    return found.reason, found.message


@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        pytest.param({"owners": "Rollout fraud"}, Reason.ADOPTION_BLOCKED, "belongs to Rollout fraud", id="an owner"),
        pytest.param(
            {"paused": True},
            Reason.ADOPTION_BLOCKED,
            "is paused. Resume it: `kubectl rollout resume deployment/fraud --namespace default`, or set",
            id="a pause",
        ),
        pytest.param(
            {"replicas": 5, "total": 5, "updated": 5, "available": 5},
            Reason.ADOPTION_BLOCKED,
            "kubectl scale modeldeployment fraud --namespace default --replicas=5",
            id="another number of replicas",
        ),
        pytest.param({"updated": 2}, Reason.ADOPTION_WAITING, "of 3 replicas 2 have its newest", id="old pods"),
        pytest.param(
            {"updated": 2},
            Reason.ADOPTION_WAITING,
            "Wait for its rollout, or complete it: `kubectl rollout status deployment/fraud --namespace default`.",
            id="what to do",
        ),
        pytest.param({"total": 4}, Reason.ADOPTION_WAITING, "there are 4 pods in all", id="a surplus"),
        pytest.param(
            {"available": 1}, Reason.ADOPTION_WAITING, "and 1 are available", id="pods that are not available"
        ),
        pytest.param({"generation": 2}, Reason.ADOPTION_WAITING, "is not complete", id="a change that nobody saw"),
    ],
)
def test_what_is_not_at_rest_is_left_alone(fields: dict[str, Any], reason: Reason, says: str) -> None:
    decision = decided(existing(**fields))
    found, message = halted(decision)
    assert found == reason
    assert says in message
    stalled = find(decision.status.conditions, "Stalled")
    assert stalled is not None
    waits = reason is Reason.ADOPTION_WAITING
    assert stalled.status is (ConditionStatus.FALSE if waits else ConditionStatus.TRUE)
    assert (decision.look_again_at is not None) is waits


@pytest.mark.parametrize(("replicas", "goes_on"), [(1, True), (3, False)])
def test_without_a_number_one_replica_is_meant(replicas: int, goes_on: bool) -> None:
    numbers = dict.fromkeys(("replicas", "total", "updated", "available"), replicas)
    decision = decided(existing(**numbers), replicas=None)
    assert bool(decision.actions) is goes_on


def test_before_the_first_revision_the_deployment_is_tried_beside_the_existing_one() -> None:
    first = decided(existing())
    (trial,) = first.actions
    assert isinstance(trial, DryRunWorkload)
    assert trial.beside
    (action,) = decided(existing(), status=first.status).actions
    assert isinstance(action, CreateRevision)
    assert action.revision.entry.reason.endswith("and the existing Deployment fraud is taken over")


@pytest.mark.parametrize("phase", [AdoptionPhase.RELEASED, AdoptionPhase.ADOPTED])
def test_another_one_after_the_deletion_is_named_with_who_wrote_it(phase: AdoptionPhase) -> None:
    reason, message = halted(decided(existing(uid="after"), TAKEN.model_copy(update={"phase": phase})))
    assert reason == Reason.NAME_CONFLICT
    assert message.startswith("argocd-controller wrote Deployment fraud again after it was taken over. Remove its")


def test_another_one_before_the_deletion_is_taken_over_instead() -> None:
    prepared = TAKEN.model_copy(update={"phase": AdoptionPhase.PREPARED})
    assert decided(existing(uid="after"), prepared).actions != ()


def test_without_adopt_what_was_prepared_is_forgotten() -> None:
    decision = decided(existing(uid="before"), TAKEN.model_copy(update={"phase": AdoptionPhase.PREPARED}), adopt=False)
    assert halted(decision)[0] == Reason.NAME_CONFLICT
    assert decision.status.adoption is None


def test_one_of_our_own_that_lost_its_owner_is_not_deleted_where_the_owner_cannot_be_set() -> None:
    revision = a_revision()
    ours = existing(orphaned=True, template_hash=revision.entry.template_hash)
    status = ModelDeploymentStatus(history=(revision.entry,))
    snapshot = a_snapshot(
        "fraud", a_version("1.0.0", "production"), spec=the_spec(adopt=True, replicas=3), status=status, workload=ours
    )
    (action,) = decide(Observation(NOON, replace(snapshot, revisions=(revision,)))).actions
    why = WriteProblem(Reason.DEPLOYMENT_REFUSED, "you can't delete it")
    refusal = Refusal(action.write.content, why, after(60))
    decision = decide(Observation(NOON, replace(snapshot, revisions=(revision,)), refusals=(refusal,)))
    assert halted(decision)[0] == Reason.NAME_CONFLICT
