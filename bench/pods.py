"""Pods that become available at once: those of a node of kwok, which runs no containers."""

from typing import Any

from bench.api import Request, created
from bench.objects import POD, Object
from rig.servers import KWOK_NODE_LABEL

NODE = "bench"
PARTS = ("kwok",)
"""The parts of a control plane that such pods need besides the usual ones."""


def a_node() -> Request:
    """Return the request that creates the node of all pods."""
    metadata = {"name": NODE, "labels": {KWOK_NODE_LABEL: "true"}}
    return created("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata})


def one_pod() -> dict[str, Any]:
    """Return the fields of a ModelDeployment that give it one pod on that node, without a scheduler."""
    pod: Object = {**POD, "nodeName": NODE}
    return {"replicas": 1, "template": {"spec": pod}}
