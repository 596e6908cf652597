"""Which revision should be in place: the version that holds the tag, or a way back from a bad one."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.deployment_status import HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.meta import LAST_REVISION, LONGEST_RESTART, NAME, SENTENCE, Json, clip
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.core.facts.command import Command
from pennant.core.facts.observation import Invalid, Revision, Snapshot, Version
from pennant.core.rollout import revision
from pennant.core.rollout.history import History, Quarantine, succeeded, with_entry
from pennant.core.rollout.rollback import quarantine_entry
from pennant.core.versions.selection import Selected, Selection

OPERATOR = "pennant"
NO_NUMBER_LEFT = (
    f"no revision can follow, because {LAST_REVISION} is the last number that one can have; "
    "create a ModelDeployment of another name, and delete this one when that serves"
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the choice of the next revision depends on."""

    snapshot: Snapshot
    spec: ModelDeploymentSpec
    holder: Selection
    history: History
    active: HistoryEntry | None
    """The newest entry of the history: the revision in place, or on its way there."""
    quarantine: Quarantine
    condemned: QuarantineEntry | None
    target: HistoryEntry | None
    """The newest revision known good."""
    template: Json | None
    """The pod template by which the version that is asked for is to be served; None where none is, or it is invalid."""
    inputs_hash: str
    """The hash of what that template is rendered from."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that should take the place of the one that is there."""

    version: str
    digest: str
    template: Json
    record: Json
    inputs_hash: str | None
    """Hash of what the template was rendered from; None: that is not known."""
    trigger: Trigger
    actor: str
    reason: str
    token: str | None = None
    """Token of the command that asks for it; of a restart, its annotation."""
    command: str | None = None
    """That command in words."""
    restarted_at: str | None = None
    """The restart annotation of its pods; None: that of earlier pods of the same template, if there were any."""


def next_revision(at: Situation, is_blocked: bool) -> Draft | None:
    """Return what should take the place of the revision that is there by itself; None: nothing should.

    A promotion that a gate blocks does not happen; a way back from a bad version always may.
    """
    if isinstance(at.holder, Selected) and at.template is not None and not is_blocked:
        draft = _promotion(at, at.holder.version, at.template)
        if draft is not None:
            return draft
    if at.condemned is not None and at.target is not None and at.spec.rollback.action is RollbackAction.ROLLBACK:
        return _rollback(at, at.condemned, at.target)
    if at.active is None:
        return _known_before(at)
    return _recorded_anew(at)


def _known_before(at: Situation) -> Draft | None:
    """Return the newest version that was known good here, where nothing serves and what is asked for is quarantined.

    The history is gone with the ModelDeployment that this one has the name of, and the ModelVersions still tell of it.

    Rule: R64.
    """
    if (
        not isinstance(at.holder, Selected)
        or quarantine_entry(at.holder.version.digest, at.inputs_hash, at.quarantine) is None
    ):
        return None
    found = [
        (served.from_, served, version)
        for version in at.snapshot.versions
        for served in version.good_for
        if served.deployment == at.snapshot.key.name and _may_serve(at, version)
    ]
    if not found:
        return None
    _, served, version = max(found, key=lambda each: (each[0], each[2].name))
    spec = version.spec
    assert not isinstance(spec, Invalid), "only a record that can be read may serve"
    asked = at.holder.version.version
    return Draft(
        version=version.version,
        digest=version.digest,
        template=revision.render(at.snapshot.key.name, at.spec, spec),
        record=version.record,
        inputs_hash=at.inputs_hash,
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor=OPERATOR,
        reason=(
            f"{asked} is quarantined and nothing serves; {version.version} was known good here "
            f"since {served.from_:%Y-%m-%dT%H:%M:%SZ}, as its ModelVersion says"
        ),
    )


def _may_serve(at: Situation, version: Version) -> bool:
    """Return whether a version can be read and is neither going away nor quarantined with the present template."""
    there = not version.deleting and not isinstance(version.spec, Invalid)
    return there and quarantine_entry(version.digest, at.inputs_hash, at.quarantine) is None


