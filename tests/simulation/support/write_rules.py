"""What must hold of every single write of an operator: the world before it, and the one after it."""

from collections.abc import Callable
from dataclasses import replace

from pennant.api.analysis import Metric, MetricMode, OnUnknown
from pennant.api.conditions import find
from pennant.api.deployment_status import MetricState, ModelDeploymentStatus
from pennant.api.history import BAD, Outcome, QuarantineEntry, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.analysis.reading import FAULT_REASONS
from pennant.core.facts.observation import Key, Revision
from pennant.core.rollout.revision import FIXED, pair, with_restart
from pennant.core.rollout.rollback import quarantine_entry
from pennant.core.status.urgency import LONGEST_WAIT
from simulation.support.objects import Deployment
from simulation.support.world import Record, World

Invariant = Callable[[World, World, Key], None]

FURTHER = {
    Outcome.IN_PROGRESS: frozenset(Outcome),
    Outcome.SERVING: frozenset(Outcome) - {Outcome.IN_PROGRESS},
    Outcome.VERIFIED: frozenset(Outcome) - {Outcome.IN_PROGRESS, Outcome.SERVING},
}
"""What may become of a revision that has not ended; one that has stays what it is."""
MARKS = ("available_at", "rolled_out_at", "verified_at", "ended_at")

ALWAYS_COMPUTED = ("Ready", "Reconciling", "Stalled")
"""Conditions that each pass computes, also one that decides nothing."""


def the_record_comes_before_its_entry(before: World, now: World, key: Key) -> None:
    """A new entry of the history has a record that was written before."""
    was, record = _both(before, now, key)
    new = _numbers(record.status) - _numbers(was.status)
    assert all((was.uid, number) in before.recorded for number in new)


def the_record_comes_before_the_deployment(before: World, now: World, key: Key) -> None:
    """A Deployment that is written shows a revision by exactly its recorded template, and none older than before.

    So no template is ever served that is not on record, and nothing comes back by a view that is old: neither what the
    status has left behind, nor what the Deployment itself has. A restart by hand stands on record beside the template.
    """
    was, _ = _both(before, now, key)
    if (shown := _applied(before, now, key)) is None:
        return
    number = int(shown.manifest["metadata"]["annotations"]["pennant.dev/revision"])
    assert (was.uid, number) in before.recorded, "the record is there before the Deployment shows its revision"
    assert number >= max(_numbers(was.status), default=0), "the newest revision of the history, or its successor"
    if (old := before.deployments.get(key)) is not None and old.owner == was.uid:
        assert number >= old.shown_revision, "a revision that the Deployment has left behind stays behind"
    recorded = before.recorded[was.uid, number]
    restarted = with_restart(recorded.template, recorded.entry.restarted_at or "")
    assert shown.applied in (recorded.template, restarted), "what is applied is what was recorded"


def what_was_recorded_is_never_changed(before: World, now: World, key: Key) -> None:
    """A record never changes but for its progress; it is deleted once the history no longer has its entry."""
    was, record = _both(before, now, key)
    for number, each in was.revisions.items():
        if number in record.revisions:
            assert _content(record.revisions[number]) == _content(each)
        else:
            assert number not in _numbers(was.status) | _numbers(record.status)


def the_history_only_goes_on(before: World, now: World, key: Key) -> None:
    """An entry keeps its fixed part and the marks that were made on it, and what has ended stays as it ended.

    What somebody wrote over is put right from its record.
    """
    was, record = _both(before, now, key)
    known = {each.revision: each for each in was.status.history}
    for entry in record.status.history:
        if (old := known.get(entry.revision)) is None or old == entry:
            continue
        recorded = was.revisions.get(entry.revision)
        kept, noted = (recorded.entry, recorded.latest) if recorded is not None else (old, old)
        assert all(getattr(entry, name) == getattr(kept, name) for name in FIXED)
        made = [
            mark for mark in MARKS if getattr(old, mark) is not None and getattr(entry, mark) != getattr(noted, mark)
        ]
        marks = [(getattr(old, mark), getattr(entry, mark)) for mark in made]
        # What lies in the future was marked by a clock that was set back since.
        assert all(old_mark == mark or old_mark > now.time for old_mark, mark in marks)
        if old.outcome is not entry.outcome:
            assert old.ended_at is None
            assert entry.outcome in FURTHER.get(old.outcome, ())


def only_the_limit_takes_entries_away(before: World, now: World, key: Key) -> None:
    """Entries leave the history only by its limit: the newest stay, but for one place for the rollback target."""
    was, record = _both(before, now, key)
    gone = _numbers(was.status) - _numbers(record.status)
    if not gone:
        return
    limit = ModelDeploymentSpec.model_validate(record.spec).history_limit
    newest = sorted(_numbers(was.status) | _numbers(record.status))[-(limit - 1) :]
    assert gone.isdisjoint(newest)
    assert len(record.status.revisions) >= limit


