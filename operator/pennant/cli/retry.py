"""`retry`: release a quarantined version, and roll it out again where it is the target."""

from typing import Any

import click

from pennant.cli import names, targets
from pennant.cli.acting import ANSWER, Giving, give
from pennant.cli.completion import complete_deployments, complete_quarantined
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option, object_output_option, timeout_option
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid, Key


@click.command("retry", short_help="Release a quarantined version")
@click.argument("name", shell_complete=complete_deployments)
@click.argument("version", default="", shell_complete=complete_quarantined)
@cluster_options
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@object_output_option
@timeout_option(ANSWER, "How long to wait for the operator's answer.")
def command(name: str, version: str, cluster: ClusterOptions, **options: Any) -> None:
    """Release VERSION (or the version that has the tag) from quarantine in the ModelDeployment NAME."""
    how = Giving("retried", **options)
    run(cluster, lambda session: _one(session, names.parsed([name])[0], version, how))


async def _one(session: Session, name: str, version: str, how: Giving) -> None:
    snapshot = await targets.snapshot(session, Key(session.namespace, name))
    if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused:
        raise CliError(
            f'you cannot retry a version of the paused modeldeployment "{name}"; '
            f"resume it first with 'kubectl pennant resume {name}' and try again"
        )
    await give(session, snapshot, Verb.RETRY, version, how)
