"""An administrator's requests over a persistent connection: what tests read, and what users write.

A kubectl takes 0.2 s of processor time, a request some milliseconds. So tests start kubectl only where its own part
matters: what it sends for `rollout undo`, what it prints, what it finds wrong before it asks the API server.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from urllib3 import HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from pennant.kube.http.client import APPLY, MERGE
from rig import Rig

SECONDS = 30
TRIED_ONLY = {"dryRun": "All"}
"""The query of a request that is validated and not stored."""
JSON, YAML, JSON_PATCH = "application/json", "application/yaml", "application/json-patch+json"
USER = "kubectl"
"""The field manager of what users write."""
APIS = {
    "applications": "apis/argoproj.io/v1alpha1",
    "controllerrevisions": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "events": "api/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "pods": "api/v1",
    "serviceaccounts": "api/v1",
    "services": "api/v1",
    "modeldeployments": "apis/pennant.dev/v1alpha1",
    "modelversions": "apis/pennant.dev/v1alpha1",
}
"""The path of each API, by the plural of a kind."""


class RefusedError(Exception):
    """The API server refuses a request; the text is its message."""


class Api:
    """The objects of one control plane."""

    def __init__(self, rig: Rig) -> None:
        server = urlsplit(rig.api_server)
        assert server.hostname is not None
        self._api = HTTPSConnectionPool(
            server.hostname,
            server.port,
            ca_certs=str(rig.ca_file),
            headers={"Authorization": f"Bearer {rig.admin_token}"},
            timeout=SECONDS,
            # The API server may have been stopped and started since the last look.
            retries=1,
        )
        self._from_memory = False

    @contextmanager
    def from_memory(self) -> Iterator[None]:
        """Read from the watch cache of the API server, which may be some milliseconds old.

        For one of our objects that takes an eighth of the processor time of reading it from etcd: 0.7 ms and 5.1 ms.
        """
        self._from_memory = True
        try:
            yield
        finally:
            self._from_memory = False

    def get(self, plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        """Return the object; None where there is none."""
        path = f"{_path(plural, namespace)}/{name}"
        answer = self._api.request("GET", path, fields=self._fields())
        if answer.status == 404 and self._from_memory:
            # It may have been created in this very moment.
            answer = self._api.request("GET", path)
        return None if answer.status == 404 else _content(answer)

    def all_of(self, plural: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Return all objects in the namespace that have these labels."""
        fields = {"labelSelector": selector, **self._fields()}
        answer = self._api.request("GET", _path(plural, namespace), fields=fields)
        items: list[dict[str, Any]] = _content(answer)["items"]
        return items

    def create(self, namespace: str, manifest: dict[str, Any] | str, kind: str = "", **query: str) -> dict[str, Any]:
        """Create an object from a manifest, or from YAML, which needs the `kind`; return it as it is stored."""
        content_type = YAML if isinstance(manifest, str) else JSON
        of = plural({"kind": kind} if isinstance(manifest, str) else manifest)
        return _accepted(self._send("POST", _path(of, namespace), manifest, content_type, **STRICT | query))

    def apply(self, manifest: dict[str, Any], **query: str) -> None:
        """Apply a manifest as `kubectl apply --server-side --force-conflicts` does."""
        _accepted(self._send("PATCH", _path_of(manifest), manifest, APPLY, **STRICT | query, force="true"))

    def merge(
        self, manifest: dict[str, Any], change: dict[str, Any], subresource: str = "", **query: str
    ) -> dict[str, Any]:
        """Merge a change into the object that the manifest names; None removes a field."""
        path = "/".join(filter(None, (_path_of(manifest), subresource)))
        return _accepted(self._send("PATCH", path, change, MERGE, **STRICT | query))

    def patch(self, manifest: dict[str, Any], operations: list[dict[str, Any]], subresource: str = "") -> None:
        """Apply the operations of a JSON patch to the object that the manifest names."""
        path = "/".join(filter(None, (_path_of(manifest), subresource)))
        _accepted(self._send("PATCH", path, operations, JSON_PATCH, **STRICT))

    def delete(self, plural: str, namespace: str, name: str, propagation: str = "Background") -> None:
        """Delete an object and wait until it is gone, at most 30 s; another object may then have its name."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        before = self.get(plural, namespace, name)
        _accepted(self._send("DELETE", f"{_path(plural, namespace)}/{name}", options, JSON))
        deadline = time.monotonic() + SECONDS
        while (found := self.get(plural, namespace, name)) is not None and before is not None:
            if found["metadata"]["uid"] != before["metadata"]["uid"]:
                return
            assert time.monotonic() < deadline, f"{plural} {name} is not gone after {SECONDS} s"
            time.sleep(0.1)

    def if_applied(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return the object as it would be if its manifest were merged into it again; nothing is stored."""
        return _content(self._send("PATCH", _path_of(manifest), manifest, MERGE, dryRun="All"))

    def create_namespace(self, name: str) -> None:
        """Create a namespace; fails where it exists."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = self._send("POST", "/api/v1/namespaces", manifest, JSON)
        assert answer.status == 201, answer.data

    def delete_namespace(self, name: str) -> None:
        """Begin to delete a namespace, without waiting for its end."""
        answer = self._api.request("DELETE", f"/api/v1/namespaces/{name}")
        assert answer.status in (200, 202), answer.data

    def _send(self, method: str, path: str, body: Any, content_type: str, **query: str) -> BaseHTTPResponse:
        headers = {**self._api.headers, "Content-Type": content_type}
        url = f"{path}?{urlencode(query)}"
        # As clients in Go send it. The API server stores the data of a ControllerRevision byte for byte, so that other
        # white space or another order of keys in them would make each later patch a change of the data.
        text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), sort_keys=True)
        return self._api.request(method, url, body=text, headers=headers)

    def _fields(self) -> dict[str, str]:
        return {"resourceVersion": "0"} if self._from_memory else {}


STRICT = {"fieldManager": USER, "fieldValidation": "Strict"}
"""As kubectl has it: the API server refuses an unknown field."""


def plural(manifest: Mapping[str, Any]) -> str:
    """Return the resource name of the kind of a manifest."""
    return f"{manifest['kind'].lower()}s"


def _path(plural: str, namespace: str) -> str:
    return f"/{APIS[plural]}/namespaces/{namespace}/{plural}"


def _path_of(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{_path(plural(manifest), metadata['namespace'])}/{metadata['name']}"


def _accepted(answer: BaseHTTPResponse) -> dict[str, Any]:
    """Return the content of an answer; raises `RefusedError` where the API server says no."""
    content: dict[str, Any] = answer.json()
    if answer.status >= 300:
        raise RefusedError(content.get("message", ""))
    return content


def _content(answer: BaseHTTPResponse) -> dict[str, Any]:
    assert answer.status == 200, answer.data
    content: dict[str, Any] = answer.json()
    return content
