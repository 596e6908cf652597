"""Recorded numbers of two versions: when they are the same number, and which of them is worse.

Rule: R11, R124.
"""

import time
from decimal import Decimal
from typing import Any

import pytest

from pennant.api.model_deployment import PromotionGate
from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.compare import Compared, Incomparable, Number, compare, compare_records, of_gate
from simulation.support.story import a_record

DIGESTS = [f"sha256:{digit * 64}" for digit in "ab"]


def record(version: str, *metrics: dict[str, Any], digest: str | None = None) -> ModelVersionSpec:
    data = {"name": "payments", "role": "Test"} | ({"digest": digest} if digest else {})
    return ModelVersionSpec.model_validate(a_record(version, metrics=list(metrics), datasets=[data]))


def auc(value: str | float, **fields: Any) -> dict[str, Any]:
    known = {"name": "auc", "value": value, "dataset": "payments", "split": "Test", "direction": "Maximize"}
    return {name: each for name, each in (known | fields).items() if each is not None}


GATE = of_gate(PromotionGate.model_validate({"metric": "auc", "dataset": "payments", "split": "Test"}))


@pytest.mark.parametrize(
    ("candidate", "present", "regression"),
    [
        pytest.param("0.90", "0.95", "0.05", id="smaller is worse where larger is better"),
        pytest.param("0.95", "0.90", "-0.05", id="larger is better"),
        pytest.param("0.1", "0.3", "0.2", id="decimals are not rounded"),
    ],
)
def test_the_regression_is_how_much_worse_the_candidate_is(candidate: str, present: str, regression: str) -> None:
    found = compare(GATE, record("1.1.0", auc(candidate)), record("1.0.0", auc(present)))
    assert found == Compared("auc", Decimal(candidate), Decimal(present), Decimal(regression))


def test_where_smaller_is_better_larger_is_worse() -> None:
    found = compare(
        GATE,
        record("1.1.0", auc("0.3", direction="Minimize")),
        record("1.0.0", auc("0.2", direction=None)),
    )
    assert isinstance(found, Compared)
    assert found.regression == Decimal("0.1"), "one of the two records says which way is better"


@pytest.mark.parametrize(
    ("candidate", "present", "why"),
    [
        pytest.param([], [auc("0.9")], "1.1.0 has no recorded value", id="the candidate lacks it"),
        pytest.param([auc("0.9")], [], "1.0.0 has no recorded value", id="the present one lacks it"),
        pytest.param([auc("0.9", name="f1")], [auc("0.9")], "1.1.0 has no recorded value", id="another metric"),
        pytest.param([auc("0.9", dataset=None)], [auc("0.9")], "1.1.0 has no recorded value", id="another data set"),
        pytest.param([auc("0.9", split="Train")], [auc("0.9")], "1.1.0 has no recorded value", id="another split"),
        pytest.param([auc("0.9", slice="DE")], [auc("0.9")], "1.1.0 has no recorded value", id="a part of the data"),
        pytest.param(
            [auc("0.9"), auc("0.8")], [auc("0.9")], "1.1.0 has 2 recorded values, expected one", id="two values"
        ),
        pytest.param(
            [auc("0.9", direction=None)],
            [auc("0.9", direction=None)],
            "neither record has a direction (Maximize or Minimize)",
            id="no direction",
        ),
        pytest.param(
            [auc("0.9", direction="Minimize")],
            [auc("0.9")],
            "the two records have different directions",
            id="two directions",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(candidate: list[Any], present: list[Any], why: str) -> None:
    assert compare(GATE, record("1.1.0", *candidate), record("1.0.0", *present)) == Incomparable(why)


@pytest.mark.parametrize(
    ("digests", "comparable"),
    [
        pytest.param((DIGESTS[0], DIGESTS[0]), True, id="the same data set"),
        pytest.param((DIGESTS[0], DIGESTS[1]), False, id="another data set of the same name"),
        pytest.param((DIGESTS[0], None), True, id="nothing says that it is another one"),
        pytest.param((None, None), True, id="by its name alone"),
    ],
)
def test_a_data_set_is_known_by_its_digest_where_both_records_have_one(
    digests: tuple[str | None, str | None], comparable: bool
) -> None:
    candidate, present = (record("1.0.0", auc("0.9"), digest=each) for each in digests)
    assert isinstance(compare(GATE, candidate, present), Compared) is comparable


def test_two_records_are_compared_number_by_number() -> None:
    candidate = record("1.1.0", auc("0.90"), auc("0.8", name="f1"))
    present = record("1.0.0", auc("0.95"), auc("0.7", slice="new customers"))
    found = compare_records(candidate, present)
    assert {str(number): type(each).__name__ for number, each in found.items()} == {
        "auc/payments/Test": "Compared",
        "f1/payments/Test": "Incomparable",
        "auc/payments/Test/new customers": "Incomparable",
    }
    assert found[GATE] == compare(GATE, candidate, present)
    assert next(iter(found)) == Number("auc", "payments", GATE.split)


def test_a_number_without_quotes_is_compared_with_one_in_quotes_exactly() -> None:
    found = compare(GATE, record("1.1.0", auc(0.1)), record("1.0.0", auc("0.3")))
    assert found == Compared("auc", Decimal("0.1"), Decimal("0.3"), Decimal("0.2"))
    tiny = compare(GATE, record("1.1.0", auc(2e-05)), record("1.0.0", auc("8.88E-16")))
    assert isinstance(tiny, Compared)
    assert tiny.regression == Decimal("8.88e-16") - Decimal("2e-05")


def test_a_gate_on_one_class_compares_that_class() -> None:
    """Names and slices are as registries have them: with spaces, slashes and letters of any script."""
    name, part = "val/f1_score", "class 7/Größe XL"
    both = [
        record(version, auc(value, name=name, slice=part), auc("0.9", name=name, slice="class 8"))
        for version, value in (("1.1.0", 0.7), ("1.0.0", 0.8))
    ]
    gate = of_gate(
        PromotionGate.model_validate({"metric": name, "dataset": "payments", "split": "Test", "slice": part})
    )
    found = compare(gate, *both)
    assert isinstance(found, Compared)
    assert (str(gate), found.regression) == (f"{name}/payments/Test/{part}", Decimal("0.1"))
    whole = PromotionGate.model_validate({"metric": name, "dataset": "payments", "split": "Test"})
    assert compare(of_gate(whole), *both) == Incomparable("1.1.0 has no recorded value"), "a slice is not the whole"


def test_three_metrics_of_a_thousand_classes_are_compared_at_once() -> None:
    names, classes = ("precision", "recall", "f1"), range(1000)
    both = [
        record(version, *(auc(value / 1001, name=name, slice=f"class {value}") for name in names for value in classes))
        for version in ("1.1.0", "1.0.0")
    ]
    begun = time.perf_counter()
    found = compare_records(*both)
    assert time.perf_counter() - begun < 2, "each value is looked up once"
    assert len(found) == 3000
    assert all(isinstance(each, Compared) and not each.regression for each in found.values())
