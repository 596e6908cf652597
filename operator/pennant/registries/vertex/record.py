"""What Vertex AI says of a version, in the words of the record. Nothing is read here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pennant.api.meta import COMMIT_PATTERN, Json
from pennant.record.secrecy import without_credentials
from pennant.registries import fields, flat
from pennant.registries.fields import mapping, of_text
from pennant.registries.notes import Notes
from pennant.registries.vertex import measured, training
from pennant.registries.vertex.training import CONSOLE

AUTHOR = "author"
COMMIT = ("git-commit", "git_commit")
"""Labels that have fields of their own. Vertex AI itself knows neither."""
METRICS = re.compile(r"(system|google)\.\w*Metrics")
"""Titles of the schemas of artefacts with metrics."""
DATASET = re.compile(r"(system|google)\.\w*Dataset")


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of Vertex AI about a version; an empty one: there is no such thing."""

    host: str
    location: str
    """`projects/P/locations/L`."""
    model: Json
    """The version, as the list of versions has it."""
    evaluations: Sequence[tuple[Json, Sequence[Json]]]
    """Each with its slices."""
    pipeline: Json
    """The training pipeline."""
    job: Json
    """The pipeline job."""
    custom: Json
    """The custom job."""
    dataset: Json
    """The data set of the training pipeline."""
    run: Json
    """The run of an experiment, a context of ML Metadata."""
    lineage: Json
    """What made and read the model, of ML Metadata."""
    repository: str | None
    """Where the code is, if a label has the commit."""


def name_of(model: Json) -> str:
    """Return the name of a model for a record: its ID, or its display name if Vertex AI chose the ID.

    An ID that a user chose does not begin with a digit.

    Rule: R216.
    """
    identity = str(model["name"]).rpartition("/")[2].partition("@")[0]
    return str(model.get("displayName") or identity) if identity[:1].isdecimal() else identity


def artifact_uri(model: Json) -> str:
    """Return where the files of the model are; empty: Vertex AI knows no place."""
    uri = model.get("artifactUri")
    return without_credentials(uri) if isinstance(uri, str) else ""


