"""A tag moves in the cluster: the new version gets it first, then the old one loses it, so that one always has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from pennant.api.meta import Json
from pennant.cli import output
from pennant.cli.errors import CliError
from pennant.cli.gitops import applied_tags
from pennant.cli.model_versions import full_name, of_model, tags_of, usable
from pennant.cli.session import Session, explained
from pennant.core.facts.observation import Key
from pennant.kube.codec import decode
from pennant.kube.codec.managers import tracked_by
from pennant.kube.http.errors import Missing
from pennant.kube.http.resources import Kind
from pennant.ports import Conflict, PortError

MAX_TRIES = 5
"""How often a version that others change at the same time is read and written again."""


@dataclass(frozen=True, slots=True)
class Move:
    """A tag, the version that gets it, and those that lose it."""

    tag: str
    new: Json
    old: tuple[Json, ...]

    @property
    def model(self) -> str:
        """The model of the versions."""
        return decode.model_and_version(self.new)[0]

    @property
    def version(self) -> str:
        """The version that gets the tag."""
        return decode.model_and_version(self.new)[1]

    @property
    def is_made(self) -> bool:
        """Whether the new version alone has the tag already."""
        return self.tag in tags_of(self.new) and not self.old


async def planned(session: Session, new: Json, tag: str) -> Move:
    """Return the move of a tag to a version; raises `CliError` where that cannot serve."""
    usable(new)
    versions = await of_model(session, decode.model_and_version(new)[0])
    uid = new["metadata"]["uid"]
    old = (each for each in versions if tag in tags_of(each) and each["metadata"]["uid"] != uid)
    # One that is being deleted has no tag in the eyes of the operator, and its tags need no change.
    return Move(tag, new, tuple(each for each in old if "deletionTimestamp" not in each["metadata"]))


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


async def carry_out(session: Session, move: Move, dry_run: str) -> None:
    """Add the tag to the new version, then take it from the others, and print each change.

    Raises `CliError` where a version that had the tag keeps it: then both have it.
    """
    suffix = "" if dry_run == "none" else f" ({dry_run} dry run)"
    new = move.new["metadata"]["name"]
    changed = dry_run == "client" or await _written(session, move.new, move.tag, has_tag=True, dry_run=dry_run)
    if changed and move.tag not in tags_of(move.new):
        click.echo(f"{full_name(new)} tagged {move.tag}{suffix}")
    else:
        click.echo(f"{full_name(new)} already has the tag {move.tag}{suffix}")
    failed: list[tuple[str, PortError]] = []
    for each in move.old:
        name = each["metadata"]["name"]
        try:
            if dry_run != "client":
                await _written(session, each, move.tag, has_tag=False, dry_run=dry_run)
        except PortError as error:
            failed.append((name, error))
            continue
        click.echo(f"{full_name(name)} untagged {move.tag}{suffix}")
    if failed:
        raise half_made(new, move.tag, failed, session.server)


def half_made(new: str, tag: str, failed: Sequence[tuple[str, PortError]], server: str) -> CliError:
    """Return the error for a tag that the new version has and old ones did not lose."""
    names = " and ".join(name for name, _ in failed)
    why = "; ".join(f"{name}: {explained(error, server)}" for name, error in failed)
    return CliError(
        f"{new} has the tag {tag}, but it could not be taken from {names} ({why}). Both have it now, so the current "
        f"version keeps serving until only one has it. Run the same command again, or remove {tag} from spec.tags by "
        f"`kubectl edit modelversion {failed[0][0]}`"
    )


def tags_with(raw: Json, tag: str) -> list[str]:
    """Return the tags of a version, with this one at the end where it is not among them."""
    tags = [str(each) for each in decode.field(raw, "spec").get("tags") or []]
    return tags if tag in tags else [*tags, tag]


async def _written(session: Session, raw: Json, tag: str, *, has_tag: bool, dry_run: str) -> bool:
    """Write the tags of a version with a precondition; return False where there is nothing to write.

    Raises `Conflict` where the version is gone, was created anew, or changes each time.
    """
    uid, name = raw["metadata"]["uid"], raw["metadata"]["name"]
    key = Key(session.namespace, name)
    for _ in range(MAX_TRIES):
        tags = decode.field(raw, "spec").get("tags") or []
        if (tag in tags) is has_tag:
            return False
        wanted = tags_with(raw, tag) if has_tag else [each for each in tags if each != tag]
        metadata = {"uid": uid, "resourceVersion": raw["metadata"]["resourceVersion"]}
        try:
            body = {"metadata": metadata, "spec": {"tags": wanted}}
            await session.patch(Kind.MODEL_VERSION, key, body, dry_run=dry_run)
        except Missing:
            if not has_tag:
                return False
            raise
        except Conflict:
            again = await session.client.get(Kind.MODEL_VERSION, key.namespace, name)
            if again is None or again["metadata"]["uid"] != uid:
                if not has_tag and again is None:
                    return False
                raise Conflict(f"{full_name(name)} was deleted meanwhile; look at the versions again") from None
            raw = again
            continue
        return True
    raise Conflict(f"{full_name(name)} was changed by others {MAX_TRIES} times in a row; try again")
