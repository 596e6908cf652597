"""The file of `pennant sync`: which registries it reads, and what becomes of their versions.

Rule: R200.
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from pennant.api.meta import Label, LabelValue, Subdomain
from pennant.record.secrecy import without_credentials
from pennant.registries.catalogue import KINDS
from pennant.registries.importing import Wish
from pennant.registries.protocol import Selection
from pennant.sync.webhook_kinds import WEBHOOKS

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ConfigError(Exception):
    """The file of registries cannot be used; the message names the field and the fix."""


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class RegistrySettings(_Part):
    """One registry."""

    name: Annotated[Label, Field(max_length=40, examples=["mlflow"])]
    """Name of the registry here: in metrics, in logs, in the URL of its webhook, and in the history as the actor
    `pennant-sync-<name>`. It must be unique."""
    kind: Annotated[str, Field(examples=["mlflow"])]
    """Kind of the registry, as `pennant import` names it."""
    address: Annotated[str | None, Field(max_length=2048, examples=["https://mlflow.example.com"])] = None
    """Where the registry is, as `--from` of `pennant import` takes it. Defaults to the variables of its own client."""
    namespace: Annotated[Subdomain, Field(examples=["shop"])]
    """Namespace of the ModelVersions. It must exist."""
    models: Annotated[tuple[str, ...], Field(examples=[["churn", "fraud"]])] = ()
    """Names of the models to take over, as the registry has them. Default: all."""
    versions: Annotated[Literal["NewestAndAliased", "All"], Field(examples=["All"])] = "NewestAndAliased"
    """Which versions of a model are taken over: the newest one and those with an alias, or all."""
    since: Annotated[datetime | None, Field(examples=["2026-05-01T00:00:00Z"])] = None
    """Take over all versions that were created since this time, and those with an alias, instead of what `versions`
    says."""
    as_semver: Annotated[bool, Field(examples=[True])] = False
    """Whether to name the versions as semantic ones: 3 becomes 3.0.0."""
    verify: Annotated[bool, Field(examples=[True])] = False
    """Whether to download the artefacts of each new version and record their sha256."""
    repository: Annotated[str | None, Field(max_length=2048, examples=["https://git.example.com/churn"])] = None
    """URL of the code, if the registry has only its commit."""
    aliases: Annotated[dict[str, LabelValue], Field(examples=[{"champion": "production"}])] = Field(
        default_factory=dict
    )
    """The tag that follows each of these aliases of the registry: the version with the alias gets the tag, and all
    others of the model lose it. Default: no tag is ever written."""
    poll_seconds: Annotated[float, Field(ge=1, le=86400, examples=[30])] = 60.0
    """Seconds between two polls of the registry, plus or minus 10 %."""
    settle_seconds: Annotated[float, Field(ge=0, le=604800, examples=[3600])] = 600.0
    """Seconds after its creation for which a version waits for the end of its training run, because the run may still
    log metrics, and a record does not change."""
    timeout_seconds: Annotated[float, Field(ge=1, le=86400, examples=[120])] = 600.0
    """Seconds after which a poll ends that has read no further version or model, for instance if the registry hangs."""
    credentials_directory: Annotated[Path | None, Field(examples=["/etc/pennant/credentials/mlflow"])] = None
    """Directory with a file for each variable of the environment that the registry's client takes, such as
    `MLFLOW_TRACKING_TOKEN`; read again for each poll. The variables of the process count as well."""
    webhook_secret_file: Annotated[Path | None, Field(examples=["/etc/pennant/webhooks/mlflow"])] = None
    """File with the secret by which the registry signs its webhooks, read again for each of them. Default: no
    webhook."""

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"must be one of {', '.join(KINDS)}")
        return kind

    @field_validator("address")
    @classmethod
    def _without_credentials(cls, address: str | None) -> str | None:
        if address is not None and without_credentials(address) != address:
            raise ValueError("must not hold credentials; use credentialsDirectory")
        return address

    @field_validator("since")
    @classmethod
    def _in_utc(cls, since: datetime | None) -> datetime | None:
        return since if since is None or since.tzinfo is not None else since.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _one_alias_a_tag(self) -> "RegistrySettings":
        tags = list(self.aliases.values())
        if twice := sorted({each for each in tags if tags.count(each) > 1}):
            raise ValueError(f"aliases: the tag {twice[0]} follows more than one alias; it can follow one")
        if self.webhook_secret_file is not None and self.kind not in WEBHOOKS:
            raise ValueError(f"webhookSecretFile: only {', '.join(WEBHOOKS)} has webhooks that are understood")
        return self

    @property
    def manager(self) -> str:
        """The field manager of all writes for this registry, whom the history names as the actor."""
        return f"pennant-sync-{self.name}"

    @property
    def wish(self) -> Wish:
        """What is taken over. No new version gets a tag: a tag moves when the version is there."""
        selection = Selection(self.versions == "All", self.since)
        return Wish(selection, self.as_semver, self.verify, {}, self.namespace)

    def environment(self) -> Mapping[str, str]:
        """Return the variables that the registry's client takes; raises `OSError` where they cannot be read."""
        if self.credentials_directory is None:
            return os.environ
        files = (each for each in sorted(self.credentials_directory.iterdir()) if VARIABLE.fullmatch(each.name))
        return {**os.environ, **{each.name: each.read_text().rstrip("\r\n") for each in files if each.is_file()}}


class SyncFile(_Part):
    """The whole file."""

    registries: Annotated[tuple[RegistrySettings, ...], Field(min_length=1)]
    """The registries."""
    resync_seconds: Annotated[float, Field(ge=10, le=86400, examples=[300])] = 600.0
    """Seconds between two lists of the ModelVersions in the cluster. They find versions that were deleted, which are
    taken over again."""

    @model_validator(mode="after")
    def _unique_names(self) -> "SyncFile":
        names = [each.name for each in self.registries]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise ValueError(f"registries: the name {twice[0]} is used more than once")
        return self


def load(path: Path) -> SyncFile:
    """Return what a file says; raises `ConfigError`."""
    try:
        return SyncFile.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise ConfigError(f"the file of registries cannot be read: {error}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the file is no text") from None
    except yaml.YAMLError as error:
        # What YAML says of it quotes the line, and that may hold a secret.
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        place = "" if mark is None else f": line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigError(f"{path}: the file cannot be read as YAML{place}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
