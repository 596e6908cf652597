"""`spec.retention` of a ModelDeployment: which versions of its model need not be kept, and what becomes of them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api.meta import ApiModel

Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionAction(StrEnum):
    """What happens to a version that need not be kept."""

    REPORT = "Report"
    DELETE = "Delete"


class DeploymentRetention(ApiModel):
    """Which versions of the model need not be kept: those that `keepLast` and `maxAgeDays` both leave out.

    A version in use is kept in any case, and so are others that docs/how-to/keep-and-delete-versions.md lists. If the
    model has several ModelDeployments, all of them must agree.
    """

    keep_last: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Number of versions to keep: the ones that were created last. Set at least one of `keepLast` and `maxAgeDays`."""
    max_age_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Number of days for which a version is kept, from its last use: the end of the last period in which a
    ModelDeployment served it, or its creation if none did."""
    minimum_days: Days = 0
    """Number of days for which every version of the model is kept, from its last use. `spec.retention.minimumDays` of a
    ModelVersion can extend it. Default: 0."""
    action: RetentionAction = RetentionAction.REPORT
    """What happens to a version that need not be kept. Report: set its condition `Expired`. Delete: export its record,
    and delete the ModelVersion. Default: Report."""

    RULES: ClassVar = (
        (
            "has(self.keepLast) || has(self.maxAgeDays)",
            "spec.retention needs keepLast or maxAgeDays; without either, every version would be kept",
        ),
    )

    @model_validator(mode="after")
    def _has_a_limit(self) -> "DeploymentRetention":
        if self.keep_last is None and self.max_age_days is None:
            raise ValueError(self.RULES[0][1])
        return self
