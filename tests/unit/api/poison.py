"""Objects that no schema would let in, but that may be there: stored under an older schema, or restored from a backup.

The same tables are used twice: by the unit tests, and on a real API server whose schema is relaxed and tightened again.
"""

from dataclasses import dataclass
from typing import Any

from unit.api.examples import Object, a_deployment, a_metric, a_version

MEGABYTE = 1_000_000
ABSENT: Any = object()
"""Stands for a field that is not there."""


@dataclass(frozen=True, slots=True)
class Poisoned:
    """An object, and a part of what is to be said about it."""

    what: str
    manifest: Object
    says: str = ""
    is_mute: bool = False
    """Whether the API server takes no status for it: a rule that speaks of the field cannot even be evaluated."""


def nested(depth: int) -> Any:
    """Return a value of so many levels."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def _present(value: Any) -> Any:
    return {name: each for name, each in value.items() if each is not ABSENT} if isinstance(value, dict) else value


def _of_deployment(what: str, says: str, *, is_mute: bool = False, name: str = "", **spec: Any) -> Poisoned:
    manifest = a_deployment(**spec)
    manifest["metadata"] = {"name": name or f"poison-{what.replace(' ', '-')}"}
    return Poisoned(what, manifest | {"spec": _present(manifest["spec"])}, says, is_mute)


def _without_spec(what: str, spec: Any, *, is_mute: bool = False) -> Poisoned:
    manifest = {**_of_deployment(what, "").manifest, "spec": spec}
    return Poisoned(what, _present(manifest), "spec: must be an object", is_mute)


def _containers(containers: Any) -> Object:
    return {"spec": {"containers": containers}}


def _container(**fields: Any) -> Object:
    return _containers([_present({"name": "server", "image": "s:1"} | fields)])


def _metrics(**fields: Any) -> Object:
    return {"metrics": [a_metric(**fields)]}


POD = "spec.template.spec.containers"
# What is said is said in the condition Ready, with the reason InvalidSpec.
DEPLOYMENTS = (
    _without_spec("no spec", ABSENT),
    _without_spec("spec null", None),
    _without_spec("spec a string", "fraud", is_mute=True),
    _without_spec("spec a list", [1], is_mute=True),
    _of_deployment("model missing", "spec.model: must be set", model=ABSENT),
    _of_deployment("model a number", "spec.model: must be a string", model=7, is_mute=True),
    _of_deployment("model an object", "spec.model: must be a string", model={"name": "fraud"}, is_mute=True),
    _of_deployment("model in capitals", "spec.model: must be lower-case letters", model="Fraud"),
    _of_deployment("model of other letters", "spec.model: must be lower-case letters", model="frаud"),
    _of_deployment(
        "model with control characters", "spec.model: must be lower-case letters", model="fraud\n\x00\u202e"
    ),
    _of_deployment("model of a megabyte", "spec.model: must have at most 63", model="f" * MEGABYTE),
    _of_deployment("tag a list", "spec.tag: must be a string", tag=["production"], is_mute=True),
    _of_deployment("tag and version", "at most one of spec.tag and spec.version", tag="production", version="1.0.0"),
    _of_deployment("version no version", "spec.version: must be lower-case letters", version="Release_7"),
    _of_deployment("template missing", "spec.template: must be set", template=ABSENT),
    # Where a null is not allowed, a field that may be left out is left out when the object is read again.
    _of_deployment("template null", "spec.template: must be ", template=None),
    _of_deployment("containers empty", f"{POD}: must have at least 1 item", template=_containers([])),
    _of_deployment("containers a string", f"{POD}: must be a list", template=_containers("server")),
    _of_deployment("container a number", f"{POD}[0]: must be an object", template=_containers([7])),
    _of_deployment("container without name", f"{POD}[0].name: must be set", template=_container(name=ABSENT)),
    _of_deployment("container not there", "spec.container names no container", container="other"),
    _of_deployment("environment a string", f"{POD}[0].env: must be a list", template=_container(env="A=1")),
    _of_deployment("variable a string", f"{POD}[0].env[0]: must be an object", template=_container(env=["A=1"])),
    _of_deployment(
        "labels a list",
        "spec.template.metadata.labels: must be an object",
        template={**_container(), "metadata": {"labels": ["a"]}},
    ),
    _of_deployment(
        "label a number",
        "spec.template.metadata.labels.tier: must be a string",
        template={**_container(), "metadata": {"labels": {"tier": 1}}},
    ),
    _of_deployment("nested deeply", "must have at most 64 levels of nesting", template=_container(x=nested(2000))),
    _of_deployment("replicas a string", "spec.replicas: must be an integer", replicas="3"),
    _of_deployment("replicas negative", "spec.replicas: must be greater than or equal to 0", replicas=-1),
    _of_deployment("replicas a fraction", "spec.replicas: must be an integer", replicas=1.5),
    _of_deployment("paused a word", "spec.paused: must be true or false", paused="no"),
    _of_deployment("action unknown", "spec.rollback.action: must be", rollback={"action": "Panic"}),
    _of_deployment("surge a word", "spec.rollout.maxSurge: must be an integer, or a", rollout={"maxSurge": "all"}),
    _of_deployment("history without end", "spec.historyLimit: must be less than", historyLimit=10**12),
    _of_deployment("metric null", "spec.analysis.metrics[0]: must be an object", analysis={"metrics": [None]}),
    _of_deployment("metrics an object", "spec.analysis.metrics: must be a list", analysis={"metrics": {"a": 1}}),
    _of_deployment(
        "bound a boolean",
        "spec.analysis.metrics[0].threshold.max: must be a finite number",
        analysis=_metrics(threshold={"max": True}),
    ),
    _of_deployment(
        "bound an object",
        "spec.analysis.metrics[0].threshold.max: must be a finite number",
        analysis=_metrics(threshold={"max": {"value": 1}}),
    ),
    _of_deployment("no bound", "set exactly one of threshold.max", analysis=_metrics(threshold={})),
    _of_deployment("interval a duration", "spec.analysis.intervalSeconds", analysis={"intervalSeconds": "30s"}),
    _of_deployment(
        "query of a megabyte",
        "spec.analysis.metrics[0].prometheus.query: must have at most 4096",
        analysis=_metrics(prometheus={"query": "q" * MEGABYTE}),
        is_mute=True,
    ),
    _of_deployment(
        "placeholder outside",
        "spec.analysis.metrics[0].prometheus.query: only ${window} may stand outside",
        analysis=_metrics(prometheus={"query": "m_${name}"}),
    ),
    _of_deployment("name too long", "metadata.name: must have at most 52", name="poison-" + "d" * 53),
)


def _of_status(what: str, status: Any, says: str = "", annotations: Any = None) -> Poisoned:
    """Return a ModelDeployment with nothing wrong in its spec, of a model without versions."""
    manifest = a_deployment(model="nobody")
    manifest["metadata"] = {"name": f"poison-{what.replace(' ', '-')}", "annotations": annotations or {}}
    return Poisoned(what, _present(manifest | {"status": status}), says)


def entry(**fields: Any) -> Object:
    """Return an entry of a history."""
    known = {
        "revision": 1,
        "version": "1.0.0",
        "digest": "",
        "templateHash": "a",
        "trigger": "TagMoved",
        "actor": "",
        "reason": "",
        "startedAt": "2026-01-01T00:00:00Z",
        "outcome": "Verified",
        "previousHash": "",
        "hash": "",
    }
    return known | fields


def _commanding(**annotations: str) -> dict[str, str]:
    return {f"pennant.dev/{name.replace('_', '-')}": each for name, each in annotations.items()}


# What nothing else tells stops everything, and the condition Ready names it by the reason StatusUnreadable. The others
# hold nothing, or nothing that is not computed anew: the condition TagResolved says that nobody holds the tag.
STATUSES = (
    _of_status("status a string", "ready"),
    _of_status("status a number", 7),
    _of_status("status a list", [{}]),
    _of_status("status null", None),
    _of_status("history a string", {"history": "none"}, "status.history: must be a list"),
    _of_status("history of numbers", {"history": [1, 2]}, "status.history[0]: must be an object (and 1 more)"),
    _of_status("revision negative", {"history": [entry(revision=-1)]}, "status.history[0].revision: must be greater"),
    _of_status(
        "revision too large", {"history": [entry(), entry(revision=2**63 - 1)]}, "status.history[1].revision: must be"
    ),
    _of_status("revision twice", {"history": [entry(), entry(version="2.0.0")]}),
    _of_status(
        "time without zone",
        {"history": [entry(startedAt="2026-01-01T00:00:00")]},
        "status.history[0].startedAt: must have timezone info",
    ),
    _of_status(
        "time at the end of the calendar",
        {"history": [entry(availableAt="9999-12-31T23:59:59Z")]},
        "status.history[0].availableAt: must be a time between 1970 and 3000",
    ),
    _of_status("outcome unknown", {"history": [entry(outcome="Shrug")]}),
    _of_status("outcome no word", {"history": [entry(outcome="no word")]}, "status.history[0].outcome: must be"),
    _of_status("conditions an object", {"conditions": {"Ready": "True"}}),
    _of_status("condition without type", {"conditions": [{"status": "True"}]}),
    _of_status("metrics of garbage", {"analysis": [None, 7], "replicas": "many"}),
    _of_status(
        "quarantine of garbage", {"quarantine": [None, 7, {"digest": {}}]}, "status.quarantine[0]: must be an object"
    ),
    _of_status("generation a word", {"observedGeneration": "latest"}),
    _of_status(
        "serving a number",
        {"serving": {"version": 7}, "stable": [], "desired": "1.0.0"},
        "status.desired: must be an object",
    ),
    _of_status(
        "command of garbage",
        ABSENT,
        annotations=_commanding(rollback_to="\u0663" * 300, retry="\x00", requested_at="x"),
    ),
    _of_status("command without end", ABSENT, annotations=_commanding(rollback_to="9" * 200_000)),
    _of_status(
        "command nobody can carry out",
        ABSENT,
        annotations=_commanding(retry="'; drop\n\u202etable", reason="\ud7ff" * 900),
    ),
)


def _of_version(what: str, says: str = "", *, name: str = "", status: Any = ABSENT, **spec: Any) -> Poisoned:
    """Return a ModelVersion of the model `fraud` that carries the tag `production`."""
    manifest = a_version(**{"version": "6.6.6", "tags": ["production"]} | spec)
    manifest["metadata"] = {"name": name or f"fraud-6.6.6-poison.{what.replace(' ', '-')}"}
    manifest["spec"] = _present(manifest["spec"])
    return Poisoned(what, _present(manifest | {"status": status}), says)


def _no_record(what: str, spec: Any) -> Poisoned:
    manifest = {**_of_version(what).manifest, "spec": spec}
    return Poisoned(what, _present(manifest), "spec: must be an object")


MARK = {
    "deployment": "fraud",
    "digest": "sha256:" + "6" * 64,
    "reason": "MetricBreach",
    "message": "accuracy is 0.5, below 0.9",
    "since": "2026-01-01T12:00:00Z",
    "revision": 2,
}
# Whoever follows the tag goes on with the versions that can be read.
VERSIONS = (
    _no_record("no spec", ABSENT),
    _no_record("spec null", None),
    _no_record("spec a string", "1.0.0"),
    _of_version("model missing", "spec.model: must be set", model=ABSENT),
    _of_version("model a number", "spec.model: must be a string", model=7),
    _of_version("version missing", "spec.version: must be set", version=ABSENT),
    _of_version("version a number", "spec.version: must be a string", version=1.1),
    _of_version("version of other digits", "spec.version: must be lower-case letters", version="１.0.0"),
    _of_version("version with build metadata", "spec.version: must be lower-case letters", version="1.0.0+7"),
    _of_version("version of a megabyte", "spec: must be at most 512 KiB", version="1" * MEGABYTE),
    _of_version("tags a string", "spec.tags: must be a list", tags="production"),
    _of_version("tags of objects", "spec.tags[0]: must be a string", tags=[{"name": "production"}, "production"]),
    _of_version("tags null", "spec.tags: must be a list", tags=None),
    _of_version("tag twice", "spec.tags must not name a tag twice", tags=["production", "production"]),
    _of_version("artifacts missing", "spec.artifacts: must be set", artifacts=ABSENT),
    _of_version("artifacts empty", "spec.artifacts: must have at least 1 item", artifacts=[]),
    _of_version("artifacts a string", "spec.artifacts: must be a list", artifacts="s3://models"),
    _of_version("artifact null", "spec.artifacts[0]: must be an object", artifacts=[None]),
    _of_version(
        "digest no digest",
        "spec.artifacts[0].digest: must be <alg",
        artifacts=[{"name": "m", "uri": "u", "digest": "sha256:00"}],
    ),
    _of_version("description of a megabyte", "spec: must be at most 512 KiB", description="d" * MEGABYTE),
    _of_version("datasets null", "spec.datasets: must be a list", datasets=None),
    _of_version("role unknown", "spec.datasets[0].role: must be", datasets=[{"name": "d", "role": "Guess"}]),
    _of_version(
        "metric not a number", "spec.metrics[0].value: must be a finite", metrics=[{"name": "m", "value": "NaN"}]
    ),
    _of_version("metric a list", "spec.metrics[0].value: must be a finite", metrics=[{"name": "m", "value": [0.9]}]),
    _of_version("time of garbage", "spec.createdAt: must be", createdAt="yesterday"),
    _of_version("days a string", "spec.retention.minimumDays: must be", retention={"minimumDays": "30"}),
    _of_version("nested deeply", "must have at most 64 levels of nesting", serving=nested(2000)),
    _of_version("name of another version", "metadata.name: must be fraud-1.0.0", version="1.0.0"),
    _of_version("marks a string", "metadata.name: must be", status={"quarantinedBy": "fraud"}),
    _of_version("marks of garbage", "metadata.name: must be", status={"quarantinedBy": [None, 7, {"deployment": {}}]}),
    _of_version("a mark that nothing supports", "spec.artifacts", status={"quarantinedBy": [MARK]}, artifacts="s3://m"),
    _of_version("status a string", "metadata.name: must be", status="ready"),
)
