"""What the settings of every type of metric source have in common: a `type`, and how to open the source."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from pennant.ports import Clock, MetricSource

Observed = Callable[[str, str, float], None]
"""Told of each query: the source's name, `success`, `refused` or `unavailable`, and the seconds it took."""
Namespace = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
RequestTypes = tuple[type, ...]


class Settings(BaseModel):
    """A part of the file of metric sources; names are in camelCase there, and unknown ones are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class SourceSettings(Settings):
    """The settings of one metric source. The subclass of a type gives `type` its only value as default."""

    type: str
    """What kind of server it is. Default: prometheus."""
    namespaces: Annotated[tuple[Namespace, ...], Field(min_length=1)] | None = None
    """Namespaces whose ModelDeployments may use the source. Default: all."""

    ANSWERS: ClassVar[RequestTypes] = ()
    """The types of requests that sources of this type answer."""

    @abstractmethod
    def opened(self, name: str, observed: Observed, clock: Clock) -> MetricSource:
        """Return the source. No connection is made before its first request."""
