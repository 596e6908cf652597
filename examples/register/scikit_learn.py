"""Trains a classifier with scikit-learn, and registers it. Run it in a git checkout: `python scikit_learn.py 1.0`."""

import csv
import sys
from pathlib import Path
from typing import Any

import skops.io
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pennant

params = {"C": float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, "max_iter": 500}
wine = load_wine()
x, rest_x, y, rest_y = train_test_split(wine.data, wine.target, test_size=0.4, random_state=7)
valid_x, test_x, valid_y, test_y = train_test_split(rest_x, rest_y, test_size=0.5, random_state=7)
with Path("train.csv").open("w", newline="") as file:
    csv.writer(file).writerows(
        [[*wine.feature_names, "class"], *([*row, label] for row, label in zip(x, y, strict=True))]
    )

model = make_pipeline(StandardScaler(), LogisticRegression(**params)).fit(x, y)
skops.io.dump(model, "model.skops")


def measured(features: Any, labels: Any) -> dict[str, float]:
    scores = model.predict_proba(features)
    return {"accuracy": accuracy_score(labels, scores.argmax(axis=1)), "log_loss": log_loss(labels, scores)}


registered = pennant.register(
    "wine",
    "model.skops",
    uri={"model": "s3://models/wine/{version}/model.skops", "wine-train": "s3://data/wine/{sha256}.csv"},
    metrics={"validation": measured(valid_x, valid_y), "test": measured(test_x, test_y)},
    maximize="accuracy",
    minimize="log_loss",
    params=params,
    dataset={"wine-train": "train.csv"},
    env="requirements.lock",
    schema={
        "inputs": [{"name": "features", "type": "float64", "shape": [-1, 13]}],
        "outputs": [{"name": "class", "type": "int64", "shape": [-1]}],
    },
    reason=f"Regularisation {params['C']}",
    write="manifests",
)
print(f"{registered.path}: {'; '.join(registered.reasons)}")
