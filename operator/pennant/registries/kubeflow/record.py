"""What Kubeflow says of a version, in the words of the record. Nothing is read here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import COMMIT_PATTERN, DIGEST_PATTERN, Json
from pennant.record.secrecy import without_credentials
from pennant.registries import fields
from pennant.registries.fields import of_milliseconds
from pennant.registries.kubeflow import measured
from pennant.registries.kubeflow.values import labels, properties
from pennant.registries.notes import Notes

REASON, DIGEST, LICENSE = "reason", "digest", "license"
COMMIT = ("git.commit", "git_commit", "mlflow.source.git.commit", "commit")
REPOSITORY = ("git.repository", "git_repository", "mlflow.source.git.repoURL", "repository")
GONE = frozenset({"MARKED_FOR_DELETION", "DELETED", "ABANDONED"})
MAX_ARTIFACTS = 16
PIPELINE_RUN = "pipelinerun"
"""The class of a source that is a run of a pipeline of Kubeflow."""
OF_ARTIFACT = (
    "storageKey",
    "storagePath",
    "serviceAccountName",
    "modelSourceKind",
    "modelSourceClass",
    "modelSourceGroup",
    "modelSourceId",
    "modelSourceName",
    "description",
    "externalId",
)
OF_MODEL = ("description", "externalId", "maturity", "provider", "libraryName", "licenseLink", "language", "tasks")
LONGEST_README = 1024


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of Kubeflow about a version."""

    base: str
    """Address of the registry, without credentials."""
    model: Json
    version: Json
    artifacts: Sequence[Json]
    """Of the version and of its experiment run, of all types."""
    run: Json
    """The experiment run; empty: there is none."""
    experiment: Json
    repository: str | None
    """Where the code is, if no property says it."""


def usable(artifacts: Sequence[Json]) -> list[Json]:
    """Return the artefacts with the files of the model: those with a URI that are not deleted and not awaited."""
    listed = measured.of_type(artifacts, measured.MODEL)
    return [each for each in listed if each.get("uri") and each.get("state") not in (*GONE, "PENDING")]


