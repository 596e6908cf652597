"""The files that the parts are started with."""

import json
from pathlib import Path
from typing import Any

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted", "Panic"],
    "rules": [{"level": "Metadata"}],
}
_POD = "__meta_kubernetes_pod"


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


def prometheus(server: str, ca_file: Path, token_file: Path, scrape_interval: str) -> dict[str, Any]:
    """Return a configuration that scrapes the pods that ask for it, with their labels as labels of the metrics."""
    address = {
        "source_labels": [f"{_POD}_ip", f"{_POD}_annotation_prometheus_io_port"],
        "separator": ":",
        "target_label": "__address__",
    }
    return {
        "global": {"scrape_interval": scrape_interval, "scrape_timeout": scrape_interval},
        "scrape_configs": [
            {
                "job_name": "pods",
                "kubernetes_sd_configs": [
                    {
                        "role": "pod",
                        "api_server": server,
                        "authorization": {"credentials_file": str(token_file)},
                        "tls_config": {"ca_file": str(ca_file)},
                    }
                ],
                "relabel_configs": [
                    _keep(f"{_POD}_annotation_prometheus_io_scrape", "true"),
                    _keep(f"{_POD}_phase", "Running"),
                    _keep(f"{_POD}_ip", ".+"),
                    address,
                    {"action": "labelmap", "regex": f"{_POD}_label_(.+)"},
                    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                    {"source_labels": [f"{_POD}_name"], "target_label": "pod"},
                ],
            }
        ],
    }


def _keep(label: str, pattern: str) -> dict[str, Any]:
    return {"action": "keep", "source_labels": [label], "regex": pattern}


def write(path: Path, content: Any) -> Path:
    """Write a value as JSON, which every part reads as YAML, and return the path."""
    path.write_text(json.dumps(content, indent=1))
    return path
