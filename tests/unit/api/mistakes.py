"""What people get wrong in a manifest, without breaking a rule: each with the field that is to be named.

The same table is used twice: against the API server, and against `pennant lint`. `examples.py` has the rules.
"""

from dataclasses import dataclass
from typing import Any

from unit.api.examples import Object, a_deployment, a_metric, a_version


@dataclass(frozen=True, slots=True)
class Mistake:
    """A manifest, the field that is to be named, and a part of what is to be said about it."""

    name: str
    manifest: Object | str
    field: str
    says: str


def without(manifest: Object, field: str) -> Object:
    return {**manifest, "spec": {name: each for name, each in manifest["spec"].items() if name != field}}


def metric(**fields: Any) -> Object:
    return a_deployment(analysis={"metrics": [a_metric(**fields)]})


def pods(**template: Any) -> Object:
    return a_deployment(template=template)


def containers(*found: Object) -> Object:
    return pods(spec={"containers": list(found)})


def artifact(**fields: Any) -> Object:
    return a_version(artifacts=[{"name": "model", "uri": "s3://models/fraud/1.0.0"} | fields])


def yaml(spec: str) -> str:
    """Return a ModelVersion as people write it, with the traps of YAML."""
    return f"{{apiVersion: pennant.dev/v1alpha1, kind: ModelVersion, metadata: {{name: fraud-1.10.0}}, spec: {spec}}}"