def record(answers: Answers, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that Kubeflow can fill."""
    version, model, own = answers.version, answers.model, properties(answers.version)
    found: dict[str, Any] = {}
    if description := version.get("description"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := own.get(REASON):
        found["reason"] = notes.line(reason, 1024, f"the property {REASON}")
    if author := version.get("author"):
        found["author"] = {"name": notes.line(author, 63, "the name of the author")}
    if owner := model.get("owner"):
        found["owner"] = notes.line(owner, 256, "the owner")
    if license_ := model.get("license") or own.get(LICENSE):
        found["license"] = notes.line(license_, 256, "the licence")
    found["createdAt"] = of_milliseconds(version.get("createTimeSinceEpoch"))
    found["artifacts"] = _artifacts(answers, notes)
    found["datasets"] = measured.datasets(answers.artifacts, notes)
    found["code"] = _code(answers, notes)
    found["hyperparameters"] = fields.parameters(measured.parameters(answers.artifacts), notes)
    found["training"] = _training(answers)
    found["metrics"] = fields.metrics(measured.metrics(answers.artifacts), notes)
    found["reports"] = measured.documents(answers.artifacts, notes)
    found["source"] = _source(answers, bool(found["code"]), notes)
    return {name: each for name, each in found.items() if each}


def _artifacts(answers: Answers, notes: Notes) -> list[dict[str, Any]]:
    listed = usable(answers.artifacts)
    if len(listed) > MAX_ARTIFACTS:
        notes.add(f"the record has the first {MAX_ARTIFACTS} of {len(listed)} artefacts")
    for each in measured.of_type(answers.artifacts, measured.MODEL):
        if each not in listed:
            why = f"its state is {each.get('state')}" if each.get("uri") else "it has no URI"
            notes.add(f"the artefact {each.get('name')} is left out: {why}")
    found: dict[str, dict[str, Any]] = {}
    for each in listed[:MAX_ARTIFACTS]:
        name = "model" if len(listed) == 1 else measured.label(each.get("name"), "model", found)
        uri = without_credentials(str(each["uri"]))
        artifact: dict[str, Any] = {"name": name, "uri": notes.line(uri, 2048, f"the URI of artefact {name}")}
        if digest := _digest(each, uri, notes):
            artifact["digest"] = digest
        if format_ := each.get("modelFormatName"):
            artifact["format"] = {"name": notes.line(format_, 63, f"the format of artefact {name}")}
            if format_version := each.get("modelFormatVersion"):
                artifact["format"]["version"] = notes.line(format_version, 256, f"the format version of {name}")
        found[name] = artifact
    return [*found.values()]


def _digest(artifact: Json, uri: str, notes: Notes) -> str | None:
    """Return the digest: of the property `digest`, or of the URI of an image, which names it by its digest."""
    said = properties(artifact).get(DIGEST)
    if said is not None and re.fullmatch(DIGEST_PATTERN, said) is not None:
        return said
    if said is not None:
        notes.add(f"the property {DIGEST} of artefact {artifact.get('name')} is {said!r}, which is no digest")
    image = re.fullmatch(r"oci://.+@(sha256:[a-f0-9]{64})", uri)
    return image[1] if image is not None else None


def _code(answers: Answers, notes: Notes) -> dict[str, Any]:
    known = {**properties(answers.run), **properties(answers.version)}
    commit = next((known[each] for each in COMMIT if known.get(each)), None)
    where = next((known[each] for each in REPOSITORY if known.get(each)), answers.repository)
    if commit is None:
        return {}
    if re.fullmatch(COMMIT_PATTERN, commit.lower()) is None or len(commit) > 64:
        notes.add(f"the property with the commit is {commit!r}, which is no hash of a commit")
        return {}
    if where is None:
        notes.add(
            f"the code is at commit {commit}, and no property says in which repository; give it with --repository"
        )
        return {}
    return {"repository": without_credentials(where)[:2048], "commit": commit.lower()}


def _training(answers: Answers) -> dict[str, Any]:
    """Return the experiment run, or else the run of a pipeline that an artefact names as its source."""
    run = answers.run
    of_pipeline = next((e for e in usable(answers.artifacts) if e.get("modelSourceClass") == PIPELINE_RUN), {})
    known = {
        "experiment": answers.experiment.get("name"),
        "run": run.get("name") or run.get("id") or of_pipeline.get("modelSourceId"),
        "pipeline": of_pipeline.get("modelSourceName"),
    }
    found = {name: str(each)[:256] for name, each in known.items() if each}
    for name, each in (("startedAt", "startTimeSinceEpoch"), ("finishedAt", "endTimeSinceEpoch")):
        if moment := of_milliseconds(run.get(each)):
            found[name] = moment
    return found


def _source(answers: Answers, has_code: bool, notes: Notes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "registry": "Kubeflow",
        "instance": answers.base[:2048],
        "modelName": notes.line(answers.model["name"], 256, "the name of the model"),
        "version": notes.line(answers.version["name"], 256, "the name of the version"),
        "id": str(answers.version["id"])[:256],
    }
    if annotations := fields.annotations(dict(_annotations(answers, has_code)), notes):
        found["annotations"] = annotations
    return found


def _annotations(answers: Answers, has_code: bool) -> Iterator[tuple[str, Any]]:
    """Yield what has no field of its own, under the names of Kubeflow; the most specific first: there is a limit."""
    version, model = answers.version, answers.model
    mapped = {REASON, LICENSE, *(COMMIT + REPOSITORY if has_code else ())}
    yield "state", version.get("state")
    yield "externalId", version.get("externalId")
    yield "lastUpdatedAt", of_milliseconds(version.get("lastUpdateTimeSinceEpoch"))
    yield "labels", labels(version)
    for name, each in properties(version).items():
        if name not in mapped:
            yield f"customProperties.{name}", each
    for number, artifact in enumerate(usable(answers.artifacts)):
        start = "artifact" if number == 0 else f"artifact.{number + 1}"
        for name in ("name", *OF_ARTIFACT):
            yield f"{start}.{name}", artifact.get(name)
        for name, each in properties(artifact).items():
            if name != DIGEST:
                yield f"{start}.customProperties.{name}", each
    yield "experimentRun.id", answers.run.get("id")
    yield "experimentRun.status", answers.run.get("status")
    for name, each in properties(answers.run).items():
        if name not in mapped:
            yield f"experimentRun.customProperties.{name}", each
    yield from _of_model(model)


def _of_model(model: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in OF_MODEL:
        value = model.get(name)
        yield f"registeredModel.{name}", ", ".join(map(str, value)) if isinstance(value, list) else value
    yield "registeredModel.labels", labels(model)
    for name, each in properties(model).items():
        yield f"registeredModel.customProperties.{name}", each
    readme = str(model.get("readme") or "")
    yield "registeredModel.readme", readme if len(readme) <= LONGEST_README else f"{len(readme)} characters"
