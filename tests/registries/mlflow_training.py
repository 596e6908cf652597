"""Trains a classifier with scikit-learn, and registers it with MLflow: `mlflow_training.py MODEL STRENGTH`."""

import sys

import mlflow
import sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split


def main(name: str, strength: float) -> str:
    """Train, log and register; return the number of the version."""
    data = load_iris(as_frame=True)
    features, rest, labels, expected = train_test_split(data.data, data.target, random_state=0)
    mlflow.set_experiment("iris")
    with mlflow.start_run(run_name=f"C {strength}"):
        training = features.assign(target=labels)
        mlflow.log_input(mlflow.data.from_pandas(training, name="iris-train", targets="target"), context="training")
        mlflow.log_params({"C": strength, "solver": "lbfgs"})
        model = LogisticRegression(C=strength, max_iter=500).fit(features, labels)
        mlflow.log_metric("test_accuracy", accuracy_score(expected, model.predict(rest)))
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=name,
            signature=infer_signature(features, model.predict(features)),
            # Otherwise MLflow looks for what the model imports, in a further process.
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
        )
    return str(logged.registered_model_version)


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))
