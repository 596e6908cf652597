"""The command `compare`."""

import click

from pennant.cli.completion import complete_compared, complete_models
from pennant.cli.options import ClusterOptions, cluster_options, output_option


@click.command("compare", short_help="Compare two versions")
@click.argument("words", nargs=-1, metavar="[A B | NAME]", shell_complete=complete_compared)
@click.option("--model", shell_complete=complete_models, help="The model: A and B are versions of it.")
@click.option("-f", "--filename", "filenames", multiple=True, help="Files with ModelVersions; no cluster is asked.")
@cluster_options
@output_option("json", "yaml", "markdown", "html")
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write to this file instead of standard output.")
def command(
    words: tuple[str, ...],
    model: str | None,
    filenames: tuple[str, ...],
    cluster: ClusterOptions,
    output: str | None,
    output_file: str | None,
) -> None:
    """Compare two ModelVersions: A is the earlier one, and deltas say how B differs from it.

    A and B are names of objects, or versions with --model. With the NAME of a ModelDeployment, the version that serves
    is compared with the one that has the tag; if that is the same, with the version that served before. With -f the
    ModelVersions come from manifest files; without names there must be two of them.
    """
    from pennant.cli import compare as work

    work.execute(words, model, filenames, cluster, output, output_file)
