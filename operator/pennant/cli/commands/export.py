"""The command `export`."""

import click

from pennant.cli.completion import complete_exported
from pennant.cli.options import ClusterOptions, cluster_options


@click.command("export", short_help="Write the history of a ModelDeployment to a file")
@click.argument("words", nargs=-1, metavar="[KIND/]NAME", shell_complete=complete_exported)
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write to this file instead of standard output.")
@cluster_options
def command(words: tuple[str, ...], output_file: str | None, cluster: ClusterOptions) -> None:
    """Write the whole history of a ModelDeployment, or a ModelVersion, as one JSON document that carries its hashes.

    KIND is modeldeployment or modelversion; a NAME alone is a ModelDeployment. The document has the ModelDeployment,
    its ControllerRevisions, history and quarantine, and the ModelVersions that these name. `restore` creates them again
    in another cluster. Nothing is changed in this one.

    Examples: export fraud --output-file fraud.json; export modelversion/fraud-1.0.0
    """
    from pennant.cli import export as work

    work.execute(words, cluster, output_file)
