"""The command `restart`."""

from typing import Any

import click

from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    answer_option,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
)


@click.command("restart", short_help="Restart all pods")
@target_options
@cluster_options
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@object_output_option
@answer_option
def command(selectors: Selectors, cluster: ClusterOptions, **options: Any) -> None:
    """Restart all pods of a ModelDeployment by a rolling update."""
    from pennant.cli import restart as work

    work.execute(selectors, cluster, **options)
