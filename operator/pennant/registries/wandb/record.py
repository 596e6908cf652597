"""What W&B says of a version, in the words of the record. Nothing is read here."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pennant.api.meta import COMMIT_PATTERN, Json
from pennant.record.secrecy import without_credentials
from pennant.registries import fields, flat
from pennant.registries.fields import object_of, of_text
from pennant.registries.notes import Notes
from pennant.registries.requirements import environment
from pennant.registries.wandb import manifest, measured
from pennant.registries.wandb.known import Run, Used, Version

TITLE = "W&B"
MAX_DATASETS = 32
DATASET, MODEL, CODE = "dataset", "model", "code"
"""Types of artefacts with a meaning of their own."""
ROLES: Mapping[str, str] = {"val": "Validation", "valid": "Validation", "validation": "Validation", "test": "Test"}
"""The use of a data set by a word of its name; without one, it is what the run was trained with."""
_SCP = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^/].*)")


def record(version: Version, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that W&B can fill."""
    artifact, run = version.artifact, version.run
    found: dict[str, Any] = {}
    if description := artifact.get("description"):
        found["description"] = notes.line(description, 8192, "the description")
    if created := of_text(artifact.get("createdAt")):
        found["createdAt"] = created
    found["artifacts"] = [_artifact(version)]
    if run is None:
        notes.add("it has no run, so parameters, metrics, data sets, code and environment are not known")
    else:
        found |= _of_run(version, run, notes)
        for each in run.unknown:
            notes.add(each)
    found["source"] = _source(version, "code" in found, notes)
    return {name: each for name, each in found.items() if each}


def _artifact(version: Version) -> dict[str, Any]:
    size = version.artifact.get("size")
    known = {
        "name": manifest.ARTIFACT,
        "uri": (manifest.reference(version.contents) or version.uri)[:2048],
        "manifestDigest": manifest.digest(version.artifact),
        "sizeBytes": int(size) if isinstance(size, int | str) and str(size).isdecimal() else None,
        "format": {"name": name} if (name := manifest.file_format(version.contents)) is not None else None,
    }
    return {name: each for name, each in known.items() if each is not None}


