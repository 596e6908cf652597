"""What a user gives, as options of the command line or as arguments of the function, as a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pennant.api.meta import Json, rfc3339
from pennant.record import metrics, parameters
from pennant.record.artifacts import Named, named
from pennant.record.errors import RegisterError
from pennant.record.merging import Part
from pennant.record.metrics import Reading
from pennant.record.moment import moment
from pennant.record.texts import mapping, values_of

Values = Mapping[str, Any]
MAIN = "model"
"""The name of an artefact that has none."""
ANY_NAME = r"[^=]{1,253}"
TIMES = (("createdAt",), ("training", "startedAt"), ("training", "finishedAt"), ("source", "importedAt"))


@dataclass(frozen=True, slots=True)
class Given:
    """Values of fields, as options have them."""

    author: str | None = None
    reason: str | None = None
    created_at: datetime | str | int | None = None
    schema: Path | Values | None = None
    spec: Path | Values | None = None
    """Other fields of `spec`."""
    directions: Mapping[str, str] = field(default_factory=dict)


def artifacts_of(words: Iterable[str]) -> tuple[Named, ...]:
    """Return the artefacts that `[NAME=]PATH_OR_URL[@DIGEST]` name; one without a name is `model`."""
    return _distinct("artefact", tuple(named(each, MAIN) for each in words))


def datasets_of(by_role: Mapping[str, Iterable[str]]) -> tuple[tuple[str, Named], ...]:
    """Return data sets with their roles, each given as `NAME=PATH_OR_URL[@DIGEST]`."""
    found = [(role, named(each, pattern=ANY_NAME)) for role, words in by_role.items() for each in words]
    _distinct("data set", tuple(each for _, each in found))
    return tuple(found)


def _distinct(what: str, found: tuple[Named, ...]) -> tuple[Named, ...]:
    names = [each.name for each in found]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise RegisterError(f"two of them are the {what} {twice}; write each as NAME=PATH with a name of its own")
    return found


def uris_of(words: Iterable[str]) -> dict[str, str]:
    """Return URIs by artefact or data set, each given as `[NAME=]URI`."""
    found = {}
    for word in words:
        name, sign, uri = word.partition("=")
        has_name = bool(sign) and not set(name) & set(":/{}")
        found[name if has_name else MAIN] = uri if has_name else word
    return found


def metrics_of(words: Iterable[str], directions: Mapping[str, str]) -> Iterable[Part]:
    """Yield the metrics of files, each given as `[SPLIT=]FILE`."""
    for word in words:
        split, sign, rest = word.partition("=")
        has_split = bool(sign) and split.lower() in metrics.SPLITS
        path = Path(rest if has_split else word)
        yield metrics.read(path, Reading(str(path), metrics.split_of(split) if has_split else None, directions))


def checked_directions(parts: Sequence[Part], directions: Mapping[str, str]) -> None:
    """Raise `RegisterError` where a direction is given for a metric that is not there."""
    there = {each["name"] for part in parts for each in part.spec.get("metrics", ())}
    if unknown := next((each for each in directions if each not in there), None):
        listed = ", ".join(sorted(there)) or "none"
        raise RegisterError(f"there is no metric {unknown} to maximize or minimize; there are: {listed}")


def given(values: Given) -> tuple[Part, ...]:
    """Return the parts of a record that the user gave, the one that counts most first."""
    said: dict[str, Any] = {}
    if values.author:
        said["author"] = {"name": values.author}
    if values.reason:
        said["reason"] = values.reason
    if values.created_at is not None:
        said["createdAt"] = rfc3339(moment(values.created_at, "--created-at"))
    if values.schema is not None:
        said["schema"] = _values(values.schema, "--schema")
    parts = [Part("the options", said)]
    if values.spec is not None:
        source = str(values.spec) if isinstance(values.spec, Path) else "spec"
        spec = with_times(_values(values.spec, source), source)
        if wrong := next((each for each in ("model", "version", "parent", "tags") if each in spec), None):
            raise RegisterError(f"{source} has {wrong}, which has an option of its own; remove it from there")
        parts.append(Part(source, spec))
    return tuple(parts)


def _values(value: Path | Values, what: str) -> Json:
    read = values_of(value) if isinstance(value, Path) else value
    return dict(mapping(read, what))


def with_times(spec: Json, source: str) -> Json:
    """Return fields of `spec` with each time as RFC 3339; a number is one in milliseconds."""
    found = dict(spec)
    for *outer, name in TIMES:
        inside = found
        for each in outer:
            inside = dict(found[each]) if isinstance(found.get(each), Mapping) else {}
            if inside:
                found[each] = inside
        if isinstance(at := inside.get(name), int | datetime) and not isinstance(at, bool):
            inside[name] = rfc3339(moment(at, f"{source}: {'.'.join((*outer, name))}"))
    return found


def parameters_of(value: Path | Values, source: str = "params") -> Part:
    """Return the hyperparameters of a file or of values."""
    return parameters.read(value) if isinstance(value, Path) else parameters.of_values(value, source)
