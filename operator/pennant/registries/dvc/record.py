"""What DVC and GTO say of a version, in the words of the record. Nothing is read here."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.record.artifacts import FORMATS
from pennant.record.dvc import CODE, role_of
from pennant.record.texts import flattened
from pennant.registries import fields, flat
from pennant.registries.dvc.outputs import Output, Stage
from pennant.registries.git import evidence, provenance
from pennant.registries.git.artifact import NAME
from pennant.registries.git.evidence import Evidence
from pennant.registries.git.provenance import Provenance
from pennant.registries.notes import Notes

MAX_DATASETS = 32
DATA = frozenset({"data", "dataset", "datasets"})
"""Directories whose files are data even if git tracks them."""


@dataclass(frozen=True, slots=True)
class Found:
    """The file or directory that is the model."""

    path: str
    """From the top of the repository."""
    uri: str
    output: Output | None = None
    """None: DVC does not track it as such."""
    fields: Mapping[str, Any] | None = None
    """The artefact as git has it; None: DVC tracks it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the repository says of a version."""

    model: str
    version: str
    provenance: Provenance
    described: Mapping[str, Any]
    """The artefact in `dvc.yaml`."""
    artifact: Found
    making: Sequence[Stage]
    """Stages that have the artefact as an output."""
    measuring: Sequence[Stage]
    """Stages after them that have metrics."""
    made: frozenset[str]
    """Paths of the outputs of all stages."""
    in_git: frozenset[str]
    """Paths of dependencies that git tracks."""
    addresses: Mapping[str, str]
    """Where dependencies are, by path."""
    evidence: Evidence
    parent: str | None
    aliases: tuple[str, ...]
    deprecated: str | None
    """What was said when the model was deprecated; None: it is not."""


def record(facts: Facts, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that the repository can fill."""
    meta = facts.described.get("meta")
    own = meta if isinstance(meta, Mapping) else {}
    environments = [evidence.environment(path, content, notes) for path, content in facts.evidence.lock.items()]
    found = {
        **provenance.provenance(facts.provenance, notes),
        "description": _text(facts.described.get("desc"), 8192, "the description", notes),
        "parent": facts.parent,
        "artifacts": [artifact(facts.artifact)],
        "datasets": datasets(facts, notes),
        "hyperparameters": fields.parameters(_parameters(facts, notes), notes),
        "environment": next(iter(environments), {}),
        "training": {"pipeline": facts.making[0].name[:256]} if facts.making else {},
        "metrics": evidence.metrics(facts.evidence.metrics, notes),
        "owner": _text(own.get("owner"), 256, "meta.owner", notes),
        "license": _text(own.get("license"), 256, "meta.license", notes),
        "source": provenance.source(facts.provenance, "DVC", facts.model, facts.version, _more(facts, notes), notes),
    }
    return {name: each for name, each in found.items() if each}


def artifact(one: Found) -> dict[str, Any]:
    """Return the artefact of the record."""
    if one.fields is not None:
        return dict(one.fields)
    found: dict[str, Any] = {"name": NAME, "uri": one.uri[:2048]}
    if one.output is not None:
        if one.output.digest is not None:
            found["digest"] = one.output.digest
        if one.output.size is not None:
            found["sizeBytes"] = one.output.size
    if format_ := FORMATS.get(posixpath.splitext(one.path)[1].lower()):
        found["format"] = {"name": format_}
    return found


def datasets(facts: Facts, notes: Notes) -> list[dict[str, Any]]:
    """Return the data with which the model was made, and then the data with which it was measured."""
    found: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for dep, otherwise in (*_deps(facts.making, "Training"), *_deps(facts.measuring, "Reference")):
        if dep.path in found or not is_data(dep, facts):
            continue
        if len(found) == MAX_DATASETS:
            notes.add(f"the record has the first {MAX_DATASETS} data sets of the stages")
            break
        name = posixpath.basename(dep.path.rstrip("/")) or dep.path
        name = (name if name not in names else dep.path)[-253:]
        names.add(name)
        one = {
            "name": name,
            "role": role_of(dep.path, otherwise),
            "uri": facts.addresses.get(dep.path, dep.path)[:2048],
        }
        found[dep.path] = {**one, **({"digest": dep.digest} if dep.digest is not None else {})}
    return list(found.values())


def _deps(stages: Iterable[Stage], role: str) -> Iterator[tuple[Output, str]]:
    return ((dep, role) for stage in stages for dep in stage.deps)


def is_data(dep: Output, facts: Facts) -> bool:
    """Return whether a dependency is data and not code.

    Data is what another stage made, what is outside of the repository, what git does not track, and what is in a
    directory `data`. The model itself, and what is made of it, is no data.
    """
    after = {out.path for stage in (*facts.making, *facts.measuring) for out in stage.outs}
    if dep.path in after or dep.path == facts.artifact.path:
        return False
    if dep.path in facts.made or dep.is_outside or DATA & set(dep.path.lower().split("/")[:-1]):
        return True
    return dep.path not in facts.in_git and not dep.path.lower().endswith(CODE)


def entry(stages: Iterable[Stage]) -> str | None:
    """Return the program that the command of a stage runs: the first dependency with code that the command names."""
    return next(
        (
            dep.path
            for stage in stages
            for dep in stage.deps
            if dep.path.lower().endswith(CODE) and posixpath.basename(dep.path) in stage.command
        ),
        None,
    )


def _parameters(facts: Facts, notes: Notes) -> dict[str, str]:
    """Return the parameters with which the stages ran, and those of files that no stage names."""
    found = dict(pair for stage in reversed(facts.making) for pair in flattened(stage.parameters))
    return flat.parameters({**evidence.parameters(facts.evidence.parameters, notes), **found}, notes)


def _more(facts: Facts, notes: Notes) -> dict[str, Any]:
    """Return what has no field of its own, under the names of DVC and GTO."""
    described, output = facts.described, facts.artifact.output
    labels, meta = described.get("labels"), described.get("meta")
    return {
        "aliases": ",".join(facts.aliases),
        "deprecated": facts.deprecated,
        "path": facts.artifact.path,
        "type": described.get("type"),
        "labels": ",".join(map(str, labels)) if isinstance(labels, list) else "",
        **flat.plain(dict(flat.pairs({"meta": meta})), notes),
        "command": flat.shown(facts.making[0].command.split()) if facts.making else "",
        "files": output.count if output is not None else None,
        "version": output.version if output is not None else None,
    }


def _text(value: Any, longest: int, what: str, notes: Notes) -> str | None:
    return notes.line(value, longest, what) if isinstance(value, str) and value else None
