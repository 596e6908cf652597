"""The answers of `audit` as text, as JSON and as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pennant.api.history import Evidence, HistoryEntry
from pennant.api.meta import rfc3339
from pennant.cli import output
from pennant.cli.actors import actor_is, in_full, who
from pennant.cli.auditing.timeline import NOT_RECORDED, Segment, Served, cause
from pennant.cli.outcomes import outcome

NOTES = (
    "A user without an addition is authenticated. A field manager, and the annotation pennant.dev/requested-by, are "
    "what the client said; without `governance.stamp`, only the audit log of the API server has the user.",
    "Times are those at which the operator saw a change. It does not record a loss of pods, or that the "
    "ModelDeployment was scaled to zero.",
)
UNKNOWN = "Not known: the archive has no progress of a revision between its record and its end. The cluster has it."
COLUMNS = (
    *(
        "from",
        "until",
        "served",
        "revision",
        "version",
        "digest",
        "trigger",
        "actor",
        "actor_is",
        "user",
        "command",
        "reason",
    ),
    *("cause", "started_at", "available_at", "rolled_out_at", "verified_at", "ended_at", "outcome", "evidence"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def moment_answer(
    name: str, at: datetime, served: Served, history: Sequence[HistoryEntry], width: int | None = None
) -> str:
    """Return the text that answers what served at a time, for a terminal of this width."""
    lines = [output.full_name(name), f"{output.moment(at)}: {headline(served, history)}"]
    named = (*served.serving, *([served.starting] if served.starting is not None else []))
    blocks = [_block(each, history, served.known_until, width) for each in named]
    notes = _notes([served]) if served.recorded else ()
    parts = [output.folded("\n".join(each), width) for each in (lines, notes)]
    return "\n\n".join((parts[0], *blocks, *(parts[1:] if notes else [])))


def headline(served: Served, history: Sequence[HistoryEntry]) -> str:
    """Return in one sentence what served."""
    if not served.recorded:
        if not history:
            return "not recorded; there is no history"
        there = f"the history has revisions {_numbers(history)}, from {output.moment(history[0].started_at)} on"
        return f"not recorded; {there}"
    if served.deleted_at is not None:
        return f"no version served; the ModelDeployment was deleted at {output.moment(served.deleted_at)}"
    if served.known_until is not None:
        until = output.moment(served.known_until)
        return f"not known after {until}; what is recorded until then: {_claim(replace(served, known_until=None))}"
    return _claim(served)


def _claim(served: Served) -> str:
    """Return what served at a time of which that is recorded."""
    named = [f"{each.version} (revision {each.revision})" for each in served.serving]
    if served.older:
        named.insert(0, "an older revision that is not recorded any more")
    starting = served.starting
    tail = f"; {starting.version} (revision {starting.revision}) had no available pod yet" if starting else ""
    match named:
        case []:
            return f"no version served{tail}"
        case [only] if served.certain:
            return f"{only} served, since {output.moment(served.serving[0].available_at)}{tail}"
        case [only]:
            return f"{only} served{tail}"
    all_of_them = f"{', '.join(named[:-1])} and {named[-1]} may {'both' if len(named) == 2 else 'all'}"
    return f"a rollout was in progress: {all_of_them} have received traffic{tail}"


def _numbers(history: Sequence[HistoryEntry]) -> str:
    """Return the numbers of revisions as spans, such as `1, 5-7`."""
    spans: list[list[int]] = []
    for each in history:
        if spans and spans[-1][-1] == each.revision - 1:
            spans[-1][1:] = [each.revision]
        else:
            spans.append([each.revision])
    return ", ".join("-".join(str(each) for each in span) for span in spans)


def _notes(served: Iterable[Served]) -> Sequence[str]:
    return (*([UNKNOWN] if any(each.known_until for each in served) else []), *NOTES)


def _until(entry: HistoryEntry, history: Sequence[HistoryEntry], known_until: datetime | None) -> str:
    if entry.ended_at is None:
        return "now" if known_until is None else f"not known after {output.moment(known_until)}"
    why = "replaced by the next revision"
    if entry == history[-1]:
        why = "the ModelDeployment was deleted" if known_until is None else "replaced by a revision that is missing"
    return f"{output.moment(entry.ended_at)} ({why})"


def _block(
    entry: HistoryEntry, history: Sequence[HistoryEntry], known_until: datetime | None, width: int | None
) -> str:
    is_unknown = known_until is not None and entry.ended_at is None

    def mark(time: datetime | None) -> str:
        return "not known" if time is None and is_unknown else output.moment(time)

    rows: list[tuple[str, str]] = [
        ("Version", entry.version),
        ("Revision", str(entry.revision)),
        ("Available since", mark(entry.available_at)),
        ("All pods since", mark(entry.rolled_out_at)),
        ("Current until", _until(entry, history, known_until)),
        ("Trigger", str(entry.trigger)),
        ("Actor", in_full(entry)),
        *((("Command", entry.command),) if entry.command else ()),
        ("Reason", entry.reason),
        *(("Cause", said(each)) for each in cause(entry, history)),
        ("Verified", mark(entry.verified_at)),
        ("Outcome", "not known" if is_unknown else outcome(entry, history)),
        *(("Failed by", said(each)) for each in entry.evidence),
        ("Digest", entry.digest),
    ]
    return output.pairs(rows, width)


def said(each: Evidence) -> str:
    """Return a measurement as a sentence."""
    return f"{each.metric} was {each.value}, {each.threshold}, in {each.breaches} checks, at {output.moment(each.at)}"


def timeline_table(name: str, segments: Iterable[Segment], width: int | None = None) -> str:
    """Return a timeline as a table for a terminal of this width.

    What is known of a revision is said once. A span within one second is left out if another row has its revision.
    """
    header = ("FROM", "UNTIL", "SERVED", "TRIGGER", "ACTOR", "WHY")
    segments = tuple(segments)
    rows = _rows(segments)
    if not rows:
        return f"{output.full_name(name)}\nNothing is recorded in this time."
    notes = _notes(each.served for each in segments)
    return "\n".join(
        (output.full_name(name), output.table(header, rows, width), "", output.folded("\n".join(notes), width))
    )


def _rows(segments: Sequence[Segment]) -> list[Sequence[str]]:
    lasting = [each for each in segments if each.end is None or output.moment(each.begin) != output.moment(each.end)]
    told = {revision for each in lasting for revision in _revisions(each)}
    kept = [each for each in segments if each in lasting or not told.issuperset(_revisions(each))]
    return [
        row if number == 0 or each.served.newest != kept[number - 1].served.newest else (*row[:3], "", "", "")
        for number, (each, row) in enumerate((each, _row(each)) for each in kept)
    ]


def _revisions(segment: Segment) -> set[int]:
    served = segment.served
    return {each.revision for each in (*served.serving, *([served.starting] if served.starting else []))}


def _row(segment: Segment) -> Sequence[str]:
    served, newest = segment.served, segment.served.newest
    span = (output.moment(segment.begin), output.moment(segment.end) if segment.end else "now")
    if served.deleted_at is not None:
        return (*span, "none", "Deleted", output.NONE, "the ModelDeployment was deleted")
    if newest is None:
        return (*span, "not recorded", *[output.NONE] * 3)
    what = _what(served)
    return (*span, what, str(newest.trigger), who(newest), newest.reason)


def _what(served: Served) -> str:
    named = [f"{each.version} ({each.revision})" for each in served.serving]
    if served.older:
        named.insert(0, "not recorded")
    starting = f"; {served.starting.version} ({served.starting.revision}) starts" if served.starting else ""
    what = f"{' or '.join(named) or 'none'}{starting}"
    return what if served.known_until is None else f"not known; last recorded: {what}"


def segment_json(segment: Segment, history: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Return a segment for programs."""
    served = segment.served
    return {
        "from": rfc3339(segment.begin),
        "until": rfc3339(segment.end) if segment.end else None,
        **served_json(served, history),
    }