def record(answers: Answers, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that Vertex AI can fill."""
    model, pipeline, custom = answers.model, answers.pipeline, answers.custom
    made_by, touched = _executions(answers)
    inputs = _artifacts(answers, made_by, "INPUT", DATASET)
    outputs = _artifacts(answers, touched, "OUTPUT", METRICS)
    found: dict[str, Any] = {}
    if description := model.get("description"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := model.get("versionDescription"):
        found["reason"] = notes.line(reason, 1024, "the description of the version")
    if author := mapping(model.get("labels")).get(AUTHOR):
        found["author"] = {"name": notes.line(author, 63, "the label author")}
    if created := of_text(model.get("versionCreateTime")):
        found["createdAt"] = created
    found["artifacts"] = [{"name": "model", "uri": artifact_uri(model)}]
    found["baseModel"] = _base(mapping(model.get("baseModelSource")), notes)
    found["datasets"] = measured.datasets(model, answers.dataset, answers.evaluations, inputs, notes)
    found["code"] = _code(answers, notes)
    found["hyperparameters"] = training.hyperparameters(pipeline, custom, answers.job, answers.run, made_by, notes)
    found["environment"] = training.environment(pipeline, custom)
    if schema := mapping(model.get("predictSchemata")).get("instanceSchemaUri"):
        found["schema"] = {"uri": str(schema)[:2048]}
    found["training"] = training.training(pipeline, custom, answers.job, answers.run, notes)
    found["metrics"] = measured.metrics(answers.evaluations, outputs, answers.run, notes)
    found["source"] = _source(answers, "code" in found and bool(found["code"]), notes)
    return {name: each for name, each in found.items() if each}


def _executions(answers: Answers) -> tuple[list[Json], list[Json]]:
    """Return the executions that made the model, and all that made or read it."""
    name = answers.model.get("metadataArtifact")
    events = [each for each in answers.lineage.get("events") or () if each.get("artifact") == name]
    executions = {each.get("name"): each for each in answers.lineage.get("executions") or ()}
    made = {each.get("execution") for each in events if each.get("type") == "OUTPUT"}
    touched = {each.get("execution") for each in events}
    return (
        [each for key, each in executions.items() if key in made],
        [each for key, each in executions.items() if key in touched],
    )


def _artifacts(answers: Answers, of: Sequence[Json], kind: str, schema: re.Pattern[str]) -> list[Json]:
    """Return the artefacts that executions read (INPUT) or made (OUTPUT), of a schema."""
    names = {each.get("name") for each in of}
    events = answers.lineage.get("events") or ()
    wanted = {each.get("artifact") for each in events if each.get("execution") in names and each.get("type") == kind}
    listed = answers.lineage.get("artifacts") or ()
    return [
        each
        for each in listed
        if each.get("name") in wanted and schema.fullmatch(str(each.get("schemaTitle"))) is not None
    ]


def _base(source: Json, notes: Notes) -> dict[str, Any]:
    garden, genie = mapping(source.get("modelGardenSource")), mapping(source.get("genieSource"))
    if name := garden.get("publicModelName"):
        found = {"name": notes.line(name, 253, "the name of the base model")}
        if revision := garden.get("versionId"):
            found["revision"] = notes.line(revision, 256, "the revision of the base model")
        return found
    if uri := genie.get("baseModelUri"):
        return {"name": str(uri).rstrip("/").rpartition("/")[2][:253] or "genie", "uri": str(uri)[:2048]}
    return {}


def _code(answers: Answers, notes: Notes) -> dict[str, Any]:
    labels = mapping(answers.model.get("labels"))
    commit = next((str(labels[each]) for each in COMMIT if labels.get(each)), None)
    if commit is None:
        return {}
    if re.fullmatch(COMMIT_PATTERN, commit) is None:
        notes.add(f"the label {COMMIT[0]} is {commit!r}, which is no hash of a commit")
        return {}
    if answers.repository is None:
        notes.add(f"the code is at commit {commit}, and a label has no place for a URL; give it with --repository")
        return {}
    return {"repository": without_credentials(answers.repository)[:2048], "commit": commit}


def _source(answers: Answers, has_code: bool, notes: Notes) -> dict[str, Any]:
    model = answers.model
    resource, version = str(model["name"]).partition("@")[0], str(model["versionId"])
    _, project, _, place, _, identity = [*resource.split("/"), *[""] * 6][:6]
    page = f"{CONSOLE}/vertex-ai/models/locations/{place}/models/{quote(identity)}/versions/{version}?project={project}"
    found: dict[str, Any] = {
        "registry": "Vertex AI",
        "instance": f"{answers.host}/v1/{answers.location}"[:2048],
        "modelName": name_of(model)[:256],
        "version": version[:256],
        "id": f"{resource}@{version}"[:256],
        "uri": page[:2048],
    }
    if annotations := _annotations(answers, has_code, notes):
        found["annotations"] = annotations
    return found


def _annotations(answers: Answers, has_code: bool, notes: Notes) -> dict[str, str]:
    """Return what has no field of its own, under the names of Vertex AI; the most specific first."""
    model, container = answers.model, mapping(answers.model.get("containerSpec"))
    labels = mapping(model.get("labels"))
    mapped = {AUTHOR, *(COMMIT if has_code else ())}
    trained_in = training.container(answers.pipeline, answers.custom)
    single = {
        "displayName": model.get("displayName"),
        "versionAliases": ",".join(map(str, model.get("versionAliases") or ())),
        **{f"labels.{name}": each for name, each in labels.items() if name not in mapped},
        "modelSourceInfo.sourceType": mapping(model.get("modelSourceInfo")).get("sourceType"),
        "originalModelInfo.model": mapping(model.get("originalModelInfo")).get("model"),
        "containerSpec.imageUri": container.get("imageUri"),
        "containerSpec.command": flat.shown(container.get("command") or ()),
        "containerSpec.args": flat.shown(container.get("args") or ()),
        "containerSpec.env": _names(container.get("env")),
        "containerSpec.ports": _json(container.get("ports")),
        **{f"containerSpec.{each}": container.get(each) for each in ("predictRoute", "healthRoute")},
        "predictSchemata": _json(model.get("predictSchemata")),
        "metadata": _json(model.get("metadata")),
        "metadataSchemaUri": model.get("metadataSchemaUri"),
        "supportedExportFormats": ",".join(
            str(mapping(each).get("id")) for each in _list(model, "supportedExportFormats")
        ),
        "deployedModels": ",".join(str(mapping(each).get("endpoint")) for each in _list(model, "deployedModels")),
        "checkpoints": _json(model.get("checkpoints")),
        "defaultCheckpointId": model.get("defaultCheckpointId"),
        "explanationSpec": _json(model.get("explanationSpec")),
        "encryptionSpec.kmsKeyName": mapping(model.get("encryptionSpec")).get("kmsKeyName"),
        "versionUpdateTime": model.get("versionUpdateTime"),
        "trainingPipeline": model.get("trainingPipeline"),
        "trainingPipeline.definition": answers.pipeline.get("trainingTaskDefinition"),
        "trainingPipeline.inputDataConfig": _json(answers.pipeline.get("inputDataConfig")),
        "training.machineSpec": _json(training.machine(answers.pipeline, answers.custom)),
        "training.args": flat.shown(trained_in.get("args") or ()),
        "training.env": _names(trained_in.get("env")),
        "training.packageUris": _json(trained_in.get("packageUris")),
        "customJob": answers.custom.get("name"),
        "customJob.serviceAccount": mapping(answers.custom.get("jobSpec")).get("serviceAccount"),
        "pipelineJob": model.get("pipelineJob"),
        "pipelineJob.templateUri": answers.job.get("templateUri"),
        "pipelineJob.serviceAccount": answers.job.get("serviceAccount"),
        "metadataArtifact": model.get("metadataArtifact"),
        "evaluations": ",".join(str(each.get("name")).rpartition("/")[2] for each, _ in answers.evaluations),
    }
    return fields.annotations(flat.plain(single, notes), notes)


def _names(listed: Any) -> str:
    """Return the names of environment variables; their values may be secret."""
    return ",".join(str(mapping(each).get("name")) for each in listed) if isinstance(listed, list) else ""


def _list(model: Json, field: str) -> list[Any]:
    value = model.get(field)
    return value if isinstance(value, list) else []


def _json(value: Any) -> str:
    """Return a value as JSON; empty: it has nothing."""
    return flat.text(value) if value else ""
