"""What SageMaker says of the training job of a version, in the words of the record."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pennant.api.meta import COMMIT_PATTERN, Json, rfc3339
from pennant.record.metrics import SPLITS
from pennant.record.secrecy import without_credentials
from pennant.registries.fields import mappings, object_of, role_of
from pennant.registries.notes import Notes
from pennant.registries.sagemaker.containers import sha256_of

MAX_DATASETS = 32
OWN = "sagemaker_"
"""How the hyperparameters begin that the SageMaker SDK writes for itself."""
PROGRAM, SUBMITTED = "sagemaker_program", "sagemaker_submit_directory"


def job_name(package: Json, card: Json) -> tuple[str | None, bool]:
    """Return the name of the training job, and whether SageMaker says it.

    Otherwise it is a guess by the place where a training job stores its model: `<prefix>/<job>/output/model.tar.gz`.
    """
    details = object_of(object_of(card.get("training_details")).get("training_job_details"))
    generated = (package.get("MetadataProperties") or {}).get("GeneratedBy")
    for arn in (generated, details.get("training_arn")):
        if (found := re.search(r":training-job/([A-Za-z0-9-]{1,63})$", str(arn or ""))) is not None:
            return found[1], True
    for uri in _places(package):
        if (found := re.search(r"/([A-Za-z0-9-]{1,63})/output/[^/]+/?$", uri)) is not None:
            return found[1], False
    return None, False


def made(job: Json, package: Json) -> bool:
    """Return whether a training job made the model of a package, by the place of its model."""
    place = str((job.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or "").rstrip("/")
    return bool(place) and any(each.rstrip("/") == place for each in _places(package))


def _places(package: Json) -> Iterator[str]:
    """Yield where the models of a package are: archives, or directories below which they are not compressed."""
    for container in (package.get("InferenceSpecification") or {}).get("Containers") or ():
        source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
        if uri := container.get("ModelDataUrl") or source.get("S3Uri"):
            yield str(uri)


def parameters(job: Json, card: Json) -> dict[str, Any]:
    """Return the hyperparameters by name. The SageMaker SDK writes each as JSON, so a text is in quotes."""
    given = {name: each for name, each in (job.get("HyperParameters") or {}).items() if not name.startswith(OWN)}
    if not job:
        details = object_of(object_of(card.get("training_details")).get("training_job_details"))
        for field in ("hyper_parameters", "user_provided_hyper_parameters"):
            given |= {str(each["name"]): each.get("value") for each in mappings(details.get(field)) if each.get("name")}
    return {name: _plain(each) for name, each in given.items() if each is not None}


def datasets(job: Json, card: Json, notes: Notes) -> list[dict[str, Any]]:
    """Return the data sets: the channels of the training job, or what the model card lists."""
    found = {each["name"]: each for each in _channels(job, notes)}
    if not job:
        details = object_of(object_of(card.get("training_details")).get("training_job_details"))
        for uri in _list_of_texts(details.get("training_datasets")):
            found[uri[:253]] = {"name": uri[:253], "role": "Training", "uri": without_credentials(uri)[:2048]}
    if len(found) > MAX_DATASETS:
        notes.add(f"the record has the first {MAX_DATASETS} of {len(found)} data sets")
    return [*found.values()][:MAX_DATASETS]


def _channels(job: Json, notes: Notes) -> Iterator[dict[str, Any]]:
    for each in job.get("InputDataConfig") or ():
        name = str(each.get("ChannelName") or "data")
        if (role := role_of(name)) is None:
            notes.add(f"channel {name} of the training job is none of {', '.join(SPLITS)}: Reference")
        dataset: dict[str, Any] = {"name": name[:253], "role": role or "Reference"}
        source = each.get("DataSource") or {}
        system = source.get("FileSystemDataSource") or {}
        uri = (source.get("S3DataSource") or {}).get("S3Uri")
        if uri is None and system:
            uri = f"{str(system.get('FileSystemType') or 'efs').lower()}://{system.get('FileSystemId')}"
            uri += str(system.get("DirectoryPath") or "")
        if uri:
            dataset["uri"] = notes.line(without_credentials(str(uri)), 2048, f"the URI of channel {name}")
        yield dataset


def metrics(job: Json) -> Iterator[dict[str, Any]]:
    """Yield the final metrics. Built-in algorithms write the split before a colon, as in `validation:auc`."""
    for each in job.get("FinalMetricDataList") or ():
        name = str(each.get("MetricName"))
        start, sign, _ = name.partition(":")
        split = SPLITS.get(start) if sign else None
        yield {"name": name, "value": each.get("Value"), **({"split": split} if split else {})}


def code(package: Json, job: Json, repository: str | None, notes: Notes) -> dict[str, Any]:
    """Return the code: commit and repository of the package, or else the archive that the SDK submitted."""
    known = package.get("MetadataProperties") or {}
    given = job.get("HyperParameters") or {}
    commit, where = str(known.get("CommitId") or ""), known.get("Repository") or repository
    found: dict[str, Any] = {}
    if commit and not where:
        notes.add(f"the code is at commit {commit}, and SageMaker has no repository; give it with --repository")
    elif commit and (re.fullmatch(COMMIT_PATTERN, commit.lower()) is None or len(commit) > 64):
        notes.add(f"CommitId is {commit!r}, which is no hash of a commit")
    elif commit:
        found = {"repository": without_credentials(str(where))[:2048], "commit": commit.lower()}
    if not found and str(uri := _plain(given.get(SUBMITTED))).startswith("s3://"):
        found = {"uri": str(uri)[:2048]}
    path = str(_plain(given.get(PROGRAM)) or "")
    if found and path and len(path) <= 256 and not re.match(r"/|\.\.", path):
        found["path"] = path
    return found


def environment(job: Json, card: Json) -> dict[str, Any]:
    """Return the image in which the version was trained. A tag of an image says no digest."""
    details = object_of(object_of(card.get("training_details")).get("training_job_details"))
    listed = _list_of_texts(object_of(details.get("training_environment")).get("container_image"))
    image = (job.get("AlgorithmSpecification") or {}).get("TrainingImage") or next(iter(listed), None)
    if not image:
        return {}
    digest = sha256_of(str(image).partition("@")[2])
    return {"image": str(image)[:2048], **({"imageDigest": digest} if digest is not None else {})}


def training(package: Json, job: Json) -> dict[str, Any]:
    """Return the training run."""
    generated = str((package.get("MetadataProperties") or {}).get("GeneratedBy") or "")
    pipeline = re.search(r":pipeline/([^/]+)(?:/execution/[^/]+)?$", generated)
    known = {
        "experiment": (job.get("ExperimentConfig") or {}).get("ExperimentName"),
        "run": job.get("TrainingJobName"),
        "runUri": _page(str(job.get("TrainingJobArn") or "")),
        "pipeline": pipeline[1][:256] if pipeline is not None else None,
        "startedAt": _time(job.get("TrainingStartTime")),
        "finishedAt": _time(job.get("TrainingEndTime")),
    }
    return {name: each for name, each in known.items() if each}


def _page(arn: str) -> str | None:
    """Return the page of a training job in the console; None: its address is not known, as in other partitions."""
    found = re.fullmatch(r"arn:aws:sagemaker:([a-z0-9-]+):\d+:training-job/([A-Za-z0-9-]+)", arn)
    if found is None:
        return None
    region, name = found[1], found[2]
    return f"https://{region}.console.aws.amazon.com/sagemaker/home?region={region}#/jobs/{name}"


def _time(value: Any) -> str | None:
    return rfc3339(value) if hasattr(value, "astimezone") else None


def _plain(value: Any) -> Any:
    """Return a text without the quotes of JSON."""
    if not (isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _list_of_texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []
