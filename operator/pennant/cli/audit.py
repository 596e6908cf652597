"""`audit`: which version served when, who put it there and why; and whether the history is intact."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from pennant.cli import clock, names, output, targets
from pennant.cli.auditing import chain, words
from pennant.cli.auditing.timeline import Segment, between, served_at, timeline
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.output import terminal_width
from pennant.cli.session import run
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout.history import History, adopted, broken, restored
from pennant.core.rollout.integrity import examined


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a time, a span (both None: the whole history), or whether the history is intact."""

    at: datetime | None = None
    begin: datetime | None = None
    end: datetime | None = None
    verify: bool = False

    def check(self, now: datetime) -> None:
        """Raise `CliError` for times that exclude each other, or are in the future."""
        if self.at is not None and (self.begin is not None or self.end is not None):
            raise CliError("give --at, or --from and --to, not both")
        if self.verify and (self.at or self.begin or self.end):
            raise CliError("--verify checks the whole history; leave out --at, --from and --to")
        if self.begin is not None and self.end is not None and self.begin >= self.end:
            raise CliError("--from must be before --to")
        for name, each in (("--at", self.at), ("--from", self.begin)):
            if each is not None and each > now:
                raise CliError(f"{name} {output.moment(each)} is in the future")


def execute(words: tuple[str, ...], cluster: ClusterOptions, output: str | None, **question: Any) -> int:
    """Carry out the verb; its options are in `pennant.cli.commands.audit`."""
    asked, now = Question(**question), clock.now()
    asked.check(now)
    snapshot = read(cluster, words)
    if asked.verify:
        result = chain.checked(snapshot, now)
        click.echo(verified(snapshot.key, result, output, terminal_width()))
        return 0 if result.intact else 1
    for each in problems(snapshot, now):
        click.echo(f"Warning: {each}; see `audit {snapshot.key.name} --verify`", err=True)
    click.echo(answered(snapshot, asked, now, output, terminal_width()))
    return 0


def read(cluster: ClusterOptions, given: tuple[str, ...]) -> Snapshot:
    """Return the one ModelDeployment that is named; raises `CliError` where none or several are."""
    found = names.parsed(given)
    if len(found) != 1:
        raise CliError("name one ModelDeployment, as in `audit fraud` or `audit mdep/fraud`")
    return run(cluster, lambda session: targets.snapshot(session, Key(session.namespace, found[0])))


def problems(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """Return what is not as it was recorded, in sentences."""
    sound = examined(snapshot)
    lost = broken(snapshot.status.history, sound.revisions, sound.untrusted)
    unread = () if snapshot.unreadable is None else (snapshot.unreadable.problem,)
    return (*unread, *lost, *restored(snapshot.status.history, sound.revisions, now))


def recorded(snapshot: Snapshot, now: datetime) -> History:
    """Return the history as the operator reads it: what was changed in the status is as its ControllerRevision says."""
    status = snapshot.status
    return adopted(status.history, examined(snapshot).revisions, status.quarantine, now)


def answered(snapshot: Snapshot, asked: Question, now: datetime, form: str | None, width: int | None = None) -> str:
    """Return the answer as text for a terminal of this width, as `json`, `yaml` or `csv`."""
    history, key = recorded(snapshot, now), snapshot.key
    if asked.at is not None:
        served = served_at(history, asked.at)
        if form in ("json", "yaml"):
            whole = {**words.served_json(served, history), "at": output.moment(asked.at)}
            return output.document(
                {**output.head("ServingAnswer", name=key.name, namespace=key.namespace), **whole}, form
            )
        if form == "csv":
            return words.timeline_csv([Segment(asked.at, asked.at, served)], history)
        return words.moment_answer(key.name, asked.at, served, history, width)
    segments = between(timeline(history), asked.begin, asked.end)
    if form in ("json", "yaml"):
        items = [words.segment_json(each, history) for each in segments]
        return output.document(output.wrapped("ServingTimeline", items, name=key.name, namespace=key.namespace), form)
    return words.timeline_csv(segments, history) if form == "csv" else words.timeline_table(key.name, segments, width)


def verified(key: Key, result: chain.Chain, form: str | None, width: int | None = None) -> str:
    """Return the result of `--verify` as text for a terminal of this width, as `json`, `yaml` or `csv`."""
    if form in ("json", "yaml"):
        return output.document(words.chain_json(key.name, key.namespace, result), form)
    return words.chain_csv(result) if form == "csv" else words.chain_text(key.name, result, width)
