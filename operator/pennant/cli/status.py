"""`status`: wait until the version that has the tag serves and is healthy, or until it is verified."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any

import click

from pennant.api.meta import Json
from pennant.cli import clock, names, output, targets
from pennant.cli.completion import complete_revisions
from pennant.cli.errors import CliError
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    output_option,
    target_options,
    timeout_option,
)
from pennant.cli.rollout import Goal, Phase, Progress, progress
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key, Snapshot

POLL_SECONDS = 1.0
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


@click.command("status", short_help="Show the status of the rollout and wait for its end")
@target_options
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
    type=click.Choice(tuple(GOALS)),
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
    said = ""
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
                click.echo(now.line)
        if now.phase is Phase.DONE or not asked.watch:
            return
        if is_over:
            raise CliError("timed out waiting for the condition")
        await asyncio.sleep(POLL_SECONDS)


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
