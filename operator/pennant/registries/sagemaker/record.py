"""What SageMaker says of a version, in the words of the record. Nothing is read here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pennant.api.meta import Json, rfc3339
from pennant.registries import fields
from pennant.registries.notes import Notes
from pennant.registries.sagemaker import card, reports, training
from pennant.registries.sagemaker.containers import Artifacts

REASON = "reason"
"""The key of the customer metadata that says why a version was created."""
PLAIN = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "ModelPackageRegistrationType",
    "Domain",
    "Task",
    "SourceUri",
    "SamplePayloadUrl",
    "SkipModelValidation",
    "ManagedStorageType",
)
"""Fields of a package that are annotations under their own names."""
OF_CONTAINERS = ("Image", "ImageDigest", "NearestModelName", "ProductId", "IsCheckpoint")


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of SageMaker and S3 about a version."""

    package: Json
    group: Json
    tags: Mapping[str, str]
    """Of the group. A version has none of its own."""
    job: Json
    """The training job; empty: there is none."""
    card: Json
    artifacts: Artifacts
    reports: list[reports.Report]
    contents: Mapping[str, bytes]
    """The bytes of reports, by their URIs."""
    repository: str | None
    """Where the code is, if the package only has its commit."""


def record(answers: Answers, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that SageMaker can fill."""
    package, job = answers.package, answers.job
    found: dict[str, Any] = {**card.fields(answers.card, notes)}
    if description := package.get("ModelPackageDescription"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := (package.get("CustomerMetadataProperties") or {}).get(REASON):
        found["reason"] = notes.line(reason, 1024, f"the property {REASON}")
    if author := _person(package.get("CreatedBy")) or card.creator(answers.card):
        found["author"] = {"name": notes.line(author, 63, "the name of the author")}
    found["createdAt"] = _time(package.get("CreationTime"))
    found["artifacts"] = answers.artifacts.listed
    found["baseModel"] = _base_model(package)
    found["datasets"] = training.datasets(job, answers.card, notes)
    found["code"] = training.code(package, job, answers.repository, notes)
    found["hyperparameters"] = fields.parameters(training.parameters(job, answers.card), notes)
    found["environment"] = training.environment(job, answers.card)
    found["training"] = training.training(package, job)
    found["metrics"] = fields.metrics(_metrics(answers, notes), notes)
    found["reports"] = reports.documents(answers.reports, answers.contents)
    found["source"] = _source(answers, "commit" in found["code"], notes)
    return {name: each for name, each in found.items() if each}


def _metrics(answers: Answers, notes: Notes) -> Iterator[dict[str, Any]]:
    """Yield all metrics. Of two with one name, that of a report counts, then that of the card."""
    yield from training.metrics(answers.job)
    yield from card.metrics(answers.card)
    yield from reports.metrics(answers.reports, answers.contents, notes)


def _source(answers: Answers, has_commit: bool, notes: Notes) -> dict[str, Any]:
    package = answers.package
    arn = str(package["ModelPackageArn"])
    found: dict[str, Any] = {
        "registry": "SageMaker",
        # Partition, region and account, which are the same through each endpoint.
        "instance": ":".join(arn.split(":")[:5]),
        "modelName": str(package["ModelPackageGroupName"])[:256],
        "version": str(package["ModelPackageVersion"]),
        "id": notes.line(arn, 256, "the ARN"),
    }
    if annotations := fields.annotations(dict(_annotations(answers, has_commit)), notes):
        found["annotations"] = annotations
    return found


def _annotations(answers: Answers, has_commit: bool) -> Iterator[tuple[str, Any]]:
    """Yield what has no field of its own, under the names of SageMaker; the most specific first: there is a limit."""
    package, job = answers.package, answers.job
    yield from answers.artifacts.annotations.items()
    for name in PLAIN:
        yield name, package.get(name)
    for name, each in (package.get("ModelLifeCycle") or {}).items():
        yield f"ModelLifeCycle.{name}", each
    for name in ("CreatedBy", "LastModifiedBy"):
        yield name, _identity(package.get(name))
    yield "LastModifiedTime", _time(package.get("LastModifiedTime"))
    for name, each in (package.get("MetadataProperties") or {}).items():
        if not has_commit or name not in ("CommitId", "Repository"):
            yield f"MetadataProperties.{name}", each
    for name, each in (package.get("CustomerMetadataProperties") or {}).items():
        if name != REASON:
            yield f"CustomerMetadataProperties.{name}", each
    yield from _of_containers(package)
    yield "SecurityConfig.KmsKeyId", (package.get("SecurityConfig") or {}).get("KmsKeyId")
    yield from _of_job(job)
    yield from card.annotations(package, answers.card)
    for name, value in answers.tags.items():
        yield f"group.tags.{name}", value
    yield "group.description", answers.group.get("ModelPackageGroupDescription")
    yield "group.CreatedBy", _identity(answers.group.get("CreatedBy"))


def _of_containers(package: Json) -> Iterator[tuple[str, Any]]:
    inference = package.get("InferenceSpecification") or {}
    for number, container in enumerate(inference.get("Containers") or ()):
        start = "container" if number == 0 else f"container.{number + 1}"
        for name in OF_CONTAINERS:
            yield f"{start}.{name}", container.get(name)
        yield f"{start}.DataInputConfig", (container.get("ModelInput") or {}).get("DataInputConfig")
        # The values may be secrets.
        yield f"{start}.Environment", ", ".join(sorted(container.get("Environment") or ()))
    for name in ("SupportedContentTypes", "SupportedResponseMIMETypes", "SupportedRealtimeInferenceInstanceTypes"):
        yield name, ", ".join(map(str, inference.get(name) or ()))
    for each in (package.get("SourceAlgorithmSpecification") or {}).get("SourceAlgorithms") or ():
        yield "AlgorithmName", each.get("AlgorithmName")
    for each in package.get("AdditionalInferenceSpecifications") or ():
        places = (one.get("ModelDataUrl") or one.get("Image") for one in each.get("Containers") or ())
        yield f"AdditionalInferenceSpecifications.{each.get('Name')}", ", ".join(map(str, filter(None, places)))


def _of_job(job: Json) -> Iterator[tuple[str, Any]]:
    resources = job.get("ResourceConfig") or {}
    yield "trainingJob.arn", job.get("TrainingJobArn")
    yield "trainingJob.status", job.get("TrainingJobStatus")
    yield "trainingJob.AlgorithmName", (job.get("AlgorithmSpecification") or {}).get("AlgorithmName")
    yield "trainingJob.InstanceType", resources.get("InstanceType")
    yield "trainingJob.InstanceCount", resources.get("InstanceCount")
    yield "trainingJob.BillableTimeInSeconds", job.get("BillableTimeInSeconds")
    yield "trainingJob.TuningJobArn", job.get("TuningJobArn")
    yield "trainingJob.AutoMLJobArn", job.get("AutoMLJobArn")
    for name in ("TrialName", "RunName"):
        yield f"trainingJob.{name}", (job.get("ExperimentConfig") or {}).get(name)


def _base_model(package: Json) -> dict[str, Any]:
    for container in (package.get("InferenceSpecification") or {}).get("Containers") or ():
        base = container.get("BaseModel") or {}
        if name := base.get("HubContentName") or base.get("RecipeName"):
            revision = base.get("HubContentVersion")
            return {"name": str(name)[:253], **({"revision": str(revision)[:256]} if revision else {})}
    return {}


def _person(who: Any) -> str:
    """Return the user profile, or else the user or the role with its session; empty: SageMaker says none."""
    known = who or {}
    arn = str((known.get("IamIdentity") or {}).get("Arn") or "")
    resource = arn.split(":", 5)[-1]
    return str(known.get("UserProfileName") or resource.partition("/")[2] or resource)


def _identity(who: Any) -> str:
    known = who or {}
    return str((known.get("IamIdentity") or {}).get("Arn") or known.get("UserProfileArn") or "")


def _time(value: Any) -> str | None:
    return rfc3339(value) if isinstance(value, datetime) else None
