"""Hyperparameters of files and of values."""

from pathlib import Path

import numpy as np
import pytest

from pennant.record import parameters
from pennant.record.errors import RegisterError


def test_each_value_is_a_text_under_a_joined_name(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "lr: 1e-3\ntree: {depth: 3, bins: [1, 2]}\non: yes\nnone:\nname: ünï\nf: 0.1\n"
    )
    listed = parameters.read(tmp_path / "params.yaml").spec["hyperparameters"]
    assert {each["name"]: each["value"] for each in listed} == {
        "lr": "1e-3",
        "tree.depth": "3",
        "tree.bins": "[1, 2]",
        "True": "true",
        "none": "null",
        "name": "ünï",
        "f": "0.1",
    }


def test_values_of_numpy_are_numbers() -> None:
    values = {"a": np.float64(0.1), "b": np.array([1, 2]), "c": (1, "x"), "d": np.int64(4)}
    listed = parameters.of_values(values, "params").spec["hyperparameters"]
    assert [each["value"] for each in listed] == ["0.1", "[1, 2]", '[1, "x"]', "4"]


def test_a_file_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text("[1]")
    with pytest.raises(RegisterError, match="must hold an object with names and values, and holds list"):
        parameters.read(tmp_path / "params.json")
