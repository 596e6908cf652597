"""The metric sources of the operator's configuration: names for URLs and credentials.

A ModelDeployment speaks of a source by its name alone. So nobody who may only write custom resources can make the
operator call a URL of their choice, or send credentials there.

Rule: R100.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from pennant.metrics.prometheus import CONCURRENT_QUERIES, Endpoint, Observed, Prometheus
from pennant.ports import MetricSource


class SourcesError(Exception):
    """The file of metric sources cannot be used; the message names the field and the mend."""


class _Settings(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, use_attribute_docstrings=True)


class BasicAuth(_Settings):
    """A user and a password."""

    username: str
    """Name of the user."""
    password_file: Path
    """File that holds the password; read again for each query."""


class SourceSettings(_Settings):
    """One Prometheus-compatible server."""

    url: Annotated[str, Field(max_length=2048)]
    """URL of the server, with the path before `/api/v1` if there is one; http or https."""
    bearer_token_file: Path | None = None
    """File that holds a bearer token; read again for each query."""
    basic_auth: BasicAuth | None = None
    """User and password."""
    ca_file: Path | None = None
    """File of certificates to trust instead of the system's; read again for each query."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers to send, such as `X-Scope-OrgID`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Seconds after which a query counts as not answered. Default: 10."""
    lists_rules: bool = True
    """Whether the server lists the rules of all alerts that it has. Say false where another server evaluates them: then
    an alert that nobody defined is not told from one that does not fire. Default: true."""
    concurrent_queries: Annotated[int, Field(ge=1, le=256)] = CONCURRENT_QUERIES
    """How many queries may be under way at the same time; a namespace takes three quarters of them at most. Default:
    16, because Prometheus answers 20 by default."""

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https URL, such as http://prometheus.monitoring:9090")
        if parts.username or parts.password:
            raise ValueError("must not hold credentials; use basicAuth")
        return url

    @model_validator(mode="after")
    def _one_credential(self) -> "SourceSettings":
        if self.bearer_token_file is not None and self.basic_auth is not None:
            raise ValueError("set at most one of bearerTokenFile and basicAuth")
        return self

    def endpoint(self) -> Endpoint:
        """Return what a client needs of these settings."""
        return Endpoint(
            url=self.url,
            bearer_token_file=self.bearer_token_file,
            username=self.basic_auth.username if self.basic_auth else "",
            password_file=self.basic_auth.password_file if self.basic_auth else None,
            ca_file=self.ca_file,
            headers=self.headers,
            timeout_seconds=self.timeout_seconds,
            lists_rules=self.lists_rules,
            concurrent_queries=self.concurrent_queries,
        )


class SourcesFile(_Settings):
    """The whole file."""

    sources: dict[str, SourceSettings]
    """The sources by name; `default` is the one that a metric without a source uses."""


class Sources(Mapping[str, MetricSource]):
    """The configured sources by name."""

    def __init__(self, sources: Mapping[str, Prometheus]) -> None:
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


def load(path: Path | None, observed: Observed) -> Sources:
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
    return Sources({name: Prometheus(name, each.endpoint(), observed) for name, each in settings.sources.items()})


def _place(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return "" if mark is None else f": line {mark.line + 1}, column {mark.column + 1}"