def a_new_revision_takes_the_next_number(before: World, now: World, key: Key) -> None:
    """One decision makes one record, and its number is one more than any that is known."""
    was, record = _both(before, now, key)
    left = before.orphans.get(key, {})
    new = record.revisions.keys() - was.revisions.keys() - left.keys()
    known = {0, *was.revisions, *left, *_numbers(was.status), *before.left_behind.get(key, ())}
    assert new <= {max(known) + 1}


def what_the_tag_promotes_holds_it(before: World, now: World, key: Key) -> None:
    """What is recorded because the tag moved is of a version that carries the tag, by its record of now."""
    if (new := _recorded(before, now, key)) is None or new.entry.trigger is not Trigger.TAG_MOVED:
        return
    tag = ModelDeploymentSpec.model_validate(now.records[key].spec).tag
    assert any(tag in each.tags and each.digest == new.entry.digest for each in now.versions.values())


def nothing_found_bad_comes_back_by_itself(before: World, now: World, key: Key) -> None:
    """Neither the tag nor a rollback brings a quarantined content back; a person may, and its own other template.

    Where the status was lost, what the ModelVersions say of the quarantine counts.
    """
    if (new := _recorded(before, now, key)) is None:
        return
    entry, status = new.entry, before.records[key].status
    in_place = status.history[-1].digest if status.history else ""
    by_itself = entry.trigger in (Trigger.TAG_MOVED, Trigger.AUTOMATIC_ROLLBACK)
    if by_itself or (entry.trigger is Trigger.SPEC_CHANGED and entry.digest != in_place):
        assert quarantine_entry(*pair(entry), status.quarantine) is None
        if not status.history and not status.quarantine and status.desired is None:
            mirrors = [m for each in now.versions.values() for m in each.quarantined_by if m.deployment == key.name]
            assert all((m.digest, m.inputs_hash or pair(entry)[1]) != pair(entry) for m in mirrors)


def a_rollback_goes_to_what_was_known_good(before: World, now: World, key: Key) -> None:
    """It follows a quarantine that is on record, and goes to another content that was known good, by its old template.

    Or to the same content with another pod template with which it was known good. Since then it did not fail.
    """
    new = _recorded(before, now, key)
    if new is None or new.entry.trigger is not Trigger.AUTOMATIC_ROLLBACK:
        return
    status = before.records[key].status
    if not status.history:
        known = (each for each in now.versions.values() if each.digest == new.entry.digest)
        assert any(served.deployment == key.name for each in known for served in each.verified_periods)
        return
    *_, active = status.history
    assert any((q.digest, q.revision) == (active.digest, active.revision) for q in status.quarantine)
    assert pair(new.entry) != pair(active)
    same = [each for each in status.history if pair(each) == pair(new.entry)]
    assert any(each.verified_at is not None and each.template_hash == new.entry.template_hash for each in same)
    assert same[-1].outcome not in (Outcome.ROLLED_BACK, Outcome.FAILED)


def no_more_rollbacks_follow_each_other_than_the_limit_allows(before: World, now: World, key: Key) -> None:
    """What was gone back to becomes known good before the next rollback, or `rollback.limit` allows another one.

    A restart in between is no other attempt.
    """
    new = _recorded(before, now, key)
    if new is None or new.entry.trigger is not Trigger.AUTOMATIC_ROLLBACK:
        return
    in_a_row = 0
    for each in reversed(before.records[key].status.history):
        if each.verified_at is not None or each.trigger not in (Trigger.AUTOMATIC_ROLLBACK, Trigger.RESTART):
            break
        in_a_row += each.trigger is Trigger.AUTOMATIC_ROLLBACK
    assert in_a_row < ModelDeploymentSpec.model_validate(now.records[key].spec).rollback.limit


def a_verdict_is_about_the_revision_in_place(before: World, now: World, key: Key) -> None:
    """What is newly quarantined is the content of the revision that the history says is in place."""
    was, record = _both(before, now, key)
    if was.status.history and was.status.history[-1].revision in _numbers(record.status):
        for each in _condemned(before, now, key):
            assert each.revision == was.status.history[-1].revision
            assert each.reason == Reason.UNDONE or each.digest == was.status.history[-1].digest


