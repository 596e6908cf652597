"""How a version of Vertex AI was trained: by a training pipeline, a custom job, a pipeline job, or a run.

Values of environment variables are never read into the record, because they are where programs get their secrets.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.registries import fields, flat
from pennant.registries.fields import mapping, of_text
from pennant.registries.notes import Notes

CONSOLE = "https://console.cloud.google.com"
INPUT = "input:"
"""What parameters of pipelines begin with in the metadata of an execution."""
STRUCTURE = frozenset({"workerPoolSpecs", "env", "baseOutputDirectory", "network", "serviceAccount", "tensorboard"})
"""Inputs of a training task that are no parameters of the training."""
_IMAGE = re.compile(r"[^@]+@(sha256:[a-f0-9]{64})")


def hyperparameters(
    pipeline: Json, custom: Json, job: Json, run: Json, made_by: list[Json], notes: Notes
) -> list[dict[str, Any]]:
    """Return the parameters of all that trained the version; the most specific one counts if two have a name."""
    found: dict[str, str] = {}
    for execution in made_by:
        inputs = mapping(execution.get("metadata"))
        found |= flat.plain({key.removeprefix(INPUT): inputs[key] for key in inputs if key.startswith(INPUT)}, notes)
    config = mapping(job.get("runtimeConfig"))
    found |= flat.plain({name: _typed(each) for name, each in mapping(config.get("parameters")).items()}, notes)
    found |= flat.plain(mapping(config.get("parameterValues")), notes)
    inputs = mapping(pipeline.get("trainingTaskInputs"))
    found |= flat.parameters({name: each for name, each in inputs.items() if name not in STRUCTURE}, notes)
    found |= flat.plain(flat.arguments(container(pipeline, custom).get("args")), notes)
    found |= flat.parameters(mapping(run.get("metadata")).get("_params"), notes)
    return fields.parameters(found, notes)


def _typed(value: Any) -> Any:
    """Return a parameter of an older pipeline job, which has its type as the name of a field."""
    return next(iter(value.values()), None) if isinstance(value, Mapping) else value


def container(pipeline: Json, custom: Json) -> Mapping[str, Any]:
    """Return the container of the first pool of workers, which is the chief; empty: neither names one."""
    return next(_containers(pipeline, custom), {})


def machine(pipeline: Json, custom: Json) -> Mapping[str, Any]:
    """Return the machine of the first pool of workers."""
    return mapping(next(_pools(pipeline, custom), {}).get("machineSpec"))


def _containers(pipeline: Json, custom: Json) -> Iterator[Mapping[str, Any]]:
    for pool in _pools(pipeline, custom):
        for field in ("containerSpec", "pythonPackageSpec"):
            if spec := mapping(pool.get(field)):
                yield spec


def _pools(pipeline: Json, custom: Json) -> Iterator[Mapping[str, Any]]:
    for holder in (custom.get("jobSpec"), pipeline.get("trainingTaskInputs")):
        pools = mapping(holder).get("workerPoolSpecs")
        yield from map(mapping, pools if isinstance(pools, list) else ())


def environment(pipeline: Json, custom: Json) -> dict[str, Any]:
    """Return the image in which the version was trained, with its digest if the name of the image has one."""
    spec = container(pipeline, custom)
    image = str(spec.get("imageUri") or spec.get("executorImageUri") or "")
    if not image:
        return {}
    digest = _IMAGE.fullmatch(image)
    return {"image": image[:2048], **({"imageDigest": digest[1]} if digest is not None else {})}


def training(pipeline: Json, custom: Json, job: Json, run: Json, notes: Notes) -> dict[str, Any]:
    """Return the run that trained the version: the run of an experiment, or else the pipeline or the job."""
    detail = mapping(job.get("jobDetail"))
    whole = pipeline or job or custom
    spec = mapping(custom.get("jobSpec"))
    experiment = str(spec.get("experiment") or "").rpartition("/")[2]
    name = str(whole.get("name") or "")
    known = {
        "experiment": experiment,
        "run": str(run.get("displayName") or name.rpartition("/")[2]),
        "runUri": run_uri(name),
        "pipeline": str(
            mapping(detail.get("pipelineContext")).get("displayName") or (pipeline or job).get("displayName") or ""
        ),
    }
    lines = {field: notes.line(each, 256, f"training.{field}") for field, each in known.items() if each}
    times = {"startedAt": of_text(whole.get("startTime")), "finishedAt": of_text(whole.get("endTime"))}
    return {**lines, **{field: each for field, each in times.items() if each is not None}}


def run_uri(name: str) -> str:
    """Return where a training pipeline, a custom job or a pipeline job can be viewed; empty: it is none of these."""
    found = re.fullmatch(r"projects/([^/]+)/locations/([^/]+)/(\w+)/([^/]+)", name)
    if found is None:
        return ""
    project, location, kind, identity = found.groups()
    match kind:
        case "pipelineJobs":
            path = f"vertex-ai/locations/{location}/pipelines/runs/{identity}"
        case "trainingPipelines" | "customJobs":
            path = f"agent-platform/locations/{location}/training/{identity}"
        case _:
            return ""
    return f"{CONSOLE}/{path}?project={project}"
