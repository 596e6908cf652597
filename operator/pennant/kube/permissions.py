"""Everything that the operator may do to the API server: the roles that it is installed with are held against this."""

from collections.abc import Mapping

from pennant.api import GROUP

Verbs = frozenset[str]
Resource = tuple[str, str]
"""API group, and resource with its subresource."""

_WATCHED = frozenset({"get", "list", "watch"})

SERVED: Mapping[Resource, Verbs] = {
    (GROUP, "modeldeployments"): _WATCHED,
    (GROUP, "modeldeployments/status"): frozenset({"update"}),
    # To own an object in a way that delays the owner's deletion, where that is enforced.
    (GROUP, "modeldeployments/finalizers"): frozenset({"update"}),
    (GROUP, "modelversions"): _WATCHED,
    (GROUP, "modelversions/status"): frozenset({"patch"}),
    # An apply is a patch, and needs `create` where there is nothing yet.
    ("apps", "deployments"): _WATCHED | {"create", "patch"},
    ("apps", "controllerrevisions"): frozenset({"list", "create", "patch", "delete"}),
    ("events.k8s.io", "events"): frozenset({"create"}),
}
"""In every namespace that is served."""

ELECTION: Mapping[Resource, Verbs] = {
    ("coordination.k8s.io", "leases"): frozenset({"get", "create", "update"}),
}
"""In the operator's own namespace."""

CLUSTER: Mapping[Resource, Verbs] = {
    ("apiextensions.k8s.io", "customresourcedefinitions"): frozenset({"list", "watch"}),
}
"""For the whole cluster: watched, so that CRDs may be installed after the operator."""