def _of_run(version: Version, run: Run, notes: Notes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if run.notes:
        found["reason"] = notes.line(run.notes, 1024, "the notes of the run")
    if run.author:
        found["author"] = {"name": notes.line(run.author, 63, "the name of the author")}
        if run.email:
            found["author"]["email"] = run.email[:256]
    found["datasets"] = _datasets(run.inputs, notes)
    if base := next((each for each in run.inputs if each.type == MODEL), None):
        named = {"name": base.name[:253], "uri": base.uri, "revision": base.version, "digest": base.digest}
        found["baseModel"] = {name: each for name, each in named.items() if each}
    if code := _code(run, version.repository, notes):
        found["code"] = code
    found["hyperparameters"] = measured.parameters(run, notes)
    found["metrics"] = measured.metrics(run, notes)
    found["training"] = _training(version, run, notes)
    found["environment"] = _environment(version, run, notes)
    if media := measured.media(run):
        notes.add(f"the summary has {', '.join(media[:5])}, which are no numbers, so the record does not have them")
    _say_step(version.artifact.get("historyStep"), run.summary.get("_step"), notes)
    return found


def _say_step(logged: Any, last: Any, notes: Notes) -> None:
    if isinstance(logged, int) and isinstance(last, int | float) and logged < last:
        notes.add(f"it was logged at step {logged}; W&B has the metrics at the end of the run, at step {int(last)}")


def _datasets(inputs: Iterable[Used], notes: Notes) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in inputs:
        if each.type == MODEL:
            continue
        name = each.name[:200]
        label = name if name not in found else f"{name}:{each.version}"
        if len(found) == MAX_DATASETS:
            notes.add(f"the record has the first {MAX_DATASETS} artefacts that the run used")
            break
        role = _role(each)
        if role == "Reference":
            notes.add(f"the run used {name} of the type {each.type!r}, which is not {DATASET}: Reference")
        known = {"name": label, "role": role, "uri": each.uri, "version": each.version, "digest": each.digest}
        found[label] = {key: value for key, value in known.items() if value}
    return list(found.values())


def _role(used: Used) -> str:
    if used.type != DATASET:
        return "Reference"
    words = re.split(r"[^a-z]+", used.name.lower())
    return next((ROLES[each] for each in words if each in ROLES), "Training")


def _code(run: Run, repository: str | None, notes: Notes) -> dict[str, Any]:
    if not run.commit:
        if run.code is None:
            return {}
        return {"uri": run.code.uri, **({"digest": run.code.digest} if run.code.digest else {})}
    if re.fullmatch(COMMIT_PATTERN, run.commit) is None or len(run.commit) > 64:
        notes.add(f"the commit of the run is {run.commit!r}, which is no hash of a commit")
        return {}
    if not (where := run.remote or repository or ""):
        said = f"the code is at commit {run.commit}, and the run does not say in which repository"
        notes.add(f"{said}; give it with --repository")
        return {}
    found: dict[str, Any] = {"repository": without_credentials(_url(where))[:2048], "commit": run.commit}
    if run.path and not re.match(r"/|[A-Za-z]:|\.\.", run.path) and len(run.path) <= 256:
        found["path"] = run.path
    if run.has_changes is not None:
        found["dirty"] = run.has_changes
    return found


def _url(remote: str) -> str:
    """Return the URL of a repository; git has a short form of it, as in `git@host:team/repository.git`."""
    short = _SCP.fullmatch(remote)
    return f"ssh://{short['user']}@{short['host']}/{short['path']}" if short is not None else remote


def _training(version: Version, run: Run, notes: Notes) -> dict[str, Any]:
    known = {
        "experiment": notes.line(run.project, 256, "the name of the project"),
        "run": run.id[:256],
        "runUri": f"{version.app}/{run.entity}/{run.project}/runs/{run.id}"[:2048] if version.app else None,
        "startedAt": of_text(run.started),
        "finishedAt": of_text(run.finished),
    }
    return {name: each for name, each in known.items() if each}


def _environment(version: Version, run: Run, notes: Notes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if python := re.search(r"\d+(\.\d+)+\S*", run.python):
        found = {"language": "Python", "languageVersion": python[0][:63]}
    if run.requirements is not None:
        where = f"{version.app}/{run.entity}/{run.project}/runs/{run.id}/files/" if version.app else ""
        found |= environment(run.requirements, f"{where}requirements.txt"[:2048], notes)
    return found


def _source(version: Version, has_code: bool, notes: Notes) -> dict[str, Any]:
    known = {
        "registry": TITLE,
        "instance": version.instance[:2048],
        "modelName": version.model[:256],
        "version": version.name[:256],
        "id": str(version.artifact.get("id") or "")[:256],
        "uri": version.page[:2048],
        "annotations": fields.annotations(flat.plain(_annotations(version, has_code), notes), notes),
    }
    return {name: each for name, each in known.items() if each}


def _annotations(version: Version, has_code: bool) -> dict[str, Any]:
    """Return what has no field of its own, under the names of W&B; the most specific first, as there is a limit."""
    artifact, run = version.artifact, version.run
    found: dict[str, Any] = {
        "aliases": ",".join(sorted(version.aliases)),
        "tags": _names(artifact.get("tags")),
        **version.others,
        **{name: artifact.get(name) for name in ("historyStep", "fileCount", "commitHash")},
        "ttlDurationSeconds": ttl if isinstance(ttl := artifact.get("ttlDurationSeconds"), int) and ttl > 0 else None,
        "updatedAt": of_text(artifact.get("updatedAt")),
        "collection.description": version.collection.get("description"),
        "collection.tags": _names(version.collection.get("tags")),
    }
    metadata = object_of(artifact.get("metadata"))
    found |= {f"metadata.{name}": each for name, each in metadata.items()}
    if run is not None:
        of_run = {
            "name": run.title,
            "state": run.state,
            "tags": ",".join(run.tags),
            "group": run.group,
            "jobType": run.job_type,
            "sweep": run.sweep,
            "arguments": flat.shown(run.arguments),
            "commit": "" if has_code else run.commit,
        }
        found |= {f"run.{name}": each for name, each in of_run.items()}
        found |= {f"run.summary.{name}": each for name, each in measured.others(run).items()}
    return found


def _names(tags: Any) -> str:
    """Return names as one text: W&B has tags as a list of objects, or as pages of them."""
    edges = tags.get("edges") if isinstance(tags, dict) else tags
    listed: list[Json] = [each for each in edges or () if isinstance(each, dict)]
    return ",".join(sorted(str(each.get("node", each).get("name")) for each in listed))
