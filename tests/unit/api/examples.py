"""Objects for the schema: good ones, and for each rule one that breaks it.

The same table is used twice: against the models, and against the real API server.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
DIGEST = f"sha256:{'0' * 64}"


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def a_version(**spec: Any) -> Object:
    """Return a small valid ModelVersion."""
    known: Object = {
        "model": "fraud",
        "version": "1.0.0",
        "artifacts": [{"name": "model", "uri": "s3://models/fraud/1.0.0", "digest": DIGEST}],
    }
    return _object("ModelVersion", "fraud-1.0.0", known | spec)


def a_whole_version() -> Object:
    """Return a ModelVersion with every field."""
    return a_version(
        tags=["production", "staging"],
        description="Scores card payments.",
        reason="Monthly retraining.",
        author={"name": "ada", "email": "ada@example.com", "kind": "User"},
        createdAt="2026-01-02T03:04:05Z",
        parent="0.9.0",
        artifacts=[
            {
                "name": "model",
                "uri": "s3://models/fraud/1.0.0",
                "digest": DIGEST,
                "sizeBytes": 1024,
                "format": {"name": "onnx", "version": "1.16"},
                "manifestUri": "s3://models/fraud/1.0.0/manifest.json",
                "manifestDigest": DIGEST,
                "signature": {"uri": "s3://models/fraud/1.0.0.sig"},
            }
        ],
        datasets=[
            {"name": "payments", "role": "Training", "uri": "s3://d", "digest": DIGEST, "version": "7", "rows": 10}
        ],
        baseModel={"name": "org/base", "uri": "hf://org/base", "revision": "4", "digest": DIGEST},
        code={
            "repository": "https://git.example.com/fraud",
            "commit": "0123abc",
            "tag": "v1",
            "uri": "s3://models/fraud/train.ipynb",
            "digest": DIGEST,
            "path": "train.py",
            "dirty": False,
        },
        preprocessing={"uri": "s3://p", "digest": DIGEST, "commit": "0123abc"},
        hyperparameters=[{"name": "depth", "value": "6"}],
        environment={
            "language": "Python",
            "languageVersion": "3.13",
            "lockUri": "s3://l",
            "lockDigest": DIGEST,
            "image": "registry.example.com/train:1",
            "imageDigest": DIGEST,
            "frameworks": [{"name": "xgboost", "version": "3.0"}],
        },
        schema={
            "uri": "s3://models/fraud/schema.json",
            "digest": DIGEST,
            "inputs": [{"name": "x", "type": "float32", "shape": [-1, 30], "required": True}],
            "outputs": [{"name": "score", "type": "float32", "shape": [-1]}],
        },
        training={
            "experiment": "e",
            "run": "r",
            "runUri": "https://runs.example.com/r",
            "pipeline": "p",
            "startedAt": "2026-01-02T03:04:05Z",
            "finishedAt": "2026-01-02T04:04:05Z",
            "seed": 7,
        },
        metrics=[
            {
                "name": "auc",
                "value": "0.91",
                "dataset": "payments",
                "split": "Test",
                "slice": "country=DE",
                "direction": "Maximize",
                "unit": "1",
                "category": "Performance",
            },
            {"name": "f1_macro", "value": 0.05},
        ],
        reports=[{"name": "evaluation", "uri": "s3://r", "digest": DIGEST}],
        modelCard={"uri": "s3://c", "digest": DIGEST},
        serving={
            "image": "registry.example.com/serve:1",
            "args": ["--model=$(MODEL_URI)"],
            "env": [
                {"name": "THREADS", "value": "2"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token", "optional": True}}},
                {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "logs", "key": "level"}}},
                {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            ],
            "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        },
        license="Apache-2.0",
        intendedUse="Scoring.",
        risk={"tier": "High"},
        owner="fraud-team",
        retention={"minimumDays": 365, "legalHold": True},
        source={
            "registry": "MLflow",
            "instance": "https://mlflow.example.com",
            "modelName": "fraud",
            "version": "12",
            "id": "m-1",
            "uri": "models:/fraud/12",
            "importedAt": "2026-01-02T03:04:05Z",
            "annotations": {"stage": "Production"},
        },
    )


def a_deployment(**spec: Any) -> Object:
    """Return a small valid ModelDeployment."""
    known: Object = {"model": "fraud", "template": {"spec": {"containers": [{"name": "server", "image": "s:1"}]}}}
    return _object("ModelDeployment", "fraud", known | spec)


def a_whole_deployment() -> Object:
    """Return a ModelDeployment with every field."""
    return a_deployment(
        tag="production",
        replicas=3,
        paused=True,
        container="server",
        inject={"prefix": "MODEL_", "containers": ["server"]},
        allowServing=["Resources", "Image", "Args", "Env", "EnvValueFrom"],
        delivery={
            "mode": "Fetch",
            "mountPath": "/mnt/models",
            "unpack": ["model"],
            "requireDigest": True,
            "sizeLimit": "20Gi",
            "envFrom": [
                {"secretRef": {"name": "bucket", "optional": False}},
                {"configMapRef": {"name": "region", "optional": True}},
            ],
            "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
            "publicKey": {"configMapKeyRef": {"name": "signers", "key": "ml-platform.pem"}},
        },
        adopt=True,
        rollout={"maxSurge": "25%", "maxUnavailable": 0, "minReadySeconds": 5, "progressDeadlineSeconds": 300},
        metadata={"labels": {"team": "payments"}, "annotations": {"reloader.stakater.com/auto": "true"}},
        analysis={
            "initialDelaySeconds": 30,
            "settleSeconds": 60,
            "intervalSeconds": 30,
            "bakeSeconds": 600,
            "afterPromotion": "Watch",
            "metrics": [
                {
                    "name": "accuracy",
                    "prometheus": {"source": "default", "query": "avg(accuracy)"},
                    "threshold": {"min": "0.9"},
                    "breaches": {"count": 2, "of": 3},
                    "minimumSamples": {"query": "sum(increase(seen[${window}]))", "count": 100},
                    "onNoData": "Hold",
                    "onError": "Ignore",
                    "mode": "Observe",
                },
                {
                    "name": "latency",
                    "prometheus": {"query": "avg(latency)"},
                    "compareTo": "Stable",
                    "maxIncreasePercent": "20",
                    "maxDecreasePercent": "90",
                },
                {
                    "name": "burn-rate",
                    "alert": {
                        "source": "default",
                        "matchLabels": {"alertname": "BurnRate", "version": "${version}"},
                        "matchExpressions": [
                            {"key": "severity", "operator": "In", "values": ["critical", "$1 $${model}$"]},
                            {"key": "silenced", "operator": "DoesNotExist"},
                        ],
                    },
                },
            ],
        },
        promotion={
            "requireComplete": True,
            "gates": [
                {"metric": "auc", "dataset": "payments", "split": "Test", "maxRegression": "0.01", "required": True},
                {"metric": "f1", "slice": "class 7", "maxRegressionPercent": 0.5, "required": False},
            ],
            "onAmbiguousTag": "Newest",
        },
        rollback={"action": "Rollback", "cooldownSeconds": 60, "budget": {"count": 3, "windowSeconds": 86400}},
        retention={"keepLast": 30, "maxAgeDays": 365, "minimumDays": 90, "action": "Delete"},
        historyLimit=20,
        statusHistoryLimit=5,
        service={
            "name": "fraud",
            "type": "LoadBalancer",
            "labels": {"team": "payments"},
            "annotations": {"example.com/internal": "true"},
            "loadBalancerClass": "example.com/internal",
            "ports": [
                {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", "appProtocol": "http"},
                {"name": "grpc", "port": 81, "targetPort": "grpc", "nodePort": 30081},
            ],
        },
        ignoreDrift={
            "fieldManagers": ["Reloader"],
            "fields": ["spec.template.spec.containers[name=server].resources"],
        },
        revisionHistoryLimit=5,
    )


def a_pinned_deployment() -> Object:
    """Return a ModelDeployment that names its version instead of following a tag."""
    return a_deployment(version="1.0.0")


def a_metric(**fields: Any) -> Object:
    """Return a metric of an analysis."""
    return {"name": "m", "prometheus": {"query": "q"}, "threshold": {"max": "1"}} | fields


def _expecting(key: str, operator: str, *values: str, alertname: str | None = "A") -> Object:
    """Return a metric that is an alert with an expression about one label."""
    expression: Object = {"key": key, "operator": operator} | ({"values": list(values)} if values else {})
    named = {"matchLabels": {"alertname": alertname}} if alertname else {}
    return an_alert(alert={**named, "matchExpressions": [expression]})


def an_alert(**fields: Any) -> Object:
    """Return a metric that is an alert."""
    return {"name": "m", "alert": {"matchLabels": {"alertname": "A"}}} | fields


def _serving(**service: Any) -> Object:
    """Return a ModelDeployment with a Service."""
    return a_deployment(service={"ports": [{"port": 80}], **service})


def _fetching(**delivery: Any) -> Object:
    """Return a ModelDeployment whose pods fetch their artefacts."""
    return a_deployment(delivery={"mode": "Fetch", **delivery})


def _watching(metric: Object) -> Object:
    return a_deployment(analysis={"metrics": [metric]})


@dataclass(frozen=True, slots=True)
class Refused:
    """An object that is refused, and a part of what is said."""

    name: str
    manifest: Object
    says: str


def _with(manifest: Object, change: Callable[[Object], None]) -> Object:
    changed = deepcopy(manifest)
    change(changed)
    return changed


def _analysis(**fields: Any) -> Object:
    return a_deployment(analysis={"metrics": [a_metric(**fields)]})


def asking(query: str) -> Object:
    """Return a ModelDeployment with a metric of this query."""
    return _analysis(prometheus={"query": query})


# Each of these is refused by the models and by the API server, with the same words.
RULES = (
    Refused(
        "two bounds", _analysis(threshold={"max": "1", "min": "0"}), "exactly one of threshold.max and threshold.min"
    ),
    Refused("no bound", _analysis(threshold={}), "exactly one of threshold.max and threshold.min"),
    Refused(
        "more breaches than checks", _analysis(breaches={"count": 3, "of": 2}), "must not be larger than breaches.of"
    ),
    Refused("more breaches than the default", _analysis(breaches={"count": 4}), "must not be larger than breaches.of"),
    Refused(
        "a deadline before pods count as available",
        a_deployment(rollout={"minReadySeconds": 600, "progressDeadlineSeconds": 600}),
        "progressDeadlineSeconds must be larger than rollout.minReadySeconds",
    ),
    Refused(
        "variables for a container that is not there",
        a_deployment(inject={"containers": ["server", "other"]}),
        "each of spec.inject.containers must be a container or an init container of spec.template",
    ),
    Refused(
        "a surge of what is recreated",
        a_deployment(rollout={"strategy": "Recreate", "maxSurge": 1}),
        "rollout.maxSurge and rollout.maxUnavailable need the strategy RollingUpdate",
    ),
    Refused(
        "neither a surge nor a pod less",
        a_deployment(rollout={"maxSurge": 0, "maxUnavailable": "0%"}),
        "rollout.maxSurge and rollout.maxUnavailable must not both be 0",
    ),
    Refused(
        "a label of the operator",
        a_deployment(metadata={"labels": {"pennant.dev/model": "other"}}),
        "labels must have no key that the operator or Kubernetes sets itself",
    ),
    Refused(
        "an annotation of Kubernetes",
        a_deployment(metadata={"annotations": {"deployment.kubernetes.io/revision": "7"}}),
        "annotations must have no key that the operator or Kubernetes sets itself",
    ),
    Refused(
        "a label of the operator on a Service", _serving(labels={"pennant.dev/model": "other"}), "labels must have no"
    ),
    Refused(
        "a target that is no port",
        _serving(ports=[{"port": 80, "targetPort": 70_000}]),
        "must be a port number, or the name of a port of the container",
    ),
    Refused(
        "a headless load balancer",
        _serving(type="LoadBalancer", headless=True),
        "service.headless needs the type ClusterIP",
    ),
    Refused(
        "a class without a load balancer",
        _serving(loadBalancerClass="internal"),
        "service.loadBalancerClass needs the type LoadBalancer",
    ),
    Refused(
        "a port of nodes within the cluster",
        _serving(ports=[{"port": 80, "nodePort": 30_080}]),
        "service.ports[].nodePort needs the type NodePort or LoadBalancer",
    ),
    Refused(
        "a size of what is not fetched",
        a_deployment(delivery={"sizeLimit": "1Gi"}),
        "delivery.unpack, sizeLimit, claimName, envFrom, resources and publicKey need delivery.mode Fetch",
    ),
    Refused(
        "credentials for an image",
        a_deployment(delivery={"mode": "Image", "envFrom": [{"secretRef": {"name": "bucket"}}]}),
        "need delivery.mode Fetch",
    ),
    Refused(
        "a size of a claim",
        _fetching(sizeLimit="1Gi", claimName="models"),
        "set at most one of delivery.sizeLimit and delivery.claimName",
    ),
    Refused(
        "a claim without digests",
        _fetching(claimName="models", requireDigest=False),
        "delivery.claimName needs delivery.requireDigest",
    ),
    Refused("a key from nowhere", _fetching(publicKey={}), "set exactly one of secretKeyRef, configMapKeyRef"),
    Refused(
        "a source of no variables",
        _fetching(envFrom=[{}]),
        "each of delivery.envFrom must have exactly one of secretRef and configMapRef",
    ),
    Refused(
        "a source of two objects",
        _fetching(envFrom=[{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]),
        "each of delivery.envFrom must have exactly one of secretRef and configMapRef",
    ),
    Refused("a metric from nowhere", _watching({"name": "m"}), "set exactly one of prometheus and alert"),
    Refused("a metric from two places", _watching(an_alert(**a_metric())), "set exactly one of prometheus and alert"),
    Refused(
        "a number that is held against nothing",
        _watching({"name": "m", "prometheus": {"query": "q"}}),
        "set threshold or compareTo",
    ),
    Refused("an alert with a threshold", _watching(an_alert(threshold={"max": "1"})), "leave out threshold"),
    Refused("an alert with breaches", _watching(an_alert(breaches={"count": 1, "of": 1})), "leave out threshold"),
    Refused(
        "a comparison without a bound",
        _watching(a_metric(compareTo="Stable")),
        "set compareTo together with maxIncreasePercent or maxDecreasePercent",
    ),
    Refused(
        "a bound of a comparison without one",
        _watching(a_metric(maxIncreasePercent="5")),
        "set compareTo together with maxIncreasePercent or maxDecreasePercent",
    ),
    Refused(
        "an alert without a name", _watching(an_alert(alert={"matchLabels": {"a": "b"}})), "must name the alerts by"
    ),
    Refused(
        "a label that Prometheus does not know",
        _watching(an_alert(alert={"matchLabels": {"alertname": "A", "a-b": "c"}})),
        "must have names of Prometheus labels",
    ),
    Refused("a container that is not there", a_deployment(container="other"), "names no container of spec.template"),
    Refused("a tag and a version", a_deployment(tag="a", version="1.0.0"), "at most one of spec.tag and spec.version"),
    Refused(
        "two bounds of a gate",
        a_deployment(promotion={"gates": [{"metric": "m", "maxRegression": "1", "maxRegressionPercent": "1"}]}),
        "at most one of maxRegression and maxRegressionPercent",
    ),
    Refused(
        "a retention without a limit",
        a_deployment(retention={"action": "Delete"}),
        "spec.retention needs keepLast or maxAgeDays",
    ),
    Refused(
        "a budget that the history cannot count",
        a_deployment(historyLimit=3, rollback={"budget": {"count": 3}}),
        "budget.count must be smaller than spec.historyLimit",
    ),
    Refused(
        "a placeholder in the number of samples that is not known",
        _analysis(minimumSamples={"query": 'm{a="${mod}"}', "count": 1}),
        "a placeholder is not known",
    ),
    Refused(
        "an alert whose name is excluded",
        _watching(_expecting("alertname", "NotIn", "A", alertname=None)),
        "must name the alerts by",
    ),
    Refused("a label without values", _watching(_expecting("a", "In")), "give values with the operators In and NotIn"),
    Refused("values of what must not be there", _watching(_expecting("a", "DoesNotExist", "b")), "give values with"),
    Refused("an operator that is none", _watching(_expecting("a", "Equals", "b")), "operator"),
    Refused("an expression about no label", _watching(_expecting("a-b", "Exists")), "key"),
    Refused(
        "a placeholder that is not known in an expression", _watching(_expecting("a", "In", "${x}")), "placeholder"
    ),
    Refused(
        "a placeholder in the labels of an alert that is not known",
        a_deployment(analysis={"metrics": [{"name": "m", "alert": {"matchLabels": {"alertname": "${alert}"}}}]}),
        "a placeholder is not known",
    ),
    Refused("code from nowhere", a_version(code={"path": "a.py"}), "set repository with commit or tag, or uri"),
    Refused(
        "a variable with two values",
        a_version(serving={"env": [{"name": "A", "value": "a", "valueFrom": {"fieldRef": {"fieldPath": "b"}}}]}),
        "set at most one of value and valueFrom",
    ),
    Refused(
        "a variable from nowhere",
        a_version(serving={"env": [{"name": "A", "valueFrom": {}}]}),
        "set exactly one of secretKeyRef, configMapKeyRef and fieldRef",
    ),
    Refused(
        "a recorded metric that is not a number",
        a_version(metrics=[{"name": "loss", "value": "NaN"}]),
        "must be a finite number such as 0.95 or 2e-05, with or without quotes; leave out a value that is NaN",
    ),
    Refused(
        "a recorded metric that is a boolean",
        a_version(metrics=[{"name": "loss", "value": False}]),
        "must be a finite number such as 0.95 or 2e-05, with or without quotes; leave out a value that is NaN",
    ),
    Refused(
        "a bound that is infinite",
        _analysis(threshold={"max": "Infinity"}),
        "must be a finite number such as 0.95 or 2e-05, with or without quotes; leave out a value that is NaN",
    ),
    Refused(
        "a percentage that is not a number",
        _watching(a_metric(compareTo="Stable", maxIncreasePercent=".nan")),
        "must be a finite number that is not negative, such as 0.01 or 2e-05, with or without quotes",
    ),
    Refused(
        "a gate that allows everything",
        a_deployment(promotion={"gates": [{"metric": "m", "maxRegression": "inf"}]}),
        "must be a finite number that is not negative, such as 0.01 or 2e-05, with or without quotes",
    ),
    Refused(
        "a parameter that is a boolean",
        a_version(hyperparameters=[{"name": "bias", "value": False}]),
        "must be a text or a number; put words such as yes, no, true and false in quotes",
    ),
    Refused("a tag twice", a_version(tags=["a", "a"]), "spec.tags must not name a tag twice"),
)
# Queries as models and API server alike take them, and do not.
GOOD_QUERIES = (
    "up",
    "m{a=\"${version}\",b=~'${model}-.*',c!~`${name}\\d+`}[${window}] offset ${window}",
    'label_replace(m, "a", "$1-${1}", "b", "(.*)")',
    'm{a="\\"${version}\\""}',
    'm{a="`", b="${name}"} + n{c=`"`, d=\'${name}\'}',
    'm # a quote " in a comment\n + n{a="${name}"}',
    'm{"${name}"="x"}',
)
UNKNOWN = "a placeholder is not known; there are ${namespace}, ${name}"
MISPLACED = "only ${window} may stand outside of quotes"
BAD_QUERIES = (
    ('m{a="${tempalteHash}"}', UNKNOWN),
    ('m{a="${Version}"}', UNKNOWN),
    ('m{a="${version"} + n{b="${x}"}', UNKNOWN),
    ("m_${name}", MISPLACED),
    ("m{a=${version}}", MISPLACED),
    ('m{a="x"} > ${version}', MISPLACED),
    ('m{a="ends not} + ${version}', MISPLACED),
    ('m{a="`"} + n{b=${name}} + o{c="`"}', MISPLACED),
)
# These are rules of the root, which only the API server sees.
ROOT_RULES = (
    Refused(
        "a name that is not made of model and version",
        _with(a_version(), lambda each: each["metadata"].update(name="other")),
        "metadata.name must be fraud-1.0.0, made of spec.model and spec.version",
    ),
    Refused(
        "a version's name that is too long",
        {**a_version(model="m" * 60), "metadata": {"name": f"{'m' * 60}-1.0.0"}},
        "must have at most 63 characters",
    ),
    Refused(
        "a deployment's name that is too long",
        {**a_deployment(), "metadata": {"name": "d" * 53}},
        "must have at most 52 characters",
    ),
)
