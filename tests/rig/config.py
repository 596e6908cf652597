"""The files that the parts are started with."""

import json
import os
from pathlib import Path
from typing import Any

# Every request, once, when it is answered, with its verb, object and user agent: the truth about who wrote what. Of the
# writes of service accounts, such as the operator's, what they sent as well.
AUDIT_RULES: list[dict[str, Any]] = [
    {
        "level": "Request",
        "userGroups": ["system:serviceaccounts"],
        "verbs": ["create", "update", "patch", "delete", "deletecollection"],
    },
    {"level": "Metadata"},
]
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted", "Panic"],
    "rules": AUDIT_RULES,
}
# Alerts are held and sent nowhere: tests ask Alertmanager what it has.
ALERTMANAGER = {
    "route": {"receiver": "none", "group_wait": "1s", "group_interval": "1s"},
    "receivers": [{"name": "none"}],
}
_POD = "__meta_kubernetes_pod"
_ANNOTATION = f"{_POD}_annotation_prometheus_io"


def kubeconfig(server: str, ca_file: Path, token: str) -> dict[str, Any]:
    """Return a kubeconfig that checks the server's certificate."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": {"server": server, "certificate-authority": str(ca_file)}}],
        "users": [{"name": "rig", "user": {"token": token}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "rig", "namespace": "default"}}],
    }


def prometheus(
    server: str, ca_file: Path, token_file: Path, scrape_interval: str, rules: str, alertmanager: str | None = None
) -> dict[str, Any]:
    """Return a configuration that scrapes the pods that ask for it, with their labels as labels of the metrics."""
    pods = {
        "job_name": "pods",
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "api_server": server,
                "authorization": {"credentials_file": str(token_file)},
                "tls_config": {"ca_file": str(ca_file)},
            }
        ],
        "relabel_configs": _POD_RELABELING,
    }
    times = ("scrape_interval", "scrape_timeout", "evaluation_interval")
    config: dict[str, Any] = {
        "global": dict.fromkeys(times, scrape_interval),
        "rule_files": [rules],
        "scrape_configs": [pods],
    }
    if alertmanager is not None:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return config


def _keep(label: str, pattern: str) -> dict[str, Any]:
    return {"action": "keep", "source_labels": [label], "regex": pattern}


_POD_RELABELING: list[dict[str, Any]] = [
    _keep(f"{_ANNOTATION}_scrape", "true"),
    _keep(f"{_POD}_phase", "Running"),
    # A pod is a target for each of its container ports; with the annotated port all of them become one. Where the
    # annotation is missing the pattern does not match, and the address stays that of the container port.
    {
        "source_labels": [f"{_POD}_ip", f"{_ANNOTATION}_port"],
        "separator": ":",
        "regex": r"(.+:\d+)",
        "target_label": "__address__",
    },
    {"source_labels": [f"{_ANNOTATION}_path"], "regex": "(.+)", "target_label": "__metrics_path__"},
    {"action": "labelmap", "regex": f"{_POD}_label_(.+)"},
    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
    {"source_labels": [f"{_POD}_name"], "target_label": "pod"},
]


def write(path: Path, content: Any) -> Path:
    """Write a value as JSON, which every part reads as YAML, for our eyes only, and return the path."""
    return write_text(path, json.dumps(content, indent=1))


def write_text(path: Path, text: str) -> Path:
    """Write a file that only we may read, whole or not at all, and return the path."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_text(text)
    scratch.rename(path)
    return path