def served_json(served: Served, history: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Return what served for programs; `certain` is false where several revisions may have received traffic.

    With `knownUntil` nothing is recorded after that time: `lastKnown` has the revisions, and `serving` is empty.
    """
    if served.known_until is not None:
        last = served_json(replace(served, known_until=None), history)
        known = {"serving": last["serving"], "starting": last["starting"]}
        whole = served_json(NOT_RECORDED, history)
        return {**whole, "knownUntil": rfc3339(served.known_until), "lastKnown": known}
    return {
        "recorded": served.recorded,
        "certain": served.certain,
        "olderRevisionsMayHaveServed": served.older,
        "serving": [_entry_json(each, history) for each in served.serving],
        "starting": _entry_json(served.starting, history) if served.starting else None,
        "deletedAt": rfc3339(served.deleted_at) if served.deleted_at else None,
        "knownUntil": None,
        "lastKnown": None,
    }


def _entry_json(entry: HistoryEntry, history: Sequence[HistoryEntry]) -> dict[str, Any]:
    causes = [each.to_json() for each in cause(entry, history)]
    said = {"actorIs": actor_is(entry), "actorAuthenticated": False, "user": entry.user}
    return {**entry.to_json(), **said, "cause": causes}


def timeline_csv(segments: Iterable[Segment], history: Sequence[HistoryEntry]) -> str:
    """Return a timeline as CSV: one row for each revision of each segment."""
    rows = [row for each in segments for row in _csv_rows(each, history)]
    return csv_text(COLUMNS, rows)


def _csv_rows(segment: Segment, history: Sequence[HistoryEntry]) -> Iterable[Sequence[str]]:
    span = (rfc3339(segment.begin), rfc3339(segment.end) if segment.end else "")
    served = segment.served
    if not served.recorded or served.older:
        yield (*span, "not recorded", *[""] * (len(COLUMNS) - 3))
    if served.deleted_at is not None:
        yield (*span, "deleted", *[""] * (len(COLUMNS) - 3))
    is_known = served.known_until is None
    for each in served.serving:
        yield (*span, "yes" if served.certain else "possibly" if is_known else "not known", *_cells(each, history))
    if served.starting is not None:
        yield (*span, "no" if is_known else "not known", *_cells(served.starting, history))


def _cells(entry: HistoryEntry, history: Sequence[HistoryEntry]) -> Sequence[str]:
    marks = (entry.started_at, entry.available_at, entry.rolled_out_at, entry.verified_at, entry.ended_at)
    return (
        *(str(entry.revision), entry.version, entry.digest, str(entry.trigger), entry.actor, actor_is(entry)),
        *(entry.user or "", entry.command or "", entry.reason, "; ".join(said(each) for each in cause(entry, history))),
        *(rfc3339(each) if each else "" for each in marks),
        *(str(entry.outcome), "; ".join(said(each) for each in entry.evidence)),
    )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    # A spreadsheet takes a cell that begins with one of these signs for a formula, and others wrote the texts.
    writer.writerows([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row] for row in rows)
    return text.getvalue().rstrip("\n")
