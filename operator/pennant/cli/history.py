"""`history`: the revisions of a ModelDeployment, oldest first, or one of them whole."""

from collections.abc import Sequence
from functools import partial

import click

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.cli import names, output, targets
from pennant.cli.actors import who
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.outcomes import outcome
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.rollout.short_history import missing

HEADER = ("REVISION", "VERSION", "TRIGGER", "OUTCOME", "SINCE", "UNTIL", "VERIFIED", "WHY")
WIDE = ("STARTED", "VERIFIED-AT", "DIGEST", "ACTOR", "EVIDENCE")


def execute(selectors: Selectors, cluster: ClusterOptions, revision: int | None, output: str | None) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.history`."""
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _shown(session, selectors, revision, output))


async def _shown(session: Session, selectors: Selectors, revision: int | None, form: str | None) -> None:
    found = await targets.each(session, await targets.keys(session, selectors), partial(targets.snapshot, session))
    for each in found.done:
        if lost := [str(older.revision) for older in missing(each.status)]:
            output.warn(
                f"{output.full_name(each.key.name)}: revision {', '.join(lost)} cannot be shown, because its "
                f"ControllerRevision is missing or was changed; `audit {each.key.name} --verify` says more"
            )
    if form in ("json", "yaml"):
        values = [document(each) if revision is None else whole(each, revision) for each in found.done]
        if values:
            click.echo(output.documents(values, form))
    else:
        width = output.terminal_width()
        shown = (
            rendered(each, form, width) if revision is None else one(each, revision, form, width) for each in found.done
        )
        if text := ("\n" if form == "name" else "\n\n").join(shown):
            click.echo(text)
    found.end()


def document(snapshot: Snapshot) -> Json:
    """Return the history as data."""
    metadata = {"name": snapshot.key.name, "namespace": snapshot.key.namespace}
    return output.wrapped("ModelDeploymentHistory", [each.to_json() for each in snapshot.status.history], **metadata)


def rendered(snapshot: Snapshot, form: str | None, width: int | None = None) -> str:
    """Return the history as a table for a terminal of this width, or as `name`."""
    entries = snapshot.status.history
    if form == "name":
        return "\n".join(f"controllerrevision.apps/{snapshot.key.name}-{each.revision}" for each in entries)
    if not entries:
        return f"{output.full_name(snapshot.key.name)} \nNo rollout history found."
    header: Sequence[str] = (*HEADER, *WIDE) if form == "wide" else HEADER
    rows = [_row(each, entries, form == "wide") for each in entries]
    if form != "wide" and any(each.user for each in entries):
        # Only where the API server has authenticated somebody: a field manager tells little.
        *before, last = HEADER
        header = (*before, "WHO", last)
        rows = [(*row[:-1], who(each), row[-1]) for row, each in zip(rows, entries, strict=True)]
    table = output.table(header, rows, width)
    return f"{output.full_name(snapshot.key.name)} \n{table}"


def _row(entry: HistoryEntry, history: Sequence[HistoryEntry], wide: bool) -> Sequence[str]:
    row = (
        str(entry.revision),
        entry.version,
        str(entry.trigger),
        outcome(entry, history),
        output.moment(entry.rolled_out_at),
        output.moment(entry.ended_at),
        "yes" if entry.verified_at is not None else "no",
        entry.reason,
    )
    if not wide:
        return row
    evidence = "; ".join(f"{e.metric} {e.value} ({e.threshold}, {e.breaches})" for e in entry.evidence)
    times = (output.moment(entry.started_at), output.moment(entry.verified_at))
    return (*row, *times, entry.digest, who(entry), evidence or output.NONE)


def entry_of(snapshot: Snapshot, number: int) -> HistoryEntry:
    """Return the entry of a revision; raises `CliError` where it is not in the history."""
    entry = next((each for each in snapshot.status.history if each.revision == number), None)
    if entry is None:
        there = ", ".join(str(each.revision) for each in snapshot.status.history) or "none"
        raise CliError(f"unable to find the specified revision {number} of {snapshot.key.name}; there are: {there}")
    return entry


def whole(snapshot: Snapshot, number: int) -> Json:
    """Return one revision with its pod template and record as data; raises `CliError` where it is not there."""
    entry, recorded = entry_of(snapshot, number), _recorded(snapshot, number)
    parts: dict[str, Json | None] = {"template": None, "record": None}
    if recorded is not None:
        parts = {"template": recorded.template, "record": recorded.record}
    return {**entry.to_json(), **parts}


def _recorded(snapshot: Snapshot, number: int) -> Revision | None:
    return next((each for each in snapshot.revisions if each.entry.revision == number), None)


def one(snapshot: Snapshot, number: int, form: str | None = None, width: int | None = None) -> str:
    """Return one revision whole, with its pod template, which is not wrapped.

    Raises `CliError` where it is not in the history.
    """
    entry, recorded = entry_of(snapshot, number), _recorded(snapshot, number)
    if form == "name":
        return f"controllerrevision.apps/{snapshot.key.name}-{number}"
    details = _details(entry, snapshot.status.history, recorded.template if recorded is not None else None, width)
    return f"{output.full_name(snapshot.key.name)} with revision #{number}\n{details}"


def _details(entry: HistoryEntry, history: Sequence[HistoryEntry], template: Json | None, width: int | None) -> str:
    known = {name: value for name, value in entry.to_json().items() if name not in ("revision", "evidence")}
    known["outcome"] = outcome(entry, history)
    rows = [(_words(name), str(value)) for name, value in known.items()]
    rows += [("Evidence", f"{e.metric} {e.value}, {e.threshold}, in {e.breaches} checks") for e in entry.evidence]
    text = [output.pairs(rows, width)]
    if template is None:
        missing = "Pod Template:  not available, because the ControllerRevision of this revision is missing"
        text.append(output.folded(missing, width))
    else:
        body = output.document(template, "yaml")
        text += ["Pod Template:", *(f"  {line}" for line in body.splitlines())]
    return "\n".join(text)


def _words(name: str) -> str:
    """Return a field's name as kubectl's describe prints it: `startedAt` as `Started At`."""
    return "".join(f" {sign}" if sign.isupper() else sign for sign in name).strip().title()