def not_knowing_is_neither_good_nor_bad(before: World, now: World, key: Key) -> None:
    """A content is found bad by a metric only where that metric is said to breach, and good only where all pass.

    Where a user has not knowing ignored, what cannot be told need not pass; it is said to be unknown all the same. What
    its record says already is only told anew, where somebody wrote an older status.
    """
    was, record = _both(before, now, key)
    healthy = find(record.status.conditions, "MetricsHealthy")
    for each in _condemned(before, now, key):
        if was.status.history and each.reason == Reason.METRIC_BREACH:
            assert healthy is not None
            assert healthy.status.value == "False"
    noted = {number for number, each in was.revisions.items() if each.latest.verified_at is not None}
    known = {each.revision for each in was.status.history if each.verified_at is None} - noted
    for entry in record.status.history:
        if entry.revision in known and entry.verified_at is not None:
            # Where another one takes its place in the same moment, what is said now is about that one.
            assert _nothing_speaks_against_it(record if entry.ended_at is None else was)


def no_write_is_in_vain(before: World, now: World, key: Key) -> None:
    """A status or a note on a record that is written says something else than before."""
    was, record = _both(before, now, key)
    written = was.resource_version != record.resource_version
    assert not written or record.status != was.status
    noted = [each for number, each in record.revisions.items() if was.revisions.get(number) not in (None, each)]
    assert all(each.mirrored != was.revisions[each.entry.revision].mirrored for each in noted)


def a_condition_keeps_its_time_until_its_status_changes(before: World, now: World, key: Key) -> None:
    """What is written is about the generation that was seen, and `lastTransitionTime` moves with `status` alone.

    Where nothing is decided, the conditions that are not computed stay as they were, and an adoption of a Deployment
    writes `applied` alone. A time of a clock that was set back since counts as now.
    """
    was, record = _both(before, now, key)
    if record.status.model_copy(update={"applied": was.status.applied}) == was.status:
        return
    assert record.status.observed_generation == was.generation
    for each in record.status.conditions:
        old = find(was.status.conditions, each.type)
        if each == old and each.type not in ALWAYS_COMPUTED:
            continue
        assert each.observed_generation == was.generation
        stays = old is not None and old.status is each.status
        if old is not None and stays:
            assert each.last_transition_time == min(old.last_transition_time, now.time)
        else:
            # A status may wait a moment for more to write.
            assert now.time - LONGEST_WAIT <= each.last_transition_time <= now.time


def what_users_wrote_is_left_alone(before: World, now: World, key: Key) -> None:
    """No spec, annotation or tag is written, and of a version nothing but this ModelDeployment's own mark."""
    was, record = _both(before, now, key)
    assert (record.spec, record.annotations, record.generation) == (was.spec, was.annotations, was.generation)
    assert now.versions.keys() == before.versions.keys()
    for where, each in now.versions.items():
        old = before.versions[where]
        if each is not old:
            assert (each.tags, each.record, each.uid) == (old.tags, old.record, old.uid)
            others = [[m for m in v.quarantined_by if m.deployment != key.name] for v in (each, old)]
            assert others[0] == others[1]


def what_others_own_is_left_alone(before: World, now: World, key: Key) -> None:
    """Other ModelDeployments, what belongs to them, and a Deployment that is nobody's or somebody else's."""
    was = before.records.get(key)
    assert {**before.records, key: None} == {**now.records, key: None}
    for other in {*before.deployments, *now.deployments}:
        old = before.deployments.get(other)
        if other != key or (old is not None and was is not None and old.owner != was.uid):
            new = now.deployments.get(other)
            assert new == old or (
                other == key and (_is_taken_up(before, old, new) or _is_let_go(before, key, old, new))
            )
    assert {**before.let_go, key: None} == {**now.let_go, key: None}


def what_is_made_is_where_its_owner_is(before: World, now: World, key: Key) -> None:
    """The Deployment has the name and the namespace of its ModelDeployment, and names it as its owner by uid."""
    if (shown := _applied(before, now, key)) is None:
        return
    metadata = shown.manifest["metadata"]
    assert (metadata["namespace"], metadata["name"]) == (key.namespace, key.name)
    assert [each["uid"] for each in metadata["ownerReferences"]] == [now.records[key].uid]


def the_number_of_pods_is_left_to_the_autoscaler(before: World, now: World, key: Key) -> None:
    """Where the ModelDeployment says no number of pods, what is applied says none."""
    if (shown := _applied(before, now, key)) is not None:
        assert ("replicas" in shown.manifest["spec"]) == ("replicas" in now.records[key].spec)


def what_is_going_away_is_left_alone(before: World, now: World, key: Key) -> None:
    """Nothing is written for a ModelDeployment that was seen to be deleted, or is gone.

    A pass that has begun goes on where somebody deletes it in between.
    """
    was = before.records.get(key)
    assert was is not None
    assert not was.seen_to_go


