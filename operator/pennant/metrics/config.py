"""The metric sources of the operator's configuration: names for URLs and credentials, and the table of their types.

A ModelDeployment gives only the name of a source. So a user who may write custom resources, and nothing else, cannot
make the operator call a URL of their choice, or send credentials there.

Rule: R100.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import PlainValidator, ValidationError

from pennant.metrics.access import NamespacedSource
from pennant.metrics.prometheus import PrometheusSettings
from pennant.metrics.settings import Observed, Settings, SourceSettings
from pennant.ports import Clock, MetricSource

SOURCE_TYPES: dict[str, type[SourceSettings]] = {
    "prometheus": PrometheusSettings,
}
"""The settings of each type of metric source, by the value of `type`."""
DEFAULT_TYPE = "prometheus"


class SourcesError(Exception):
    """The file of metric sources cannot be used; the message names the field and the fix."""


def _of_its_type(raw: Any) -> SourceSettings:
    """Return the settings of one source, read as its `type` says."""
    named = raw.get("type", DEFAULT_TYPE) if isinstance(raw, Mapping) else DEFAULT_TYPE
    known = SOURCE_TYPES.get(named) if isinstance(named, str) else None
    if known is None:
        raise ValueError(f"type must be one of {', '.join(SOURCE_TYPES)}")
    return known.model_validate(raw, by_alias=True, by_name=False)


class SourcesFile(Settings):
    """The whole file."""

    sources: dict[str, Annotated[SourceSettings, PlainValidator(_of_its_type)]]
    """The sources by name; `default` is the one that a metric without a source uses."""


class Sources(Mapping[str, MetricSource]):
    """The configured sources by name."""

    def __init__(self, sources: Mapping[str, MetricSource]) -> None:
        """Hold these sources."""
        self._sources = dict(sources)

    def __getitem__(self, name: str) -> MetricSource:
        """Return the source of this name."""
        return self._sources[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._sources)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._sources)

    async def aclose(self) -> None:
        """Close all connections."""
        for each in self._sources.values():
            await each.aclose()


def load(path: Path | None, observed: Observed, clock: Clock) -> Sources:
    """Return the sources of a file; none without a file. Raises `SourcesError`."""
    if path is None:
        return Sources({})
    try:
        settings = SourcesFile.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise SourcesError(f"the file of metric sources cannot be read: {error}") from error
    except UnicodeDecodeError:
        raise SourcesError(f"{path}: the file is no text") from None
    except yaml.YAMLError as error:
        # What YAML says of it quotes the line, and that may hold a secret.
        raise SourcesError(f"{path}: the file cannot be read as YAML{_place(error)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"]) or "the file"
        raise SourcesError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
    return Sources({name: _opened(name, each, observed, clock) for name, each in settings.sources.items()})


def _opened(name: str, settings: SourceSettings, observed: Observed, clock: Clock) -> MetricSource:
    source = settings.opened(name, observed, clock)
    return source if settings.namespaces is None else NamespacedSource(source, settings.namespaces)


def _place(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return "" if mark is None else f": line {mark.line + 1}, column {mark.column + 1}"
