"""The manifests of the demo: a ModelVersion for each version and one ModelDeployment."""

import platform
import sys
from pathlib import Path
from typing import Any

import yaml

from demo.training import HYPERPARAMETERS, MODEL, SEED, Provenance, Rows, Trained

SERVER = Path(__file__).with_name("server.py")
PORT = 8080
THRESHOLD = "0.9"
INTERVAL_SECONDS = 5
LABELS = {"correct": "correct", "all": "correct|incorrect"}
Manifest = dict[str, Any]


def feedback_rate(outcomes: str) -> str:
    """Return the PromQL of the rate of feedback with these outcomes, for the pods of one rendered template."""
    return (
        f'sum(rate(model_feedback_total{{outcome=~"{outcomes}",namespace="${{namespace}}",'
        'pennant_dev_template_hash="${templateHash}"}[${window}]))'
    )


ACCURACY = f"{feedback_rate(LABELS['correct'])} / {feedback_rate(LABELS['all'])}"


def model_version(trained: Trained, made: Provenance, tags: list[str], reason: str, parent: str | None) -> Manifest:
    """Return the ModelVersion of a trained version, with its measured metrics."""
    data = trained.data
    spec = {
        "model": MODEL,
        "version": trained.version,
        "tags": tags,
        "description": "Recognises a handwritten digit in an 8 x 8 image.",
        "reason": reason,
        "author": {"name": "training-pipeline", "kind": "Pipeline"},
        "createdAt": trained.finished_at.isoformat(timespec="seconds"),
        **({"parent": parent} if parent else {}),
        "artifacts": [
            {
                "name": "model",
                "uri": trained.artifact.resolve().as_uri(),
                "digest": trained.digest,
                "sizeBytes": trained.size_bytes,
                "format": {"name": "skops", "version": made.libraries["skops"]},
            }
        ],
        "datasets": [
            _dataset(rows, role)
            for rows, role in ((data.training, "Training"), (data.validation, "Validation"), (data.test, "Test"))
        ],
        "code": {
            "repository": made.repository,
            "commit": made.commit,
            "path": "examples/demo/training.py",
            "dirty": made.dirty,
        },
        "hyperparameters": [{"name": name, "value": value} for name, value in HYPERPARAMETERS.items()],
        "environment": {
            "language": "Python",
            "languageVersion": platform.python_version(),
            "lockUri": "requirements.lock",
            "lockDigest": made.lock_digest,
            "frameworks": [{"name": name, "version": version} for name, version in made.libraries.items()],
        },
        "schema": {
            "inputs": [{"name": "image", "type": "float64", "shape": [-1, 64], "required": True}],
            "outputs": [{"name": "digit", "type": "int64", "shape": [-1]}],
        },
        "training": {
            "startedAt": trained.started_at.isoformat(timespec="seconds"),
            "finishedAt": trained.finished_at.isoformat(timespec="seconds"),
            "seed": SEED,
        },
        "metrics": [_metric(trained, name, split) for name, split in trained.metrics],
        "license": "Apache-2.0",
        "intendedUse": "Demonstration.",
    }
    return _manifest("ModelVersion", f"{MODEL}-{trained.version}", spec)


def model_deployment() -> Manifest:
    """Return the ModelDeployment: three pods that serve the version with the tag, and one metric."""
    container = {
        "name": "server",
        "image": "pennant.example/digits-server:1",
        "command": [sys.executable, str(SERVER), "--host=$(POD_IP)", f"--port={PORT}", "--uri=$(MODEL_URI)"],
        "args": ["--name=$(MODEL_NAME)", "--version=$(MODEL_VERSION)", "--digest=$(MODEL_DIGEST)"],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}, "initialDelaySeconds": 30},
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT)}
    metric = {
        "name": "accuracy",
        "prometheus": {"source": "default", "query": ACCURACY},
        "threshold": {"min": THRESHOLD},
        "breaches": {"count": 3, "of": 3},
    }
    spec = {
        "model": MODEL,
        "tag": "production",
        "replicas": 3,
        "template": {
            "metadata": {"annotations": annotations},
            "spec": {"terminationGracePeriodSeconds": 5, "containers": [container]},
        },
        "rollout": {"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 120},
        "analysis": {"intervalSeconds": INTERVAL_SECONDS, "bakeSeconds": 15, "metrics": [metric]},
    }
    return _manifest("ModelDeployment", MODEL, spec)


def write(directory: Path, *manifests: Manifest) -> None:
    """Write each manifest to a file of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    for each in manifests:
        path = directory / f"{each['kind'].lower()}-{each['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(each, sort_keys=False, width=120))


def _dataset(rows: Rows, role: str) -> Manifest:
    return {
        "name": rows.name,
        "role": role,
        "uri": f"sklearn://load_digits/{rows.name}",
        "digest": rows.digest,
        "rows": len(rows.labels),
    }


def _metric(trained: Trained, name: str, split: str) -> Manifest:
    rows = trained.data.validation if split == "Validation" else trained.data.test
    return {
        "name": name,
        "value": f"{trained.metrics[name, split]:.6f}",
        "dataset": rows.name,
        "split": split,
        "direction": "Minimize" if name == "log_loss" else "Maximize",
        "category": "Performance",
    }


def _manifest(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
