"""Pod templates: one with most fields that people use, and what they get wrong in one.

The tables are used twice: against `pennant lint`, and against the API server.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Path = tuple[str | int, ...]
PROBE = {
    "httpGet": {
        "path": "/ready",
        "port": "http",
        "scheme": "HTTP",
        "httpHeaders": [{"name": "X-Probe", "value": "1"}],
    },
    "initialDelaySeconds": 5,
    "periodSeconds": 5,
    "failureThreshold": 3,
    "timeoutSeconds": 2,
}
SERVER = {
    "name": "server",
    "image": "server:1",
    "imagePullPolicy": "IfNotPresent",
    "command": ["serve"],
    "args": ["--model=$(MODEL_URI)"],
    "workingDir": "/srv",
    "env": [
        {"name": "PORT", "value": "8080"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "store", "key": "token", "optional": True}}},
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    ],
    "envFrom": [{"prefix": "A_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "store"}}],
    "ports": [
        {"name": "http", "containerPort": 8080, "protocol": "TCP"},
        {"name": "grpc", "containerPort": 9000, "hostPort": 9000},
    ],
    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": 4e9}},
    "volumeMounts": [
        {"name": "models", "mountPath": "/models", "readOnly": True, "mountPropagation": "None"},
        {"name": "settings", "mountPath": "/etc/server", "subPath": "a"},
    ],
    "startupProbe": {"tcpSocket": {"port": 8080}, "failureThreshold": 30},
    "readinessProbe": PROBE,
    "livenessProbe": {"grpc": {"port": 9000, "service": "health"}, "terminationGracePeriodSeconds": 5},
    "lifecycle": {
        "preStop": {"exec": {"command": ["sleep", "5"]}},
        "postStart": {"httpGet": {"port": 8080, "path": "/warm"}},
    },
    "securityContext": {
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "stdin": False,
}
SIDECAR = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "startupProbe": {"exec": {"command": ["a"]}}}
TERM = {
    "labelSelector": {
        "matchLabels": {"app": "server"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a"]}],
    },
    "topologyKey": "kubernetes.io/hostname",
}
NODE_TERM = {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
POD: Object = {
    "serviceAccountName": "server",
    "automountServiceAccountToken": False,
    "imagePullSecrets": [{"name": "registry"}],
    "terminationGracePeriodSeconds": 60,
    "nodeSelector": {"pool": "gpu"},
    "priorityClassName": "",
    "schedulerName": "default-scheduler",
    "dnsPolicy": "ClusterFirst",
    "dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]},
    "enableServiceLinks": False,
    "hostAliases": [{"ip": "10.0.0.2", "hostnames": ["store"]}],
    "securityContext": {
        "fsGroup": 1000,
        "supplementalGroups": [7],
        "fsGroupChangePolicy": "OnRootMismatch",
        "sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}],
    },
    "tolerations": [
        {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "spot", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 30},
    ],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NODE_TERM]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": NODE_TERM}],
        },
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [TERM],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "podAffinityTerm": TERM}],
        },
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "server"}},
        }
    ],
    "readinessGates": [{"conditionType": "example.com/traffic"}],
    "initContainers": [{"name": "fetch", "image": "fetch:1", "args": ["$(MODEL_URI)"]}, SIDECAR],
    "containers": [SERVER],
    "volumes": [
        {"name": "models", "emptyDir": {"sizeLimit": "20Gi", "medium": "Memory"}},
        {
            "name": "settings",
            "configMap": {"name": "settings", "defaultMode": 420, "items": [{"key": "a", "path": "a", "mode": 288}]},
        },
        {"name": "store", "secret": {"secretName": "store", "optional": True}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": "cache", "readOnly": True}},
        {"name": "disk", "hostPath": {"path": "/dev/shm", "type": "Directory"}},
        {"name": "image", "image": {"reference": "models:1", "pullPolicy": "Always"}},
        {"name": "csi", "csi": {"driver": "models.example.com", "volumeAttributes": {"a": "b"}}},
        {
            "name": "scratch",
            "ephemeral": {
                "volumeClaimTemplate": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": "fast",
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            },
        },
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"secret": {"name": "store"}},
                    {"configMap": {"name": "settings", "items": [{"key": "a", "path": "a"}]}},
                    {"serviceAccountToken": {"path": "token", "audience": "store", "expirationSeconds": 3600}},
                    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                ]
            },
        },
    ],
}
WHOLE: Object = {"metadata": {"labels": {"app": "server"}, "annotations": {"note": "x"}}, "spec": POD}


def changed(path: Path, value: Any) -> Object:
    """Return the whole template with another value at a path; `...` removes it."""
    found = deepcopy(WHOLE)
    node: Any = found
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return found


def paths(node: Any = WHOLE, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each field and item of the whole template with its path."""
    if path:
        yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, each in children:
        yield from paths(each, (*path, step))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong value in the whole template, and what `lint` is to say about it."""

    name: str
    path: Path
    value: Any
    says: str
    at: Path | None = None
    """The field that is to be named; None: that of `path`."""

    @property
    def template(self) -> Object:
        return changed(self.path, self.value)

    @property
    def field(self) -> Path:
        return ("spec", "template", *(self.at or self.path))


CONTAINER: Path = ("spec", "containers", 0)
STRING = "must be a string, and kubectl reads {} as a {}; write '{}' in quotes"
NUMBER, TRUE = STRING.format(8080, "number", 8080), STRING.format("true", "boolean", "true")
QUANTITY = "must be a quantity such as 500m, 2 or 4Gi; suffixes are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei"
MISTAKES = (
    # Unknown fields.
    Mistake("a letter is missing", (*CONTAINER, "volumeMount"), [], "unknown field; did you mean volumeMounts?"),
    Mistake("another case", (*CONTAINER, "imagepullpolicy"), "Always", "unknown field; did you mean imagePullPolicy?"),
    Mistake("a typo in the pod", ("spec", "nodeselector"), {}, "unknown field; did you mean nodeSelector?"),
    Mistake("a typo in a probe", (*CONTAINER, "readinessProbe", "perriodSeconds"), 5, "did you mean periodSeconds?"),
    Mistake(
        "a field of the pod in a container",
        (*CONTAINER, "nodeSelector"),
        {"pool": "gpu"},
        "unknown field; it is spec.template.spec.nodeSelector",
    ),
    Mistake(
        "a field of a container in the pod",
        ("spec", "env"),
        [],
        "unknown field; it is a field of a container in spec.template.spec.containers",
    ),
    Mistake(
        "a field of the pod beside it", ("tolerations",), [], "unknown field; it is spec.template.spec.tolerations"
    ),
    Mistake(
        "the request of a resource without requests",
        (*CONTAINER, "resources", "cpu"),
        "1",
        "unknown field; there are claims, limits, requests",
    ),
    # Types.
    Mistake("a number for a variable", (*CONTAINER, "env", 0, "value"), 8080, NUMBER),
    Mistake("a boolean for a variable", (*CONTAINER, "env", 0, "value"), True, TRUE),
    Mistake("a number as an argument", (*CONTAINER, "args", 0), 8080, NUMBER),
    Mistake("a boolean as an annotation", ("metadata", "annotations", "note"), True, TRUE),
    Mistake("a boolean in the node selector", ("spec", "nodeSelector", "pool"), True, TRUE),
    Mistake(
        "a port in quotes", (*CONTAINER, "ports", 0, "containerPort"), "8080", "must be an integer, without quotes"
    ),
    Mistake("seconds with a fraction", (*CONTAINER, "readinessProbe", "periodSeconds"), 0.5, "must be an integer"),
    Mistake("a boolean in quotes", (*CONTAINER, "stdin"), "false", "must be true or false, without quotes"),
    Mistake("a list that is a text", (*CONTAINER, "command"), "serve --fast", "must be a list"),
    Mistake("a list that is an object", (*CONTAINER, "env"), {"PORT": "8080"}, "must be a list"),
    Mistake("an object that is a list", (*CONTAINER, "resources", "limits"), [{"cpu": "2"}], "must be an object"),
    Mistake(
        "a port that is neither",
        (*CONTAINER, "startupProbe", "tcpSocket", "port"),
        80.5,
        "must be an integer, or a string",
    ),
    # Formats and choices.
    Mistake("megabytes as people write them", (*CONTAINER, "resources", "limits", "memory"), "2GB", QUANTITY),
    Mistake("a quantity with a space", (*CONTAINER, "resources", "limits", "memory"), "2 Gi", QUANTITY),
    Mistake("a quantity with another case", (*CONTAINER, "resources", "requests", "memory"), "1gi", QUANTITY),
    Mistake(
        "a choice in another case",
        (*CONTAINER, "imagePullPolicy"),
        "ifNotPresent",
        "must be 'Always', 'IfNotPresent' or 'Never'; did you mean IfNotPresent?",
    ),
    Mistake(
        "a protocol in lower case",
        (*CONTAINER, "ports", 0, "protocol"),
        "tcp",
        "must be 'SCTP', 'TCP' or 'UDP'; did you mean TCP?",
    ),
    Mistake(
        "an effect of a taint that there is not",
        ("spec", "tolerations", 0, "effect"),
        "Schedule",
        "must be 'NoExecute', 'NoSchedule' or 'PreferNoSchedule'; did you mean NoSchedule?",
    ),
    # What must be there, and what may be there once.
    Mistake("a mount without a path", (*CONTAINER, "volumeMounts", 0, "mountPath"), ..., "must be set"),
    Mistake("a port without a number", (*CONTAINER, "ports", 0, "containerPort"), ..., "must be set"),
    Mistake(
        "a key of a Secret without the key",
        (*CONTAINER, "env", 1, "valueFrom", "secretKeyRef", "key"),
        ...,
        "must be set",
    ),
    Mistake("a probe without a port", (*CONTAINER, "readinessProbe", "httpGet", "port"), ..., "must be set"),
    Mistake(
        "a volume twice",
        ("spec", "volumes"),
        [*POD["volumes"], {"name": "models", "emptyDir": {}}],
        'duplicate of item 0: name "models"',
        ("spec", "volumes", len(POD["volumes"])),
    ),
    Mistake(
        "a secret of the registry twice",
        ("spec", "imagePullSecrets"),
        [{"name": "registry"}, {"name": "registry"}],
        'duplicate of item 0: name "registry"',
        ("spec", "imagePullSecrets", 1),
    ),
    # Rules that are in no schema.
    Mistake("a label with a space", ("metadata", "labels", "team"), "x y", "the value of a label must be empty, or"),
    Mistake("a key with a space", ("metadata", "labels", "my team"), "x", "the key must be letters, digits, dashes"),
    Mistake("an annotation without a name", ("metadata", "annotations", "a.b/"), "x", "the key must be letters"),
    Mistake(
        "a mount of a volume that there is not",
        (*CONTAINER, "volumeMounts", 0, "name"),
        "model",
        "no volume of spec.template.spec.volumes has this name; there are models, settings",
    ),
    Mistake(
        "a container with an underscore", (*CONTAINER, "name"), "model_server", "must be lower-case letters, digits"
    ),
    Mistake("a pod that runs once", ("spec", "restartPolicy"), "Never", "must be Always in the pods of a Deployment"),
    Mistake(
        "a pod with a deadline", ("spec", "activeDeadlineSeconds"), 60, "must not be set in the pods of a Deployment"
    ),
)
QUANTITIES = (
    *("1", "0.5", ".5", "1.", "500m", "+1", "1e3", "1E3", "1e-3", "12E", "1Ei", "100k", "1n", "1u", "1Ki", "007"),
    *("", "1 Gi", "2GB", "1gi", "1K", "1KI", "1e", "1e3.5", "1..2", "0x10", "1_000", "1,5", "１"),
)
"""Texts that are quantities, and texts that are not; the API server is asked which."""
LONG_DOMAIN = ".".join(["a" * 62] * 4)
"""A domain of 251 characters; Kubernetes takes 253."""
LABEL_VALUES = {
    **dict.fromkeys(("", "a", "A.b_c-9", "9", "1.0.0", "a--b", "a..b", "a" * 63), True),
    **dict.fromkeys(("a b", " ", "-a", "a-", "_a", "a.", "a/b", "a" * 64, "a\n", "é", "１", "a:b", "${x}"), False),
}
LABEL_KEYS = {
    **dict.fromkeys(("a", "A", "9a", "a.b_c-D", "a" * 63, "example.com/a", "e/A_b", "1.2/x", f"{LONG_DOMAIN}/a"), True),
    **dict.fromkeys(("", "a b", "-a", "a-", "a" * 64, "Example.com/a", "a_b/c", "/a", "a/", "a/b/c", "a./b"), False),
    **dict.fromkeys((f"{LONG_DOMAIN}.ab/a", "a..b/c", "a.b/-", "é", "a\n", "a\n/b"), False),
}
"""Texts, and whether they are values or keys of labels; the API server is asked as well."""
