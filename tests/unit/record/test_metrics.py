"""Metrics of files and of values: names, splits, directions, and numbers that a record can hold."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pennant.api.recorded_metric import RecordedMetric
from pennant.record import metrics
from pennant.record.errors import RegisterError
from pennant.record.metrics import Reading

READING = Reading("metrics.json")


def found(value: Any, reading: Reading = READING) -> list[dict[str, Any]]:
    return list(metrics.of_values(value, reading).spec["metrics"])


def of_file(directory: Path, name: str, text: str, reading: Reading = READING) -> list[dict[str, Any]]:
    (directory / name).write_text(text)
    return list(metrics.read(directory / name, reading).spec["metrics"])


def test_an_outermost_name_can_be_the_split() -> None:
    value = {"validation": {"auc": 0.9}, "TEST": {"auc": 0.8, "by": {"class": 1}}, "loss": 2, "eval": {"x": 3}}
    assert found(value) == [
        {"name": "auc", "value": "0.9", "split": "Validation"},
        {"name": "auc", "value": "0.8", "split": "Test"},
        {"name": "by.class", "value": "1", "split": "Test"},
        {"name": "loss", "value": "2"},
        {"name": "eval.x", "value": "3"},
    ]


def test_the_option_gives_split_and_direction() -> None:
    reading = Reading("m", "Test", {"loss": "Minimize"})
    assert found({"loss": 1.5, "train": {"loss": 1}}, reading) == [
        {"name": "loss", "value": "1.5", "split": "Test", "direction": "Minimize"},
        {"name": "loss", "value": "1", "split": "Train", "direction": "Minimize"},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "1e-07"),
        ("2e-05", "2e-05"),
        (" 0.5 ", "0.5"),
        (np.float64(0.25), "0.25"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (Decimal("0.910"), "0.910"),
        (0.00012345678901234567, "1.2345678901234567E-4"),
        (10**30, "1e+30"),
        (5e-324, "5e-324"),
        ("0.12345678901234567890123", "0.12345678901234568"),
    ],
)
def test_a_number_is_one_that_the_api_takes(value: object, text: str) -> None:
    (metric,) = found({"auc": value})
    assert metric["value"].lower() == text.lower()
    assert float(RecordedMetric.model_validate(metric).value) == pytest.approx(float(str(value)), rel=1e-15)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "NaN", "-inf", 10**400, Decimal("NaN"), np.float32("nan")]
)
def test_a_number_that_is_not_finite_is_refused(value: object) -> None:
    with pytest.raises(RegisterError, match=r"metrics.json: test.auc is .*finite numbers only"):
        found({"test.auc": value})


def test_what_is_no_number_is_left_out_with_a_warning() -> None:
    part = metrics.of_values({"auc": 1, "note": "good", "ok": True, "matrix": [[1]], "none": None}, READING)
    assert [each["name"] for each in part.spec["metrics"]] == ["auc"]
    assert part.warnings == ("metrics.json: no numbers, so left out: note, ok, matrix, none",)


def test_a_list_has_whole_metrics() -> None:
    whole = {"name": "auc", "value": 0.9, "dataset": "holdout", "split": "val", "slice": "eu", "unit": ""}
    assert found([whole]) == [
        {"name": "auc", "dataset": "holdout", "split": "Validation", "slice": "eu", "value": "0.9"}
    ]
    for wrong, says in (
        ([{"name": "auc"}], "must have a name and a value"),
        ([whole | {"splitt": 1}], "has no field splitt"),
        ([whole | {"value": "x"}], "the value of auc is no number"),
        ([whole | {"split": "dev"}], "dev is no split"),
        ([3], "must have a name and a value"),
        ("text", "must hold names and numbers"),
    ):
        with pytest.raises(RegisterError, match=says):
            found(wrong)


def test_files_of_each_format(tmp_path: Path) -> None:
    assert of_file(tmp_path, "m.json", '{"auc": 0.5}') == [{"name": "auc", "value": "0.5"}]
    assert of_file(tmp_path, "m.yaml", "auc: 1e-3") == [{"name": "auc", "value": "1e-3"}]
    rows = "name,value,split\nauc, 0.5 ,test\n\nloss,2,\n"
    assert of_file(tmp_path, "m.csv", rows) == [
        {"name": "auc", "split": "Test", "value": "0.5"},
        {"name": "loss", "value": "2"},
    ]
    assert of_file(tmp_path, "w.csv", "auc,loss\n0.5,2\n", Reading("w", "Test")) == [
        {"name": "auc", "value": "0.5", "split": "Test"},
        {"name": "loss", "value": "2", "split": "Test"},
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.5,2\n0.6,3\n", "must begin with a row of names"),
        ("", "is empty"),
        ("epoch,loss\n1,0.5\n2,0.4\n", "has 2 rows of values"),
        ("name,value\nauc\n", "row 2 has 1 cells, and the header 2"),
        ("a,a\n1,2\n", "has a name twice"),
        ('a\n"x\n', "is no CSV"),
        ("name,value\nauc,nan\n", "auc is nan"),
    ],
)
def test_a_csv_that_is_not_clear_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RegisterError, match=says):
        of_file(tmp_path, "m.csv", text)


def test_nan_in_json_and_yaml_is_refused(tmp_path: Path) -> None:
    for name, text in (("m.json", '{"auc": NaN}'), ("m.yaml", "auc: .nan")):
        with pytest.raises(RegisterError, match="auc is nan"):
            of_file(tmp_path, name, text)
