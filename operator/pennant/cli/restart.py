"""`restart`: start all pods of the current revision again."""

import click

from pennant.cli import names, targets
from pennant.cli.acting import ANSWER, commanded, give
from pennant.cli.errors import CliError
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    target_options,
    timeout_option,
)
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid


@click.command("restart", short_help="Restart all pods")
@target_options
@cluster_options
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@timeout_option(ANSWER, "How long to wait for the operator's answer.")
def command(selectors: Selectors, cluster: ClusterOptions, reason: str, dry_run: str, timeout: float) -> None:
    """Restart all pods of a ModelDeployment by a rolling update."""
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _all(session, selectors, reason, dry_run, timeout))


async def _all(session: Session, selectors: Selectors, reason: str, dry_run: str, timeout: float) -> None:
    for key in await targets.keys(session, selectors):
        snapshot = await targets.snapshot(session, key)
        if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused:
            raise CliError(
                f'modeldeployments.pennant.dev "{key.name}" can\'t restart paused modeldeployment '
                "(run kubectl pennant resume first)"
            )
        order = await commanded(Verb.RESTART, "", session, reason)
        await give(session, key, snapshot.uid, order, done="restarted", dry_run=dry_run, timeout=timeout)
