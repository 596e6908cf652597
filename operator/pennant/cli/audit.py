"""`audit`: which version served when, who put it there and why; and whether the history is intact."""

from datetime import datetime
from typing import Any

import click

from pennant.cli import clock, model_versions, names, targets
from pennant.cli.auditing import chain, long_ago, version
from pennant.cli.auditing.answers import told, verified
from pennant.cli.auditing.lives import Life
from pennant.cli.auditing.question import Question
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.output import terminal_width
from pennant.cli.session import run
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout.history import History, adopted, broken, restored
from pennant.core.rollout.integrity import examined


def execute(words: tuple[str, ...], cluster: ClusterOptions, output: str | None, **question: Any) -> int:
    """Carry out the verb; its options are in `pennant.cli.commands.audit`."""
    where, offline = question.pop("archive"), question.pop("offline")
    asked, now = Question(**question), clock.now()
    asked.check(now)
    if offline and where is None:
        raise CliError("--offline reads an archive alone; name it with --archive")
    if (name := model_versions.named(words)) is not None:
        return version.execute(cluster, name, long_ago.Source(where, offline), asked.verify)
    if where is not None:
        return long_ago.execute(cluster, one(words), asked, long_ago.Source(where, offline), output)
    snapshot = read(cluster, words)
    if asked.verify:
        result = chain.checked(snapshot, now)
        click.echo(verified(snapshot.key, result, output, terminal_width()))
        return 0 if result.intact else 1
    for each in problems(snapshot, now):
        click.echo(f"Warning: {each}; see `audit {snapshot.key.name} --verify`", err=True)
    click.echo(answered(snapshot, asked, now, output, terminal_width()))
    return 0


def one(given: tuple[str, ...]) -> str:
    """Return the name of the one ModelDeployment that is named; raises `CliError` where none or several are."""
    found = names.parsed(given)
    if len(found) != 1:
        raise CliError("name one ModelDeployment, as in `audit fraud` or `audit mdep/fraud`")
    return found[0]


def read(cluster: ClusterOptions, given: tuple[str, ...]) -> Snapshot:
    """Return the one ModelDeployment that is named; raises `CliError` where none or several are."""
    name = one(given)
    return run(cluster, lambda session: targets.snapshot(session, Key(session.namespace, name)))


def problems(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """Return what is not as it was recorded, in sentences."""
    sound = examined(snapshot)
    lost = broken(snapshot.status.revisions, sound.revisions, sound.untrusted)
    unread = () if snapshot.unreadable is None else (snapshot.unreadable.problem,)
    return (*unread, *lost, *restored(snapshot.status, sound.revisions, now))


def recorded(snapshot: Snapshot, now: datetime) -> History:
    """Return the history as the operator reads it: what was changed in the status is as its ControllerRevision says."""
    status = snapshot.status
    return adopted(status.history, examined(snapshot).revisions, status.quarantine, now)


def answered(snapshot: Snapshot, asked: Question, now: datetime, form: str | None, width: int | None = None) -> str:
    """Return the answer from the cluster alone, in a form and for a terminal of this width."""
    history = recorded(snapshot, now)
    return told(snapshot.key, (Life(history),) if history else (), asked, form, width)
