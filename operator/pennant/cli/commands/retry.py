"""The command `retry`."""

from typing import Any

import click

from pennant.cli.completion import complete_deployments, complete_quarantined
from pennant.cli.options import ClusterOptions, answer_option, cluster_options, dry_run_option, object_output_option


@click.command("retry", short_help="Release a quarantined version")
@click.argument("name", shell_complete=complete_deployments)
@click.argument("version", default="", shell_complete=complete_quarantined)
@cluster_options
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@object_output_option
@answer_option
def command(name: str, version: str, cluster: ClusterOptions, **options: Any) -> None:
    """Release VERSION (or the version that has the tag) from quarantine in the ModelDeployment NAME."""
    from pennant.cli import retry as work

    work.execute(name, version, cluster, **options)
