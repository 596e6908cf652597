"""A tag moves in the cluster, and each change is printed."""

from collections.abc import Sequence

import click

from pennant.api.meta import Json
from pennant.cli import output
from pennant.cli.errors import CliError
from pennant.cli.gitops import applied_tags
from pennant.cli.model_versions import full_name, of_model, usable
from pennant.cli.session import FIELD_MANAGER, Session, explained
from pennant.core.facts.users import CREATED_BY
from pennant.kube import tag_writer
from pennant.kube.codec import decode
from pennant.kube.codec.managers import tracked_by
from pennant.kube.tag_writer import Move, TagWriter, tags_of
from pennant.ports import PortError


async def planned(session: Session, new: Json, tag: str) -> Move:
    """Return the move of a tag to a version; raises `CliError` where that cannot serve."""
    usable(new)
    return tag_writer.move(new, await of_model(session, decode.model_and_version(new)[0]), tag)


def warn_of_git(move: Move) -> None:
    """Warn of each version whose tags a tool sets back to what Git says, or a manifest when it is applied again."""
    untracked = [each for each in move.old if not tracked_by(each)]
    if back := [each for each in untracked if move.tag in applied_tags(each)]:
        names = " and ".join(each["metadata"]["name"] for each in back)
        output.warn(
            f"the manifest that was applied last gives the tag {move.tag} to {names}: applying it again takes the "
            "promotion back. Change the tags there, too: kubectl pennant promote ... --write DIRECTORY"
        )
    for each in (move.new, *move.old):
        if tool := tracked_by(each):
            output.warn(
                f"{each['metadata']['name']} is managed by {tool}. It sets spec.tags back to what Git says at its next "
                "sync. Move the tag in Git: kubectl pennant promote ... --write DIRECTORY"
            )


async def warn_of_four_eyes(session: Session, move: Move) -> None:
    """Warn where the user who would promote a version created it.

    Whether four eyes are required, and for which tags, only a request that asks the API server can tell. Rule: R154.
    """
    metadata = move.new["metadata"]
    creator = (metadata.get("annotations") or {}).get(CREATED_BY)
    if creator is None or move.tag in tags_of(move.new) or creator != await session.user():
        return
    output.warn(
        f"{creator} created {metadata['name']}. If governance.promote.fourEyes of the chart is set for the tag "
        f"{move.tag}, the API server refuses this promotion, and another user must promote the version. "
        "--dry-run=server asks the API server"
    )


async def carry_out(session: Session, move: Move, dry_run: str) -> None:
    """Move the tag, and print each change.

    Raises `CliError` where a version that had the tag keeps it: then both have it.
    """
    suffix = "" if dry_run == "none" else f" ({dry_run} dry run)"
    new = move.new["metadata"]["name"]
    done = await TagWriter(session.client, FIELD_MANAGER, dry_run).carry_out(move)
    said = f"tagged {move.tag}" if done.tagged else f"already has the tag {move.tag}"
    click.echo(f"{full_name(new)} {said}{suffix}")
    for name in done.untagged:
        click.echo(f"{full_name(name)} untagged {move.tag}{suffix}")
    if done.failed:
        raise half_made(new, move.tag, done.failed, session.server)


def half_made(new: str, tag: str, failed: Sequence[tuple[str, PortError]], server: str) -> CliError:
    """Return the error for a tag that the new version has and old ones did not lose."""
    names = " and ".join(name for name, _ in failed)
    why = "; ".join(f"{name}: {explained(error, server)}" for name, error in failed)
    return CliError(
        f"{new} has the tag {tag}, but it could not be taken from {names} ({why}). Both have it now, so the current "
        f"version keeps serving until only one has it. Run the same command again, or remove {tag} from spec.tags by "
        f"`kubectl edit modelversion {failed[0][0]}`"
    )
