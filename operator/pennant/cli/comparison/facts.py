"""What differs between two versions: recorded metrics, fields of the record, completeness, and the required bump."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.api.number import number_text
from pennant.api.recorded_metric import RecordedMetric
from pennant.api.version_status import Bump, ComputedBump, ServedBy
from pennant.cli.comparison.live import Live
from pennant.core.facts.digest import content_digest
from pennant.core.versions import completeness
from pennant.core.versions.bump import computed_bump
from pennant.core.versions.compare import Compared, Number, compare_records, values
from pennant.core.versions.semver import is_semantic, precedence_key


class Result(StrEnum):
    """What a recorded metric says of the second version."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    NOT_COMPARABLE = "not comparable"


class Section(StrEnum):
    """The part of a record that a difference belongs to, in the order in which they are shown."""

    PARAMETERS = "Parameters"
    DATA = "Data"
    CODE = "Code"
    ENVIRONMENT = "Environment"
    MODEL = "Model"
    SERVING = "Serving"
    RECORD = "Record"


SECTIONS: Mapping[str, Section] = {
    "hyperparameters": Section.PARAMETERS,
    "datasets": Section.DATA,
    "code": Section.CODE,
    "preprocessing": Section.CODE,
    "environment": Section.ENVIRONMENT,
    "artifacts": Section.MODEL,
    "schema": Section.MODEL,
    "serving": Section.SERVING,
}
"""The section of each field of a record; all others belong to `RECORD`."""
ELSEWHERE = frozenset({"model", "version", "metrics", "tags"})
"""Fields that are shown otherwise, or differ in any case."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions."""

    name: str
    """Name of the ModelVersion."""
    spec: ModelVersionSpec
    record: Json
    """The spec as it is stored."""
    served_by: tuple[ServedBy, ...] = ()
    """`status.servedBy`; empty where there is no status, as in a manifest."""

    @property
    def version(self) -> str:
        """The semantic version."""
        return self.spec.version

    @property
    def digest(self) -> str:
        """Digest of its content, by which a history knows it."""
        return content_digest(self.record)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One recorded metric of both records."""

    number: Number
    before: RecordedMetric | None
    after: RecordedMetric | None
    result: Result
    delta: Decimal | None = None
    """Second value minus first; None where they cannot be compared."""
    percent: Decimal | None = None
    """The delta in percent of the first value; None where that is zero."""
    why: str = ""
    """Why it cannot be compared."""

    @property
    def improvement(self) -> Decimal | None:
        """The percentage, positive where the second version is better."""
        if self.percent is None:
            return None
        return abs(self.percent) if self.result is not Result.WORSE else -abs(self.percent)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the record that differs; None: the record does not have it."""

    section: Section
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs."""

    before: Side
    after: Side
    metrics: tuple[MetricRow, ...]
    changes: tuple[Change, ...]
    bump: ComputedBump
    """The bump that the differences require, as if the first version were the parent of the second."""
    step: Bump
    """The bump between the two version numbers."""
    live: tuple[Live, ...] = ()

    @property
    def step_is_too_small(self) -> bool:
        """Whether the differences require a larger bump than the version numbers have."""
        if not {self.bump.bump, self.step} <= set(LARGER):
            return False
        return LARGER.index(self.bump.bump) < LARGER.index(self.step)


LARGER = (Bump.MAJOR, Bump.MINOR, Bump.PATCH, Bump.NONE)


def compared(before: Side, after: Side, live: tuple[Live, ...] = ()) -> Comparison:
    """Return the comparison of two versions; `before` is what the deltas are relative to."""
    return Comparison(
        before,
        after,
        tuple(_metrics(before.spec, after.spec)),
        tuple(changes(before.record, after.record)),
        computed_bump(after.spec, before.spec),
        step(before.version, after.version),
        live,
    )


def _metrics(before: ModelVersionSpec, after: ModelVersionSpec) -> Iterator[MetricRow]:
    earlier, later = values(before), values(after)
    for number, found in compare_records(after, before).items():
        old, new = (next(iter(each.get(number, ())), None) for each in (earlier, later))
        if not isinstance(found, Compared):
            yield MetricRow(number, old, new, Result.NOT_COMPARABLE, why=found.why)
            continue
        delta = found.candidate - found.present
        percent = delta / abs(found.present) * 100 if found.present else None
        result = Result.SAME if not found.regression else Result.WORSE if found.regression > 0 else Result.BETTER
        yield MetricRow(number, old, new, result, delta, percent)


def step(before: str, after: str) -> Bump:
    """Return the part of the semantic version in which two versions differ first; Unknown without semantic versions."""
    if not (is_semantic(before) and is_semantic(after)):
        return Bump.UNKNOWN
    old, new = precedence_key(before), precedence_key(after)
    if old.major != new.major:
        return Bump.MAJOR
    if old.minor != new.minor:
        return Bump.MINOR
    return Bump.PATCH if old.patch != new.patch else Bump.NONE


def missing(side: Side) -> tuple[str, ...]:
    """Return the elements of a complete record that a version lacks."""
    return tuple(each.value for each in completeness.missing(side.spec))


def changes(before: Json, after: Json) -> Iterator[Change]:
    """Yield the fields in which two records differ, by section; without metrics and tags."""
    old, new = flat(before), flat(after)
    sections = list(Section)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name) and name[0] not in ELSEWHERE]
    for name in sorted(names, key=lambda each: (sections.index(_section(each)), each)):
        yield Change(_section(name), ".".join(name), old.get(name), new.get(name))


def _section(name: tuple[str, ...]) -> Section:
    return SECTIONS.get(name[0], Section.RECORD)


def flat(record: Json) -> dict[tuple[str, ...], str]:
    """Return the values of a record by their path; an item of a list goes by its name."""
    return dict(_flat(record, ()))


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case dict():
            for name, each in value.items():
                yield from _flat(each, (*path, str(name)))
        case [*items] if items and all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in items):
            for each in items:
                yield from _item({name: one for name, one in each.items() if name != "name"}, (*path, each["name"]))
        case None:
            return
        case str():
            yield path, value
        case _:
            yield path, json.dumps(value, sort_keys=True)


def _item(rest: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the values of an item of a list, without its name; one that has a value alone is that value."""
    match rest:
        case {"value": str() | int() | float() as only, **others} if not others:
            yield path, only if isinstance(only, str) else number_text(only)
        case {} if not rest:
            yield path, ""
        case _:
            yield from _flat(rest, path)
