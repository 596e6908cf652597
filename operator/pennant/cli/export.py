"""`export`: the whole history of a ModelDeployment, or a version, as one document that carries its hashes."""

import os
from pathlib import Path

import click

from pennant.cli import clock, model_versions, names, output
from pennant.cli.errors import CliError
from pennant.cli.exporting import collect
from pennant.cli.exporting.collect import Exported
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key

USAGE = "name one ModelDeployment or ModelVersion, as in `export fraud` or `export modelversion/fraud-1.0.0`"


def execute(words: tuple[str, ...], cluster: ClusterOptions, output_file: str | None) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.export`."""
    version = model_versions.named(words)
    deployments = () if version is not None else names.parsed(words)
    if version is None and len(deployments) != 1:
        raise CliError(USAGE)

    async def exported(session: Session) -> Exported:
        if version is not None:
            return await collect.of_version(session, version, clock.now())
        return await collect.of_deployment(session, Key(session.namespace, deployments[0]), clock.now())

    found = run(cluster, exported)
    for each in found.warnings:
        output.warn(each)
    text = output.document(found.document, "json")
    if output_file is None:
        click.echo(text)
    else:
        _write(Path(output_file), f"{text}\n")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: a backup that was cut off is worse than the one before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CliError(f"{path} cannot be written: {error.strerror}") from error
