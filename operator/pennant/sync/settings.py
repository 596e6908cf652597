"""Configuration of `pennant sync`: flags and environment variables `PENNANT_SYNC_<NAME>`."""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pennant.runtime.settings import LogFormat, LogLevel


class SyncSettings(BaseSettings):
    """Settings of `pennant sync`. A flag overrides the environment variable `PENNANT_SYNC_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="PENNANT_SYNC_",
        frozen=True,
        use_attribute_docstrings=True,
        cli_prog_name="pennant sync",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    config: Annotated[Path, Field(examples=["/etc/pennant/sync.yaml"])]
    """Path to the YAML file of registries, which is read at the start."""
    kubeconfig: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("kubeconfig", "PENNANT_SYNC_KUBECONFIG", "KUBECONFIG"),
            examples=["/etc/kubeconfig"],
        ),
    ] = None
    """Path to the kubeconfig file. Defaults to the service account of the pod, then to ~/.kube/config."""
    context: Annotated[str | None, Field(examples=["kind-pennant"])] = None
    """Name of the kubeconfig context. Defaults to the current context."""
    listen_address: Annotated[str, Field(examples=["0.0.0.0"])] = "127.0.0.1"
    """Address of the probes and metrics; 0.0.0.0 in a pod."""
    port: Annotated[int, Field(ge=0, le=65535, examples=["8081"])] = 8080
    """Port of /livez, /readyz and /metrics; 0 disables them."""
    webhook_address: Annotated[str, Field(examples=["0.0.0.0"])] = "127.0.0.1"
    """Address of the webhook; 0.0.0.0 in a pod."""
    webhook_port: Annotated[int, Field(ge=0, le=65535, examples=["8082"])] = 0
    """Port on which webhooks of registries are received by POST /webhooks/NAME; 0 disables it."""
    log_format: Annotated[LogFormat, Field(examples=["json"])] = "console"
    """Format of log lines: json or console."""
    log_level: Annotated[LogLevel, Field(examples=["DEBUG"])] = "INFO"
    """Lowest level that is logged: DEBUG, INFO, WARNING or ERROR."""
