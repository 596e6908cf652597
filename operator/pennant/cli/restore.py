"""`restore`: create what an export describes, so that the operator knows a history again."""

from dataclasses import replace

import click

from pennant.cli import clock, output
from pennant.cli.auditing.verdict import chain_text
from pennant.cli.errors import CliError
from pennant.cli.exporting.check import Checked, read
from pennant.cli.options import ClusterOptions
from pennant.cli.restoring.apply import applied
from pennant.cli.restoring.plan import Does, Step, planned
from pennant.cli.session import Session, run


def execute(filename: str, cluster: ClusterOptions, without_deployment: bool, verify: bool, dry_run: str) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.restore`."""
    found = read(filename, clock.now())
    if found.export.deployment is not None and found.export.deployment.spec is None and not verify:
        raise CliError(
            f"{filename} is of an archive and has one revision; restore a document of `kubectl pennant export`"
        )
    for each in found.warnings:
        output.warn(each)
    if verify:
        click.echo(verified(found, output.terminal_width()))
        return
    where = replace(cluster, namespace=cluster.namespace or found.export.source.namespace)
    run(where, lambda session: _restored(session, found, not without_deployment, dry_run))


def verified(found: Checked, width: int | None = None) -> str:
    """Return what a document is and that its hashes match, as text for a terminal of this width."""
    export = found.export
    of = f"namespace {export.source.namespace} at {export.source.server}"
    lines = [f"Export of {of}, {output.moment(export.created_at)}: the digest matches"]
    if export.deployment is not None and found.chain is not None:
        lines += ["", chain_text(export.deployment.name, found.chain, width)]
    lines += ["", *(f"{each.name}: the record matches {each.record_digest}" for each in export.versions)]
    return output.folded("\n".join(lines), width)


async def _restored(session: Session, found: Checked, with_deployment: bool, dry_run: str) -> None:
    plan = await planned(session, found, with_deployment)
    suffix = {"none": "", "client": " (dry run)", "server": " (server dry run)"}[dry_run]
    for step in plan.steps:
        if dry_run != "client":
            await applied(session, plan, step, dry_run)
        click.echo(f"{step.full_name} {step.does}{suffix}{f': {step.note}' if step.note else ''}")
    if dry_run == "none" and (part := found.export.deployment) is not None and any(map(_is_written, plan.steps)):
        click.echo(f"Next: kubectl pennant audit {part.name} --verify -n {session.namespace}", err=True)


def _is_written(step: Step) -> bool:
    return step.does is not Does.KEEP
