"""Everything that the operator may do to the API server: asked for at the start, and what the chart's roles grant.

Rule: R84.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

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
    # An apply is a patch, and needs `create` where there is nothing yet. Nothing is ever deleted; but where admission
    # guards owner references, it takes the right to delete to take back what lost its owner.
    ("apps", "deployments"): _WATCHED | {"create", "delete", "patch"},
    ("apps", "controllerrevisions"): frozenset({"list", "create", "patch", "delete"}),
    # Read only when a verdict or a message depends on them; neither is watched.
    ("apps", "replicasets"): frozenset({"list"}),
    ("", "pods"): frozenset({"list"}),
    ("events.k8s.io", "events"): frozenset({"create"}),
}
"""In every namespace that is served."""

ELECTION: Mapping[Resource, Verbs] = {
    ("coordination.k8s.io", "leases"): frozenset({"get", "create", "update"}),
}
"""In the operator's own namespace; but for `create`, which cannot be restricted so, for one Lease by its name."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource; without a namespace in all of them, and without a name on all objects."""

    namespace: str
    resource: str
    group: str
    verb: str
    name: str = ""

    @property
    def on(self) -> str:
        """What it is a right on, such as `modeldeployments.pennant.dev/status in all namespaces`."""
        resource, slash, subresource = self.resource.partition("/")
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        group = f".{self.group}" if self.group else ""
        return f"{resource}{group}{slash}{subresource} {where}"


def to_serve(namespace: str) -> Iterator[Right]:
    """Yield the rights that serving one namespace, or all, takes."""
    for (group, resource), verbs in SERVED.items():
        for verb in verbs:
            yield Right(namespace, resource, group, verb)


def to_be_elected(namespace: str, lease: str) -> Iterator[Right]:
    """Yield the rights that competing for a Lease takes."""
    for (group, resource), verbs in ELECTION.items():
        for verb in verbs:
            yield Right(namespace, resource, group, verb, "" if verb == "create" else lease)


def described(rights: Iterable[Right]) -> str:
    """Return the rights as one would list them, with the verbs on one resource together."""
    by_object = groupby(sorted(rights), key=lambda right: right.on)
    return "; ".join(f"{', '.join(right.verb for right in group)} {on}" for on, group in by_object)
