"""The objects of an export against those of the cluster: what is created, and what contradicts it.

The order is that of R143: first the ControllerRevisions, because an operator that finds a ModelDeployment and a version
with its tag, but neither a history nor a ControllerRevision, begins a new history.

Rule: R142.
Rule: R143.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pennant.api import API_VERSION
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.archive.model import ExportedDeployment
from pennant.cli import names, output
from pennant.cli.errors import CliError
from pennant.cli.exporting.check import Checked
from pennant.cli.restoring import marks
from pennant.cli.session import Session
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions.record import immutable
from pennant.kube.codec import decode, encode
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION, is_collected, revision_name
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.tag_writer import tags_of

SHOWN = 5
SCALED = frozenset({"replicas"})
"""Fields of a ModelDeployment that others change while it runs, such as an autoscaler."""


class Does(StrEnum):
    """What becomes of an object, in the words of kubectl."""

    CREATE = "created"
    MARK = "marked"
    KEEP = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """What a restore does with one object."""

    kind: Kind
    name: str
    does: Does
    body: Json = field(default_factory=dict)
    """The manifest to create; of `MARK` the part of the export with the marks."""
    note: str = ""

    @property
    def full_name(self) -> str:
        """The name as kubectl prints it."""
        return f"{self.kind.lower()}.{RESOURCES[self.kind].group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a restore, in their order."""

    steps: tuple[Step, ...]
    unknown: frozenset[str]
    """The ModelDeployments whose marks may be added."""


async def planned(session: Session, found: Checked, with_deployment: bool) -> Plan:
    """Return the steps; raises `CliError` with the fields where an object exists with another content."""
    part, versions = found.export.deployment, list(found.raw.get("versions") or ())
    named = marks.deployments(versions) | (frozenset() if part is None else {part.name})
    there = await _all(session, Kind.MODEL_DEPLOYMENT, (names.valid(each) for each in named))
    unknown = frozenset(name for name in named if not _told(there.get(name)))
    steps, wrong = list[Step](), list[str]()
    if part is not None:
        steps += await _revisions(session, part, found.raw["deployment"], there.get(part.name), wrong)
    steps += await _versions(session, versions, unknown, wrong)
    if part is not None and with_deployment:
        steps.append(_deployment(session, found.raw["deployment"], there.get(part.name), wrong))
    if wrong:
        more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
        raise CliError(f"{'; '.join(wrong[:SHOWN])}{more}. Nothing was restored")
    if part is not None:
        _assert_noticed(part, there.get(part.name), steps)
    return Plan(tuple(steps), unknown)


async def _all(session: Session, kind: Kind, found: Iterable[str]) -> dict[str, Json]:
    wanted = sorted(set(found))
    raws = await asyncio.gather(*(session.client.get(kind, session.namespace, each) for each in wanted))
    return {name: raw for name, raw in zip(wanted, raws, strict=True) if raw is not None}


def _told(raw: Json | None) -> Mapping[int, str]:
    """Return the hash of each revision that a ModelDeployment has in its status, by number."""
    return {} if raw is None else decode.model_deployment(raw).status.revisions


async def _revisions(
    session: Session, part: ExportedDeployment, raw: Json, live: Json | None, wrong: list[str]
) -> list[Step]:
    """Return a step for each ControllerRevision; those that historyLimit has removed meanwhile are left out."""
    there_now = _told(live)
    if there_now:
        wrong += _contradictions(part, there_now)
    newest = max(there_now, default=0)
    wanted = [each for each in raw.get("revisions") or () if each["revision"] > newest or each["revision"] in there_now]
    key = Key(session.namespace, part.name)
    bodies = {revision_name(key, each["revision"]): _controller_revision(key, each) for each in wanted}
    there = await _all(session, Kind.CONTROLLER_REVISION, bodies)
    uid = "" if live is None else live["metadata"]["uid"]
    for name, stored in there.items():
        wrong += _differing(Kind.CONTROLLER_REVISION, stored, _of_record(stored, bodies[name]), key, uid)
    return [
        Step(Kind.CONTROLLER_REVISION, name, Does.KEEP if name in there else Does.CREATE, body)
        for name, body in bodies.items()
    ]


def _controller_revision(key: Key, stored: Json) -> dict[str, Any]:
    body = encode.unowned_revision(key, stored["revision"], stored["data"])
    if stored.get("progress") is not None:
        body["metadata"]["annotations"] = {PROGRESS_ANNOTATION: json.dumps(stored["progress"], sort_keys=True)}
    return body


def _contradictions(part: ExportedDeployment, there_now: Mapping[int, str]) -> Iterator[str]:
    """Yield why a history, its hashes by number, is neither the exported one nor a continuation of it."""
    exported = {each.revision: each.hash for each in part.history}
    common = sorted(there_now.keys() & exported.keys())
    other = next((number for number in common if there_now[number] != exported[number]), None)
    if other is not None or not common:
        which = (
            f"its status has another hash for revision {other}"
            if common
            else "its status has no revision of the document"
        )
        yield f"{output.full_name(part.name)} exists with a history of its own: {which}"


