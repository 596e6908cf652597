"""The command `why`."""

import click

from pennant.cli.options import ClusterOptions, Selectors, cluster_options, output_option, reading_target_options


@click.command("why", short_help="Explain what blocks a rollout")
@reading_target_options
@cluster_options
@output_option("json", "yaml", "name")
def command(selectors: Selectors, cluster: ClusterOptions, output: str | None) -> None:
    """Explain what blocks a ModelDeployment, what the operator does next and when, and what you can do.

    The objects are read with your permissions, and the operator's own decision is computed from them. Nothing is
    written.
    """
    from pennant.cli import why as work

    work.execute(selectors, cluster, output)
