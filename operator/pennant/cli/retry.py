"""`retry`: release a quarantined version, and roll it out again where it is the target."""

from typing import Any

from pennant.cli import names, targets
from pennant.cli.acting import Giving, give
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid, Key


def execute(name: str, version: str, cluster: ClusterOptions, **options: Any) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.retry`."""
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
