"""A number in a manifest: with or without quotes, in any notation, and never NaN.

Rule: R120, R121.
"""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from pennant.api.crd import crds
from pennant.api.number import (
    FINITE,
    PLAIN_TEXT,
    POSITIVE,
    Parameter,
    PositiveDecimal,
    decimal_text,
    equal_texts,
)
from pennant.api.number import Decimal as DecimalText

NUMBER, POSITIVE_NUMBER = TypeAdapter(DecimalText), TypeAdapter(PositiveDecimal)
PARAMETER = TypeAdapter(Parameter)
WRITTEN = (
    "0.05",
    "2e-05",
    ".5",
    "5.",
    "+0.5",
    "1E6",
    "8.88e-16",
    "-3",
    "1e-005",
    "0.1",
    "1e-310",
    "123456789012345678",
)


@pytest.mark.parametrize("text", WRITTEN)
def test_a_number_in_quotes_stays_as_it_is(text: str) -> None:
    assert NUMBER.validate_python(text) == text
    assert Decimal(text).is_finite()
    assert float(text) == float(Decimal(text))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0.05", "0.05"),
        ("0.1", "0.1"),
        ("0.00002", "2e-05"),
        ("8.88e-16", "8.88e-16"),
        ("1", "1"),
        ("-3", "-3"),
        ("9007199254740993", "9007199254740993"),
        ("100000000000000000000", "1e+20"),
        ("1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_a_number_without_quotes_is_the_shortest_text_of_it(written: str, text: str) -> None:
    """`written` is JSON as the API server stores it."""
    assert NUMBER.validate_python(json.loads(written)) == text
    assert PARAMETER.validate_python(json.loads(written)) == text
    assert float(text) == float(written)


NO_NUMBERS: tuple[Any, ...] = (
    *("NaN", "nan", ".nan", "Infinity", "-inf", "", "5%", "1,5", "0x1F", "1_000", "1e", "e5", ".", "-", "1e400", "1 "),
    *("1\n", True, False, None, {}, [], [1], float("nan"), float("inf"), float("-inf"), 10**400),
)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda each: repr(each)[:20])
def test_what_is_no_finite_number_is_refused_with_the_fix(value: object) -> None:
    for adapter, sentence in ((NUMBER, FINITE), (POSITIVE_NUMBER, POSITIVE)):
        with pytest.raises(ValidationError) as refused:
            adapter.validate_python(value)
        assert f"Value error, {sentence}" in str(refused.value)


@pytest.mark.parametrize("value", ["-1", "-.5", -1, -0.01])
def test_a_number_that_is_negative_is_refused_where_it_means_nothing(value: object) -> None:
    with pytest.raises(ValidationError, match="that is not negative"):
        POSITIVE_NUMBER.validate_python(value)
    assert NUMBER.validate_python(value) == str(value)


def test_an_exponent_has_a_limit_so_that_no_number_takes_long() -> None:
    begun = time.perf_counter()
    for text in ("1e999999999", "1e-999999999", "9" * 50, "1" * 100_000, "0" * 10 + "e99999"):
        with pytest.raises(ValidationError):
            NUMBER.validate_python(text)
    largest, smallest = "9" * 18 + "e199", "1e-399"
    assert float(NUMBER.validate_python(largest)) < float("inf")
    assert Decimal(NUMBER.validate_python(smallest)) > 0
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("value", ["relu", "", "[1, 2]", "no", "NaN"])
def test_a_parameter_is_any_text(value: str) -> None:
    assert PARAMETER.validate_python(value) == value


@pytest.mark.parametrize("value", [True, False, {}, [], [1], {"a": 1}, float("nan")])
def test_a_parameter_is_no_boolean_which_yaml_may_have_made_of_a_word(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        PARAMETER.validate_python(value)
    assert PLAIN_TEXT in str(refused.value)


def test_a_parameter_has_a_longest_text() -> None:
    with pytest.raises(ValidationError, match="must have at most 6000 characters, and has 6001"):
        PARAMETER.validate_python("x" * 6001)


def test_a_number_that_pyyaml_writes_without_quotes_means_what_was_written() -> None:
    """PyYAML takes `2e-05` for a text, and kubectl for a number."""
    dumped = yaml.safe_dump({"value": "2e-05"}).strip()
    assert dumped == "value: 2e-05"
    assert NUMBER.validate_python(float(dumped.removeprefix("value: "))) == "2e-05"


def test_every_decimal_of_the_api_takes_both() -> None:
    """Where a decimal is in a spec, the schema has no type; there is no other field of numbers as text."""
    numbers, kinds = set(), ("modelversions.yaml", "modeldeployments.yaml")

    def search(node: dict[str, Any], path: str) -> None:
        if "type" not in node and not node.get("x-kubernetes-int-or-string"):
            numbers.add(path)
        assert node.get("type") != "number", path
        for name, each in node.get("properties", {}).items():
            search(each, f"{path}.{name}")
        if "items" in node:
            search(node["items"], f"{path}[]")

    for kind in kinds:
        search(crds()[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"], "")
    assert numbers == {
        ".hyperparameters[].value",
        ".metrics[].value",
        ".analysis.metrics[].threshold.max",
        ".analysis.metrics[].threshold.min",
        ".analysis.metrics[].maxIncreasePercent",
        ".analysis.metrics[].maxDecreasePercent",
        ".promotion.gates[].maxRegression",
        ".promotion.gates[].maxRegressionPercent",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.050", "0.05"), ("2E-5", "0.00002"), ("1E+6", "1000000"), ("0", "0"), ("1e-300", "1E-300"), ("1e30", "1E+30")],
)
def test_a_difference_is_shown_without_an_exponent_unless_it_would_be_long(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ("0.1", "0.10", True),
        ("3e-4", "0.0003", True),
        ("relu", "relu", True),
        ("relu", "gelu", False),
        ("1", None, False),
        (None, None, True),
        ("1e999999999", "1e999999998", False),
        ("NaN", "NaN", True),
    ],
)
def test_parameters_are_equal_by_text_or_by_number(one: str | None, other: str | None, is_equal: bool) -> None:
    assert equal_texts(one, other) is is_equal
