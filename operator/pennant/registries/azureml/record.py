"""What Azure ML says of a version, in the words of the record. Nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import Json
from pennant.record import mlmodel
from pennant.record.merging import Part, merged
from pennant.record.secrecy import without_credentials
from pennant.registries import fields, flat
from pennant.registries.azureml import job as jobs
from pennant.registries.fields import mapping, of_milliseconds, of_text
from pennant.registries.mlflow import measured
from pennant.registries.notes import Notes

FORMATS: Mapping[str, str] = {"mlflow_model": "mlflow", "triton_model": "triton"}
"""The format of a model by its type in Azure ML; `custom_model` says none."""
KINDS: Mapping[str, str] = {"User": "User", "Application": "ServiceAccount", "ManagedIdentity": "ServiceAccount"}
"""The kind of the author by `createdByType`."""
MAPPED = frozenset({*jobs.REPOSITORY, *jobs.COMMIT, jobs.DIRTY})
"""Properties that have fields of their own."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of Azure ML about a version; an empty one: there is no such thing."""

    instance: str
    """The workspace or the registry."""
    model: str
    version: Json
    job: Json
    """The properties of the job that made the version."""
    job_name: str
    environment: Json
    """The properties of the environment of the job."""
    run: Json
    """The run of the job, as MLflow has it."""
    repository: str | None
    """Where the code is, if no property says it."""

    @property
    def known(self) -> Mapping[str, Any]:
        """The properties of the version."""
        return mapping(self.version.get("properties"))


def artifact_uri(version: Json) -> str:
    """Return where the files of the model are; empty: Azure ML knows no place."""
    return without_credentials(str(mapping(version.get("properties")).get("modelUri") or ""))


