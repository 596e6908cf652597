"""`promote`: move a tag to a version, in the cluster or in manifests, and wait until it serves."""

import asyncio
from time import monotonic

import click

from pennant.cli import clock, model_versions, output, status, tag_move, tagged_manifests
from pennant.cli.completion import complete_models, complete_version_names
from pennant.cli.errors import CliError
from pennant.cli.forecast import forecast
from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option, timeout_option
from pennant.cli.preview import moved, preview
from pennant.cli.session import Session, run
from pennant.cli.tag_move import Move
from pennant.core.facts.observation import Invalid, Key, Snapshot


@click.command("promote", short_help="Move a tag to a version")
@click.argument("version", shell_complete=complete_version_names)
@click.option("--model", shell_complete=complete_models, help="The model of the version, where VERSION is a number.")
@click.option("--tag", default="production", show_default=True, help="The tag to move.")
@cluster_options
@click.option(
    "--write",
    "paths",
    multiple=True,
    metavar="DIR_OR_FILES",
    help="Move the tag in these manifests instead of the cluster; a directory with all below it. May be given again.",
)
@click.argument("more_paths", nargs=-1, metavar="[FILE ...]", type=click.Path())
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the version serves.")
@dry_run_option
@timeout_option("0s", "The length of time to wait before ending watch, zero means never.")
def command(
    version: str,
    model: str | None,
    tag: str,
    cluster: ClusterOptions,
    paths: tuple[str, ...],
    more_paths: tuple[str, ...],
    wait: bool,
    dry_run: str,
    timeout: float,
) -> None:
    """Move a tag to VERSION, and wait until every ModelDeployment that follows the tag serves it.

    VERSION is the name of a ModelVersion (fraud-1.1.0, mver/fraud-1.1.0), or a version (1.1.0) with --model, or alone
    where only one model has it. The new version gets the tag before the old one loses it. Where the cluster is fed from
    Git, use --write, and commit the files.
    """
    if more_paths and not paths:
        raise CliError(f"unexpected argument {more_paths[0]}; promote moves one version at a time")
    if not paths:
        run(cluster, lambda session: _in_cluster(session, version, model, tag, wait, dry_run, timeout))
        return
    if dry_run == "server":
        raise CliError("--write does not ask the server; use --dry-run=client to see what would be written")
    where = (*paths, *more_paths)
    for line in tagged_manifests.promoted(where, version, model, tag, cluster.namespace, is_dry=dry_run == "client"):
        click.echo(line)


async def _in_cluster(
    session: Session, version: str, model: str | None, tag: str, wait: bool, dry_run: str, timeout: float
) -> None:
    move = await tag_move.planned(session, await model_versions.find(session, version, model), tag)
    if not move.is_made:
        tag_move.warn_of_git(move)
    await tag_move.carry_out(session, move, dry_run)
    found = await followers(session, move)
    if not found:
        click.echo(f"No ModelDeployment in namespace {session.namespace} follows the tag {tag} of {move.model}.")
    elif dry_run != "none":
        await _foreseen(session, move, found)
    elif wait:
        await _waited(session, found, timeout)


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
            await status.wait(session, key, timeout=left)
        except CliError as error:
            failed.append(error)
    for each in failed[:-1]:
        output.warn(str(each))
    if failed:
        raise failed[-1]
