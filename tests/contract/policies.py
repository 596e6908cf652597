"""Admission of a real API server, for one namespace: it adds to what is written, changes it, or cannot be asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contract.real import RealBackend
from pennant.api.meta import Json
from pennant.kube.http.client import APPLY, ApiVerb
from pennant.kube.http.resources import Kind

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RULE = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["deployments"],
}
FORCE = {"force": "true", "fieldManager": "admin"}
ATTEMPTS = 200


@dataclass(frozen=True, slots=True)
class Mutation:
    """What a policy makes of a Deployment."""

    expression: str
    shows: str
    """A value that is seen where it has been at work."""


def sidecar(image: str) -> Mutation:
    """Add one more container, and an annotation that names it, as an injector does."""
    return _of_the_template(
        image,
        f'metadata: Object.spec.template.metadata{{annotations: {{"injector.example/image": "{image}"}}}}, '
        "spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{"
        f'name: "proxy", image: "{image}"}}]}}',
    )


def image(image: str) -> Mutation:
    """Take the server's image from elsewhere."""
    return _of_the_template(
        image,
        "spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{"
        f'name: "server", image: "{image}"}}]}}',
    )


def _of_the_template(shows: str, fields: str) -> Mutation:
    return Mutation(f"Object{{spec: Object.spec{{template: Object.spec.template{{{fields}}}}}}}", shows)


@asynccontextmanager
async def mutating(backend: RealBackend, mutation: Mutation) -> AsyncIterator[Callable[[Mutation], Awaitable[None]]]:
    """Let a policy change each Deployment of the namespace, from now on; yield what sets another change."""

    async def change(other: Mutation) -> None:
        configuration = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": other.expression}}
        policy = {
            "matchConstraints": {"resourceRules": [RULE]},
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [configuration],
        }
        await _apply(backend, "MutatingAdmissionPolicy", policy)
        await _until(backend, lambda made: other.shows in str(made))

    binding = {"policyName": backend.namespace, "matchResources": {"namespaceSelector": _here(backend)}}
    await _apply(backend, "MutatingAdmissionPolicyBinding", binding)
    try:
        await change(mutation)
        yield change
    finally:
        for kind in ("MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"):
            await _delete(backend, kind)


@asynccontextmanager
async def broken_webhook(backend: RealBackend) -> AsyncIterator[None]:
    """Have a webhook asked about each Deployment of the namespace that nobody answers for."""
    webhook = {
        "name": "policy.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [RULE],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 2,
        "namespaceSelector": _here(backend),
    }
    kind = "ValidatingWebhookConfiguration"
    await _apply(backend, kind, None, webhooks=[webhook])
    try:
        yield
    finally:
        await _delete(backend, kind)


def _here(backend: RealBackend) -> Json:
    return {"matchLabels": {"kubernetes.io/metadata.name": backend.namespace}}


def _path(backend: RealBackend, kind: str) -> str:
    plural = f"{kind[:-1].lower()}ies" if kind.endswith("y") else f"{kind.lower()}s"
    return f"{ADMISSION}/{plural}/{backend.namespace}"


async def _apply(backend: RealBackend, kind: str, spec: Json | None, **rest: Any) -> None:
    body = {
        "apiVersion": ADMISSION.removeprefix("/apis/"),
        "kind": kind,
        "metadata": {"name": backend.namespace},
        **rest,
    }
    if spec is not None:
        body["spec"] = spec
    # The kind is for telemetry only, and these are not among the operator's.
    path = _path(backend, kind)
    await backend.admin.request(ApiVerb.PATCH, Kind.EVENT, path, params=FORCE, body=body, content_type=APPLY)


async def _delete(backend: RealBackend, kind: str) -> None:
    await backend.admin.request(ApiVerb.DELETE, Kind.EVENT, _path(backend, kind))


async def _until(backend: RealBackend, holds: Callable[[Json], bool]) -> None:
    """Wait until the policy does what it says: the API server takes it in a moment after it was written."""
    labels = {"app": "probe"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": "s:1"}]}},
    }
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}
    path = f"/apis/apps/v1/namespaces/{backend.namespace}/deployments"
    for _ in range(ATTEMPTS):
        made = await backend.admin.request(ApiVerb.CREATE, Kind.DEPLOYMENT, path, params={"dryRun": "All"}, body=body)
        if holds(made["spec"]["template"]):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the policy does nothing")