def _recorded_anew(at: Situation) -> Draft | None:
    """Return the revision in place once more where its record is gone or changed, and an earlier one holds the same.

    Otherwise a rollback whose record somebody deletes would never reach the Deployment, and what is bad would stay.
    """
    active = at.active
    if active is None or any(each.entry.revision == active.revision for each in at.snapshot.revisions):
        return None
    if quarantine_entry(*revision.pair(active), at.quarantine) is not None:
        return None
    what = (active.digest, active.template_hash)
    same = [each for each in at.snapshot.revisions if (each.entry.digest, each.entry.template_hash) == what]
    if not same:
        return None
    return Draft(
        version=active.version,
        digest=active.digest,
        template=same[-1].template,
        record=same[-1].record,
        inputs_hash=same[-1].entry.inputs_hash,
        trigger=Trigger.SPEC_CHANGED,
        actor=OPERATOR,
        reason=lost(at, active),
    )


def lost(at: Situation, entry: HistoryEntry) -> str:
    """Return what became of the record of a revision that cannot be used."""
    what = "was changed" if entry.revision in at.snapshot.untrusted else "is gone"
    return f"the record of revision {entry.revision} {what}"


def recorded(draft: Draft, history: History, snapshot: Snapshot, now: datetime) -> Revision | None:
    """Return the draft as a revision with a number, linked to the one before; None where no number is left."""
    known = (each.entry.revision for each in snapshot.revisions)
    number = revision.next_number(history, (*known, *snapshot.taken))
    if number > LAST_REVISION:
        return None
    restarted_at = draft.restarted_at if draft.restarted_at is not None else _restart(draft.template, history, snapshot)
    entry = HistoryEntry(
        revision=number,
        version=draft.version,
        digest=draft.digest,
        template_hash=revision.template_hash(draft.template),
        inputs_hash=draft.inputs_hash,
        trigger=draft.trigger,
        actor=clip(draft.actor, NAME),
        reason=clip(draft.reason, SENTENCE),
        started_at=now,
        outcome=Outcome.IN_PROGRESS,
        command_token=draft.token,
        command=draft.command,
        data_hash=revision.data_hash(draft.template, draft.record),
        restarted_at=restarted_at if _is_kept(restarted_at) else None,
        previous_hash="",
        hash="",
    )
    return Revision(revision.chained(entry, history[-1] if history else None), draft.template, draft.record)


def _is_kept(restarted_at: str) -> bool:
    """Return whether the history keeps a restart annotation: it is given back as it was, so none is cut or changed."""
    return 0 < len(restarted_at) <= LONGEST_RESTART and restarted_at.isprintable()


def _restart(template: Json, history: History, snapshot: Snapshot) -> str:
    """Return the restart annotation with which this template serves, or served last; empty where it has none.

    With it the pods that are still there are taken up again: a restart of another template does not concern them.
    """
    template_hash = revision.template_hash(template)
    if snapshot.workload is not None and snapshot.workload.template_hash == template_hash:
        return snapshot.workload.restart
    same = next((each for each in reversed(history) if each.template_hash == template_hash), None)
    return (same.restarted_at if same is not None else None) or revision.restart(template)


def succeeded_by(history: History, entry: HistoryEntry, quarantine: Quarantine) -> History:
    """Return the history with the new entry at its end and the one before it ended."""
    if history:
        history = with_entry(history, succeeded(history[-1], entry, quarantine))
    return with_entry(history, entry)


def rendered(snapshot: Snapshot, spec: ModelDeploymentSpec, holder: Selection) -> Json | None:
    """Return the pod template by which the version that is asked for is to be served; None where there is none."""
    if not isinstance(holder, Selected) or isinstance(holder.version.spec, Invalid):
        return None
    return revision.render(snapshot.key.name, spec, holder.version.spec)


