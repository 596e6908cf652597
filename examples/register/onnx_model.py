"""Registers an ONNX model: its inputs, outputs and opset are read from the file. Run it in a git checkout."""

import sys
from pathlib import Path

from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import pennant

params = {"C": float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, "max_iter": 500}
features, species = load_iris(return_X_y=True)
model = LogisticRegression(**params).fit(features[::2], species[::2])
graph = to_onnx(model, features[:1].astype("float32"), options={"zipmap": False})
Path("model.onnx").write_bytes(graph.SerializeToString())

try:
    registered = pennant.register(
        "iris",
        "model.onnx",
        uri="s3://models/iris/{version}/model.onnx",
        metrics={"test": {"accuracy": model.score(features[1::2], species[1::2])}},
        maximize="accuracy",
        params=params,
        env="requirements.lock",
        reason=f"Regularisation {params['C']}",
        write="manifests",
    )
except pennant.Duplicate as same:
    print(f"nothing new: {same}")
else:
    print(f"{registered.path}: {'; '.join(registered.reasons)}")
