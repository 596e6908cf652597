"""Commands by annotation: write one, wait for the operator's answer in `status.lastCommand`, and print it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from pennant.api.commands import CommandResult, LastCommand
from pennant.cli import clock, output, targets
from pennant.cli.errors import CliError
from pennant.cli.session import Session
from pennant.core.facts.command import REASON, REQUESTED_AT, REQUESTED_BY, Command, Verb
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout.command_memory import answered
from pennant.kube.http.resources import Kind
from pennant.ports import Conflict, PortError

POLL_SECONDS = 0.2
ATTEMPTS = 5
NONE_GIVEN = dict.fromkeys((*(verb.annotation for verb in Verb), REQUESTED_AT, REQUESTED_BY, REASON))
"""A merge patch of annotations that removes a command."""


async def commanded(verb: Verb, value: str, session: Session, reason: str) -> Command:
    """Return a command with a token of its own, in the name of the user."""
    token = clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Command(verb, value, token, True, await session.user(), reason)


@dataclass(frozen=True, slots=True)
class Giving:
    """How a command is given, and what of it is printed."""

    done: str
    """The word for success, as in `fraud rolled back`."""
    reason: str
    dry_run: str
    timeout: float
    """Seconds to wait for the operator's answer."""
    output: str | None = None
    """`json`, `yaml` or `name` instead of a line; None: the line."""


async def give(
    session: Session, snapshot: Snapshot, verb: Verb, value: str, how: Giving, *, what: str = "", note: str = ""
) -> None:
    """Write a command, wait for the operator's answer and print it; a dry run adds `what`, and both add `note`.

    Once it is answered, the command is removed from the annotations, so that the next one, by whichever client, is
    alone. Raises `CliError` where the operator refuses the command, or does not answer in time.
    """
    key, uid, name = snapshot.key, snapshot.uid, output.full_name(snapshot.key.name)
    command = await commanded(verb, value, session, how.reason)
    if waiting := unanswered(snapshot):
        output.warn(f"this replaces the command {waiting}, which the operator has not carried out yet")
    if how.dry_run != "none":
        said = f"{name} {how.done} ({how.dry_run} dry run){f': {what}' if what else ''}{note}"
        if how.dry_run == "server":
            raw = await session.patch(Kind.MODEL_DEPLOYMENT, key, _patch(uid, command), dry_run="server")
        else:
            raw = output.merged(await targets.raw(session, key), _patch(uid, command))
        output.tell(said, raw, how.output)
        return
    await session.patch(Kind.MODEL_DEPLOYMENT, key, _patch(uid, command))
    answer = await _answer(session, key, command, how.timeout)
    with suppress(PortError, CliError):
        await remove(session, key, uid, command)
    if answer.result is not CommandResult.ACCEPTED:
        raise CliError(f"{name}: the operator {str(answer.result).lower()} `{command}`: {answer.message}")
    raw = await targets.raw(session, key) if how.output is not None else {}
    output.tell(f"{name} {how.done}: {answer.message}{note}", raw, how.output)


async def remove(session: Session, key: Key, uid: str, command: Command) -> None:
    """Remove the annotations of an answered command, unless another command has replaced it meanwhile.

    Each write has the read resourceVersion as its precondition. Raises `PortError` where the API server refuses.
    """
    for _ in range(ATTEMPTS):
        metadata = (await targets.raw(session, key))["metadata"]
        if (metadata.get("annotations") or {}).get(REQUESTED_AT) != command.token:
            return
        precondition = {"uid": uid, "resourceVersion": metadata["resourceVersion"]}
        try:
            await session.patch(Kind.MODEL_DEPLOYMENT, key, {"metadata": {**precondition, "annotations": NONE_GIVEN}})
        except Conflict:
            continue
        return


def unanswered(snapshot: Snapshot) -> str:
    """Return the command in the annotations that the operator has not answered yet; empty: there is none."""
    command, last = snapshot.command, snapshot.status.last_command
    if command is None:
        return ""
    known = (*snapshot.status.commands, *((answered(last, last.command),) if last is not None else ()))
    return "" if any(each.token == command.token for each in known) else str(command)


def _patch(uid: str, command: Command) -> dict[str, object]:
    # The uid is a precondition: an object that was created anew under this name does not get the command.
    return {"metadata": {"uid": uid, "annotations": command.annotations()}}


async def _answer(session: Session, key: Key, command: Command, timeout: float) -> LastCommand:
    ends = monotonic() + timeout
    while True:
        found = await session.deployment(key)
        if found is None:
            raise await targets.missing(session, key)
        last = found.status.last_command
        if last is not None and last.token == command.token:
            return last
        if monotonic() >= ends:
            raise CliError(
                f"the operator did not answer `{command}` within {timeout:.0f} s. Is it running, and does it watch "
                f"namespace {key.namespace}? The command stays on the object, and the operator carries it out "
                "later, unless another command replaces it"
            )
        await asyncio.sleep(POLL_SECONDS)
