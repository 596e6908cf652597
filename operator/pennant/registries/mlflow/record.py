"""What MLflow says of a version, in the words of the record. Nothing is read here."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pennant.api.meta import COMMIT_PATTERN, Json
from pennant.record.merging import Part, merged
from pennant.record.secrecy import without_credentials
from pennant.registries import fields
from pennant.registries.fields import of_milliseconds
from pennant.registries.mlflow import measured, model_file
from pennant.registries.notes import Notes
from pennant.registries.requirements import environment

USER = "mlflow.user"
REPOSITORY = ("mlflow.source.git.repoURL", "mlflow.git.repo_url")
COMMIT = ("mlflow.source.git.commit", "mlflow.git.commit")
DIRTY = "mlflow.git.dirty"
ENTRY = "mlflow.source.name"
MAPPED = frozenset({USER, *REPOSITORY, *COMMIT, DIRTY})
"""Tags of runs that have fields of their own, so that they are no annotations."""
INTERNAL = frozenset({"mlflow.log-model.history", "mlflow.modelVersions", "mlflow.runName"})
"""Tags that MLflow writes for itself; they repeat what the record has."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of MLflow about a version."""

    base: str
    """Address of the server, without credentials."""
    version: Json
    registered: Json
    run: Json
    """Empty: there is none."""
    logged: Json
    """The logged model of MLflow 3; empty: there is none."""
    experiment: str | None
    model_file: Mapping[str, Any]
    requirements: bytes | None
    repository: str | None
    """Where the code is, if no tag says it."""


def artifact_uri(answers: Answers) -> str:
    """Return where the files of the model are; empty: MLflow knows no place."""
    source = str(answers.version.get("source") or "")
    if source.startswith("models:/m-"):
        source = str(answers.logged.get("info", {}).get("artifact_uri") or source)
    return without_credentials(source)


