"""An undo: an earlier revision serves again, and the target version is quarantined so that it does not come back.

The ControllerRevision of the undo is written before the status. If the operator stops in between, the next pass adds
what the status lacks (`carried_through`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pennant.api.history import BAD, HistoryEntry, QuarantineEntry, Trigger
from pennant.api.meta import SENTENCE, clip
from pennant.api.reasons import Reason
from pennant.core.facts.command import Command
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Snapshot
from pennant.core.rollout.history import History, Quarantine, succeeded, with_entry
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision import pair
from pennant.core.rollout.revision_draft import Draft, because, lost, record_of
from pennant.core.rollout.rollback import is_quarantined, quarantine_entry, quarantined
from pennant.core.versions.selection import Selected


def undo_draft(at: Pass, target: HistoryEntry, actor: str, why: str, command: Command | None = None) -> Draft:
    """Return the draft of the revision that goes back to `target`; `why` is the reason that the user gave."""
    snapshot = record_of(at, target)
    came_from = f"{at.active.version} (revision {at.active.revision})" if at.active else "nothing"
    return Draft(
        version=target.version,
        digest=target.digest,
        template=snapshot.template,
        record=snapshot.record,
        inputs_hash=target.inputs_hash,
        trigger=Trigger.UNDO,
        actor=actor,
        reason=because(f"rolled back from {came_from} to {target.version} (revision {target.revision})", why),
        token=command.token if command is not None else None,
        command=str(command) if command is not None else None,
        user=at.snapshot.users.commanded if command is not None else "",
    )


def held_back(at: Pass, target: HistoryEntry, made: Draft | HistoryEntry) -> Quarantine:
    """Return the quarantine with the target version, which would otherwise be rolled out again after this undo.

    If the undo goes to the same content, only the pod template of `spec.template` is quarantined with it. `made` is the
    revision of the undo.

    Rule: R66.
    """
    entry = _asked(at, sentence(made))
    if entry is None or (entry.digest == target.digest and entry.inputs_hash in (None, target.inputs_hash)):
        return at.quarantine
    if entry.digest != target.digest:
        entry = entry.model_copy(update={"inputs_hash": None})
    # A version that failed keeps the reason for which it failed.
    if quarantine_entry(entry.digest, entry.inputs_hash or at.inputs_hash, at.quarantine) is not None:
        return at.quarantine
    return quarantined(at.quarantine, entry)


def carried_through(at: Pass) -> Pass:
    """Return the pass with the quarantine of an undo whose ControllerRevision is not in the stored status yet."""
    said = {each.revision for each in at.before.history}
    done = at.active
    if done is None or done.trigger is not Trigger.UNDO or done.revision in said or not said:
        return at
    undone = at.history[-2]
    quarantine = held_back(at.with_status(history=at.history[:-1]), done, done)
    return at.with_status(quarantine=quarantine, history=with_entry(at.history, succeeded(undone, done, quarantine)))


def _asked(at: Pass, message: str) -> QuarantineEntry | None:
    """Return a quarantine entry for the target version, or the current one without it; None: no revision exists."""
    if at.active is None:
        return None
    version, (digest, inputs_hash) = at.active.version, pair(at.active)
    if isinstance(at.selection, Selected) and at.template is not None:
        version, digest, inputs_hash = at.selection.version.version, at.selection.version.digest, at.inputs_hash
    return QuarantineEntry(
        digest=digest,
        version=version,
        inputs_hash=inputs_hash,
        reason=Reason.UNDONE,
        message=clip(message, SENTENCE),
        since=at.now,
        revision=at.active.revision,
        tag=at.spec.tag if at.spec.version is None else None,
    )


def sentence(made: Draft | HistoryEntry) -> str:
    """Return the message of the quarantine entry of an undo: who gave it, and the reason that they gave."""
    by = made.user or made.actor
    who = f"undone by {by}" if by else "undone"
    _, _, why = made.reason.partition(": ")
    return because(who, why)


@dataclass(frozen=True, slots=True)
class NoTarget:
    """Why there is no revision that an undo can go to."""

    problem: str
    already: int | None = None
    """The revision that was asked for, if its pod template serves already."""


def undo_target(history: History, quarantine: Quarantine, snapshot: Snapshot, value: str) -> HistoryEntry | NoTarget:
    """Return the revision that an undo goes to.

    `value` is a revision number, a version, or empty (or `0`, as in `kubectl rollout undo --to-revision`) for the last
    verified revision before the current one. A version may be a number as well: `revision:3` and `version:3` say which
    is meant, and a number that is both is refused. The revision must have a ControllerRevision in `snapshot`, must not
    be quarantined, and must have another pod template than the current revision.
    """
    recorded = {each.entry.revision for each in snapshot.revisions}
    there = [each for each in history if each.revision in recorded]
    active = current(history)
    if value in ("", "0"):
        return _previous(active, history, there, quarantine)
    target = _named(value, history, there, snapshot)
    if isinstance(target, NoTarget):
        return target
    if (by := quarantine_entry(*pair(target), quarantine)) is not None:
        to_do = f"To retry it: kubectl pennant retry {snapshot.key.name} {target.version}"
        return NoTarget(f"{target.version} is quarantined: {by.message}. {to_do}")
    if active is not None and target.template_hash == active.template_hash:
        is_current = target.revision == active.revision
        same = f"{target.version}" if is_current else f"the pod template of revision {target.revision}"
        return NoTarget(f"the current revision {active.revision} already serves {same}", target.revision)
    return target


def _named(value: str, history: History, there: Sequence[HistoryEntry], snapshot: Snapshot) -> HistoryEntry | NoTarget:
    """Return the newest revision that `value` means, of those that have a ControllerRevision (`there`)."""
    kind, colon, name = value.partition(":")
    if not colon or kind not in ("revision", "version"):
        kind, name = "", value
    of_number = [each for each in history if str(each.revision) == name.lstrip("0")] if kind != "version" else []
    of_version = [each for each in history if each.version == name] if kind != "revision" else []
    if of_number and of_version and of_number[-1] is not of_version[-1]:
        others = ", ".join(str(each.revision) for each in of_version)
        return NoTarget(
            f"{name} is a revision, which served {of_number[-1].version}, and a version, which revision {others} "
            f"served. Give revision:{name} or version:{name}"
        )
    is_number = kind == "revision" or (kind == "" and name.isdecimal() and not of_version)
    meant = of_number or of_version
    if is_number:
        listed = ", ".join(str(each.revision) for each in there) or "none"
        problem = f"revision {name} does not exist. Revisions in the history: {listed}"
    else:
        listed = ", ".join(dict.fromkeys(each.version for each in there)) or "none"
        problem = f"no revision of version {name} exists. Versions in the history: {listed}"
    found = [each for each in meant if each in there]
    if not found:
        return NoTarget(f"{lost(snapshot, meant[-1])}. Available: {listed}" if meant else problem)
    return found[-1]


def _previous(
    active: HistoryEntry | None, history: History, there: Sequence[HistoryEntry], quarantine: Quarantine
) -> HistoryEntry | NoTarget:
    """Return the newest other revision that was verified; where none was, the newest that served and did not fail."""
    current_hash = active.template_hash if active is not None else ""
    others = [
        each
        for each in reversed(there)
        if each.template_hash != current_hash
        and each.available_at is not None
        and each.outcome not in BAD
        and not is_quarantined(each, quarantine)
    ]
    verified = next((each for each in others if each.verified_at is not None), None)
    if verified is not None:
        return verified
    if others:
        return others[0]
    if all(each.template_hash == current_hash for each in history):
        return NoTarget("there is no earlier revision to go back to")
    return NoTarget(
        "no earlier revision is left to go back to: each of them failed, was undone, never served, or has the pod "
        "template of the current revision"
    )
