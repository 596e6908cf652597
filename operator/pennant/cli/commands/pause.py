"""The command `pause`."""

import click

from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
)


@click.command("pause", short_help="Pause rollouts and rollbacks")
@target_options
@cluster_options
@dry_run_option
@object_output_option
def command(selectors: Selectors, cluster: ClusterOptions, dry_run: str, output: str | None) -> None:
    """Pause a ModelDeployment: no rollout and no rollback begins until it is resumed."""
    from pennant.cli import pause as work

    work.execute(selectors, cluster, True, dry_run, output)
