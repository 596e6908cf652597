"""The command `status`."""

from typing import Any

import click

from pennant.cli.completion import complete_revisions
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    output_option,
    reading_target_options,
    timeout_option,
)


@click.command("status", short_help="Show the status of the rollout and wait for its end")
@reading_target_options
@cluster_options
@click.option(
    "-w",
    "--watch",
    type=bool,
    default=True,
    show_default=True,
    is_flag=False,
    flag_value="true",
    help="Watch the status until it is done.",
)
@click.option(
    "--for",
    "goal",
    type=click.Choice(("serving", "verified", "condition=Verified")),
    default="serving",
    show_default=True,
    help="serving: until all pods are of the version that has the tag; verified: until it has passed its bake time.",
)
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    shell_complete=complete_revisions,
    help="Fail when the current revision is another one.",
)
@output_option("json", "yaml", "name")
@timeout_option("0s", "The length of time to wait before ending watch, zero means never.")
def command(selectors: Selectors, cluster: ClusterOptions, goal: str, output: str | None, **options: Any) -> None:
    """Show the status of the rollout, and wait until it ends.

    Exit code 0: the version that has the tag serves and is healthy, and with --for=verified it is verified. Exit code
    1: it was rolled back or is stalled, or the time is over. With --watch=false a rollout that is under way exits
    with 0.
    """
    from pennant.cli import status as work

    work.execute(selectors, cluster, goal, output, **options)