def record(answers: Answers, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that Azure ML can fill."""
    known, made = answers.known, mapping(answers.version.get("systemData"))
    found: dict[str, Any] = {}
    if description := known.get("description"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := mapping(known.get("tags")).get("reason"):
        found["reason"] = notes.line(reason, 1024, "the tag reason")
    found["author"] = _author(made, notes)
    found["createdAt"] = of_text(made.get("createdAt"))
    artifact: dict[str, Any] = {"name": "model", "uri": artifact_uri(answers.version)}
    if (format_ := FORMATS.get(str(known.get("modelType")))) is not None:
        artifact["format"] = {"name": format_}
    found["artifacts"] = [artifact]
    found["baseModel"] = jobs.base_model(answers.job, notes)
    logged, names = measured.datasets(answers.run, notes)
    found["datasets"] = jobs.datasets(known, answers.job, logged, notes)
    found["code"] = jobs.code(_properties(answers), answers.repository, notes)
    found["hyperparameters"] = fields.parameters(
        jobs.parameters(answers.job, notes) | flat.plain(_pairs(answers.run.get("data"), "params"), notes), notes
    )
    found["training"] = _training(answers, notes)
    found["metrics"] = measured.metrics(answers.run, {}, names, notes)
    found["source"] = _source(answers, bool(found["code"]), notes)
    of_job = jobs.environment(answers.environment, str(answers.job.get("environmentId")), notes)
    parts = (Part("the job", {**found, "environment": of_job}), Part("the flavors", {"environment": _flavors(known)}))
    whole = merged(parts)
    for each in whole.warnings:
        notes.add(each)
    return {name: each for name, each in whole.spec.items() if each}


def _author(made: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    name = str(made.get("createdBy") or "")
    if not name:
        return {}
    found = {"name": notes.line(name, 63, "the name of the author")}
    if "@" in name and len(name) <= 256:
        found["email"] = name
    if (kind := KINDS.get(str(made.get("createdByType")))) is not None:
        found["kind"] = kind
    return found


def _properties(answers: Answers) -> dict[str, Any]:
    """Return the properties of the job, the tags of its run, and the properties of the version, which count most."""
    return {
        **mapping(answers.job.get("properties")),
        **_pairs(answers.run.get("data"), "tags"),
        **mapping(answers.known.get("properties")),
    }


def _training(answers: Answers, notes: Notes) -> dict[str, Any]:
    if not answers.job_name:
        return {}
    info, studio = mapping(answers.run.get("info")), mapping(mapping(answers.job.get("services")).get("Studio"))
    experiment = answers.job.get("experimentName")
    known = {
        "experiment": notes.line(experiment, 256, "the name of the experiment") if experiment else None,
        "run": answers.job_name[:256],
        "runUri": without_credentials(str(studio.get("endpoint") or ""))[:2048] or None,
        "startedAt": of_milliseconds(info.get("start_time")),
        "finishedAt": of_milliseconds(info.get("end_time")),
    }
    return {name: each for name, each in known.items() if each is not None}


def _flavors(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the versions of Python and of libraries that the flavours of an MLflow model say."""
    flavors = {name: mapping(mapping(each).get("data")) for name, each in mapping(known.get("flavors")).items()}
    found: dict[str, Any] = mlmodel.of_values({"flavors": flavors}, "model", "flavors").spec.get("environment", {})
    return {
        **{name: each[:63] for name, each in found.items() if isinstance(each, str)},
        **(
            {"frameworks": [{"name": one["name"], "version": one["version"][:63]} for one in found["frameworks"]]}
            if "frameworks" in found
            else {}
        ),
    }


def _source(answers: Answers, has_code: bool, notes: Notes) -> dict[str, Any]:
    version, identity = str(answers.version["name"]), str(answers.version.get("id") or "")
    found: dict[str, Any] = {
        "registry": "Azure ML",
        "instance": answers.instance[:2048],
        "modelName": answers.model[:256],
        "version": version[:256],
    }
    if 0 < len(identity) <= 256:
        found["id"] = identity
    if annotations := _annotations(answers, MAPPED if has_code else frozenset(), notes):
        found["annotations"] = annotations
    return found


def _annotations(answers: Answers, mapped: frozenset[str], notes: Notes) -> dict[str, str]:
    """Return what has no field of its own, under the names of Azure ML; the most specific first."""
    known, job, made = answers.known, answers.job, mapping(answers.version.get("systemData"))
    flavors = mapping(known.get("flavors"))
    single = {
        "stage": known.get("stage"),
        "modelType": known.get("modelType"),
        **{f"tags.{name}": each for name, each in mapping(known.get("tags")).items()},
        **{f"properties.{name}": each for name, each in mapping(known.get("properties")).items() if name not in mapped},
        "flavors": _json({name: mapping(each).get("data") for name, each in flavors.items()}),
        "lastModifiedBy": made.get("lastModifiedBy"),
        "lastModifiedAt": made.get("lastModifiedAt"),
        "isAnonymous": "true" if known.get("isAnonymous") is True else "",
        "intellectualProperty": _json(known.get("intellectualProperty")),
        "systemMetadata": _json(known.get("systemMetadata")),
        "defaultDeploymentTemplate": _json(known.get("defaultDeploymentTemplate")),
        "allowedDeploymentTemplates": _json(known.get("allowedDeploymentTemplates")),
        "job.displayName": job.get("displayName"),
        "job.type": job.get("jobType"),
        "job.status": job.get("status"),
        "job.command": flat.shown(str(job.get("command") or "").split()),
        "job.codeId": job.get("codeId"),
        "job.componentId": job.get("componentId"),
        "job.environmentId": job.get("environmentId"),
        "job.environmentVariables": ",".join(map(str, mapping(job.get("environmentVariables")))),
        "job.computeId": job.get("computeId"),
        **{f"job.tags.{name}": each for name, each in mapping(job.get("tags")).items()},
        **{
            f"job.properties.{name}": each
            for name, each in mapping(job.get("properties")).items()
            if name not in mapped
        },
    }
    return fields.annotations(flat.plain(single, notes), notes)


def _json(value: Any) -> str:
    """Return a value as JSON; empty: it has nothing."""
    return flat.text(value) if value else ""


def _pairs(data: Any, field: str) -> dict[str, str]:
    """Return a list of `{key, value}` of a run as one object."""
    listed = mapping(data).get(field)
    return {
        str(each["key"]): str(each.get("value", ""))
        for each in map(mapping, listed if isinstance(listed, list) else ())
        if each.get("key")
    }
