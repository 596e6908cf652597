"""The command `history`."""

import click

from pennant.cli.completion import complete_revisions
from pennant.cli.options import ClusterOptions, Selectors, cluster_options, output_option, reading_target_options


@click.command("history", short_help="View the rollout history")
@reading_target_options
@cluster_options
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    shell_complete=complete_revisions,
    help="See the details, and the pod template, of one revision.",
)
@output_option("wide", "json", "yaml", "name")
def command(selectors: Selectors, cluster: ClusterOptions, revision: int | None, output: str | None) -> None:
    """View the rollout history of a ModelDeployment.

    SINCE is when all pods were of the revision, and UNTIL when another revision replaced it. An undo, a restart and a
    rollback are revisions of their own.
    """
    from pennant.cli import history as work

    work.execute(selectors, cluster, revision, output)