def _of_record(stored: Json, body: Json) -> Iterator[str]:
    have, want = decode.field(stored, "data"), body["data"]
    for name in sorted(have.keys() | want.keys()):
        if have.get(name) == want.get(name):
            continue
        inner = _differences(have.get(name), want.get(name))
        yield from (f"data.{name}.{each}" for each in inner) if inner else (f"data.{name}",)
    if not body["metadata"]["labels"].items() <= (stored["metadata"].get("labels") or {}).items():
        yield "metadata.labels"


def _differences(one: Any, other: Any) -> list[str]:
    """Return the fields in which two objects differ."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return []
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _differing(kind: Kind, stored: Json, fields: Iterable[str], owner: Key | None = None, uid: str = "") -> list[str]:
    """Return a sentence about an object that exists and is not what is restored; empty: it is.

    `owner` is the ModelDeployment that it belongs to, and `uid` its uid; empty: it does not exist.
    """
    step = Step(kind, stored["metadata"]["name"], Does.KEEP)
    collected = owner is not None and is_collected(stored, owner, uid)
    if collected or "deletionTimestamp" in stored["metadata"]:
        return [f"{step.full_name} is being deleted; wait until it is gone"]
    differing = list(fields)
    return [f"{step.full_name} exists with another {', '.join(differing)}"] if differing else []


async def _versions(session: Session, parts: list[Any], unknown: frozenset[str], wrong: list[str]) -> list[Step]:
    there = await _all(session, Kind.MODEL_VERSION, (each["name"] for each in parts))
    steps = []
    for part in parts:
        name, stored = part["name"], there.get(part["name"])
        if stored is None:
            body = _manifest(Kind.MODEL_VERSION, session.namespace, part)
            steps.append(Step(Kind.MODEL_VERSION, name, Does.CREATE, body))
        else:
            have, want = immutable(decode.field(stored, "spec")), immutable(part["spec"])
            fields = (f"spec.{each}" for each in _differences(have, want))
            wrong += _differing(Kind.MODEL_VERSION, stored, fields)
            steps.append(Step(Kind.MODEL_VERSION, name, Does.KEEP, note=_tags(stored, part)))
        if marks.missing(stored or {}, part, unknown):
            steps.append(Step(Kind.MODEL_VERSION, name, Does.MARK, part))
    return steps


def _tags(stored: Json, part: Json) -> str:
    have, had = tags_of(stored), tags_of(part)
    return "" if have == had else f"its tags stay [{', '.join(sorted(have))}], and were [{', '.join(sorted(had))}]"


def _deployment(session: Session, part: Json, stored: Json | None, wrong: list[str]) -> Step:
    if stored is None:
        body = _manifest(Kind.MODEL_DEPLOYMENT, session.namespace, part)
        return Step(Kind.MODEL_DEPLOYMENT, part["name"], Does.CREATE, body)
    have, want = (_with_defaults(each) for each in (decode.field(stored, "spec"), part["spec"]))
    fields = (f"spec.{each}" for each in _differences(have, want) if each not in SCALED)
    said = _differing(Kind.MODEL_DEPLOYMENT, stored, fields)
    wrong += [f"{each}; --without-deployment leaves it as it is" for each in said]
    return Step(Kind.MODEL_DEPLOYMENT, part["name"], Does.KEEP)


def _with_defaults(spec: Json) -> Json:
    """Return a spec with the defaults of this release, so that one that a release has added is no difference."""
    found = decode.parsed(ModelDeploymentSpec, spec)
    return spec if isinstance(found, Invalid) else found.to_json()


def _manifest(kind: Kind, namespace: str, part: Json) -> dict[str, Any]:
    metadata = {name: part[name] for name in ("name", "labels", "annotations") if part.get(name)}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {**metadata, "namespace": namespace},
        "spec": part["spec"],
    }


def _assert_noticed(part: ExportedDeployment, live: Json | None, steps: Iterable[Step]) -> None:
    """Raise `CliError` where the operator may begin a new history before it reads the ControllerRevisions.

    It does not watch them. A ModelDeployment without a history begins with revision 1; if that name is taken, the
    operator reads all of them, and adopts them.
    """
    are_new = any(each.kind is Kind.CONTROLLER_REVISION and each.does is Does.CREATE for each in steps)
    first = min((each.revision for each in part.revisions), default=1)
    if live is not None and not _told(live) and are_new and first > 1:
        raise CliError(
            f"{output.full_name(part.name)} exists without a history, and would begin one of its own, because "
            "revision 1 is not in the document. Delete it, restore the document, and apply it again. "
            "Nothing was restored"
        )
