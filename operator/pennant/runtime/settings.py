"""Configuration: the flags of `pennant run`, the environment variables `PENNANT_<NAME>`, and their defaults."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from pennant.archive.place import check

LogFormat = Literal["json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class WrongSettings(Exception):
    """A setting is invalid; the message names it and says what it must be."""


class Settings(BaseSettings):
    """Settings of `pennant run`. A flag overrides the environment variable `PENNANT_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="PENNANT_",
        frozen=True,
        use_attribute_docstrings=True,
        cli_prog_name="pennant run",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    kubeconfig: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("kubeconfig", "PENNANT_KUBECONFIG", "KUBECONFIG"),
            examples=["/etc/kubeconfig"],
        ),
    ] = None
    """Path to the kubeconfig file. Defaults to the service account of the pod, then to ~/.kube/config."""
    context: Annotated[str | None, Field(examples=["kind-pennant"])] = None
    """Name of the kubeconfig context. Defaults to the current context."""
    namespace: Annotated[str, Field(examples=["shop"])] = ""
    """Namespace of the objects to reconcile. Defaults to all namespaces."""
    metric_sources: Annotated[Path | None, Field(examples=["/etc/pennant/sources.yaml"])] = None
    """Path to the YAML file of metric sources: `sources: {default: {url: http://prometheus:9090}}`."""
    leader_election: Annotated[bool, Field(examples=["false"])] = True
    """Whether to write only while holding the Lease. Required for more than one replica."""
    lease_name: Annotated[str, Field(examples=["pennant-shop"])] = "pennant"
    """Name of the Lease."""
    lease_namespace: Annotated[str, Field(examples=["pennant-system"])] = ""
    """Namespace of the Lease. Defaults to the namespace of the pod or of the kubeconfig context."""
    lease_duration_seconds: Annotated[int, Field(ge=1, le=300, examples=["30"])] = 15
    """Seconds after its last renewal until another replica may acquire the Lease."""
    renew_deadline_seconds: Annotated[float, Field(gt=0, le=300, examples=["20"])] = 10.0
    """Seconds after its last renewal until the leader stops writing; less than the lease duration."""
    retry_period_seconds: Annotated[float, Field(gt=0, le=60, examples=["5"])] = 2.0
    """Seconds between renewals of the Lease, or reads where no watch of it works; less than the renew deadline."""
    resync_seconds: Annotated[float, Field(ge=1, le=3600, examples=["60"])] = 30.0
    """Seconds between complete lists, which repair what a watch missed."""
    mass_breach_count: Annotated[int, Field(ge=0, le=100_000, examples=["20"])] = 10
    """Number of different contents, one of them verified before, whose breaches at the same time make a metric source
    suspect; 0 disables the check."""
    mass_breach_percent: Annotated[int, Field(ge=1, le=100, examples=["80"])] = 50
    """Percentage of the ModelDeployments with the metric source that must breach as well, over all namespaces and in
    the namespace."""
    workers: Annotated[int, Field(ge=1, le=256, examples=["32"])] = 16
    """Number of ModelDeployments that are reconciled concurrently."""
    version_workers: Annotated[int, Field(ge=1, le=64, examples=["8"])] = 4
    """Number of ModelVersions that are reconciled concurrently, in addition."""
    stamped: Annotated[bool, Field(examples=["true"])] = False
    """Whether to record the users that admission policies write in annotations. Only if the policies are installed
    (`governance.stamp` of the chart): otherwise any client can write these annotations."""
    four_eyes: Annotated[bool, Field(examples=["true"])] = False
    """Whether a version is not rolled out if the user who created it set `spec.version` to it; needs `stamped`. The
    chart sets it with `governance.promote.fourEyes`."""
    fetch_image: Annotated[str, Field(examples=["registry.example.com/pennant:0.1.0"])] = ""
    """Image of the operator, which pods run to fetch artefacts (`delivery.mode: Fetch`). The chart sets it."""
    archive: Annotated[str, Field(examples=["s3://models-archive/pennant"])] = ""
    """Directory, or URL of a bucket, to which each revision is written when it is recorded and when it ends, and each
    ModelVersion before it is deleted. Defaults to none."""
    retention_seconds: Annotated[float, Field(ge=1, le=86_400, examples=["600"])] = 3600.0
    """Seconds between two judgements of all ModelVersions by `spec.retention` of their ModelDeployments."""
    retention_deletes: Annotated[bool, Field(examples=["true"])] = False
    """Whether ModelVersions may be deleted by `spec.retention`; needs the permission to delete them, and `archive`."""
    retention_deletes_per_second: Annotated[float, Field(gt=0, le=1000, examples=["50"])] = 10.0
    """Number of ModelVersions that are deleted in a second at most."""
    listen_address: Annotated[str, Field(examples=["0.0.0.0"])] = "127.0.0.1"
    """Address of the probes and metrics; 0.0.0.0 in a pod."""
    port: Annotated[int, Field(ge=0, le=65535, examples=["8081"])] = 8080
    """Port of /livez, /readyz and /metrics; 0 disables them."""
    alert_webhook_port: Annotated[int, Field(ge=0, le=65535, examples=["9095"])] = 0
    """Port on which Alertmanager notifications are received by POST /alerts; 0 disables it."""
    alert_webhook_address: Annotated[str, Field(examples=["0.0.0.0"])] = "127.0.0.1"
    """Address of the alert webhook; 0.0.0.0 in a pod."""
    alert_webhook_token_file: Annotated[Path | None, Field(examples=["/etc/pennant/alert-token"])] = None
    """Path to the file with the bearer token of the alert webhook, which is read for each request."""
    log_format: Annotated[LogFormat, Field(examples=["json"])] = "console"
    """Format of log lines: json or console."""
    log_level: Annotated[LogLevel, Field(examples=["DEBUG"])] = "INFO"
    """Lowest level that is logged: DEBUG, INFO, WARNING or ERROR."""

    @model_validator(mode="after")
    def _webhook_has_a_token(self) -> "Settings":
        if self.alert_webhook_port and self.alert_webhook_token_file is None:
            raise ValueError("alert_webhook_port needs alert_webhook_token_file: every request needs a token")
        return self

    @model_validator(mode="after")
    def _users_are_known(self) -> "Settings":
        if self.four_eyes and not self.stamped:
            raise ValueError("four_eyes needs stamped: otherwise it is not known who created a version")
        return self

    @model_validator(mode="after")
    def _archive_is_a_place(self) -> "Settings":
        if self.archive and (problem := check(self.archive)):
            raise ValueError(f"archive: {problem}")
        if self.retention_deletes and not self.archive:
            raise ValueError("retention_deletes needs archive: a record is exported before it is deleted")
        return self

    @model_validator(mode="after")
    def _lease_times_in_order(self) -> "Settings":
        if not self.retry_period_seconds < self.renew_deadline_seconds < self.lease_duration_seconds:
            raise ValueError("retry_period_seconds < renew_deadline_seconds < lease_duration_seconds must hold")
        return self


def given(options: Sequence[str]) -> Settings:
    """Return the settings of these flags and of the environment; raises `WrongSettings`."""
    return read(Settings, options)


def read(kind: type[SettingsT], options: Sequence[str]) -> SettingsT:
    """Return settings of any kind; raises `WrongSettings`."""
    try:
        return CliApp.run(kind, cli_args=list(options))
    except SettingsError as error:
        raise WrongSettings(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise WrongSettings(f"{where}: {message}" if where else message) from error
