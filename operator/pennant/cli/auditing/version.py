"""`audit modelversion/NAME`: the record of one version, also of one that was deleted.

Rule: R199.
"""

from collections.abc import Iterator

import click

from pennant.api.meta import Json
from pennant.archive import documents
from pennant.archive.model import Export, ExportedVersion
from pennant.archive.writer import VERSIONS
from pennant.cli import clock, model_versions, output
from pennant.cli.auditing import archived
from pennant.cli.auditing.long_ago import Source, namespace_of
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key
from pennant.core.versions.record import record_digest
from pennant.kube.codec.decode import field
from pennant.kube.http.resources import Kind


def execute(cluster: ClusterOptions, word: str, source: Source, verify: bool) -> int:
    """Print the record, or whether it is intact; return the exit code: 1 where it or a document is not."""
    name = model_versions.parsed(word)
    key, raw = _live(cluster, name, source.offline)
    found = archived.Archived((), ()) if source.archive is None else archived.version(source.archive, key, clock.now())
    there_is_none = raw is None and not found.exports
    if there_is_none and found.problems and not verify:
        raise CliError(f"no document of ModelVersion {name} can be used: {'; '.join(found.problems)}")
    if verify and not (there_is_none and not found.problems):
        wrong = list(_wrong(raw, found))
        click.echo("\n".join((f"{model_versions.full_name(name)}: {_verdict(wrong)}", *wrong)))
        return 1 if wrong else 0
    for each in found.problems:
        click.echo(f"Warning: {each}", err=True)
    if raw is not None:
        version = ExportedVersion.model_validate(documents.of_version(raw))
        state = "exists"
    elif found.exports:
        newest = max(found.exports, key=lambda each: each.created_at)
        version, state = _named(newest, name), _state(newest, source.offline)
    else:
        where = f" and {source.archive}" if source.archive is not None else "; name an archive with --archive"
        others = "" if source.archive is None else archived.others(source.archive, VERSIONS, clock.now())
        raise CliError(f"there is no ModelVersion {name} in namespace {key.namespace}{where}{others}")
    click.echo("\n".join((model_versions.full_name(name), output.pairs(list(_rows(version, state)), None))))
    return 1 if found.problems else 0


def _verdict(wrong: list[str]) -> str:
    return f"not intact: {len(wrong)} problem{'' if len(wrong) == 1 else 's'}" if wrong else "intact"


def _wrong(raw: Json | None, found: archived.Archived) -> Iterator[str]:
    """Yield what is wrong with the documents and with the record: each document that can be used matches its digest."""
    yield from found.problems
    named = {each.record_digest for export in found.exports for each in export.versions}
    if raw is not None:
        now, said = record_digest(raw["spec"]), field(raw, "status").get("recordDigest")
        if said and said != now:
            yield f"status.recordDigest is {said}, and the record in the cluster has {now}"
        named.add(now)
    if len(named) > 1:
        yield f"there are several records of this name, with the digests {', '.join(sorted(named))}"


def _live(cluster: ClusterOptions, name: str, offline: bool) -> tuple[Key, Json | None]:
    if offline:
        return Key(namespace_of(cluster), name), None

    async def read(session: Session) -> tuple[Key, Json | None]:
        key = Key(session.namespace, name)
        return key, await session.client.get(Kind.MODEL_VERSION, key.namespace, key.name)

    return run(cluster, read)


def _named(export: Export, name: str) -> ExportedVersion:
    return next(each for each in export.versions if each.name == name)


def _state(export: Export, offline: bool) -> str:
    exported = f"its record was exported on {output.moment(export.created_at)}, release {export.source.release}"
    return exported if offline else f"deleted; {exported}"


def _rows(version: ExportedVersion, state: str) -> Iterator[tuple[str, str]]:
    spec = version.spec
    matches = record_digest(spec) == version.record_digest
    yield "Version", str(spec.get("version"))
    yield "State", state
    yield "Record digest", f"{version.record_digest} ({'matches the record' if matches else 'DIFFERS from the record'})"
    yield "Tags", ", ".join(spec.get("tags") or ()) or output.NONE
    for each in spec.get("artifacts") or ():
        yield f"Artefact {each.get('name')}", f"{each.get('uri')} {each.get('digest') or 'without a digest'}"
    for served in version.served_by:
        until = output.moment(served.until) if served.until else "now"
        span = f"{output.moment(served.from_)} until {until}"
        yield "Served", f"by {served.deployment}, revision {served.revision}, from {span}"
    for refused in version.quarantined_by:
        yield "Quarantined", f"by {refused.deployment} since {output.moment(refused.since)}: {refused.message}"
