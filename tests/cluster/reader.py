"""Reads objects as the administrator over a connection that is kept: what is waited for is asked for again and again.

What users do they do by kubectl; starting it for each look would take most of the time that scenarios need.
"""

from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

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


class Reader:
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

    def get(self, plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        """Return the object; None where there is none."""
        answer = self._api.request("GET", f"{_path(plural, namespace)}/{name}")
        return None if answer.status == 404 else _content(answer)

    def all_of(self, plural: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Return all objects in the namespace that have these labels."""
        answer = self._api.request("GET", _path(plural, namespace), fields={"labelSelector": selector})
        items: list[dict[str, Any]] = _content(answer)["items"]
        return items


def _path(plural: str, namespace: str) -> str:
    return f"/{APIS[plural]}/namespaces/{namespace}/{plural}"


def _content(answer: BaseHTTPResponse) -> dict[str, Any]:
    assert answer.status == 200, answer.data
    content: dict[str, Any] = answer.json()
    return content
