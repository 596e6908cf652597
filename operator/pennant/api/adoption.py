"""The adoption of an existing Deployment in the status of a ModelDeployment: `status.adoption`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.meta import ANY_WORD, ATOMIC, ApiModel, Line, Name, Open, Sentence, ShortHash, Timestamp

MOST_EARLIER = 20
LONGEST_SELECTOR = 256
Uid = Annotated[str, Field(max_length=64)]


class AdoptionPhase(Open, StrEnum):
    """Phase of an adoption."""

    PREPARED = "Prepared"
    RELEASED = "Released"
    ADOPTED = "Adopted"


class AdoptedReplicaSet(ApiModel):
    """The ReplicaSet whose pods serve."""

    name: Name
    """Name of the ReplicaSet."""
    uid: Uid
    """`metadata.uid` of the ReplicaSet."""


class Adoption(ApiModel):
    """The existing Deployment that `spec.adopt` takes over. It stays in the status when the adoption is complete."""

    phase: Annotated[AdoptionPhase, ANY_WORD]
    """Prepared: nothing is changed yet. Released: the Deployment is deleted, and its pods keep running. Adopted: the
    Deployment of this ModelDeployment has its ReplicaSets."""
    uid: Uid
    """`metadata.uid` of the Deployment that existed before."""
    generation: Annotated[int, Field(ge=0)]
    """Its `metadata.generation` when the adoption was prepared."""
    selector: Line = ""
    """Its label selector, as far as it consists of `matchLabels`."""
    manifest: Name
    """Name of the ControllerRevision that has its manifest."""
    serving: AdoptedReplicaSet | None = None
    """ReplicaSet whose pods serve. Not set if it has none."""
    earlier: Annotated[tuple[Uid, ...], Field(max_length=MOST_EARLIER, json_schema_extra=ATOMIC)] = ()
    """`metadata.uid` of its newest earlier ReplicaSets, at most 20. They are taken over as well."""
    template_hash: ShortHash
    """`templateHash` of the revision that was compared with its pod template."""
    replaces_pods: Sentence = ""
    """Why the pods are replaced: the first difference between both pod templates. Empty: they keep running."""
    since: Timestamp
    """Time when the adoption was prepared."""
    adopted_at: Timestamp | None = None
    """Time when the adoption was complete. Not set before."""
