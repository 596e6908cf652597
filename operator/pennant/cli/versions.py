"""`versions`: the versions of a model, the newest semantic version first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from pennant.api.conditions import find
from pennant.api.meta import Json
from pennant.api.reasons import Reason, VersionConditionType
from pennant.api.version_status import ModelVersionStatus
from pennant.cli import clock, names, output, spans
from pennant.cli.errors import CliError
from pennant.cli.model_versions import full_name, ordered
from pennant.cli.names import hinted
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.kube.codec import decode
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import tags_of

HEADER = ("VERSION", "TAGS", "SERVING", "VERIFIED", "QUARANTINED", "COMPLETE", "BUMP", "AGE")
RETENTION = "RETENTION"
STILL_THERE = ("kept: ", "not deleted: ")
"""What begins the reason in a message of the condition `Expired`."""
WIDE = ("NAME", "PARENT", "OWNER", "MISSING", "BUMP-REASONS", "RECORD-DIGEST")


def execute(model: str, cluster: ClusterOptions, all_namespaces: bool, tag: str | None, output: str | None) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.versions`."""
    asked = Asked(model, tag, all_namespaces, output)
    if text := run(cluster, lambda session: _listed(session, asked)):
        click.echo(text)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which versions a user wants, and in which form."""

    model: str
    """Empty: of all models."""
    tag: str | None
    all_namespaces: bool
    form: str | None


async def _listed(session: Session, asked: Asked) -> str:
    model, tag, namespace = asked.model, asked.tag, "" if asked.all_namespaces else session.namespace
    selectors = {"fieldSelector": f"spec.model={names.valid(model, 'model')}"} if model else {}
    found = await session.client.all_of(Kind.MODEL_VERSION, namespace, **selectors)
    if model and not found:
        raise await _no_model(session, model, namespace)
    kept = ordered(each for each in found if tag is None or tag in tags_of(each))
    if not kept and asked.form not in ("json", "yaml", "name"):
        what = f"No versions{f' of {model}' if model else ''}{f' with the tag {tag}' if tag is not None else ''}"
        return f"{what} in any namespace." if asked.all_namespaces else f"{what} in {namespace} namespace."
    columns = {"with_model": not model, "with_namespace": asked.all_namespaces}
    return rendered(kept, clock.now(), asked.form, **columns, width=output.terminal_width())


async def _no_model(session: Session, model: str, namespace: str) -> CliError:
    known = await session.client.all_of(Kind.MODEL_VERSION, namespace)
    models = sorted({decode.model_and_version(each)[0] for each in known})
    hint = hinted(model, models) or "The namespace has no ModelVersion; choose another one with -n"
    return CliError(
        f"no ModelVersion of model {model} in {f'namespace {namespace}' if namespace else 'any namespace'}. {hint}"
    )


def rendered(
    items: Sequence[Json],
    now: datetime,
    form: str | None,
    *,
    with_model: bool = False,
    with_namespace: bool = False,
    width: int | None = None,
) -> str:
    """Return versions as a table, or as `json`, `yaml` or `name`."""
    if form in ("json", "yaml"):
        return output.document(output.listed(items), form)
    if form == "name":
        return "\n".join(full_name(each["metadata"]["name"]) for each in items)
    header: tuple[str, ...] = (*HEADER, *(WIDE if form == "wide" else ()))
    rows = [_row(each, now, form == "wide") for each in items]
    if any(sources := [_source(each) for each in items]):
        header = (header[0], "SOURCE", *header[1:])
        rows = [(row[0], each or output.NONE, *row[1:]) for row, each in zip(rows, sources, strict=True)]
    if any(kept := [_retention(each) for each in items]):
        header = (*header, RETENTION)
        rows = [(*row, each or output.NONE) for row, each in zip(rows, kept, strict=True)]
    if with_model:
        header = ("MODEL", *header)
        rows = [(decode.model_and_version(each)[0] or output.NONE, *row) for each, row in zip(items, rows, strict=True)]
    if with_namespace:
        header = ("NAMESPACE", *header)
        rows = [(str(each["metadata"]["namespace"]), *row) for each, row in zip(items, rows, strict=True)]
    return output.table(header, rows, width)


def _row(raw: Json, now: datetime, is_wide: bool) -> tuple[str, ...]:
    version = decode.model_and_version(raw)[1]
    status = decode.readable(ModelVersionStatus, decode.field(raw, "status"))
    complete, bump = find(status.conditions, VersionConditionType.COMPLETE), status.computed_bump
    row: tuple[str, ...] = (
        version or output.NONE,
        ",".join(sorted(tags_of(raw))) or output.NONE,
        status.serving or output.NONE,
        _listing(each.deployment for each in status.served_by if each.verified_at is not None),
        _listing(f"{each.deployment} ({each.reason})" for each in status.quarantined_by),
        complete.status.value if complete is not None else output.NONE,
        str(bump.bump) if bump is not None else output.NONE,
        spans.age_of(raw["metadata"].get("creationTimestamp"), now),
    )
    return (*row, *_more(raw, status)) if is_wide else row


def _more(raw: Json, status: ModelVersionStatus) -> Sequence[str]:
    spec, bump = decode.field(raw, "spec"), status.computed_bump
    missing = status.completeness.missing if status.completeness is not None else ()
    return (
        str(raw["metadata"]["name"]),
        str(spec.get("parent") or output.NONE),
        str(spec.get("owner") or output.NONE),
        ", ".join(missing) or output.NONE,
        "; ".join(bump.reasons) if bump is not None and bump.reasons else output.NONE,
        status.record_digest or output.NONE,
    )


def _source(raw: Json) -> str:
    """Return what the registry calls a version that was imported, such as `MLflow 3`; empty: it was not imported."""
    source = decode.field(decode.field(raw, "spec"), "source")
    return " ".join(str(source[each]) for each in ("registry", "version") if source.get(each))


def _retention(raw: Json) -> str:
    """Return what retention says of a version; empty: it is within the limits, or there are none."""
    status = decode.readable(ModelVersionStatus, decode.field(raw, "status"))
    found = find(status.conditions, VersionConditionType.EXPIRED)
    if found is None:
        return ""
    if found.reason == Reason.RETENTION_EXCEEDED:
        return "expired"
    # The limits are the same for all versions; what follows says why this one is still there.
    return next((f"{word}{why}" for word in STILL_THERE if (why := found.message.partition(f"; {word}")[2])), "")


def _listing(words: Any) -> str:
    return ", ".join(dict.fromkeys(words)) or output.NONE
