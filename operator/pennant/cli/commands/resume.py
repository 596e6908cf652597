"""The command `resume`."""

import click

from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
)


@click.command("resume", short_help="Resume rollouts and rollbacks")
@target_options
@cluster_options
@dry_run_option
@object_output_option
def command(selectors: Selectors, cluster: ClusterOptions, dry_run: str, output: str | None) -> None:
    """Resume a paused ModelDeployment."""
    from pennant.cli import pause as work

    work.execute(selectors, cluster, False, dry_run, output)
