"""The tags of GTO as a journal: which versions are registered, and which stages each has now. Nothing is read here.

`churn@v1.2.0` registers a version, `churn@v1.2.0!#4` takes it back, `churn#prod#3` assigns a stage to the version of
the commit, `churn#prod!#5` takes that back, and `churn@deprecated#6` retires the model. A tag without annotation is
none of GTO. The model `churn` of the directory `sub` is `sub:churn`, and `sub=churn` in tags.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pennant.registries.git import tag_names
from pennant.registries.git.repository import Tag

FORM = "churn@v1.2.3"
_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?"
_VERSION = r"v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_TAG = re.compile(
    rf"(?P<model>(?:[a-zA-Z0-9_./-]+=)?{_NAME})"
    rf"(?:(?:#(?P<stage>{_NAME})|@(?P<version>{_VERSION}))(?P<is_off>!?)|@(?P<other>deprecated|created))"
    r"(?:#(?P<counter>\d{1,9}))?"
)


@dataclass(frozen=True, slots=True)
class Event:
    """What a tag of GTO does."""

    tag: Tag
    model: str
    version: str | None
    stage: str | None
    is_off: bool
    is_deprecation: bool
    counter: int

    @property
    def order(self) -> tuple[datetime, int, str]:
        """The place in the journal. Tags of one second are in the order of their counters."""
        return self.tag.at, self.counter, self.tag.name


@dataclass(frozen=True, slots=True)
class Registered:
    """A version of a model."""

    model: str
    version: str
    tag: Tag
    ended: Tag | None = None
    """The tag that took the registration back; None: it counts."""

    @property
    def at(self) -> datetime:
        """When it was registered."""
        return self.tag.at


@dataclass(slots=True)
class Journal:
    """What the tags say of one model."""

    versions: list[Registered] = field(default_factory=list)
    """All that were ever registered, the oldest first."""
    stages: dict[str, str] = field(default_factory=dict)
    """The version that has each stage: of those to which it is assigned, the one to which it was assigned last."""
    unregistered: dict[str, list[str]] = field(default_factory=dict)
    """Stages of commits that are no registered version, by commit."""
    deprecated: Tag | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    """By version: the highest one of the lower versions that counted when it was registered."""

    def aliases(self, version: str) -> tuple[str, ...]:
        """Return the stages of a version."""
        return tuple(sorted(stage for stage, holder in self.stages.items() if holder == version))


def event(tag: Tag) -> Event | None:
    """Return what a tag does; None: it is none of GTO."""
    parts = _TAG.fullmatch(tag.name) if tag.is_annotated and tag.kind == "commit" else None
    if parts is None or parts["other"] == "created":
        return None
    return Event(
        tag=tag,
        model=parts["model"].replace("=", ":"),
        version=parts["version"],
        stage=parts["stage"],
        is_off=parts["is_off"] == "!",
        is_deprecation=parts["other"] == "deprecated",
        counter=int(parts["counter"] or 0),
    )


def journals(tags: Iterable[Tag]) -> Mapping[str, Journal]:
    """Return the journal of each model that has a registered version or a stage, by name."""
    events: dict[str, list[Event]] = {}
    for each in filter(None, map(event, tags)):
        events.setdefault(each.model, []).append(each)
    return {model: _journal(sorted(events[model], key=lambda each: each.order)) for model in sorted(events)}


def _journal(events: Sequence[Event]) -> Journal:
    found = Journal()
    ends = {each.version: each.tag for each in events if each.version is not None and each.is_off}
    for each in events:
        if each.version is not None and not each.is_off:
            end = ends.get(each.version)
            counts = end is None or end.at < each.tag.at
            found.versions.append(Registered(each.model, each.version, each.tag, None if counts else end))
    ended = {each.version: each.ended.at for each in found.versions if each.ended is not None}
    found.parents = tag_names.parents(found.versions, ended)
    found.deprecated = next((each.tag for each in reversed(events) if each.is_deprecation), None)
    _stages(found, events)
    return found


def _stages(found: Journal, events: Sequence[Event]) -> None:
    """Set the stages. One that is assigned to a deregistered version is left out."""
    by_commit = {each.tag.target: each for each in found.versions}
    assigned: dict[str, dict[str, None]] = {}
    for each in events:
        if each.stage is not None:
            holders = assigned.setdefault(each.stage, {})
            holders.pop(each.tag.target, None)
            if not each.is_off:
                holders[each.tag.target] = None
    for stage, commits in assigned.items():
        for commit in commits:
            version = by_commit.get(commit)
            if version is None:
                found.unregistered.setdefault(commit, []).append(stage)
            elif version.ended is None:
                # The last one counts.
                found.stages[stage] = version.version
