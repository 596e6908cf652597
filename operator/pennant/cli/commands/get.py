"""The command `get`."""

import click

from pennant.cli.completion import complete_deployments
from pennant.cli.options import ClusterOptions, cluster_options, output_option


@click.command("get", short_help="Show a ModelDeployment as a tree")
@click.argument("words", nargs=-1, metavar="[NAME]", shell_complete=complete_deployments)
@cluster_options
@click.option("-l", "--selector", help="Selector (label query) to filter on.")
@click.option("-A", "--all-namespaces", is_flag=True, help="List the ModelDeployments of all namespaces.")
@click.option("-w", "--watch", is_flag=True, help="Watch for changes, and show the tree again when there are any.")
@click.option("--no-color", is_flag=True, help="Do not colour the tree; NO_COLOR does the same.")
@output_option("wide", "json", "yaml", "name")
def command(
    words: tuple[str, ...],
    cluster: ClusterOptions,
    selector: str | None,
    all_namespaces: bool,
    watch: bool,
    no_color: bool,
    output: str | None,
) -> None:
    """Show the ModelDeployment NAME with its revisions, ReplicaSets, pods, metrics and conditions as a tree.

    Without NAME: a table of all ModelDeployments.
    """
    from pennant.cli import get as work

    work.execute(words, cluster, selector, all_namespaces, watch, no_color, output)
