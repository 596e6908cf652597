"""The command `versions`."""

import click

from pennant.cli.completion import complete_models, complete_tags
from pennant.cli.options import ClusterOptions, cluster_options, output_option


@click.command("versions", short_help="List the versions of a model")
@click.argument("model", default="", metavar="[MODEL]", shell_complete=complete_models)
@cluster_options
@click.option("-A", "--all-namespaces", is_flag=True, help="List the versions of all namespaces.")
@click.option("--tag", shell_complete=complete_tags, help="Only the versions that have this tag.")
@output_option("wide", "json", "yaml", "name")
def command(model: str, cluster: ClusterOptions, all_namespaces: bool, tag: str | None, output: str | None) -> None:
    """List the versions of MODEL, or of all models of the namespace, the newest semantic version first."""
    from pennant.cli import versions as work

    work.execute(model, cluster, all_namespaces, tag, output)
