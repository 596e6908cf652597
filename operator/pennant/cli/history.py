"""`history`: the revisions of a ModelDeployment, oldest first, or one of them whole."""

from collections.abc import Sequence
from typing import Any

import click

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.cli import names, output, targets
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors, cluster_options, output_option, target_options
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Snapshot

HEADER = ("REVISION", "VERSION", "TRIGGER", "OUTCOME", "SINCE", "UNTIL", "WHY")
WIDE = ("DIGEST", "ACTOR", "EVIDENCE")
LONGEST_WHY = 80
"""Characters of the last column of the narrow table; `-o wide` and `--revision` give the whole sentence."""


@click.command("history", short_help="View the rollout history")
@target_options
@cluster_options
@click.option("--revision", type=click.IntRange(min=1), help="See the details, and the pod template, of one revision.")
@output_option("wide", "json", "yaml", "name")
def command(selectors: Selectors, cluster: ClusterOptions, revision: int | None, output: str | None) -> None:
    """View the rollout history of a ModelDeployment."""
    names.require_some(selectors, cluster)
    shown = run(cluster, lambda session: _shown(session, selectors, revision, output))
    click.echo("\n\n".join(shown))


async def _shown(session: Session, selectors: Selectors, revision: int | None, form: str | None) -> list[str]:
    found = [await targets.snapshot(session, key) for key in await targets.keys(session, selectors)]
    return [one(each, revision, form) if revision is not None else rendered(each, form) for each in found]


def rendered(snapshot: Snapshot, form: str | None) -> str:
    """Return the history as a table, or as `json`, `yaml` or `name`."""
    entries = snapshot.status.history
    if form in ("json", "yaml"):
        items = [each.to_json() for each in entries]
        metadata = {"name": snapshot.key.name, "namespace": snapshot.key.namespace}
        return output.document(output.wrapped("ModelDeploymentHistory", items, **metadata), form)
    if form == "name":
        return "\n".join(f"controllerrevision.apps/{snapshot.key.name}-{each.revision}" for each in entries)
    if not entries:
        return f"{output.full_name(snapshot.key.name)} \nNo rollout history found."
    header = (*HEADER, *WIDE) if form == "wide" else HEADER
    rows = [_row(each, form == "wide") for each in entries]
    return f"{output.full_name(snapshot.key.name)} \n{output.table(header, rows)}"


def _row(entry: HistoryEntry, wide: bool) -> Sequence[str]:
    why = entry.reason if wide or len(entry.reason) <= LONGEST_WHY else f"{entry.reason[: LONGEST_WHY - 1]}…"
    row = (
        str(entry.revision),
        entry.version,
        str(entry.trigger),
        str(entry.outcome),
        output.moment(entry.started_at),
        output.moment(entry.ended_at),
        why,
    )
    if not wide:
        return row
    evidence = "; ".join(f"{e.metric} {e.value} ({e.threshold}, {e.breaches})" for e in entry.evidence)
    return (*row, entry.digest, entry.actor or output.NONE, evidence or output.NONE)


def one(snapshot: Snapshot, number: int, form: str | None) -> str:
    """Return one revision whole, with its pod template; raises `CliError` where it is not in the history."""
    entry = next((each for each in snapshot.status.history if each.revision == number), None)
    if entry is None:
        there = ", ".join(str(each.revision) for each in snapshot.status.history) or "none"
        raise CliError(f"unable to find the specified revision {number} of {snapshot.key.name}; there are: {there}")
    recorded = next((each for each in snapshot.revisions if each.entry.revision == number), None)
    template = recorded.template if recorded is not None else None
    whole: dict[str, Any] = {**entry.to_json(), "template": template, "record": recorded.record if recorded else None}
    if form in ("json", "yaml"):
        return output.document(whole, form)
    if form == "name":
        return f"controllerrevision.apps/{snapshot.key.name}-{number}"
    return f"{output.full_name(snapshot.key.name)} with revision #{number}\n{_details(entry, template)}"


def _details(entry: HistoryEntry, template: Json | None) -> str:
    known = {name: value for name, value in entry.to_json().items() if name not in ("revision", "evidence")}
    lines = [f"{_words(name)}:\t{value}" for name, value in known.items()]
    width = max(len(line.partition("\t")[0]) for line in lines) + 2
    text = [f"{name.ljust(width)}{value}" for name, _, value in (line.partition("\t") for line in lines)]
    for each in entry.evidence:
        text.append(
            f"{'Evidence:'.ljust(width)}{each.metric} {each.value}, {each.threshold}, in {each.breaches} checks"
        )
    if template is None:
        text.append("Pod Template:  not available, because the ControllerRevision of this revision is missing")
    else:
        body = output.document(template, "yaml")
        text += ["Pod Template:", *(f"  {line}" for line in body.splitlines())]
    return "\n".join(text)


def _words(name: str) -> str:
    """Return a field's name as kubectl's describe prints it: `startedAt` as `Started At`."""
    return "".join(f" {sign}" if sign.isupper() else sign for sign in name).strip().title()
