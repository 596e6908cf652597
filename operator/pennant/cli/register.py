"""`register`: make the record of a new version, and print it, write it for Git, or create it in the cluster."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from pennant.api.meta import Json
from pennant.api.version_status import Bump
from pennant.cli import clock, output
from pennant.cli.errors import CliError
from pennant.cli.model_versions import full_name
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.record import cluster as in_cluster
from pennant.record import files, inputs
from pennant.record.errors import Duplicate, RegisterError
from pennant.record.inputs import Given
from pennant.record.numbering import Known, Wish
from pennant.record.progress import meter
from pennant.record.registration import Draft, Registration, Request, draft, finished

DUPLICATE = 3
"""The exit code where a version with the same content exists."""
BUMPS = {"major": Bump.MAJOR, "minor": Bump.MINOR, "patch": Bump.PATCH, None: None}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the verb; `pennant.cli.commands.register` describes them."""

    artifacts: tuple[str, ...]
    uris: tuple[str, ...]
    metrics: tuple[str, ...]
    maximize: tuple[str, ...]
    minimize: tuple[str, ...]
    params: tuple[str, ...]
    env: str | None
    datasets: tuple[str, ...]
    validation: tuple[str, ...]
    tests: tuple[str, ...]
    schema: str | None
    spec: str | None
    author: str | None
    reason: str | None
    created_at: str | None
    parent: str | None
    bump: str | None
    version: str | None
    tags: tuple[str, ...]
    filenames: tuple[str, ...]
    write: str | None
    is_applied: bool
    dry_run: str
    output: str | None


def execute(model: str, cluster: ClusterOptions, options: Options) -> None:
    """Carry out the verb."""
    if options.is_applied and (options.write is not None or options.filenames):
        raise CliError("--apply reads and writes the cluster, --write and -f files; give one of them")
    if options.dry_run == "server" and not options.is_applied:
        raise CliError("--dry-run=server asks the server; use it with --apply, or --dry-run=client")
    try:
        made = draft(_request(model, cluster, options), os.environ, clock.now())
        if options.is_applied:
            run(cluster, lambda session: _apply(session, made, options))
        elif options.write is not None:
            _write(Path(options.write), made, options)
        else:
            _print(made, options)
    except Duplicate as error:
        raise CliError(str(error), DUPLICATE) from error
    except RegisterError as error:
        raise CliError(str(error)) from error


def _request(model: str, cluster: ClusterOptions, options: Options) -> Request:
    directions = dict.fromkeys(options.maximize, "Maximize") | dict.fromkeys(options.minimize, "Minimize")
    measured = tuple(inputs.metrics_of(options.metrics, directions))
    inputs.checked_directions(measured, directions)
    datasets = {"Training": options.datasets, "Validation": options.validation, "Test": options.tests}
    schema, spec = (Path(each) if each is not None else None for each in (options.schema, options.spec))
    return Request(
        model=model,
        artifacts=inputs.artifacts_of(options.artifacts),
        uris=inputs.uris_of(options.uris),
        datasets=inputs.datasets_of(datasets),
        given=inputs.given(Given(options.author, options.reason, options.created_at, schema, spec)),
        files=(*measured, *(inputs.parameters_of(Path(each)) for each in options.params)),
        lock=Path(options.env) if options.env is not None else None,
        wish=Wish(options.version, options.parent, BUMPS[options.bump]),
        tags=options.tags,
        namespace=cluster.namespace,
        meter=meter(),
    )


def _print(made: Draft, options: Options) -> None:
    """Print the manifest. With a dry run, print only which version it would be."""
    if not options.filenames:
        output.warn(
            "no earlier version was looked for: name their manifests with -f or --write, or use --apply, so that the "
            "number follows from them and a duplicate is found"
        )
    found = files.known(tuple(map(Path, options.filenames)), made.request) if options.filenames else Known()
    done = finished(made, found)
    _remarks(done)
    if options.output is not None:
        output.tell(full_name(done.name), done.manifest, options.output)
    elif options.dry_run != "none":
        _summarised(f"{full_name(done.name)} made (client dry run)", done)
    else:
        click.echo(done.yaml, nl=False)


def _write(directory: Path, made: Draft, options: Options) -> None:
    places = tuple(map(Path, options.filenames))
    is_dry = options.dry_run != "none"
    done, path = (files.planned if is_dry else files.register)(directory, places, made)
    _remarks(done)
    if options.output is not None:
        output.tell(full_name(done.name), done.manifest, options.output)
    else:
        _summarised(f"{path}: {full_name(done.name)} written{' (client dry run)' if is_dry else ''}", done)


async def _apply(session: Session, made: Draft, options: Options) -> None:
    raw: Json
    if options.dry_run == "client":
        done = finished(made, await in_cluster.known(session.client, session.namespace, made.request.model))
        raw = done.manifest
    else:
        is_dry = options.dry_run == "server"
        done, raw = await in_cluster.register(session.client, session.namespace, made, is_dry=is_dry)
    _remarks(done)
    if options.output is not None:
        output.tell(full_name(done.name), raw, options.output)
    else:
        suffix = f" ({options.dry_run} dry run)" if options.dry_run != "none" else ""
        _summarised(f"{full_name(done.name)} created{suffix}", done)


def _remarks(done: Registration) -> None:
    """Print to standard error what a user should know of the record: warnings, and what it lacks."""
    for each in done.warnings:
        output.warn(each)
    if done.incomplete:
        lacking = "; ".join(f"{element} ({hint})" for element, hint in done.incomplete.items())
        output.warn(f"the record is not complete, it lacks {lacking}")


def _summarised(line: str, done: Registration) -> None:
    width = output.terminal_width()
    for each in (line, done.summary, done.digests):
        click.echo(output.folded(each, width))
