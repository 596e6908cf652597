"""The command `promote`."""

from typing import Any

import click

from pennant.api import DEFAULT_TAG
from pennant.cli.completion import complete_models, complete_tags, complete_version_names
from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option, object_output_option, timeout_option


@click.command("promote", short_help="Move a tag to a version")
@click.argument("version", shell_complete=complete_version_names)
@click.option("--model", shell_complete=complete_models, help="The model of the version, where VERSION is a number.")
@click.option("--tag", default=DEFAULT_TAG, show_default=True, shell_complete=complete_tags, help="The tag to move.")
@cluster_options
@click.option(
    "--write",
    "paths",
    multiple=True,
    metavar="DIR_OR_FILES",
    help="Move the tag in these manifests instead of the cluster; a directory with all below it. May be given again.",
)
@click.argument("more_paths", nargs=-1, metavar="[FILE ...]", type=click.Path())
@click.option(
    "--wait",
    type=bool,
    default=True,
    show_default=True,
    is_flag=False,
    flag_value="true",
    help="Wait until the version serves.",
)
@click.option("--no-wait", is_flag=True, help="The same as --wait=false.")
@dry_run_option
@object_output_option
@timeout_option("0s", "The length of time to wait before ending watch, zero means never.")
def command(
    version: str,
    model: str | None,
    tag: str,
    cluster: ClusterOptions,
    paths: tuple[str, ...],
    more_paths: tuple[str, ...],
    wait: bool,
    no_wait: bool,
    **options: Any,
) -> None:
    """Move a tag to VERSION, and wait until every ModelDeployment that follows the tag serves it.

    VERSION is the name of a ModelVersion (fraud-1.1.0, mver/fraud-1.1.0), or a version (1.1.0) with --model, or alone
    where only one model has it. The new version gets the tag before the old one loses it. Where the cluster is fed from
    Git, use --write, and commit the files.
    """
    from pennant.cli import promote as work

    work.execute(version, model, tag, cluster, paths, more_paths, wait, no_wait, **options)