# Where a pattern is not met, a rule says in words what it asks for; of types, bounds and sets Kubernetes speaks itself.
LABEL = "must be lower-case letters, digits and dashes, such as fraud-eu"
VERSION = "must be lower-case letters, digits, dots and dashes, such as 1.4.0, v3, 2024-05-01"
TAG = "must be letters, digits, dots, dashes and underscores, and begin and end with a letter or digit"
MODEL = "must be lower-case letters, digits, dots and dashes, and begin and end with a letter or digit"
MISTAKES = (
    Mistake("no spec", {**a_deployment(), "spec": None}, "spec", "Required value"),
    Mistake(
        "a name in capitals", {**a_deployment(), "metadata": {"name": "Fraud"}}, "metadata.name", "a lowercase RFC 1123"
    ),
    # A ModelDeployment.
    Mistake("no model", without(a_deployment(), "model"), "spec.model", "Required value"),
    Mistake("a model with an underscore", a_deployment(model="fraud_eu"), "spec.model", MODEL),
    Mistake("a model of 64 letters", a_deployment(model="f" * 64), "spec.model", "may not be more than 63"),
    Mistake("a tag with a slash", a_deployment(tag="prod/eu"), "spec.tag", TAG),
    Mistake("a pin with a capital", a_deployment(version="V1.0.0"), "spec.version", VERSION),
    Mistake("replicas in quotes", a_deployment(replicas="3"), "spec.replicas", "must be of type integer"),
    Mistake("fewer than no replicas", a_deployment(replicas=-1), "spec.replicas", "greater than or equal to 0"),
    Mistake("a million replicas", a_deployment(replicas=10**6), "spec.replicas", "less than or equal to 100000"),
    Mistake("paused in quotes", a_deployment(paused="yes"), "spec.paused", "must be of type boolean"),
    Mistake("no template", without(a_deployment(), "template"), "spec.template", "Required value"),
    Mistake("a template without pod", pods(metadata={}), "spec.template.spec", "Required value"),
    Mistake("no containers", containers(), "spec.template.spec.containers", "should have at least 1 items"),
    Mistake(
        "a container without name",
        containers({"image": "s:1"}),
        "spec.template.spec.containers[0].name",
        "Required value",
    ),
    Mistake(
        "a container twice",
        containers({"name": "server"}, {"name": "server"}),
        "spec.template.spec.containers[1]",
        "Duplicate value",
    ),
    Mistake(
        "a delivery that does not exist",
        a_deployment(delivery={"mode": "Copy"}),
        "spec.delivery.mode",
        'supported values: "Env", "Fetch", "Image"',
    ),
    Mistake(
        "a relative mount path",
        a_deployment(delivery={"mode": "Fetch", "mountPath": "mnt/models"}),
        "spec.delivery.mountPath",
        "must be an absolute path such as /mnt/models",
    ),
    Mistake(
        "a mount path that leads up",
        a_deployment(delivery={"mode": "Fetch", "mountPath": "/mnt/../etc"}),
        "spec.delivery.mountPath",
        "must be an absolute path such as /mnt/models",
    ),
    Mistake(
        "a size in words",
        a_deployment(delivery={"mode": "Fetch", "sizeLimit": "large"}),
        "spec.delivery.sizeLimit",
        "must be a number of bytes with an optional unit, such as 20Gi",
    ),
    Mistake("a history of one", a_deployment(historyLimit=1), "spec.historyLimit", "greater than or equal to 2"),
    Mistake(
        "a surge in words",
        a_deployment(rollout={"maxSurge": "all"}),
        "spec.rollout.maxSurge",
        "must be an integer, or a percentage such as 25%",
    ),
    Mistake(
        "a deadline of no time",
        a_deployment(rollout={"progressDeadlineSeconds": 0}),
        "spec.rollout.progressDeadlineSeconds",
        "greater than or equal to 1",
    ),
    Mistake(
        "an action that does not exist",
        a_deployment(rollback={"action": "Undo"}),
        "spec.rollback.action",
        'supported values: "Rollback", "Pause", "Report"',
    ),
    Mistake(
        "a budget of nothing",
        a_deployment(rollback={"budget": {"count": 0}}),
        "spec.rollback.budget.count",
        "greater than or equal to 1",
    ),
    Mistake(
        "a gate without metric",
        a_deployment(promotion={"gates": [{"maxRegression": "0.1"}]}),
        "spec.promotion.gates[0].metric",
        "Required value",
    ),
    Mistake(
        "an interval with a unit",
        a_deployment(analysis={"intervalSeconds": "30s"}),
        "spec.analysis.intervalSeconds",
        "must be of type integer",
    ),
    Mistake(
        "a bake of two years",
        a_deployment(analysis={"bakeSeconds": 63_072_000}),
        "spec.analysis.bakeSeconds",
        "less than or equal to 31536000",
    ),
    Mistake(
        "17 metrics",
        a_deployment(analysis={"metrics": [a_metric(name=f"m-{number}") for number in range(17)]}),
        "spec.analysis.metrics",
        "must have at most 16 items",
    ),
    Mistake(
        "a metric twice",
        a_deployment(analysis={"metrics": [a_metric(), a_metric()]}),
        "spec.analysis.metrics[1]",
        "Duplicate value",
    ),
    Mistake("a misspelt field", metric(treshold={"max": "1"}), "spec.analysis.metrics[0].treshold", "unknown field"),
    Mistake(
        "a bound that is a boolean",
        metric(threshold={"max": True}),
        "spec.analysis.metrics[0].threshold.max",
        "must be a finite number such as 0.95 or 2e-05, with or without quotes",
    ),
    Mistake(
        "a bound in percent",
        metric(threshold={"max": "5%"}),
        "spec.analysis.metrics[0].threshold.max",
        "should match '^[-+]?([0-9]",
    ),
    Mistake(
        "a bound that is a list",
        metric(threshold={"max": [1]}),
        "spec.analysis.metrics[0].threshold.max",
        "must have at most 0 items",
    ),
    Mistake(
        "a gate with a negative number",
        a_deployment(promotion={"gates": [{"metric": "auc", "maxRegression": -0.1}]}),
        "spec.promotion.gates[0].maxRegression",
        "greater than or equal to 0",
    ),
    Mistake(
        "no query",
        metric(prometheus={"query": ""}),
        "spec.analysis.metrics[0].prometheus.query",
        "should be at least 1 chars long",
    ),
    Mistake(
        "a query of five thousand letters",
        metric(prometheus={"query": "q" * 5000}),
        "spec.analysis.metrics[0].prometheus.query",
        "may not be more than 4096",
    ),
    Mistake(
        "a URL in the place of a source",
        metric(prometheus={"source": "http://prometheus:9090", "query": "up"}),
        "spec.analysis.metrics[0].prometheus.source",
        LABEL,
    ),
    Mistake(
        "more breaches than are counted",
        metric(breaches={"count": 61, "of": 61}),
        "spec.analysis.metrics[0].breaches.count",
        "less than or equal to 60",
    ),
    # A ModelVersion.
    Mistake("a version with an underscore", a_version(version="release_7"), "spec.version", VERSION),
    Mistake("a version with build metadata", a_version(version="1.0.0+7"), "spec.version", VERSION),
    Mistake(
        "a version that YAML takes for a number",
        yaml("{model: fraud, version: 1.10, artifacts: [{name: m, uri: u}]}"),
        "spec.version",
        "must be of type string",
    ),
    Mistake(
        "a version that is an integer",
        yaml("{model: fraud, version: 3, artifacts: [{name: m, uri: u}]}"),
        "spec.version",
        "must be of type string",
    ),
    Mistake("a version with capitals", a_version(version="Release_7"), "spec.version", "Release_7 as release-7"),
    Mistake("a version with a space", a_version(version="v1.0 beta"), "spec.version", "v1.0 beta as v1.0-beta"),
    Mistake("a version with a plus", a_version(version="1.4.0+gpu"), "spec.version", "1.4.0+gpu as 1.4.0-gpu"),
    Mistake(
        "a tag that YAML takes for a boolean",
        yaml("{model: fraud, version: 1.10.0, tags: [on], artifacts: [{name: m, uri: u}]}"),
        "spec.tags[0]",
        "must be of type string",
    ),
    Mistake("17 tags", a_version(tags=[f"t{number}" for number in range(17)]), "spec.tags", "at most 16 items"),
    Mistake("a tag with a space", a_version(tags=["in use"]), "spec.tags", f"each of spec.tags {TAG}"),
    Mistake("a tag that is no list", a_version(tags="production"), "spec.tags", "must be of type array"),
    Mistake("no artefact", a_version(artifacts=[]), "spec.artifacts", "should have at least 1 items"),
    Mistake("an artefact without place", artifact(uri=None), "spec.artifacts[0].uri", "Required value"),
    Mistake("a digest without algorithm", artifact(digest="0" * 64), "spec.artifacts[0].digest", "<algorithm>:<value>"),
    Mistake(
        "an artefact twice",
        a_version(artifacts=[{"name": "m", "uri": "u"}, {"name": "m", "uri": "v"}]),
        "spec.artifacts[1]",
        "Duplicate value",
    ),
    Mistake(
        "a role of a data set that does not exist",
        a_version(datasets=[{"name": "d", "role": "train"}]),
        "spec.datasets[0].role",
        'supported values: "Training", "Validation", "Test", "Reference"',
    ),
    Mistake(
        "a hyperparameter that YAML takes for a boolean",
        a_version(hyperparameters=[{"name": "shuffle", "value": True}]),
        "spec.hyperparameters[0].value",
        "must be a text or a number; put words such as yes, no, true and false in quotes",
    ),
    Mistake(
        "a hyperparameter whose name YAML takes for a boolean",
        yaml("{model: fraud, version: 1.10.0, artifacts: [{name: m, uri: u}], hyperparameters: [{name: n, value: 1}]}"),
        "spec.hyperparameters[0].name",
        "must be of type string",
    ),
    Mistake(
        "a recorded metric without a value",
        a_version(metrics=[{"name": "f1_macro", "value": None}]),
        "spec.metrics[0].value",
        "Required value",
    ),
    Mistake(
        "a branch in the place of a commit",
        a_version(code={"repository": "https://git.example.com/fraud", "commit": "main-branch"}),
        "spec.code.commit",
        "must be the hash of a commit",
    ),
    Mistake("a day without time", a_version(createdAt="2026-01-02"), "spec.createdAt", "must be of type date-time"),
    Mistake("an author without name", a_version(author={"email": "a@b"}), "spec.author.name", "Required value"),
    Mistake("a description as long as a book", a_version(description="d" * 9000), "spec.description", "more than 8192"),
    Mistake(
        "a variable with a space",
        a_version(serving={"env": [{"name": "A B", "value": "1"}]}),
        "spec.serving.env[0].name",
        "must be letters, digits, dashes, dots and underscores",
    ),
    Mistake(
        "a tier in small letters",
        a_version(risk={"tier": "high"}),
        "spec.risk.tier",
        'supported values: "Low", "Medium", "High", "Critical"',
    ),
    Mistake(
        "a hold in quotes",
        a_version(retention={"legalHold": "yes"}),
        "spec.retention.legalHold",
        "must be of type boolean",
    ),
)

# These kubectl finds itself.
UNKNOWN_KINDS = (
    Mistake("a kind in the plural", {**a_version(), "kind": "ModelVersions"}, "ModelVersions", "no matches for kind"),
    Mistake("another API version", {**a_version(), "apiVersion": "pennant.dev/v1"}, "pennant.dev/v1", "no matches for"),
)
