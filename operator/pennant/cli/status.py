"""`status`: wait until the version that has the tag serves and is healthy, or until it is verified."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any

import click

from pennant.api.meta import Json
from pennant.cli import clock, names, output, targets
from pennant.cli.errors import CliError
from pennant.cli.forecast import forecast
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.rollout import Goal, Phase, Progress, progress
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key, Snapshot

POLL_SECONDS = 1.0
REACTION_SECONDS = 10.0
"""How long the operator may take to react before there is a warning."""
GOALS = {"serving": Goal.SERVING, "verified": Goal.VERIFIED, "condition=Verified": Goal.VERIFIED}
"""What `--for` accepts; the last one is what `kubectl wait` calls it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What to wait for, how long, and how to say it."""

    goal: Goal = Goal.SERVING
    revision: int | None = None
    watch: bool = True
    timeout: float = 0
    """Seconds; 0 means no limit."""
    form: str | None = None


def execute(selectors: Selectors, cluster: ClusterOptions, goal: str, output: str | None, **options: Any) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.status`."""
    names.require_some(selectors, cluster)
    asked = Wait(goal=GOALS[goal], form=output, **options)
    run(cluster, lambda session: _all(session, selectors, asked))


async def _all(session: Session, selectors: Selectors, asked: Wait) -> None:
    keys = await targets.keys(session, selectors)
    (await targets.each(session, keys, lambda key: wait(session, key, asked))).end()


async def wait(session: Session, key: Key, asked: Wait) -> None:
    """Print each new line of the status until the goal is reached; raises `CliError` where that fails.

    With `-o` only the end is printed.
    """
    ends = monotonic() + asked.timeout if asked.timeout else None
    said, reaction = "", _Reaction()
    while True:
        snapshot = await session.inspector.snapshot(key)
        if snapshot is None:
            raise CliError("object has been deleted") if said else await targets.missing(session, key)
        now = progress(snapshot, clock.now(), asked.revision, asked.goal)
        is_over = ends is not None and monotonic() >= ends
        if asked.form is not None and (now.phase is not Phase.WAITING or not asked.watch or is_over):
            click.echo(rendered(snapshot, now, asked.form))
        if now.phase is Phase.FAILED:
            raise CliError(now.line)
        if now.line != said:
            said = now.line
            if asked.form is None:
                click.echo(output.folded(now.line, output.terminal_width()))
        if now.phase is Phase.DONE or not asked.watch:
            return
        if asked.form is None and (late := reaction.late(forecast(snapshot, clock.now()).pending)):
            output.warn(late)
        if is_over:
            raise CliError("timed out waiting for the condition")
        await asyncio.sleep(POLL_SECONDS)


class _Reaction:
    """Notices that the operator does not do what it has to do."""

    def __init__(self) -> None:
        self._pending, self._since, self._told = "", 0.0, ""

    def late(self, pending: str) -> str:
        """Return what has been pending for `REACTION_SECONDS`, once; empty: nothing has."""
        if pending != self._pending:
            self._pending, self._since = pending, monotonic()
        if not pending or pending == self._told or monotonic() - self._since < REACTION_SECONDS:
            return ""
        self._told = pending
        return pending


def rendered(snapshot: Snapshot, now: Progress, form: str) -> str:
    """Return the status of a rollout as `json`, `yaml` or `name`."""
    return output.full_name(snapshot.key.name) if form == "name" else output.document(document(snapshot, now), form)


def document(snapshot: Snapshot, now: Progress) -> Json:
    """Return the status of a rollout as data."""
    status, key = snapshot.status, snapshot.key
    return {
        **output.head("ModelDeploymentRollout", name=key.name, namespace=key.namespace),
        "phase": now.phase.name.capitalize(),
        "message": now.line,
        "desired": status.desired.to_json() if status.desired is not None else None,
        "serving": status.serving.to_json() if status.serving is not None else None,
        "conditions": [each.to_json() for each in status.conditions],
    }
