"""`spec.ignoreDrift` of a ModelDeployment: changes of the Deployment by others that are left alone."""

from typing import Annotated

from pydantic import Field

from pennant.api.meta import ATOMIC, NAME, ApiModel

PATH_PATTERN = r"^spec\.[^ ]+$"
Manager = Annotated[str, Field(min_length=1, max_length=NAME, pattern=r"^[^/]+$")]
Path = Annotated[str, Field(min_length=6, max_length=256, pattern=PATH_PATTERN)]


class IgnoreDrift(ApiModel):
    """Changes of the Deployment by other field managers that are left alone, and kept through rollouts.

    A change counts if another field manager owns the field, as `metadata.managedFields` of the Deployment shows. A
    field that another manager removes is written again. The labels of the operator are always corrected.
    """

    field_managers: Annotated[tuple[Manager, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Field managers whose changes are left alone, such as `Reloader`: all fields of the Deployment that they own."""
    fields: Annotated[tuple[Path, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Fields whose changes by any field manager are left alone. A path includes all fields below it. It has the form of
    `status.drift.fields`, such as `spec.template.spec.containers[name=server].resources`."""