WRITES: tuple[Invariant, ...] = (
    what_is_going_away_is_left_alone,
    the_record_comes_before_its_entry,
    the_record_comes_before_the_deployment,
    what_was_recorded_is_never_changed,
    the_history_only_goes_on,
    only_the_limit_takes_entries_away,
    a_new_revision_takes_the_next_number,
    what_the_tag_promotes_holds_it,
    nothing_found_bad_comes_back_by_itself,
    a_rollback_goes_to_what_was_known_good,
    no_more_rollbacks_follow_each_other_than_the_limit_allows,
    a_verdict_is_about_the_revision_in_place,
    not_knowing_is_neither_good_nor_bad,
    no_write_is_in_vain,
    a_condition_keeps_its_time_until_its_status_changes,
    what_users_wrote_is_left_alone,
    what_others_own_is_left_alone,
    what_is_made_is_where_its_owner_is,
    the_number_of_pods_is_left_to_the_autoscaler,
)


def _both(before: World, now: World, key: Key) -> tuple[Record, Record]:
    return before.records[key], now.records[key]


def _numbers(status: ModelDeploymentStatus) -> set[int]:
    return {each.revision for each in status.history}


def _content(revision: Revision) -> object:
    return revision.entry, revision.template, revision.record


def _nothing_speaks_against_it(record: Record) -> bool:
    """Return whether all metrics are said to pass, but for those that cannot be told and are to be ignored then."""
    healthy = find(record.status.conditions, "MetricsHealthy")
    assert healthy is not None
    if healthy.status.value != "Unknown":
        return healthy.status.value == "True"
    unknown = {each.name: each.reason for each in record.status.analysis if each.state is MetricState.UNKNOWN}
    metrics = ModelDeploymentSpec.model_validate(record.spec).analysis.metrics
    enforced = [each for each in metrics if each.name in unknown and each.mode is MetricMode.ENFORCE]
    return bool(enforced) and all(_is_ignored(each, unknown[each.name]) for each in enforced)


def _is_ignored(metric: Metric, reason: str) -> bool:
    """Return whether nothing follows where this metric cannot be told for this reason."""
    told = metric.on_error if reason in FAULT_REASONS.values() else metric.on_no_data
    return told.value == OnUnknown.IGNORE and reason != Reason.AWAITING_FIRST_CHECK


def _recorded(before: World, now: World, key: Key) -> Revision | None:
    """Return the record that was made by this write; None: none was."""
    was, record = _both(before, now, key)
    known = was.revisions.keys() | before.orphans.get(key, {}).keys()
    return next((each for number, each in record.revisions.items() if number not in known), None)


def _is_taken_up(before: World, old: Deployment | None, new: Deployment | None) -> bool:
    """Return whether a Deployment that belonged to nobody has got an owner, and is otherwise as it was."""
    if old is None or new is None or (old.owner and old.owner not in before.gone):
        return False
    return replace(new, owner=old.owner, resource_version=old.resource_version) == old


def _is_let_go(before: World, key: Key, old: Deployment | None, new: Deployment | None) -> bool:
    """Return whether a Deployment is deleted without its pods, and the status said before that this very one will be.

    Rule: R126.
    """
    if old is None or new is None or not new.lets_go or old.lets_go:
        return False
    said, is_asked_for = before.records[key].status.adoption, before.records[key].spec.get("adopt", False)
    assert said is not None, "the intent is there before the Deployment goes"
    assert (said.uid, said.generation, is_asked_for) == (old.uid, old.generation, True)
    return replace(new, deleting=False, lets_go=False, resource_version=old.resource_version) == old


def _condemned(before: World, now: World, key: Key) -> set[QuarantineEntry]:
    """Return what is newly quarantined, but for what a ModelVersion or a record of a revision has said before."""
    was, record = _both(before, now, key)
    marks = {
        (mark.digest, mark.revision)
        for each in before.versions.values()
        for mark in each.quarantined_by
        if mark.deployment == key.name
    }
    marks |= {(each.latest.digest, number) for number, each in was.revisions.items() if each.latest.outcome in BAD}
    new = set(record.status.quarantine) - set(was.status.quarantine)
    return {each for each in new if (each.digest, each.revision) not in marks}


def _applied(before: World, now: World, key: Key) -> Deployment | None:
    """Return the Deployment where this write was one to it; None: it was another write, or one that changed nothing."""
    old, new = before.deployments.get(key), now.deployments.get(key)
    if new is None or (old is not None and new.resource_version == old.resource_version):
        return None
    return None if _is_taken_up(before, old, new) or _is_let_go(before, key, old, new) else new
