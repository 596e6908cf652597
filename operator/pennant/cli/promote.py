"""`promote`: move a tag to a version, in the cluster or in manifests, and wait until it serves."""

import asyncio
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from time import monotonic
from typing import Any

import click

from pennant.api.history import QuarantineEntry
from pennant.cli import clock, model_versions, output, status, tag_move, tagged_manifests
from pennant.cli.errors import CliError
from pennant.cli.forecast import forecast
from pennant.cli.options import ClusterOptions
from pennant.cli.preview import moved, preview
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.core.status.inputs import quarantined_target
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import Move, tags_with


def execute(
    version: str,
    model: str | None,
    tag: str,
    cluster: ClusterOptions,
    paths: tuple[str, ...],
    more_paths: tuple[str, ...],
    wait: bool,
    no_wait: bool,
    **options: Any,
) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.promote`."""
    if more_paths and not paths:
        raise CliError(f"unexpected argument {more_paths[0]}; promote moves one version at a time")
    how = Promoting(wait and not no_wait, **options)
    if not paths:
        run(cluster, lambda session: _in_cluster(session, version, model, tag, how))
        return
    if how.dry_run == "server":
        raise CliError("--write does not ask the server; use --dry-run=client to see what would be written")
    if how.output is not None:
        raise CliError("-o is the object in the cluster; --write has none")
    where, is_dry = (*paths, *more_paths), how.dry_run == "client"
    for line in tagged_manifests.promoted(where, version, model, tag, cluster.namespace, is_dry=is_dry):
        click.echo(line)


@dataclass(frozen=True, slots=True)
class Promoting:
    """How a version is promoted in the cluster, and what of it is printed."""

    wait: bool
    dry_run: str
    timeout: float
    """Seconds to wait until it serves; 0 means no limit."""
    output: str | None = None


async def _in_cluster(session: Session, version: str, model: str | None, tag: str, how: Promoting) -> None:
    move = await tag_move.planned(session, await model_versions.find(session, version, model), tag)
    if not move.is_made:
        tag_move.warn_of_git(move)
    if how.dry_run == "client":
        await tag_move.warn_of_four_eyes(session, move)
    # With -o, standard output has the object alone.
    with redirect_stdout(sys.stderr) if how.output is not None else nullcontext():
        await _made(session, move, how)
    if how.output is not None:
        name = str(move.new["metadata"]["name"])
        raw = output.merged(move.new, {"spec": {"tags": tags_with(move.new, tag)}})
        if how.dry_run == "none":
            raw = await session.client.get(Kind.MODEL_VERSION, session.namespace, name) or raw
        output.tell(model_versions.full_name(name), raw, how.output)


async def _made(session: Session, move: Move, how: Promoting) -> None:
    await tag_move.carry_out(session, move, how.dry_run)
    found = await followers(session, move)
    if not found:
        click.echo(f"No ModelDeployment in namespace {session.namespace} follows the tag {move.tag} of {move.model}.")
    elif how.dry_run != "none":
        await _foreseen(session, move, found)
    else:
        if move.is_made:
            await _refuse_quarantined(session, move, found)
        if how.wait:
            await _waited(session, found, how.timeout)


async def _refuse_quarantined(session: Session, move: Move, keys: tuple[Key, ...]) -> None:
    """Raise `CliError` where the version had the tag already, but is quarantined: only `retry` changes that."""
    snapshots = await asyncio.gather(*(session.inspector.snapshot(key) for key in keys))
    said = [
        f"{move.new['metadata']['name']} has the tag {move.tag} already, but is quarantined in "
        f"{output.full_name(each.key.name)}: {entry.message}. To release it: kubectl pennant retry {each.key.name} "
        f"{entry.version} -n {each.key.namespace}"
        for each in snapshots
        if each is not None and (entry := quarantined(each)) is not None
    ]
    for each in said[:-1]:
        click.echo(f"error: {each}", err=True)
    if said:
        raise CliError(said[-1])


def quarantined(snapshot: Snapshot) -> QuarantineEntry | None:
    """Return the quarantine entry that keeps the target version from being rolled out; None: none does."""
    at = forecast(snapshot, clock.now()).at
    return None if at is None else quarantined_target(at)


async def followers(session: Session, move: Move) -> tuple[Key, ...]:
    """Return the ModelDeployments of the namespace that serve whichever version of the model has the tag."""
    listed = await session.inspector.snapshots(session.namespace)
    return tuple(each.key for each in listed if _follows(each, move))


def _follows(snapshot: Snapshot, move: Move) -> bool:
    spec = snapshot.spec
    if isinstance(spec, Invalid) or snapshot.deleting:
        return False
    return spec.model == move.model and spec.version is None and spec.tag == move.tag


async def _foreseen(session: Session, move: Move, keys: tuple[Key, ...]) -> None:
    snapshots = await asyncio.gather(*(session.inspector.snapshot(key) for key in keys))
    for each in snapshots:
        if each is not None:
            click.echo(f"\n{preview(forecast(moved(each, move.new, move.tag), clock.now()))}")


async def _waited(session: Session, keys: tuple[Key, ...], timeout: float) -> None:
    """Wait for all, one after the other; raises `CliError` with each that failed."""
    ends = monotonic() + timeout if timeout else None
    failed: list[CliError] = []
    for key in keys:
        # A time limit of zero would mean none.
        left = max(ends - monotonic(), 0.001) if ends is not None else 0
        try:
            await status.wait(session, key, status.Wait(timeout=left))
        except CliError as error:
            failed.append(error)
    for each in failed[:-1]:
        click.echo(f"error: {each}", err=True)
    if failed:
        raise failed[-1]
