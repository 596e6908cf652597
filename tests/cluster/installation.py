"""Applies what the chart gives an operator: an account with its rights, its environment, and its metric sources.

It is applied as the real Helm renders it, and the process gets nothing else: no scenario is played with more rights.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chart.rendering import NAMESPACE, Manifest, environment, grants, only, rendered
from cluster.audit import AuditLog
from rig import Rig

RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
Right = tuple[str, str, str]
"""API group, resource with its subresource, and verb."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The account of an operator on a rig, with its rights and environment."""

    rig: Rig
    user: str
    granted: frozenset[Right]
    environment: dict[str, str]
    audit_log: AuditLog

    def used(self) -> set[Right]:
        """Return the rights that the account has used so far; a watch counts when it has ended."""
        found = set()
        for entry in self.requests():
            code, reference = entry["responseStatus"]["code"], entry.get("objectRef", {})
            if code == 403 or "resource" not in reference:
                continue
            resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
            # An apply where there is nothing yet takes both rights.
            verbs = {entry["verb"]} | ({"create"} if code == 201 else set())
            found |= {(reference.get("apiGroup", ""), resource, verb) for verb in verbs}
        return found

    def refusals(self) -> list[str]:
        """Return the messages of the API server where the account lacked a right.

        Other refusals are 403 as well: a used up quota, or a namespace that is going and has the word in its name.
        """
        statuses = (entry["responseStatus"] for entry in self.requests())
        return [
            each.get("message", "")
            for each in statuses
            if each["code"] == 403 and " cannot " in each.get("message", "")
        ]

    def requests(self) -> Sequence[Manifest]:
        """Return the requests of the account since it was installed, without their bodies."""
        return self.audit_log.requests()


def install(
    rig: Rig,
    directory: Path,
    *,
    release: str = "pennant",
    namespace: str = NAMESPACE,
    values: Mapping[str, Any] | None = None,
    without: Right | None = None,
) -> Installation:
    """Apply the account and the rights of a release; one of the rights may be left out."""
    sources = {"metricSources": {"default": {"url": rig.prometheus_url}}}
    manifests = rendered({**sources, **(values or {})}, release=release, namespace=namespace)
    rights = [each for each in manifests if each["kind"] in RIGHTS]
    if without is not None:
        _take_away(rights, without)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    for items in ([space], rights):
        rig.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    account = only(manifests, "ServiceAccount")["metadata"]["name"]
    file = directory / "sources.yaml"
    file.write_text(only(manifests, "ConfigMap")["data"]["sources.yaml"])
    own = {"KUBECONFIG": str(rig.kubeconfig_for(namespace, account)), "PENNANT_METRIC_SOURCES": str(file)}
    user = f"system:serviceaccount:{namespace}:{account}"
    return Installation(
        rig,
        user,
        frozenset(_of_the_operator(rights)),
        environment(manifests) | own,
        AuditLog.from_now_on(rig.audit_log, user),
    )


def _of_the_operator(rights: list[Manifest]) -> Iterator[Right]:
    """Yield what the roles of the operator grant."""
    for role in _bound(rights):
        for (group, resource), verbs in grants(role).items():
            yield from ((group, resource, verb.partition("/")[0]) for verb in verbs)


def _bound(rights: list[Manifest]) -> list[Manifest]:
    """Return the roles of the operator: those that are bound. The others are for people."""
    bound = {each["roleRef"]["name"] for each in rights if each["kind"].endswith("Binding")}
    return [each for each in rights if "rules" in each and each["metadata"]["name"] in bound]


def _take_away(rights: list[Manifest], right: Right) -> None:
    group, resource, verb = right
    for role in _bound(rights):
        for rule in role["rules"]:
            if group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]:
                assert len(rule["resources"]) == 1, "another resource would lose it as well"
                rule["verbs"].remove(verb)
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
