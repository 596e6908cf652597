"""`resume`: take `spec.paused` back."""

import click

from pennant.cli import names, pause
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
)
from pennant.cli.session import run


@click.command("resume", short_help="Resume rollouts and rollbacks")
@target_options
@cluster_options
@dry_run_option
@object_output_option
def command(selectors: Selectors, cluster: ClusterOptions, dry_run: str, output: str | None) -> None:
    """Resume a paused ModelDeployment."""
    names.require_some(selectors, cluster)
    run(cluster, lambda session: pause.change(session, selectors, False, dry_run, output))
