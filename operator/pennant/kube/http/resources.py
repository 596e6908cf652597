"""The kinds that the operator and the command line read and write, and their paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from pennant.api import API_VERSION

FIELD_MANAGER = "pennant"
MANAGED_BY = "app.kubernetes.io/managed-by=pennant"
"""Label selector of the Deployments and Services that are watched and listed."""


class Kind(StrEnum):
    """A kind, with the name in the field `kind` of its objects."""

    MODEL_DEPLOYMENT = "ModelDeployment"
    MODEL_VERSION = "ModelVersion"
    DEPLOYMENT = "Deployment"
    CONTROLLER_REVISION = "ControllerRevision"
    REPLICA_SET = "ReplicaSet"
    POD = "Pod"
    SERVICE = "Service"
    EVENT = "Event"
    LEASE = "Lease"
    ACCESS_REVIEW = "SelfSubjectAccessReview"
    DISCOVERY = "APIResourceList"
    """Discovery: the list of the kinds that the API server serves."""
    # Only `kubectl pennant adopt` reads these.
    AUTOSCALER = "HorizontalPodAutoscaler"
    INFERENCE_SERVICE = "InferenceService"
    SERVING_RUNTIME = "ServingRuntime"
    CLUSTER_SERVING_RUNTIME = "ClusterServingRuntime"
    ROLLOUT = "Rollout"
    SELDON_DEPLOYMENT = "SeldonDeployment"


@dataclass(frozen=True, slots=True)
class Resource:
    """The API version and the plural of a kind, which make its path."""

    api_version: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty: the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def full_name(self) -> str:
        """The plural with the group, as kubectl names the resource, such as `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, or without a name that of a collection.

        Without a namespace it is the collection of all namespaces, or the path of a kind that has no namespaces.
        """
        # The core group has no name, and its path begins with /api.
        parts = [f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"]
        parts += ["namespaces", _segment(namespace)] if namespace else []
        parts += [each for each in (self.plural, _segment(name), subresource) if each]
        return "/".join(parts)


def _segment(name: str) -> str:
    """Return a name as one segment of a path, whatever is in it; raises `ValueError` for `.` and `..`."""
    if name in (".", ".."):
        raise ValueError(f"{name} is no name of an object")
    return quote(name, safe="")


RESOURCES: Mapping[Kind, Resource] = {
    Kind.MODEL_DEPLOYMENT: Resource(API_VERSION, "modeldeployments"),
    Kind.MODEL_VERSION: Resource(API_VERSION, "modelversions"),
    Kind.DEPLOYMENT: Resource("apps/v1", "deployments"),
    Kind.CONTROLLER_REVISION: Resource("apps/v1", "controllerrevisions"),
    Kind.REPLICA_SET: Resource("apps/v1", "replicasets"),
    Kind.POD: Resource("v1", "pods"),
    Kind.SERVICE: Resource("v1", "services"),
    Kind.EVENT: Resource("events.k8s.io/v1", "events"),
    Kind.LEASE: Resource("coordination.k8s.io/v1", "leases"),
    Kind.ACCESS_REVIEW: Resource("authorization.k8s.io/v1", "selfsubjectaccessreviews"),
    Kind.AUTOSCALER: Resource("autoscaling/v2", "horizontalpodautoscalers"),
    Kind.INFERENCE_SERVICE: Resource("serving.kserve.io/v1beta1", "inferenceservices"),
    Kind.SERVING_RUNTIME: Resource("serving.kserve.io/v1alpha1", "servingruntimes"),
    Kind.CLUSTER_SERVING_RUNTIME: Resource("serving.kserve.io/v1alpha1", "clusterservingruntimes"),
    Kind.ROLLOUT: Resource("argoproj.io/v1alpha1", "rollouts"),
    Kind.SELDON_DEPLOYMENT: Resource("machinelearning.seldon.io/v1", "seldondeployments"),
}
