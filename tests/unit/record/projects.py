"""Projects as training pipelines leave them: git checkouts, lock files, files of DVC, models with headers."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

HOME = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        env=os.environ | HOME,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def checkout(directory: Path, remote: str | None = "https://git.example/shop/fraud.git") -> Path:
    """Return a checkout with one commit of `train.py`."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    (directory / "train.py").write_text("fit()\n")
    git(directory, "add", "train.py")
    git(directory, "commit", "--quiet", "--message=Train")
    if remote is not None:
        git(directory, "remote", "add", "origin", remote)
    return directory


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """Return the bytes of a file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


TENSORS = {
    "__metadata__": {"format": "pt"},
    "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
    "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
}
WHOLE = safetensors(TENSORS, bytes(16))


def onnx_bytes(external: str | None = None) -> bytes:
    """Return a small model with one input of any number of rows, made without a training framework."""
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.5] * 8)
    if external is not None:
        weight.ClearField("float_data")
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", external
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "score",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 2]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["batch size", 2])],
        initializer=[weight],
    )
    opset = helper.make_opsetid("", 19)
    model = helper.make_model(
        graph, producer_name="pipeline", producer_version="1.2", opset_imports=[opset], ir_version=9
    )
    found: bytes = model.SerializeToString()
    return found
