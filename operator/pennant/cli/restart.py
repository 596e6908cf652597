"""`restart`: start all pods of the current revision again."""

from typing import Any

import click

from pennant.cli import names, targets
from pennant.cli.acting import ANSWER, Giving, give
from pennant.cli.errors import CliError
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    object_output_option,
    target_options,
    timeout_option,
)
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid, Key


@click.command("restart", short_help="Restart all pods")
@target_options
@cluster_options
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@object_output_option
@timeout_option(ANSWER, "How long to wait for the operator's answer.")
def command(selectors: Selectors, cluster: ClusterOptions, **options: Any) -> None:
    """Restart all pods of a ModelDeployment by a rolling update."""
    names.require_some(selectors, cluster)
    how = Giving("restarted", **options)
    run(cluster, lambda session: _all(session, selectors, how))


async def _all(session: Session, selectors: Selectors, how: Giving) -> None:
    keys = await targets.keys(session, selectors)
    (await targets.each(session, keys, lambda key: _one(session, key, how))).end()


async def _one(session: Session, key: Key, how: Giving) -> None:
    snapshot = await targets.snapshot(session, key)
    if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused:
        raise CliError(
            f'modeldeployments.pennant.dev "{key.name}" can\'t restart paused modeldeployment '
            "(run kubectl pennant resume first)"
        )
    await give(session, snapshot, Verb.RESTART, "", how)
