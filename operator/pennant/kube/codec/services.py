"""The API server's JSON to the core's values: Services."""

from dataclasses import dataclass, replace

from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from pennant.core.facts.service import ServiceSeen
from pennant.core.rollout.revision import DEPLOYMENT_LABEL
from pennant.core.workload.service import MANIFEST_HASH
from pennant.kube.codec.metadata import controller_uid, identity, sole_owner


@dataclass(frozen=True, slots=True)
class LabelledService:
    """A Service with the labels of a ModelDeployment. `seen.owned` is not set: see `seen_by`."""

    owner: Key
    """The ModelDeployment that its label names."""
    seen: ServiceSeen
    controller_uid: str
    may_be_adopted: bool
    """Whether it has no owner, or only a ModelDeployment of this name."""

    def seen_by(self, uid: str) -> ServiceSeen | None:
        """Return the Service for the ModelDeployment with this uid; None where it belongs to something else."""
        owned = self.controller_uid == uid
        return replace(self.seen, owned=owned) if owned or self.may_be_adopted else None


def service(raw: Json) -> LabelledService:
    """Return a Service with the label of its ModelDeployment."""
    who, metadata = identity(raw), raw["metadata"]
    owner = Key(who.key.namespace, (metadata.get("labels") or {}).get(DEPLOYMENT_LABEL, ""))
    seen = ServiceSeen(
        name=who.key.name,
        uid=who.uid,
        resource_version=metadata["resourceVersion"],
        manifest_hash=(metadata.get("annotations") or {}).get(MANIFEST_HASH, ""),
        spec=raw["spec"],
        deleting="deletionTimestamp" in metadata,
    )
    return LabelledService(owner, seen, controller_uid(raw), sole_owner(raw, owner) is not None)
