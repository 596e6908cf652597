from copy import deepcopy

import pytest

from pennant.kube.codec.sharing import Pool

VALUES = [{}, [], [[]], {"a": [1, True, 1.0, None, "1"]}, {"b": 1, "a": 2}, {"a": {"a": {}}}, [0, False, 0.0, ""]]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_the_result_equals_the_value(value: object) -> None:
    pool = Pool()
    for each in VALUES:
        pool.shared(deepcopy(each))
    assert repr(pool.shared(deepcopy(value))) == repr(value)


def test_equal_parts_of_different_values_are_one_object() -> None:
    pool = Pool()
    first = pool.shared({"env": [{"name": "A", "value": "1"}], "image": "one"})
    second = pool.shared({"env": [{"name": "A", "value": "1"}], "image": "two"})
    assert first["env"] is second["env"]


def test_numbers_and_booleans_that_python_holds_equal_are_kept_apart() -> None:
    assert [type(each) for each in Pool().shared([1, True, 1.0])] == [int, bool, float]
