"""Where a workspace or a registry of Azure ML is, as its URIs say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pennant.registries.http import base_address
from pennant.registries.protocol import NoAccess

CLOUD = "AZUREML_CURRENT_CLOUD"
PUBLIC = "AzureCloud"
PROVIDER = "providers/Microsoft.MachineLearningServices"
FORMS = (
    "azureml://subscriptions/SUBSCRIPTION/resourceGroups/GROUP/workspaces/WORKSPACE or azureml://registries/REGISTRY"
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The addresses of a cloud of Azure."""

    management: str
    """Azure Resource Manager."""
    discovery: str
    """Says where registries are."""
    storage: str
    """What the names of storage accounts end in."""


CLOUDS: Mapping[str, Cloud] = {
    PUBLIC: Cloud("https://management.azure.com", "https://eastus.api.azureml.ms", "core.windows.net"),
    "AzureChinaCloud": Cloud(
        "https://management.chinacloudapi.cn", "https://chinaeast2.api.ml.azure.cn", "core.chinacloudapi.cn"
    ),
    "AzureUSGovernment": Cloud(
        "https://management.usgovcloudapi.net", "https://usgovarizona.api.ml.azure.us", "core.usgovcloudapi.net"
    ),
}
"""By the names that `az cloud list` and AZUREML_CURRENT_CLOUD have for them."""
_WORKSPACE = re.compile(
    r"/?subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)(/providers/[^/]+)?"
    r"/workspaces/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
_REGISTRY = re.compile(r"/?registries/(?P<name>[^/]+)/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace or a registry."""

    host: str
    """Address of Azure Resource Manager, or of what finds registries."""
    cloud: Cloud
    name: str
    subscription: str = ""
    """Empty: it is a registry, of which only the discovery knows it."""
    group: str = ""

    @property
    def is_registry(self) -> bool:
        """Whether it is a registry, not a workspace."""
        return not self.subscription

    @property
    def uri(self) -> str:
        """The place as Azure ML writes it."""
        if self.is_registry:
            return f"azureml://registries/{self.name}"
        return f"azureml://subscriptions/{self.subscription}/resourceGroups/{self.group}/workspaces/{self.name}"

    @property
    def path(self) -> str:
        """The path of the workspace in Azure Resource Manager."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/{PROVIDER}/workspaces/{self.name}"


def place(address: str | None, environment: Mapping[str, str]) -> Place:
    """Return the place that an address names; raises `NoAccess` where it is none.

    With `https://HOST` instead of `azureml:/`, the host is asked and not the one of the cloud.
    """
    if not address:
        raise NoAccess(f"no registry is given; use --from with {FORMS}")
    known = environment.get(CLOUD) or PUBLIC
    if (cloud := CLOUDS.get(known)) is None:
        raise NoAccess(f"{CLOUD} is {known}, which is none of {', '.join(CLOUDS)}")
    parts = re.fullmatch(r"(?:azureml:/|(https?://[^/]+))?(/?[^?#]*)", address)
    host, path = (parts[1], parts[2]) if parts is not None else (None, "")
    given = base_address(host, "Azure Resource Manager") if host else None
    if (workspace := _WORKSPACE.fullmatch(path)) is not None:
        return Place(given or cloud.management, cloud, workspace["name"], workspace["subscription"], workspace["group"])
    if (registry := _REGISTRY.fullmatch(path)) is not None:
        return Place(given or cloud.discovery, cloud, registry["name"])
    raise NoAccess(f"{address.rpartition('@')[2]} is no workspace and no registry of Azure ML; write it as {FORMS}")