def _promotion(at: Situation, version: Version, template: Json) -> Draft | None:
    if _is_quarantined(at, version):
        return None
    active = at.active
    same = active is not None and (active.version, active.digest) == (version.version, version.digest)
    if active is not None and same:
        record = next((each for each in at.snapshot.revisions if each.entry.revision == active.revision), None)
        if record is not None and _is_rendered_from(record, at, version):
            return None
        reason = lost(at, active) if record is None else "the pod template changed"
    elif at.spec.version is not None:
        reason = f"spec.version asks for {version.version}"
    else:
        came_from = f" from {active.version}" if active else ""
        reason = f"the tag {at.spec.tag} moved{came_from} to {version.version}"
    moved = not same and at.spec.version is None
    return Draft(
        version=version.version,
        digest=version.digest,
        template=template,
        record=version.record,
        inputs_hash=at.inputs_hash,
        trigger=Trigger.TAG_MOVED if moved else Trigger.SPEC_CHANGED,
        actor=version.tagged_by if moved else at.snapshot.changed_by,
        reason=reason,
    )


def _is_rendered_from(recorded: Revision, at: Situation, version: Version) -> bool:
    """Return whether a revision was made of what is asked for now.

    Compared is what its template was rendered from, not what this release would render: what serves need not be
    replaced because the operator was. The new rendering comes with the next revision.

    Rule: R25.
    """
    same_record = all(recorded.record.get(name) == version.record.get(name) for name in revision.RENDERED)
    return same_record and recorded.entry.inputs_hash == at.inputs_hash


def _is_quarantined(at: Situation, version: Version) -> bool:
    """Return whether a version must not be rolled out by this template.

    A content that was found bad may follow itself, with another template, where nothing known good is displaced.
    """
    by = quarantine_entry(version.digest, at.inputs_hash, at.quarantine)
    if by is None:
        return False
    follows_itself = at.active is not None and at.active.digest == version.digest and at.target is None
    return by.inputs_hash is not None or not follows_itself


def retry(at: Situation, version: Version, template: Json, command: Command) -> Draft:
    """Return the revision that gives a version another chance."""
    return Draft(
        version=version.version,
        digest=version.digest,
        template=template,
        record=version.record,
        inputs_hash=at.inputs_hash,
        trigger=Trigger.RETRY,
        actor=command.by,
        reason=because(f"{version.version} gets another chance", command.reason),
        token=command.token,
        command=str(command),
    )


def restart(at: Situation, active: HistoryEntry, command: Command) -> Draft:
    """Return the revision that starts all pods anew."""
    snapshot = record_of(at, active)
    return Draft(
        version=active.version,
        digest=active.digest,
        template=revision.restarted(snapshot.template, command.token),
        record=snapshot.record,
        inputs_hash=active.inputs_hash,
        trigger=Trigger.RESTART,
        actor=command.by,
        reason=because("all pods are started anew", command.reason),
        token=command.token,
        command=str(command),
    )


def restarted_by_hand(at: Situation, active: HistoryEntry, actor: str, restart: str) -> Draft:
    """Return the revision that puts a `kubectl rollout restart` on record; its pods are on their way already."""
    snapshot = record_of(at, active)
    return Draft(
        version=active.version,
        digest=active.digest,
        template=snapshot.template,
        record=snapshot.record,
        inputs_hash=active.inputs_hash,
        trigger=Trigger.RESTART,
        actor=actor,
        reason=f"all pods are started anew, by kubectl rollout restart at {restart}",
        token=restart,
        restarted_at=restart,
    )


def record_of(at: Situation, entry: HistoryEntry) -> Revision:
    """Return the record of a revision, which is there.

    Rule: R8.
    """
    return next(each for each in at.snapshot.revisions if each.entry.revision == entry.revision)


def because(what: str, why: str) -> str:
    """Return a sentence, and the reason that a person gave."""
    return f"{what}: {why}" if why else what


def _rollback(at: Situation, condemned: QuarantineEntry, target: HistoryEntry) -> Draft:
    snapshot = record_of(at, target)
    return Draft(
        version=target.version,
        digest=target.digest,
        template=snapshot.template,
        record=snapshot.record,
        inputs_hash=target.inputs_hash,
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor=OPERATOR,
        reason=(
            f"{condemned.version} (revision {condemned.revision}) was found bad: {condemned.message}; "
            f"back to {target.version} of revision {target.revision}, the last one known good"
        ),
    )
