"""A record that a registry made by itself, and which elements of a complete one it has.

Rule: R123.
"""

from copy import deepcopy
from typing import Any

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.completeness import Element, missing

SHA = "sha256:" + "0f" * 32
# What MLflow 3 holds of a run that logged its two data sets, parameters, metrics and a model, and of nothing else: no
# repository, no split of a metric, and no URI of data that was made in memory. The digests of files are of their bytes.
MLFLOW: dict[str, Any] = {
    "model": "iris-rf",
    "version": "7",
    "createdAt": "2026-01-02T03:04:05Z",
    "author": {"name": "ada"},
    "reason": "Retrained after the new season.",
    "artifacts": [{"name": "model", "uri": "models:/m-960059", "digest": SHA, "format": {"name": "mlflow"}}],
    "datasets": [
        {"name": "dataset", "role": "Training", "digest": "mlflow:7e66b598"},
        {"name": "iris-validation", "role": "Validation", "digest": "mlflow:0a1b2c3d"},
        {"name": "iris-test", "role": "Test", "digest": "mlflow:f00dcafe"},
    ],
    "code": {"uri": "train.py", "commit": "4098919d0c1e2f3a"},
    "training": {"experiment": "iris", "run": "4098919d5f0b4e4f9c3c1d2e3f405162"},
    "hyperparameters": [{"name": "n_estimators", "value": "100"}, {"name": "max_features", "value": "sqrt"}],
    "metrics": [
        {"name": "val_accuracy", "value": 0.9737, "dataset": "iris-validation"},
        {"name": "test_f1_class_0", "value": 1, "dataset": "iris-test"},
    ],
    "environment": {"lockUri": "models:/m-960059/requirements.txt", "lockDigest": SHA},
    "source": {"registry": "MLflow", "modelName": "iris-rf", "version": "7"},
}


def lacking(**changes: Any) -> tuple[Element, ...]:
    record = {name: each for name, each in (deepcopy(MLFLOW) | changes).items() if each is not None}
    return missing(ModelVersionSpec.model_validate(record))


def test_a_record_that_mlflow_made_with_its_data_sets_logged_is_complete() -> None:
    assert lacking() == ()


@pytest.mark.parametrize(
    ("changes", "element"),
    [
        pytest.param({"reason": None}, Element.REASON, id="a run without a description"),
        pytest.param({"training": None}, Element.TRAINING_DATA, id="data that can be found nowhere"),
        pytest.param({"training": {"experiment": "iris"}}, Element.TRAINING_DATA, id="data of no run"),
        pytest.param(
            {"datasets": [{"name": "dataset", "role": "Training", "uri": "s3://data"}, *MLFLOW["datasets"][1:]]},
            Element.TRAINING_DATA,
            id="data without a digest",
        ),
        pytest.param({"datasets": MLFLOW["datasets"][1:]}, Element.TRAINING_DATA, id="no training data"),
        pytest.param({"metrics": MLFLOW["metrics"][:1]}, Element.METRICS, id="no metric on test data"),
        pytest.param(
            {"metrics": [{"name": "val_accuracy", "value": 1}, {"name": "test_accuracy", "value": 1}]},
            Element.METRICS,
            id="metrics whose data is not known: a name proves nothing",
        ),
        pytest.param(
            {"metrics": [*MLFLOW["metrics"][:1], {"name": "a", "value": 1, "dataset": "dataset"}]},
            Element.METRICS,
            id="a metric on training data",
        ),
        pytest.param({"environment": {"language": "Python"}}, Element.ENVIRONMENT, id="no requirements"),
    ],
)
def test_what_is_not_logged_is_missing(changes: dict[str, Any], element: Element) -> None:
    assert lacking(**changes) == (element,)


def test_the_split_of_a_metric_counts_before_the_use_of_its_data_set() -> None:
    metrics = [{"name": "a", "value": 1, "dataset": "iris-test", "split": split} for split in ("Validation", "Test")]
    assert lacking(metrics=metrics) == ()
    assert lacking(metrics=metrics[:1]) == (Element.METRICS,)
