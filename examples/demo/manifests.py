"""The manifests of the demo: each version is registered as a pipeline does, and one ModelDeployment serves them."""

import sys
from pathlib import Path
from typing import Any

import yaml

import pennant
from demo.training import HYPERPARAMETERS, MODEL, SEED, Rows, Trained

ROOT = Path(__file__).parents[2]
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


def register(trained: Trained, reason: str, directory: Path, *tags: str) -> pennant.Registered:
    """Write the ModelVersion of a trained version into a directory, as a training pipeline does at its end."""
    data = trained.data
    sets = ((data.training, "Training"), (data.validation, "Validation"), (data.test, "Test"))
    spec = {
        "description": "Recognises a handwritten digit in an 8 x 8 image.",
        "author": {"name": "training-pipeline", "kind": "Pipeline"},
        "datasets": [_dataset(rows, role) for rows, role in sets],
        "schema": {
            "inputs": [{"name": "image", "type": "float64", "shape": [-1, 64], "required": True}],
            "outputs": [{"name": "digit", "type": "int64", "shape": [-1]}],
        },
        "training": {"startedAt": trained.started_at, "finishedAt": trained.finished_at, "seed": SEED},
        "license": "Apache-2.0",
        "intendedUse": "Demonstration.",
    }
    return pennant.register(
        MODEL,
        trained.artifact,
        metrics=[_metric(trained, name, split) for name, split in trained.metrics],
        maximize=("accuracy", "f1_macro"),
        minimize="log_loss",
        params=HYPERPARAMETERS,
        env=ROOT / "requirements.lock",
        spec=spec,
        created_at=trained.finished_at,
        reason=reason,
        tags=tags,
        namespace="default",
        write=directory,
    )


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
    metadata = {"name": MODEL, "namespace": "default"}
    return {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": spec}


def write(directory: Path, manifest: Manifest) -> None:
    """Write a manifest to a file of its own."""
    path = directory / f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False, width=120))


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
        "category": "Performance",
    }
