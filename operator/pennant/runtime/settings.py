"""The settings of the operator: flags, environment variables `PENNANT_...`, and their defaults."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

LogFormat = Literal["json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class WrongSettings(Exception):
    """What was given cannot be; the message names the setting and the mend."""


class Settings(BaseSettings):
    """Settings of `pennant run`; a flag overrides the environment variable `PENNANT_<NAME>`."""

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
        str | None, Field(validation_alias=AliasChoices("kubeconfig", "PENNANT_KUBECONFIG", "KUBECONFIG"))
    ] = None
    """Kubeconfig file. Default: the pod's service account, then ~/.kube/config."""
    context: str | None = None
    """Context of the kubeconfig. Default: its current one."""
    namespace: str = ""
    """Namespace to look after. Default: all."""
    metric_sources: Path | None = None
    """YAML file of metric sources: `sources: {default: {url: http://prometheus:9090}}`."""
    leader_election: bool = True
    """Let only the holder of a Lease write, so that several replicas can run."""
    lease_name: str = "pennant"
    """Name of the Lease."""
    lease_namespace: str = ""
    """Namespace of the Lease. Default: that of the pod or of the kubeconfig's context."""
    lease_duration_seconds: Annotated[int, Field(ge=1, le=300)] = 15
    """Seconds after which a Lease that is not renewed may be taken."""
    renew_deadline_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """Seconds for which the holder goes on without renewing; less than the duration."""
    retry_period_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Seconds between two attempts to take or renew the Lease; less than the deadline."""
    resync_seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds between two complete lists, which repair what a watch lost."""
    mass_breach_count: Annotated[int, Field(ge=0, le=100_000)] = 10
    """Different contents that must breach at once against one metric source before it is not believed, one of them
    known good before; 0: it always is."""
    mass_breach_percent: Annotated[int, Field(ge=1, le=100)] = 50
    """Share of the deployments that use the source, in percent, that must breach besides, in all and in the
    namespace."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """ModelDeployments that are worked on at the same time."""
    version_workers: Annotated[int, Field(ge=1, le=64)] = 4
    """ModelVersions that are worked on at the same time, besides."""
    listen_address: str = "127.0.0.1"
    """Address of the probes and metrics; 0.0.0.0 in a pod."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /livez, /readyz and /metrics; 0: none."""
    alert_webhook_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port on which Alertmanager may hint at alerts by POST /alerts; 0: none."""
    alert_webhook_address: str = "127.0.0.1"
    """Address of the alert webhook; 0.0.0.0 in a pod."""
    alert_webhook_token_file: Path | None = None
    """File that holds the bearer token of the alert webhook; read again for each request."""
    log_format: LogFormat = "console"
    """json or console."""
    log_level: LogLevel = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    @model_validator(mode="after")
    def _webhook_has_a_token(self) -> "Settings":
        if self.alert_webhook_port and self.alert_webhook_token_file is None:
            raise ValueError("alert_webhook_port needs alert_webhook_token_file, for every request needs a token")
        return self

    @model_validator(mode="after")
    def _lease_times_in_order(self) -> "Settings":
        if not self.retry_period_seconds < self.renew_deadline_seconds < self.lease_duration_seconds:
            raise ValueError("retry_period_seconds < renew_deadline_seconds < lease_duration_seconds must hold")
        return self


def given(options: Sequence[str]) -> Settings:
    """Return the settings that the environment and these flags of `pennant run` give; raises `WrongSettings`."""
    try:
        return CliApp.run(Settings, cli_args=list(options))
    except SettingsError as error:
        raise WrongSettings(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise WrongSettings(f"{where}: {message}" if where else message) from error
