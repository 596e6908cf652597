"""Whether the history is what was recorded: each entry of the status against its ControllerRevision and its neighbours.

The judgement is the operator's own; here it is told for each revision.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from pydantic.alias_generators import to_camel

from pennant.api.deployment_status import OlderRevision
from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.rollout.history import altered
from pennant.core.rollout.integrity import examined
from pennant.core.rollout.revision import entry_hash

UNREADABLE = "its ControllerRevision cannot be read, or something else has its name"

RESTORES = "; the operator restores it"


class State(StrEnum):
    """What became of the record of one revision."""

    INTACT = "intact"
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Link:
    """One revision of the chain."""

    revision: int
    version: str
    """Empty where nothing readable tells it."""
    hash: str
    state: State
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """The result for a whole history."""

    links: tuple[Link, ...]
    notes: tuple[str, ...]
    """What cannot be checked, and is no problem by itself."""
    gaps: tuple[str, ...] = ()
    """The `notes` about revisions of which nothing is recorded: an archive may have them."""
    documents: tuple[str, ...] = ()
    """Why documents of an archive cannot be used, or are not where they belong; each names its file."""

    @property
    def intact(self) -> bool:
        """Whether nothing is missing or changed."""
        return not self.documents and all(each.state is State.INTACT for each in self.links)

    @property
    def newest(self) -> Link | None:
        """The last link whose hash is known; it covers all before it. None: there is no history."""
        return next((each for each in reversed(self.links) if each.hash), None)


def checked(snapshot: Snapshot, now: datetime, repair: str = RESTORES) -> Chain:
    """Return what is intact, missing and changed in the history of a ModelDeployment.

    `repair` says what happens with an entry that was changed; it is empty for a document, which nothing repairs.
    """
    sound = examined(snapshot)
    entries = {each.revision: each for each in snapshot.status.history}
    records = {each.entry.revision: each for each in sound.revisions}
    says = {number: each.says for number, each in sound.untrusted.items() if each.says}
    unread = dict.fromkeys(snapshot.taken - records.keys() - sound.untrusted.keys(), UNREADABLE)
    older = {each.revision: each for each in snapshot.status.older_revisions}
    numbers = sorted(entries.keys() | older.keys() | records.keys() | says.keys() | unread.keys())
    links = tuple(_link(number, older, entries, records, unread | says, now, repair) for number in numbers)
    gaps = tuple(_gaps(numbers))
    return Chain(links, (*gaps, *_unlisted(entries, records)), gaps)


def _link(
    number: int,
    older: Mapping[int, OlderRevision],
    entries: Mapping[int, HistoryEntry],
    records: Mapping[int, Revision],
    untrusted: Mapping[int, str],
    now: datetime,
    repair: str,
) -> Link:
    entry, record = entries.get(number), records.get(number)
    problems = [*_changed(entry, record, entries.get(number - 1), now, repair)]
    if number in untrusted:
        problems.insert(0, untrusted[number])
    state = State.CHANGED if problems else State.INTACT
    if record is None and number not in untrusted:
        problems.insert(0, f"the ControllerRevision of revision {number} is missing")
        state = State.MISSING
    known = record.entry if record is not None else entry
    named = known or older.get(number)
    return Link(number, named.version if named else "", named.hash if named else "", state, tuple(problems))


def _changed(
    entry: HistoryEntry | None, record: Revision | None, before: HistoryEntry | None, now: datetime, repair: str
) -> Iterator[str]:
    """Yield what of an entry of the status is not as it was recorded."""
    if entry is None:
        return
    if record is None:
        if entry_hash(entry) != entry.hash:
            yield "its entry in status.history does not match its own hash"
    elif names := altered(entry, record, now):
        listed = ", ".join(to_camel(name) for name in names)
        yield f"its entry in status.history differs from its ControllerRevision in {listed}{repair}"
    if before is not None and entry.previous_hash != before.hash:
        yield f"its entry in status.history does not follow that of revision {before.revision}"


def _gaps(numbers: list[int]) -> Iterator[str]:
    """Yield which revisions are not recorded, before the first of these and between them."""
    if numbers and numbers[0] > 1:
        yield f"Revisions before {numbers[0]} are not recorded any more: spec.historyLimit removes the oldest ones."
    for before, number in pairwise(numbers):
        if number > before + 1:
            gap = str(before + 1) if number == before + 2 else f"{before + 1} to {number - 1}"
            yield f"Of revision {gap} nothing is recorded: removed by spec.historyLimit, or deleted everywhere."


def _unlisted(entries: Mapping[int, HistoryEntry], records: Mapping[int, Revision]) -> Iterator[str]:
    """Yield which revisions the status does not list."""
    if extra := sorted(records.keys() - entries.keys()):
        listed = ", ".join(str(each) for each in extra)
        yield f"Only a ControllerRevision tells of revision {listed}; the operator adds it to status.history."
