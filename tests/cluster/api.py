"""The administrator's requests over a connection that is kept: what a test looks at, and the room that it needs.

What users do they do by kubectl; starting it for each look would take most of the time that scenarios need.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from urllib3 import HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from pennant.kube.http.client import MERGE
from rig import Rig

SECONDS = 30
APIS = {
    "controllerrevisions": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "events": "api/v1",
    "pods": "api/v1",
    "modeldeployments": "apis/pennant.dev/v1alpha1",
    "modelversions": "apis/pennant.dev/v1alpha1",
}
"""Where the API server has each kind, by its plural."""


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
        """Read what the API server remembers, which may be a moment old.

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

    def if_applied(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return what the object would be if its manifest were applied once more; nothing is."""
        metadata = manifest["metadata"]
        path = f"{_path(plural(manifest), metadata['namespace'])}/{metadata['name']}"
        return _content(self._send("PATCH", path, manifest, MERGE, dryRun="All"))

    def create_namespace(self, name: str) -> None:
        """Create a namespace, which must not be there."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = self._send("POST", "/api/v1/namespaces", manifest, "application/json")
        assert answer.status == 201, answer.data

    def delete_namespace(self, name: str) -> None:
        """Have a namespace deleted, and do not wait for it."""
        answer = self._api.request("DELETE", f"/api/v1/namespaces/{name}")
        assert answer.status in (200, 202), answer.data

    def _send(self, method: str, path: str, body: Any, content_type: str, **query: str) -> BaseHTTPResponse:
        headers = {**self._api.headers, "Content-Type": content_type}
        url = f"{path}?{urlencode(query)}"
        return self._api.request(method, url, body=json.dumps(body), headers=headers)

    def _fields(self) -> dict[str, str]:
        return {"resourceVersion": "0"} if self._from_memory else {}


def plural(manifest: dict[str, Any]) -> str:
    """Return what the API server calls objects of this kind."""
    return f"{manifest['kind'].lower()}s"


def _path(plural: str, namespace: str) -> str:
    return f"/{APIS[plural]}/namespaces/{namespace}/{plural}"


def _content(answer: BaseHTTPResponse) -> dict[str, Any]:
    assert answer.status == 200, answer.data
    content: dict[str, Any] = answer.json()
    return content
