"""`import`: read the versions of a registry and write them as ModelVersions."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pennant.cli import clock
from pennant.cli.errors import CliError
from pennant.cli.importing.outcome import Tally
from pennant.cli.importing.targets import Cluster, Directory, Printed, Target
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.registries import catalogue
from pennant.registries.catalogue import Given
from pennant.registries.fields import moment_of
from pennant.registries.importing import Import, Wish
from pennant.registries.protocol import NoAccess, RegistryError, Selection


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the verb; `pennant.cli.commands.import` describes them."""

    address: str | None
    repository: str | None
    is_all: bool
    since: str | None
    as_semver: bool
    aliases: tuple[str, ...]
    is_verified: bool
    write: str | None
    is_applied: bool
    dry_run: str
    output: str | None


def execute(registry: str, models: tuple[str, ...], cluster: ClusterOptions, options: Options) -> None:
    """Carry out the verb."""
    if options.is_applied and options.write is not None:
        raise CliError("--apply creates the versions in the cluster, --write writes files; give one of them")
    if options.is_applied and options.output is not None:
        raise CliError("-o prints the manifests, --apply sends them; give one of them")
    if options.write is not None and options.output is not None:
        raise CliError("-o prints the manifests, --write writes them into files; give one of them")
    if options.dry_run == "server" and not options.is_applied:
        raise CliError("--dry-run=server asks the server; use it with --apply, or --dry-run=client")
    selection = Selection(options.is_all, _since(options.since))
    tags = _tags(options.aliases)
    tally = Tally(options.dry_run != "none", options.is_verified)

    async def done(target: Target, namespace: str | None) -> None:
        given = Given(options.address, os.environ, clock.now, options.repository)
        wish = Wish(selection, options.as_semver, options.is_verified, tags, namespace)
        try:
            async with catalogue.opened(registry, given) as opened:
                job = Import(opened, wish, target, tally, clock.now)
                await imported(job, tally, models, catalogue.where(registry, given))
                job.end()
        except NoAccess as error:
            raise CliError(str(error)) from error
        target.close()

    async def applied(session: Session) -> None:
        await done(Cluster(session, options.dry_run, tally), session.namespace)

    if options.is_applied:
        run(cluster, applied)
    elif options.write is not None:
        asyncio.run(done(Directory(Path(options.write), tally.is_dry, tally), cluster.namespace))
    else:
        form = options.output or ("name" if tally.is_dry else "yaml")
        asyncio.run(done(Printed(form), cluster.namespace))
    tally.end()


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    if (moment := moment_of(text)) is None:
        raise CliError(f"--since {text!r} is no date and no time; write it as 2026-05-01 or 2026-05-01T09:00:00Z")
    return moment


def _tags(words: Iterable[str]) -> dict[str, str]:
    """Return the tag of each alias, of words such as `champion` and `champion=production`."""
    pairs = {alias: tag or alias for alias, _, tag in (each.partition("=") for each in words)}
    if "" in pairs:
        raise CliError("--tag-alias has no alias; write it as ALIAS or ALIAS=TAG")
    return pairs


async def imported(job: Import, tally: Tally, models: tuple[str, ...], where: str) -> None:
    """Write all versions that are asked for, of what `where` names. The error of one is told, and the others follow.

    Raises `NoAccess` where nothing more can be read.
    """
    try:
        for model in models:
            await job.model(model)
        if not models:
            async for model in job.registry.models():
                await job.model(model)
            if not job.models:
                tally.warned(f"there are no models in {where}")
    except NoAccess as error:
        so_far = f". So far: {tally.said}. Run the same command again" if tally.counts else ""
        raise NoAccess(f"{str(error).rstrip('.')}{so_far}") from error
    except RegistryError as error:
        tally.failed("the list of models", str(error))
