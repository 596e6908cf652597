"""The command `undo`."""

from typing import Any

import click

from pennant.cli.completion import complete_former_versions, complete_revisions
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    answer_option,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
)


@click.command("undo", short_help="Undo to an earlier revision")
@target_options
@cluster_options
@click.option(
    "--to-revision",
    type=click.IntRange(min=0),
    shell_complete=complete_revisions,
    help="The revision to go back to; 0 or none: the last verified one with another pod template.",
)
@click.option("--to-version", shell_complete=complete_former_versions, help="The version to go back to.")
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@object_output_option
@answer_option
def command(
    selectors: Selectors, cluster: ClusterOptions, to_revision: int | None, to_version: str | None, **options: Any
) -> None:
    """Roll back to an earlier revision of a ModelDeployment.

    The undone version is quarantined here until the tag moves on or `retry` releases it: the undo lasts, also where
    Argo CD or Flux keeps the objects as they are in Git. As with `kubectl rollout undo`, the earlier revision may have
    the same version and another pod template: an undo right after a restart undoes the restart.
    """
    from pennant.cli import undo as work

    work.execute(selectors, cluster, to_revision, to_version, **options)
