"""What was asked for is stored: by our values, whatever the API server and others made of the rest."""

from typing import Any

import pytest

from pennant.core.workload.stored_values import difference


def pod(*containers: Any, **spec: Any) -> Any:
    return {"spec": {"containers": list(containers), **spec}}


def container(**fields: Any) -> Any:
    return {"name": "server", **fields}


SIDECAR = {"name": "proxy", "image": "proxy:2"}


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        (pod(container()), pod(SIDECAR, container(terminationMessagePath="/dev/termination-log"))),
        (
            pod(container(env=[{"name": "A", "value": "1"}])),
            pod(container(env=[{"name": "B"}, {"name": "A", "value": "1"}])),
        ),
        (
            pod(container(ports=[{"containerPort": 80}])),
            pod(container(ports=[{"containerPort": 80, "protocol": "TCP"}])),
        ),
        (pod(tolerations=[{"key": "gpu"}]), pod(tolerations=[{"key": "spot"}, {"key": "gpu", "operator": "Exists"}])),
        (
            pod(container(resources={"limits": {"cpu": 1, "memory": "1024Mi", "nvidia.com/gpu": 2}})),
            pod(container(resources={"limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2"}})),
        ),
        (
            pod(container(resources={"requests": {"cpu": "0.5", "memory": "1e3"}})),
            pod(container(resources={"requests": {"cpu": "500m", "memory": "1k"}})),
        ),
        (
            pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "0.5Gi"}}]),
            pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "512Mi"}}]),
        ),
        (
            {"paused": False, "minReadySeconds": 0, "env": [{"name": "A", "value": ""}], "nodeSelector": {}},
            {"env": [{"name": "A"}]},
        ),
        ({"metadata": {"annotations": {}, "creationTimestamp": None}}, {"metadata": {}}),
    ],
    ids=[
        "more",
        "sidecar",
        "variable",
        "protocol",
        "toleration",
        "quantities",
        "parts",
        "size",
        "empty",
        "no metadata",
    ],
)
def test_what_is_added_filled_in_or_written_otherwise_is_no_difference(asked: Any, stored: Any) -> None:
    assert difference(asked, stored) is None


@pytest.mark.parametrize(
    ("asked", "stored", "said"),
    [
        (
            pod(container(image="a:1")),
            pod(SIDECAR, container(image="b:1")),
            'spec.containers[name=server].image is "b:1", but the operator wrote "a:1"',
        ),
        (pod(container()), pod(SIDECAR), "spec.containers[name=server] is missing"),
        (
            pod(container(env=[{"name": "MODEL_URI", "value": "a"}])),
            pod(container(env=[{"name": "MODEL_URI", "value": "b"}])),
            'spec.containers[name=server].env[name=MODEL_URI].value is "b", but the operator wrote "a"',
        ),
        (
            pod(container(env=[{"name": "PASSWORD", "value": "a"}])),
            pod(container(env=[{"name": "PASSWORD", "value": "b"}])),
            "spec.containers[name=server].env[name=PASSWORD].value has another value than the operator wrote",
        ),
        (
            pod(container(args=["--token=a"])),
            pod(container(args=["--token=a", "--debug"])),
            "spec.containers[name=server].args has another value than the operator wrote",
        ),
        (
            pod(container(ports=[{"containerPort": 80, "protocol": "UDP"}])),
            pod(container(ports=[{"containerPort": 80}])),
            "spec.containers[name=server].ports[containerPort=80,protocol=UDP] is missing",
        ),
        (
            pod(container(resources={"limits": {"cpu": "1"}})),
            pod(container(resources={"limits": {"cpu": "1100m"}})),
            'spec.containers[name=server].resources.limits.cpu is "1100m", but the operator wrote "1"',
        ),
        (
            pod(tolerations=[{"key": "a"}, {"key": "b"}]),
            pod(tolerations=[{"key": "b"}, {"key": "a"}]),
            "spec.tolerations[1] is missing",
        ),
        ({"replicas": 3}, {"replicas": 1}, "replicas is 1, but the operator wrote 3"),
        ({"labels": {"a": "x\u202e"}}, {"labels": {"a": "y"}}, r'labels.a is "y", but the operator wrote "x\u202e"'),
        ({"labels": {"a": "x" * 99}}, {}, "labels is missing"),
    ],
    ids=[
        "image",
        "container",
        "record",
        "secret",
        "arguments",
        "port",
        "quantity",
        "order",
        "number",
        "look",
        "nothing",
    ],
)
def test_a_value_of_ours_that_is_another_one_or_gone_is_named_without_secrets(
    asked: Any, stored: Any, said: str
) -> None:
    assert str(difference(asked, stored)) == said


@pytest.mark.parametrize("quantity", ["", ".", "1e999999999", "1Xi", "9" * 200_000, True, None, [], {}])
def test_what_is_no_quantity_is_compared_as_it_is(quantity: Any) -> None:
    assert difference({"limits": {"cpu": quantity}}, {"limits": {"cpu": quantity}}) is None
    assert difference({"limits": {"cpu": quantity}}, {"limits": {"cpu": "1"}}) is not None
