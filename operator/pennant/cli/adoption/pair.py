"""The manifests that serve what an object serves: a ModelVersion, a ModelDeployment, and its autoscaler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api import API_VERSION, DEFAULT_TAG
from pennant.api.meta import Json
from pennant.cli.adoption import autoscaler
from pennant.cli.adoption.objects import items, mapping
from pennant.cli.adoption.record import Record
from pennant.cli.adoption.text import manifest
from pennant.cli.adoption.words import full_name
from pennant.cli.adoption.workload import Workload
from pennant.cli.errors import CliError
from pennant.cli.manifests.findings import Finding, report

BEFORE_THE_NEXT = (
    "Before you promote another version, let the template refer to the record, such as by $(MODEL_URI), and remove "
    "this field: until then all versions have the same pods."
)
INJECT = (f"No container gets variables of the record, so all keep their environment. {BEFORE_THE_NEXT}",)
INJECT_FETCHER = ("Only the init container that downloads the model gets variables of the record.",)
THEN = (
    "The autoscaler below writes this field from then on: remove it from your file, and run `kubectl apply "
    "set-last-applied -f FILE`, before the next apply."
)
REPLICAS = (f"The number of pods at present, so that the first apply scales nothing. {THEN}",)
REPLICAS_OF_A_FILE = (
    f"Set this to the number of pods at present before the first apply, so that it ends none. {THEN}",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """The manifests, with comments on fields of their specs."""

    manifests: tuple[tuple[Json, Mapping[str, Sequence[str]]], ...]

    @property
    def values(self) -> list[Json]:
        """The manifests alone."""
        return [value for value, _ in self.manifests]

    @property
    def text(self) -> str:
        """The manifests as YAML documents."""
        return "\n---\n".join(manifest(value, comments) for value, comments in self.manifests)

    def with_comment(self, field: str, comment: str) -> "Pair":
        """Return the manifests with a comment on a field of the ModelDeployment."""
        version, (deployment, comments), *others = self.manifests
        return Pair((version, (deployment, {**comments, field: (comment,)}), *others))


def pair_of(workload: Workload, record: Record, target: str, scaler_name: str, *, is_live: bool) -> Pair:
    """Return the manifests for a ModelDeployment of the name `target`.

    `is_live` says that the number of pods is that of the cluster.
    """
    version = _object("ModelVersion", record.name, workload.namespace, _version_spec(record))
    spec, comments = _deployment_spec(workload, record, is_live)
    found: list[tuple[Json, Mapping[str, Sequence[str]]]] = [
        (version, _version_comments(record)),
        (_object("ModelDeployment", target, workload.namespace, spec), comments),
    ]
    if workload.autoscaler is not None:
        found.append((autoscaler.retargeted(workload.autoscaler, target, workload.namespace, scaler_name), {}))
    return Pair(tuple(found))


def checked(pair: Pair, workload: Workload) -> list[Finding]:
    """Return what `lint` warns of; raises `CliError` where the API server would refuse a manifest."""
    me = full_name(workload.kind, workload.name)
    found = problems(pair.text)
    if errors := [each for each in found if each.is_error]:
        said = "; ".join(f"{each.object}: {each.sentence}" for each in errors)
        raise CliError(f"{me} cannot be adopted as it is: {said}")
    return list(found)


def problems(text: str) -> Sequence[Finding]:
    """Return what `lint` says of an output."""
    return report([("output", text)]).findings


def _object(kind: str, name: str, namespace: str | None, spec: Json) -> Json:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _version_spec(record: Record) -> dict[str, Any]:
    artifacts = [
        {"name": f"model-{number}" if number > 1 else "model", "uri": each.uri}
        | ({"digest": each.digest} if each.digest else {})
        for number, each in enumerate(record.artifacts, start=1)
    ]
    return {"model": record.model, "version": record.version, "tags": [record.tag], "artifacts": artifacts}


def _version_comments(record: Record) -> Mapping[str, Sequence[str]]:
    """Return the reasons of the choices, above the fields that they are about."""
    fields = {"model": "model", "version": "version", "artifact": "artifacts"}
    found: dict[str, list[str]] = {}
    for each in record.reasons:
        said, _, why = each.partition(": ")
        if (field := fields.get(said.split(" ")[0])) is not None:
            found.setdefault(field, []).append(f"From: {each.rpartition(': ')[2] if field == 'artifacts' else why}")
    return found


def _deployment_spec(
    workload: Workload, record: Record, is_live: bool
) -> tuple[dict[str, Any], Mapping[str, Sequence[str]]]:
    spec: dict[str, Any] = {"model": record.model}
    comments: dict[str, Sequence[str]] = {}
    if record.tag != DEFAULT_TAG:
        spec["tag"] = record.tag
    if workload.adopts:
        spec["adopt"] = True
    spec["inject"] = {"containers": [workload.fetcher] if workload.fetcher else []}
    comments["inject"] = INJECT_FETCHER if workload.fetcher else INJECT
    replicas = workload.replicas
    if workload.autoscaler is not None:
        replicas = replicas or autoscaler.least(workload.autoscaler)
        comments["replicas"] = REPLICAS if is_live else REPLICAS_OF_A_FILE
    if replicas is not None:
        spec["replicas"] = replicas
    if metadata := {k: dict(v) for k, v in (("labels", workload.labels), ("annotations", workload.annotations)) if v}:
        spec["metadata"] = metadata
    if workload.rollout:
        spec["rollout"] = workload.rollout
    if workload.revision_history_limit is not None:
        spec["revisionHistoryLimit"] = workload.revision_history_limit
    names = [each.get("name") for each in items(mapping(workload.template, "spec"), "containers")]
    if names != [record.container]:
        spec["container"] = record.container
    return {**spec, "template": workload.template}, comments
