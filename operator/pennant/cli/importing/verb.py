"""`import`: read the versions of a registry and write them as ModelVersions."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pennant.api.meta import Json, rfc3339
from pennant.cli import clock, output
from pennant.cli.errors import CliError
from pennant.cli.importing.outcome import Outcome, Tally
from pennant.cli.importing.targets import Cluster, Directory, Printed, Target
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.ports import Refused
from pennant.record.artifacts import Strength, strength_of
from pennant.record.document import model_version
from pennant.record.errors import RegisterError
from pennant.registries import catalogue
from pennant.registries.catalogue import Given
from pennant.registries.digest import verified
from pennant.registries.names import kept, semantic
from pennant.registries.protocol import (
    Failed,
    FoundVersion,
    NoAccess,
    NotThere,
    Registry,
    RegistryError,
    Selection,
    Skipped,
)


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


@dataclass(frozen=True, slots=True)
class Import:
    """One import: from where, what and how."""

    registry: Registry
    models: tuple[str, ...]
    selection: Selection
    options: Options
    tags: dict[str, str]
    """The tag of each alias that becomes one."""
    namespace: str | None
    tally: Tally
    given: dict[tuple[str, str], str] = field(default_factory=dict)
    """By model and tag: the version that this import gave it to."""


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
    tally = Tally(options.dry_run != "none")

    async def done(target: Target, namespace: str | None) -> None:
        given = Given(options.address, os.environ, clock.now, options.repository)
        try:
            async with catalogue.opened(registry, given) as opened:
                await imported(Import(opened, models, selection, options, tags, namespace, tally), target)
        except NoAccess as error:
            raise CliError(str(error)) from error

    async def applied(session: Session) -> None:
        await done(Cluster(session, options.dry_run), session.namespace)

    if options.is_applied:
        run(cluster, applied)
    elif options.write is not None:
        asyncio.run(done(Directory(Path(options.write), tally.is_dry), cluster.namespace))
    else:
        form = options.output or ("name" if tally.is_dry else "yaml")
        asyncio.run(done(Printed(form), cluster.namespace))
    tally.end()


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CliError(
            f"--since {text!r} is no date and no time; write it as 2026-05-01 or 2026-05-01T09:00:00Z"
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _tags(words: Iterable[str]) -> dict[str, str]:
    """Return the tag of each alias, of words such as `champion` and `champion=production`."""
    pairs = {alias: tag or alias for alias, _, tag in (each.partition("=") for each in words)}
    if "" in pairs:
        raise CliError("--tag-alias has no alias; write it as ALIAS or ALIAS=TAG")
    return pairs


async def imported(job: Import, target: Target) -> None:
    """Write all versions that are asked for. The error of one is told, and the others follow.

    Raises `CliError` where nothing more can be read.
    """
    try:
        if job.models:
            for model in job.models:
                await _model(job, model, target)
        else:
            async for model in job.registry.models():
                await _model(job, model, target)
    except NoAccess as error:
        so_far = f". So far: {job.tally.said}. Run the same command again" if job.tally.counts else ""
        raise CliError(f"{str(error).rstrip('.')}{so_far}") from error
    except RegistryError as error:
        job.tally.failed("the list of models", str(error))
    target.close()


async def _model(job: Import, model: str, target: Target) -> None:
    try:
        async for each in job.registry.versions(model, job.selection):
            what = f"{each.model} {each.version}"
            if isinstance(each, Skipped):
                job.tally.skipped(what, each.why)
            elif isinstance(each, Failed):
                job.tally.failed(what, each.why)
            else:
                await _version(job, each, what, target)
    except NoAccess:
        raise
    except NotThere as error:
        job.tally.failed(model, f"{error}. A name is written as the registry has it; leave it out to import all models")
    except RegistryError as error:
        job.tally.failed(model, str(error))


async def _version(job: Import, found: FoundVersion, what: str, target: Target) -> None:
    try:
        document = await _document(job, found, target)
        outcome = await target.put(document)
    except NoAccess:
        raise
    except (RegistryError, RegisterError, Refused) as error:
        if isinstance(error, Refused) and "forbidden" in str(error):
            raise
        job.tally.failed(what, str(error))
        return
    job.tally.add(outcome)
    if outcome is Outcome.IMPORTED:
        for artifact in found.record.get("artifacts", ()):
            known = artifact.get("digest") or artifact.get("manifestDigest")
            job.tally.digests[Strength.VERIFIED if job.options.is_verified else strength_of(known)] += 1
        for each in found.unknown:
            output.warn(f"{what}: {each}")


async def _document(job: Import, found: FoundVersion, target: Target) -> Json:
    model = kept(found.model)
    version = semantic(found.version) if job.options.as_semver else kept(found.version)
    record: dict[str, Any] = dict(await verified(job.registry, found) if job.options.is_verified else found.record)
    record["source"] = {**record["source"], "importedAt": rfc3339(clock.now())}
    if "parent" in record:
        record["parent"] = semantic(record["parent"]) if job.options.as_semver else kept(record["parent"])
    tags = await _free_tags(job, found, f"{model}-{version}", model, target)
    spec = {"model": model, "version": version, **({"tags": list(tags)} if tags else {}), **record}
    return model_version(spec, job.namespace)


async def _free_tags(job: Import, found: FoundVersion, name: str, model: str, target: Target) -> tuple[str, ...]:
    """Return the tags of the aliases of a version. One that another version has is not given to a second one."""
    wanted = sorted({job.tags[each] for each in found.aliases if each in job.tags})
    if not wanted:
        return ()
    given = {tag: holder for (of, tag), holder in job.given.items() if of == model}
    holders = {**await target.tags(model), **given}
    for tag in (each for each in wanted if holders.get(each, name) != name):
        output.warn(
            f"{name} does not get the tag {tag}, which {holders[tag]} has; move it with `pennant promote {name}`"
        )
    free = tuple(each for each in wanted if holders.get(each, name) == name)
    job.given.update({(model, each): name for each in free})
    return free
