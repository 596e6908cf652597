"""The Service of a ModelDeployment, in the newest known state."""

from dataclasses import dataclass

from pennant.api.meta import Json


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """A Service with the labels of this ModelDeployment."""

    name: str
    uid: str
    resource_version: str
    manifest_hash: str
    """The annotation with the hash of the manifest that the operator applied."""
    spec: Json
    deleting: bool = False
    owned: bool = False
    """Whether this ModelDeployment, by uid, is its controller. Otherwise it has no owner, or a former one of this name.
    """
