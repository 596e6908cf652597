"""`versions`: the versions of a model, the newest semantic version first."""

import difflib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from pennant.api.conditions import find
from pennant.api.meta import Json
from pennant.api.reasons import VersionConditionType
from pennant.api.version_status import ModelVersionStatus
from pennant.cli import clock, output, spans
from pennant.cli.completion import complete_models
from pennant.cli.errors import CliError
from pennant.cli.model_versions import full_name, ordered, tags_of
from pennant.cli.options import ClusterOptions, cluster_options, output_option
from pennant.cli.session import Session, run
from pennant.kube.codec import decode
from pennant.kube.http.resources import Kind

HEADER = ("VERSION", "TAGS", "SERVING", "VERIFIED", "QUARANTINED", "COMPLETE", "BUMP", "AGE")
WIDE = ("NAME", "PARENT", "OWNER", "MISSING", "BUMP-REASONS", "RECORD-DIGEST")


@click.command("versions", short_help="List the versions of a model")
@click.argument("model", default="", metavar="[MODEL]", shell_complete=complete_models)
@cluster_options
@click.option("--tag", help="Only the versions that have this tag.")
@output_option("wide", "json", "yaml", "name")
def command(model: str, cluster: ClusterOptions, tag: str | None, output: str | None) -> None:
    """List the versions of MODEL, or of all models of the namespace, the newest semantic version first."""
    click.echo(run(cluster, lambda session: _listed(session, model, tag, output)))


async def _listed(session: Session, model: str, tag: str | None, form: str | None) -> str:
    selectors = {"fieldSelector": f"spec.model={model}"} if model else {}
    pages = session.client.pages(Kind.MODEL_VERSION, session.namespace, **selectors)
    found = [each async for page in pages for each in page["items"]]
    if model and not found:
        raise await _no_model(session, model)
    kept = ordered(each for each in found if tag is None or tag in tags_of(each))
    if not kept and form not in ("json", "yaml"):
        what = f" of {model}" if model else ""
        return f"No versions{what}{f' with the tag {tag}' if tag is not None else ''} in {session.namespace} namespace."
    return rendered(kept, clock.now(), form, with_model=not model)


async def _no_model(session: Session, model: str) -> CliError:
    pages = session.client.pages(Kind.MODEL_VERSION, session.namespace)
    models = sorted({decode.model_and_version(each)[0] async for page in pages for each in page["items"]})
    near = difflib.get_close_matches(model, models, n=3, cutoff=0.5)
    hint = "The namespace has no ModelVersion; choose another one with -n"
    if models:
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(models[:5])}"
    return CliError(f"no ModelVersion of model {model} in namespace {session.namespace}. {hint}")


def rendered(items: Sequence[Json], now: datetime, form: str | None, *, with_model: bool = False) -> str:
    """Return versions as a table, or as `json`, `yaml` or `name`."""
    if form in ("json", "yaml"):
        whole: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}}
        return output.document({**whole, "items": list(items)}, form)
    if form == "name":
        return "\n".join(full_name(each["metadata"]["name"]) for each in items)
    header = (*(("MODEL",) if with_model else ()), *HEADER, *(WIDE if form == "wide" else ()))
    return output.table(header, [_row(each, now, form == "wide", with_model) for each in items])


def _row(raw: Json, now: datetime, is_wide: bool, with_model: bool) -> Sequence[str]:
    model, version = decode.model_and_version(raw)
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
    if with_model:
        row = (model or output.NONE, *row)
    return (*row, *_more(raw, status)) if is_wide else row


def _more(raw: Json, status: ModelVersionStatus) -> Sequence[str]:
    spec, bump = decode.field(raw, "spec"), status.computed_bump
    missing = status.completeness.missing if status.completeness is not None else ()
    return (
        str(raw["metadata"]["name"]),
        str(spec.get("parent") or output.NONE),
        str(spec.get("owner") or output.NONE),
        ",".join(missing) or output.NONE,
        "; ".join(bump.reasons) if bump is not None and bump.reasons else output.NONE,
        status.record_digest or output.NONE,
    )


def _listing(words: Any) -> str:
    return ", ".join(dict.fromkeys(words)) or output.NONE
