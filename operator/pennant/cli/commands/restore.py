"""The command `restore`."""

import click

from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option


@click.command("restore", short_help="Create what an export describes")
@click.argument("filename", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--without-deployment", is_flag=True, help="Leave the ModelDeployment to others, such as Argo CD or Flux."
)
@click.option("--verify", is_flag=True, help="Only check the hashes of the document; no cluster is asked.")
@cluster_options
@dry_run_option
def command(filename: str, without_deployment: bool, verify: bool, cluster: ClusterOptions, dry_run: str) -> None:
    """Create the objects of an export, so that the operator knows the history and the quarantine again.

    FILE is a document of `export`, or - for standard input. The objects are created in the namespace that they come
    from, or in that of -n. Objects that exist are not changed. If one has another content, or a hash of the document
    does not match, nothing is created. A second run creates what is still missing.

    Examples: restore fraud.json --verify; restore fraud.json --dry-run=client; restore fraud.json
    """
    from pennant.cli import restore as work

    work.execute(filename, cluster, without_deployment, verify, dry_run)