def record(answers: Answers, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that MLflow can fill."""
    version, logged, run = answers.version, answers.logged, answers.run
    tags = {**_pairs(run.get("data", {}).get("tags")), **_pairs(logged.get("info", {}).get("tags"))}
    found: dict[str, Any] = {}
    if description := version.get("description"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := _pairs(version.get("tags")).get("reason"):
        found["reason"] = notes.line(reason, 1024, "the tag reason")
    if author := version.get("user_id") or tags.get(USER) or run.get("info", {}).get("user_id"):
        found["author"] = {"name": notes.line(author, 63, "the name of the author")}
    if created := of_milliseconds(version.get("creation_timestamp")):
        found["createdAt"] = created
    found["artifacts"] = [{"name": model_file.ARTIFACT, "uri": artifact_uri(answers)}]
    found["datasets"], names = measured.datasets(run, notes)
    if code := _code(tags, answers.repository, notes):
        found["code"] = code
    found["hyperparameters"] = _parameters(answers, notes)
    found["training"] = _training(answers, notes)
    found["metrics"] = measured.metrics(run, logged, names, notes)
    found["source"] = _source(answers, "code" in found, notes)
    parts = [Part("the run", found)]
    if answers.requirements is not None:
        uri = f"{artifact_uri(answers)}/requirements.txt"
        parts.append(Part("requirements.txt", {"environment": environment(answers.requirements, uri, notes)}))
    whole = merged((*parts, Part("MLmodel", model_file.fields(answers.model_file, notes))))
    for each in whole.warnings:
        notes.add(each)
    return {name: each for name, each in whole.spec.items() if each}


def _code(tags: Mapping[str, str], repository: str | None, notes: Notes) -> dict[str, Any]:
    commit = next((tags[each] for each in COMMIT if tags.get(each)), None)
    where = next((tags[each] for each in REPOSITORY if tags.get(each)), repository)
    if commit is None:
        return {}
    if re.fullmatch(COMMIT_PATTERN, commit) is None or len(commit) > 64:
        notes.add(f"the tag {COMMIT[0]} is {commit!r}, which is no hash of a commit")
        return {}
    if where is None:
        notes.add(f"the code is at commit {commit}, and no tag says in which repository; give it with --repository")
        return {}
    found: dict[str, Any] = {"repository": without_credentials(where)[:2048], "commit": commit}
    entry = tags.get(ENTRY, "")
    if entry and not re.match(r"/|[A-Za-z]:|\.\.", entry) and len(entry) <= 256:
        found["path"] = entry
    if (dirty := tags.get(DIRTY, "").lower()) in ("true", "false"):
        found["dirty"] = dirty == "true"
    return found


def _parameters(answers: Answers, notes: Notes) -> list[dict[str, Any]]:
    """Return the parameters of the run, and those of the logged model, which count where both have one."""
    both = {
        **_pairs(answers.run.get("data", {}).get("params")),
        **_pairs(answers.logged.get("data", {}).get("params")),
    }
    return fields.parameters(both, notes)


def _training(answers: Answers, notes: Notes) -> dict[str, Any]:
    info = answers.run.get("info", {})
    run = info.get("run_id")
    if not run:
        return {}
    uri = f"{answers.base}/#/experiments/{info.get('experiment_id')}/runs/{run}"
    known = {
        "experiment": notes.line(answers.experiment, 256, "the name of the experiment") if answers.experiment else None,
        "run": str(run)[:256],
        "runUri": uri[:2048],
        "startedAt": of_milliseconds(info.get("start_time")),
        "finishedAt": of_milliseconds(info.get("end_time")),
    }
    return {name: each for name, each in known.items() if each is not None}


def _source(answers: Answers, has_code: bool, notes: Notes) -> dict[str, Any]:
    name, number = str(answers.version["name"]), str(answers.version["version"])
    found: dict[str, Any] = {
        "registry": "MLflow",
        "instance": answers.base[:2048],
        "modelName": name[:256],
        "version": number[:256],
        "uri": f"{answers.base}/#/models/{quote(name, safe='')}/versions/{number}"[:2048],
    }
    if identity := answers.logged.get("info", {}).get("model_id"):
        found["id"] = str(identity)[:256]
    if annotations := _annotations(answers, MAPPED if has_code else MAPPED - {*COMMIT}, notes):
        found["annotations"] = annotations
    return found


def _annotations(answers: Answers, mapped: frozenset[str], notes: Notes) -> dict[str, str]:
    """Return what has no field of its own, under the names of MLflow; the most specific first, as there is a limit.

    `mapped` are the tags of runs that have a field. A commit without a repository has none.
    """
    version, registered, run, logged = answers.version, answers.registered, answers.run, answers.logged
    info, of_model = run.get("info", {}), logged.get("info", {})
    stage = version.get("current_stage")
    single = {
        "aliases": ",".join(sorted(map(str, version.get("aliases") or ()))),
        "stage": stage if stage != "None" else "",
        "lastUpdatedAt": of_milliseconds(version.get("last_updated_timestamp")),
        "runLink": version.get("run_link"),
        "run.name": info.get("run_name"),
        "run.status": info.get("status"),
        "loggedModel.name": of_model.get("name"),
        "loggedModel.type": of_model.get("model_type"),
        "MLmodel.metadata": _json(answers.model_file.get("metadata")),
        "MLmodel.flavors": ",".join(sorted(map(str, answers.model_file.get("flavors") or ()))),
        # Without the file MLmodel itself and others, so it is not the size of the artefact.
        "MLmodel.model_size_bytes": answers.model_file.get("model_size_bytes"),
        "registeredModel.description": registered.get("description"),
    }
    found: dict[str, Any] = dict(single)
    lists: Iterable[tuple[str, Any]] = (
        ("tags", version.get("tags")),
        ("run.tags", run.get("data", {}).get("tags")),
        ("loggedModel.tags", of_model.get("tags")),
        ("registeredModel.tags", registered.get("tags")),
    )
    own = _pairs(run.get("data", {}).get("tags"))
    for place, listed in lists:
        for key, value in _pairs(listed).items():
            repeats = place == "loggedModel.tags" and own.get(key) == value
            if key not in INTERNAL and not repeats and (place == "tags" or key not in mapped):
                found[f"{place}.{key}"] = value
    return fields.annotations(found, notes)


def _json(value: Any) -> str:
    return json.dumps(value, default=str, sort_keys=True) if value else ""


def _pairs(listed: Any) -> dict[str, str]:
    """Return a list of `{key, value}` as one object."""
    return {str(each["key"]): str(each.get("value", "")) for each in listed or () if each.get("key")}
