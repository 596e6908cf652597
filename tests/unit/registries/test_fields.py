"""Fields that every registry fills in the same way."""

import pytest

from pennant.registries import fields
from pennant.registries.notes import Notes


@pytest.mark.parametrize("name", ["db_password", "API-Key", "run.tags.secret", "hf_token", "aws_access_key_id"])
def test_a_value_whose_name_is_that_of_a_secret_is_left_out(name: str) -> None:
    notes = Notes()
    assert fields.parameters({name: "x", "eta": 1}, notes) == [{"name": "eta", "value": "1"}]
    assert fields.annotations({name: "x", "team": "y"}, Notes()) == {"team": "y"}
    assert notes.said == (f"{name} has the name of a secret, so the record does not have its value",)


@pytest.mark.parametrize("name", ["max_tokens", "pad_token", "tokenizer", "keyboard", "monkey"])
def test_a_parameter_with_a_similar_name_stays(name: str) -> None:
    assert fields.parameters({name: 7}, Notes()) == [{"name": name, "value": "7"}]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://ada:pw@git.example/x", "https://git.example/x"),
        ("s3://b/k?X-Amz-Signature=pw", "s3://b/k"),
        ("http://ada:pw@[", "http://["),
        ("see https://ada.example\nand more", "see https://ada.example\nand more"),
    ],
)
def test_an_address_has_no_credentials(value: str, kept: str) -> None:
    assert fields.annotations({"link": value}, Notes()) == {"link": kept}
    assert fields.parameters({"link": value}, Notes()) == [{"name": "link", "value": kept}]


@pytest.mark.parametrize("word", ["train", "training", "val", "valid", "validation", "test", "testing"])
def test_the_first_word_of_a_metric_says_its_split(word: str) -> None:
    (metric,) = fields.metrics([{"name": f"{word}_auc", "value": 1}], Notes())
    assert metric["split"] == {"t": {"r": "Train", "e": "Test"}[word[1]] if word[0] == "t" else ""}.get(
        word[0], "Validation"
    )


def test_the_use_of_data_and_the_split_of_an_evaluation() -> None:
    assert [fields.role_of(each) for each in ("Train", "val", "testing", "x")] == [
        "Training",
        "Validation",
        "Test",
        None,
    ]
    assert [fields.split_of(each) for each in ("on test data", "train-test", "holdout")] == ["Test", None, None]
