"""The operator's permissions: the table behind the chart's roles, and the check at the start that they are granted.

A user who writes a ModelDeployment has the operator act with these permissions, and may have none of them. So a policy
of the chart (`governance-workloads.yaml`) asks whether that user has the ones that the operator uses for it. The
administrators of a namespace bind the roles for people (`governance-roles.yaml`).

Rule: R84, R180, R183.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind

Verbs = frozenset[str]
Resource = tuple[str, str]
"""API group, and resource with its subresource."""

_WATCHED = frozenset({"get", "list", "watch"})

SERVED: Mapping[Resource, Verbs] = {
    (GROUP, "modeldeployments"): _WATCHED,
    (GROUP, "modeldeployments/status"): frozenset({"update"}),
    # Where admission checks it (OwnerReferencesPermissionEnforcement), an owner reference with blockOwnerDeletion.
    (GROUP, "modeldeployments/finalizers"): frozenset({"update"}),
    (GROUP, "modelversions"): _WATCHED,
    (GROUP, "modelversions/status"): frozenset({"patch"}),
    # An apply is a patch, and needs `create` where the object does not exist yet. A Deployment is deleted when it is
    # taken over (`spec.adopt`), and that admission plugin asks for `delete` where owner references change.
    ("apps", "deployments"): _WATCHED | {"create", "delete", "patch"},
    ("apps", "controllerrevisions"): frozenset({"list", "create", "patch", "delete"}),
    # Where `spec.service` asks for one. An apply is a patch, as above.
    ("", "services"): _WATCHED | {"create", "delete", "patch"},
    # Read only when a verdict or a message depends on them; not watched. Their labels are written where they are taken
    # over with an existing Deployment (`spec.adopt`).
    ("apps", "replicasets"): frozenset({"list", "patch"}),
    ("", "pods"): frozenset({"list", "patch"}),
    ("events.k8s.io", "events"): frozenset({"create"}),
}
"""In each namespace that the operator serves."""

DELETION: Mapping[Resource, Verbs] = {
    (GROUP, "modelversions"): frozenset({"delete"}),
}
"""In the same namespaces, where `spec.retention` may delete versions."""

ELECTION: Mapping[Resource, Verbs] = {
    ("coordination.k8s.io", "leases"): frozenset({"get", "watch", "create", "update"}),
}
"""In the operator's own namespace, for one Lease by name; RBAC cannot restrict `create` by name."""

SYNC: Mapping[Resource, Verbs] = {
    (GROUP, "modelversions"): frozenset({"get", "list", "create"}),
}
"""Of `pennant sync`, in each namespace into which it takes versions over."""

SYNC_TAGS: Mapping[Resource, Verbs] = {
    (GROUP, "modelversions"): frozenset({"patch"}),
    ("events.k8s.io", "events"): frozenset({"create"}),
}
"""Of `pennant sync` in addition, where tags follow aliases of a registry."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource; an empty namespace means all namespaces, an empty name all objects."""

    namespace: str
    resource: str
    group: str
    verb: str
    name: str = ""

    @property
    def on(self) -> str:
        """The resource and the namespace, such as `modeldeployments.pennant.dev/status in all namespaces`."""
        resource, slash, subresource = self.resource.partition("/")
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        group = f".{self.group}" if self.group else ""
        return f"{resource}{group}{slash}{subresource} {where}"


def to_serve(namespace: str, *, deletes_versions: bool = False) -> Iterator[Right]:
    """Yield the rights that serving one namespace, or all (empty), takes."""
    for (group, resource), verbs in (*SERVED.items(), *(DELETION.items() if deletes_versions else ())):
        for verb in verbs:
            yield Right(namespace, resource, group, verb)


def to_sync(namespace: str, *, moves_tags: bool) -> Iterator[Right]:
    """Yield the rights that taking versions over into a namespace takes."""
    for table in (SYNC, SYNC_TAGS) if moves_tags else (SYNC,):
        for (group, resource), verbs in table.items():
            for verb in verbs:
                yield Right(namespace, resource, group, verb)


def to_be_elected(namespace: str, lease: str) -> Iterator[Right]:
    """Yield the rights that leader election by this Lease takes."""
    for (group, resource), verbs in ELECTION.items():
        for verb in verbs:
            yield Right(namespace, resource, group, verb, "" if verb == "create" else lease)


def described(rights: Iterable[Right]) -> str:
    """Return the rights as text, such as `get, list pods in namespace team; patch deployments.apps in namespace team`.

    The verbs on one resource stand together.
    """
    by_object = groupby(sorted(rights), key=lambda right: right.on)
    return "; ".join(f"{', '.join(right.verb for right in group)} {on}" for on, group in by_object)


async def missing(client: Client, rights: Iterable[Right]) -> list[Right]:
    """Return those of the rights that the client's credentials do not grant, sorted.

    Asks by a SelfSubjectAccessReview for each right. Raises `Unavailable`, and `Refused` where even that is forbidden.
    """
    asked = sorted(rights)
    granted = await asyncio.gather(*(_is_granted(client, each) for each in asked))
    return [each for each, has in zip(asked, granted, strict=True) if not has]


async def _is_granted(client: Client, right: Right) -> bool:
    kind = Kind.ACCESS_REVIEW
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": right.namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "name": right.name,
    }
    body: Json = {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "spec": {"resourceAttributes": attributes},
    }
    answer = await client.request(ApiVerb.CREATE, kind, RESOURCES[kind].path(), body=body)
    return bool(answer["status"]["allowed"])
