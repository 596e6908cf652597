"""The largest objects that the API server admits, in one namespace, do not disturb other namespaces."""

from typing import Any

from cluster.api import Api
from cluster.operator_process import Operator, said_by
from cluster.scenario import Scenario
from pennant.runtime import resync
from rig import Rig

MANY = 8
LARGE = 1_200_000
NAMESPACE = "largest"


def a_large(kind: str, number: int) -> dict[str, Any]:
    """Return a ModelVersion or a ModelDeployment of 1.2 MB, which asks for each other."""
    model = f"large-{number}"
    notes = "n" * (LARGE // 64)
    artifact = {"name": "model", "uri": "s3://models/large", "digest": f"sha256:{'1' * 64}"}
    if kind == "ModelVersion":
        name = f"{model}-1.0.0"
        # Three bytes each: the schema counts characters.
        env = [{"name": f"E{each}", "value": "\u4e00" * 4096} for each in range(64)]
        hyperparameters = [{"name": f"p{each}", "value": "\u4e01" * 512} for each in range(256)]
        spec: dict[str, Any] = {"model": model, "version": "1.0.0", "tags": ["production"], "artifacts": [artifact]}
        spec |= {"serving": {"env": env}, "hyperparameters": hyperparameters}
    else:
        name = model
        annotations = {f"notes-{each}": notes for each in range(64)}
        pods = {"containers": [{"name": "server", "image": "pennant.test/model-server:1"}]}
        spec = {
            "model": model,
            "replicas": 0,
            "allowServing": ["Env"],
            "template": {"metadata": {"annotations": annotations}, "spec": pods},
        }
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def test_the_largest_objects_of_one_namespace_leave_others_served_as_before(
    rig: Rig, serving: Scenario, operator: Operator
) -> None:
    """Their conditions say what is wrong, and neither a list nor a start of the operator fails.

    Rule: R89.
    """
    api = Api(rig)
    api.create_namespace(NAMESPACE)
    try:
        for number in range(MANY):
            for kind in ("ModelVersion", "ModelDeployment"):
                api.create(NAMESPACE, a_large(kind, number))
        last = ("modeldeployments", NAMESPACE, f"large-{MANY - 1}")
        serving.until(lambda: "must be at most 256 KiB" in str(api.get(*last)), what="the largest answer")
        serving.accuracy("1.1.0", 0.97)
        serving.version("1.1.0")
        serving.move_tag("1.0.0", "1.1.0")
        serving.until_verified("1.1.0")
        operator.restart()
        serving.accuracy("1.2.0", 0.97)
        serving.version("1.2.0")
        serving.move_tag("1.1.0", "1.2.0")
        serving.until_verified("1.2.0")
        assert said_by(resync, "Listing failed") not in operator.log.read_text(), operator.tail()
    finally:
        api.delete_namespace(NAMESPACE)
