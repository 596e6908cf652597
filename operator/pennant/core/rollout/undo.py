"""An undo: back to an earlier revision, and what would otherwise come back by itself is held back.

The record of the undo's revision is written first, and is enough to know the rest by: whoever finds it without its
entry in the status carries the undo through.
"""

from dataclasses import replace

from pennant.api.deployment_status import HistoryEntry, ModelDeploymentStatus, QuarantineEntry, Trigger
from pennant.api.meta import SENTENCE, clip
from pennant.api.reasons import Reason
from pennant.core.facts.command import Command
from pennant.core.rollout.history import Quarantine, succeeded, with_entry
from pennant.core.rollout.next_revision import Draft, Situation, because, record_of
from pennant.core.rollout.revision import pair
from pennant.core.rollout.rollback import quarantine_entry, quarantined
from pennant.core.versions.selection import Selected


def draft(at: Situation, target: HistoryEntry, actor: str, why: str, order: Command | None = None) -> Draft:
    """Return the revision that takes a person back to an earlier one."""
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
        reason=because(f"back from {came_from} to {target.version} of revision {target.revision}", why),
        token=order.token if order is not None else None,
        command=str(order) if order is not None else None,
    )


def held_back(at: Situation, target: HistoryEntry, made: Draft | HistoryEntry) -> Quarantine:
    """Return the quarantine with what would otherwise come back by itself after an undo to this revision.

    That is the content that is asked for; where the undo stays within it, only the template that is asked for.

    Rule: R66.
    """
    entry = _asked(at, sentence(made))
    if entry is None or (entry.digest == target.digest and entry.inputs_hash in (None, target.inputs_hash)):
        return at.quarantine
    if entry.digest != target.digest:
        entry = entry.model_copy(update={"inputs_hash": None})
    if quarantine_entry(entry.digest, entry.inputs_hash or "", at.quarantine) is not None:
        return at.quarantine
    return quarantined(at.quarantine, entry)


def carried_through(at: Situation, before: ModelDeploymentStatus) -> Situation:
    """Return the situation with what follows from an undo that is on record and that the status does not say yet."""
    said = {each.revision for each in before.history}
    done = at.active
    if done is None or done.trigger is not Trigger.UNDO or done.revision in said or not said:
        return at
    undone = at.history[-2]
    quarantine = held_back(replace(at, active=undone), done, done)
    return replace(at, quarantine=quarantine, history=with_entry(at.history, succeeded(undone, done, quarantine)))


def _asked(at: Situation, message: str) -> QuarantineEntry | None:
    """Return what the quarantine would say of the content and template that are asked for."""
    if at.active is None:
        return None
    version, (digest, inputs_hash) = at.active.version, pair(at.active)
    if isinstance(at.holder, Selected) and at.template is not None:
        version, digest, inputs_hash = at.holder.version.version, at.holder.version.digest, at.inputs_hash
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
    """Return the sentence that the quarantine keeps of an undo: by whom, and the reason that this person gave."""
    who = f"undone by {made.actor}" if made.actor else "undone"
    _, _, why = made.reason.partition(": ")
    return because(who, why)
