"""Reads the two versions of a comparison: from the cluster, or from manifest files."""

from collections.abc import Iterable, Sequence
from typing import Any

import click

from pennant.api.deployment_status import Serving
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus
from pennant.cli import model_versions, output, targets
from pennant.cli.comparison.facts import Comparison, Side, compared
from pennant.cli.comparison.live import Content, Live, live
from pennant.cli.errors import CliError
from pennant.cli.manifests.checks import VERSION
from pennant.cli.manifests.documents import Unparsed, documents
from pennant.cli.session import Session
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.core.versions.semver import is_semantic, precedence_key
from pennant.kube.codec import decode
from pennant.kube.http.errors import Forbidden
from pennant.kube.http.resources import Kind


def side(raw: Json) -> Side:
    """Return a version from an object of the API server or a manifest; raises `CliError` where it is invalid."""
    name = str(decode.field(raw, "metadata").get("name", ""))
    spec = decode.version_spec(name, raw.get("spec"))
    if isinstance(spec, Invalid):
        raise CliError(f"ModelVersion {name} cannot be compared: {spec.problem}. Check it with `pennant lint`")
    status = decode.readable(ModelVersionStatus, decode.field(raw, "status"))
    return Side(name, spec, raw["spec"], status.served_by)


async def versions(session: Session, before: str, after: str, model: str | None) -> Comparison:
    """Return the comparison of two ModelVersions of the session's namespace, as a user named them."""
    old, new = [side(await model_versions.find(session, word, model)) for word in (before, after)]
    return compared(old, new, await _live(session, old, new))


async def deployment(session: Session, name: str) -> Comparison:
    """Return the comparison of the version that a ModelDeployment serves with its target version.

    If it serves its target version, that is compared with the version that served before, and a note says so.
    """
    key = Key(session.namespace, name)
    snapshot = await session.inspector.snapshot(key)
    if snapshot is None and await session.client.get(Kind.MODEL_VERSION, session.namespace, name) is not None:
        raise second_missing(name)
    if snapshot is None:
        raise await targets.missing(session, key)
    serving, desired = snapshot.status.serving, snapshot.status.desired
    if serving is None:
        raise CliError(f"{output.full_name(name)} serves no version yet; name two versions instead")
    if desired is None:
        raise CliError(f"{output.full_name(name)} has no target version: no ModelVersion has its tag")
    if serving.digest != desired.digest or serving.version != desired.version:
        old, new = (serving.version, serving.digest), (desired.version, desired.digest)
    else:
        former = _former(snapshot, serving)
        old, new = (former.version, former.digest), (serving.version, serving.digest)
        click.echo(
            f"{output.full_name(name)} serves its target version {serving.version}. Compared with {former.version} "
            f"(revision {former.revision}), which served before.",
            err=True,
        )
    before, after = await _of(session, snapshot, *old), await _of(session, snapshot, *new)
    return compared(before, after, await _live(session, before, after))


def second_missing(name: str) -> CliError:
    """Return the error for one ModelVersion alone."""
    return CliError(f"{name} is a ModelVersion; name a second version to compare it with, as in `compare {name} OTHER`")


def _former(snapshot: Snapshot, serving: Serving) -> HistoryEntry:
    """Return the newest revision that served another content than the one that serves; raises `CliError`."""
    earlier = (each for each in reversed(snapshot.status.history) if each.revision < serving.revision)
    others = (each for each in earlier if each.digest != serving.digest and each.available_at is not None)
    found = next(others, None)
    if found is None:
        raise CliError(
            f"{output.full_name(snapshot.key.name)} serves its target version {serving.version}, and no other version "
            "served before; name two versions instead"
        )
    return found


async def _of(session: Session, snapshot: Snapshot, version: str, digest: str) -> Side:
    """Return a version as a revision has recorded it, or else as its ModelVersion is."""
    recorded = (each for each in reversed(snapshot.revisions) if each.intact and each.entry.digest == digest)
    record = next((each.record for each in recorded if each.entry.version == version), None)
    if record is None:
        if isinstance(snapshot.spec, Invalid):
            raise CliError(f"{output.full_name(snapshot.key.name)} is invalid: {snapshot.spec.problem}")
        return side(await model_versions.find(session, f"{snapshot.spec.model}-{version}", snapshot.spec.model))
    spec = ModelVersionSpec.model_validate(record)
    name = f"{spec.model}-{version}"
    raw = await session.client.get(Kind.MODEL_VERSION, session.namespace, name)
    status = decode.readable(ModelVersionStatus, decode.field(raw or {}, "status"))
    return Side(name, spec, record, status.served_by)


async def _live(session: Session, before: Side, after: Side) -> tuple[Live, ...]:
    """Return how the ModelDeployments of the namespace served both versions.

    Without permission to list them there is a warning, and only what the ModelVersions tell.
    """
    try:
        listed = await session.inspector.snapshots(session.namespace)
        found = [await _whole(session, each, before.spec.model, after.spec.model) for each in listed]
    except Forbidden as error:
        output.warn(f"live metrics are left out: {error}")
        found = []
    return live(((each.key.name, each.status) for each in found), content(before), content(after))


async def _whole(session: Session, found: Snapshot, *models: str) -> Snapshot:
    """Return a ModelDeployment of a list, with its whole history if it is of one of these models and may be read."""
    if isinstance(found.spec, Invalid) or found.spec.model not in models or not found.status.older_revisions:
        return found
    try:
        return await session.inspector.snapshot(found.key) or found
    except Forbidden as error:
        output.warn(f"older revisions of {output.full_name(found.key.name)} are left out: {error}")
        return found


def content(one: Side) -> Content:
    """Return a version as histories know it."""
    return Content(one.version, one.digest, one.served_by)


def from_files(files: Iterable[tuple[str, str]], words: Sequence[str], model: str | None) -> Comparison:
    """Return the comparison of two ModelVersions of manifest files, given as paths and texts."""
    found: dict[str, Side] = {}
    for raw in _manifests(files):
        one = side(raw)
        if one.name in found:
            raise CliError(f"ModelVersion {one.name} is in the files twice")
        found[one.name] = one
    there = ", ".join(found) or "none"
    chosen = [_named(found.values(), word, model, there) for word in words] or in_order(found.values())
    if len(chosen) != 2:
        raise CliError(f"name two versions of those in the files; there are: {there}")
    before, after = chosen
    return compared(before, after, live((), content(before), content(after)))


def in_order(sides: Iterable[Side]) -> list[Side]:
    """Return versions with the lowest precedence first; nothing where one of them has no semantic version."""
    known = list(sides)
    if not all(is_semantic(each.version) for each in known):
        return []
    return sorted(known, key=lambda each: precedence_key(each.version))


def _named(sides: Iterable[Side], word: str, model: str | None, there: str) -> Side:
    """Return the version that a user named by its object's name or its version."""
    name = model_versions.parsed(word)
    found = [each for each in sides if name in (each.name, each.version) and model in (None, each.spec.model)]
    match found:
        case [only]:
            return only
        case []:
            raise CliError(f"ModelVersion {name} is not in the files; there are: {there}")
        case _:
            raise CliError(f"{name} is ambiguous: {', '.join(each.name for each in found)}. Name the object")


def _manifests(files: Iterable[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    for file, text in files:
        for document in documents(text, file):
            if isinstance(document, Unparsed):
                raise CliError(f"{file}:{document.mark.line}: {document.message}")
            values = (each.value for each in document.items())
            yield from (each for each in values if isinstance(each, dict) and each.get("kind") == VERSION)
