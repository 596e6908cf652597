"""The command `audit`."""

from typing import Any

import click

from pennant.cli.completion import complete_deployments
from pennant.cli.moment import Moment
from pennant.cli.options import ClusterOptions, cluster_options, output_option


@click.command("audit", short_help="Tell which version served when, and why")
@click.argument("words", nargs=-1, metavar="NAME", shell_complete=complete_deployments)
@click.option("--at", type=Moment(), help="Which version served at this time: RFC 3339, or 2h for two hours ago.")
@click.option("--from", "begin", type=Moment(), help="Begin of the timeline; the oldest entry if not given.")
@click.option("--to", "end", type=Moment(), help="End of the timeline; now if not given.")
@click.option("--verify", is_flag=True, help="Check the hash chain of the history against the ControllerRevisions.")
@click.option(
    "--archive",
    metavar="PLACE",
    help="Read the archive too: a directory, the URL of a bucket, or a file of it or of `export`.",
)
@click.option("--offline", is_flag=True, help="Read the archive alone, and do not ask the cluster.")
@cluster_options
@output_option("json", "yaml", "csv")
def command(words: tuple[str, ...], cluster: ClusterOptions, output: str | None, **question: Any) -> int:
    """Tell which version a ModelDeployment served at a time, since when, who put it there and why.

    During a rollout the old and the new version may both have received traffic, and the answer names both. Times before
    the oldest entry are not recorded. The actor of a revision is what the client said; it is not authenticated.

    With --archive the answer reaches back to the first revision that was archived, also of a ModelDeployment that is
    deleted. `audit modelversion/NAME` prints the record of a version, also of one that was deleted.

    With --verify the exit code is 1 where a part of the history is missing or was changed.
    """
    from pennant.cli import audit as work

    return work.execute(words, cluster, output, **question)
