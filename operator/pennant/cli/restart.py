"""`restart`: start all pods of the current revision again."""

from typing import Any

from pennant.cli import names, targets
from pennant.cli.acting import Giving, give
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid, Key


def execute(selectors: Selectors, cluster: ClusterOptions, **options: Any) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.restart`."""
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
