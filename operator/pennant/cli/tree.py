"""`get NAME` as text: the ModelDeployment, its revisions with ReplicaSets and pods, metrics and conditions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pennant.api.conditions import ConditionStatus, find
from pennant.api.history import BAD, HistoryEntry, Outcome
from pennant.api.meta import Json
from pennant.api.reasons import ConditionType
from pennant.cli import metric_lines, output, spans
from pennant.cli.children import Children, pod_status, readiness
from pennant.cli.forecast import forecast, verified_at
from pennant.cli.health import health
from pennant.cli.outcomes import outcome, undo_goes_to
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.rollout.progress import revision_to_look_at
from pennant.core.rollout.undo import undo_target

NEWEST = 5
"""Revisions that are shown whether or not they have a ReplicaSet."""
HEADER = ("NAME", "KIND", "STATUS", "AGE", "INFO")
WIDE_ENOUGH = 100
"""Columns of a terminal on which the tree has the column KIND."""
_OUTCOMES = {
    Outcome.VERIFIED: "✔",
    Outcome.SERVING: "✔",
    Outcome.IN_PROGRESS: "◌",
    Outcome.SUPERSEDED: "•",
    **dict.fromkeys(BAD, "✖"),
}
_PODS = {"Running": "✔", "Succeeded": "✔", "Pending": "◌", "ContainerCreating": "◌", "Terminating": "◌"}
Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Live:
    """A ModelDeployment and all that belongs to it at one moment."""

    snapshot: Snapshot
    created: str
    """Its `metadata.creationTimestamp`."""
    children: Children


def tree(live: Live, now: datetime, width: int | None = None) -> str:
    """Return the whole page, for a terminal of this width; None: no line is wrapped."""
    head, metrics = _head(live, now), metric_lines.rows(live.snapshot, now)
    header: Row = HEADER
    rows = list(_rows(live, now))
    if width is not None and width < WIDE_ENOUGH:
        # The signs say the kind as well.
        header, rows = (HEADER[0], *HEADER[2:]), [(row[0], *row[2:]) for row in rows]
    blocks = [output.pairs(head, width), output.table(header, rows, width)]
    if live.children.unread:
        blocks.append("\n".join(f"Not shown: {each}." for each in live.children.unread))
    if metrics:
        blocks.append(output.table(metric_lines.HEADER, metrics, width))
    said = {value: label for label, value in head} | {row[-1]: f"metric {row[0]}" for row in metrics}
    if conditions := _conditions(live.snapshot, now, said):
        blocks.append(output.table(("CONDITION", "STATUS", "REASON", "AGE", "MESSAGE"), conditions, width))
    return "\n\n".join(blocks)


def _head(live: Live, now: datetime) -> list[tuple[str, str]]:
    snapshot, status = live.snapshot, live.snapshot.status
    word, message = health(status)
    lines: list[tuple[str, str]] = [("Name", snapshot.key.name), ("Namespace", snapshot.key.namespace)]
    if not isinstance(spec := snapshot.spec, Invalid):
        lines.append(("Model", spec.model))
        target = status.desired.version if status.desired is not None else "no version yet"
        lines.append(("Version", spec.version) if spec.version is not None else ("Tag", f"{spec.tag} → {target}"))
    lines += [("Status", word.value), ("Message", message)]
    if pending := _pending(live, now):
        lines.append(("Not done yet", pending))
    if (serving := status.serving) is not None:
        since = f"since {output.moment(serving.since)}"
        lines.append(("Serving", f"{serving.version} (revision {serving.revision}, {since})"))
    if (stable := status.stable) is not None and stable.revision != _current_revision(live):
        lines.append(("Rollback target", f"{stable.version} (revision {stable.revision})"))
    undo = undo_target(status.history, status.quarantine, snapshot, "")
    if isinstance(undo, HistoryEntry):
        lines.append(("Undo goes to", undo_goes_to(undo)))
    if (workload := snapshot.workload) is not None:
        lines.append(
            (
                "Replicas",
                f"{workload.replicas} desired, {workload.total} total, {workload.updated} updated, "
                f"{workload.ready} ready, {workload.available} available",
            )
        )
    return [*lines, ("Verification", verification(snapshot, now))]


def _pending(live: Live, now: datetime) -> str:
    entry = revision_to_look_at(live.snapshot, (), now)
    pods = live.children.looked_at(live.snapshot, entry.template_hash) if entry is not None else None
    return forecast(live.snapshot, now, pods).pending


def verification(snapshot: Snapshot, now: datetime) -> str:
    """Return whether the current revision is verified, or how long that takes, or what it waits for."""
    active = current(snapshot.status.history)
    if active is None:
        return "nothing is deployed yet"
    what = f"{active.version} (revision {active.revision})"
    said = find(snapshot.status.conditions, ConditionType.VERIFIED)
    if active.verified_at is not None and (said is None or said.status is ConditionStatus.TRUE):
        return f"{what} was verified {spans.since(active.verified_at, now)} ago"
    if (at := verified_at(snapshot)) is not None:
        left = spans.left(at, now)
        when = "at its next check" if left == "now" else f"{left}, at {output.moment(at)},"
        return f"{what} is verified {when} if all metrics pass"
    return said.message if said is not None else f"{what} is not verified"


def _rows(live: Live, now: datetime) -> Iterator[Row]:
    snapshot = live.snapshot
    word, _ = health(snapshot.status)
    age = spans.age_of(live.created, now)
    yield (f"⟳ {snapshot.key.name}", "ModelDeployment", word.value, age, "")
    shown, hidden = _shown(live)
    for number, (entry, sets) in enumerate(shown):
        is_last = number == len(shown) - 1 and not hidden
        yield from _revision(live, entry, sets, "└──" if is_last else "├──", "   " if is_last else "│  ", now)
    if hidden:
        info = f"kubectl pennant history {snapshot.key.name}"
        yield (f"└──… {hidden} older revision{'s' * (hidden > 1)}", "", "", "", info)


def _shown(live: Live) -> tuple[list[tuple[HistoryEntry, tuple[Json, ...]]], int]:
    """Return the revisions to show, newest first, each with its ReplicaSets, and how many are left out.

    A ReplicaSet serves every revision with its pod template, and is shown with the newest of them.
    """
    taken: set[str] = set()
    shown, hidden = [], 0
    for number, entry in enumerate(reversed(live.snapshot.status.history)):
        sets = () if entry.template_hash in taken else live.children.of_template(entry.template_hash)
        taken.add(entry.template_hash)
        if number < NEWEST or sets:
            shown.append((entry, sets))
        else:
            hidden += 1
    return shown, hidden


def _current_revision(live: Live) -> int | None:
    found = current(live.snapshot.status.history)
    return None if found is None else found.revision


def _revision(
    live: Live, entry: HistoryEntry, sets: Sequence[Json], branch: str, rest: str, now: datetime
) -> Iterator[Row]:
    sign, word = _OUTCOMES.get(entry.outcome, "?"), outcome(entry, live.snapshot.status.history)
    stable = live.snapshot.status.stable
    info = [entry.version, str(entry.trigger)]
    if entry.ended_at is None:
        info.append("current")
    if stable is not None and stable.revision == entry.revision != _current_revision(live):
        info.append("rollback target")
    age = spans.since(entry.started_at, now)
    yield (f"{branch}# revision:{entry.revision}", "Revision", f"{sign} {word}", age, ", ".join(info))
    for number, each in enumerate(sets):
        yield from _replica_set(live, each, rest, is_last=number == len(sets) - 1, now=now)


def _replica_set(live: Live, raw: Json, rest: str, *, is_last: bool, now: datetime) -> Iterator[Row]:
    name, status = raw["metadata"]["name"], raw.get("status") or {}
    wanted, available = (raw.get("spec") or {}).get("replicas", 1), status.get("availableReplicas", 0)
    word = "• ScaledDown" if not wanted else "✔ Healthy" if available >= wanted else "◌ Progressing"
    age = spans.age_of(raw["metadata"].get("creationTimestamp"), now)
    info = f"available:{available}/{wanted}" if wanted else ""
    yield (f"{rest}{'└──' if is_last else '├──'}⧉ {name}", "ReplicaSet", word, age, info)
    rest += "   " if is_last else "│  "
    pods = live.children.pods_of(raw)
    for number, pod in enumerate(pods):
        yield _pod(pod, f"{rest}{'└──' if number == len(pods) - 1 else '├──'}", now)


def _pod(raw: Json, branch: str, now: datetime) -> Row:
    word, (ready, total, restarts) = pod_status(raw), readiness(raw)
    sign = _PODS.get(word, "✖")
    if sign == "✔" and ready < total and word == "Running":
        sign = "◌"
    age = spans.age_of(raw["metadata"].get("creationTimestamp"), now)
    return (
        f"{branch}□ {raw['metadata']['name']}",
        "Pod",
        f"{sign} {word}",
        age,
        f"ready:{ready}/{total},restarts:{restarts}",
    )


def _conditions(snapshot: Snapshot, now: datetime, said: Mapping[str, str]) -> list[Row]:
    """Return a row for each condition; a message that is on the page already is not repeated: `said` has its place."""
    places, rows = dict(said), list[Row]()
    for each in snapshot.status.conditions:
        place = places.setdefault(each.message, each.type)
        message = each.message if place == each.type else f"(see {place})"
        age = spans.since(each.last_transition_time, now)
        rows.append((each.type, each.status.value, each.reason, age, message))
    return rows
