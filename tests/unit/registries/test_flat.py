"""Parameters of nested values and of arguments."""

import json
from typing import Any

import pytest

from pennant.registries import flat
from pennant.registries.notes import Notes


def test_values_in_values_have_their_path_as_their_name() -> None:
    value = {
        "optimizer": {"name": "adam", "betas": [0.9, 0.999]},
        "epochs": 20.0,
        "lr": 0.1,
        "none": None,
        "flag": True,
    }
    assert flat.parameters(value, Notes()) == {
        "optimizer.name": "adam",
        "optimizer.betas": "[0.9, 0.999]",
        "epochs": "20",
        "lr": "0.1",
        "flag": "true",
    }
    assert flat.parameters([1], Notes()) == {}


def test_values_that_are_too_deep_are_one_value() -> None:
    value: Any = 1
    for _ in range(40):
        value = {"a": value}
    ((name, text),) = flat.parameters(value, Notes()).items()
    assert name == ".".join(["a"] * flat.DEEPEST)
    assert json.loads(text)["a"]


@pytest.mark.parametrize(
    "name", ["token", "hf_token", "HF-TOKEN", "db.password", "dbPassword", "apiKey", "aws_secret", "private-key"]
)
def test_what_may_be_a_secret_is_left_out_and_told(name: str) -> None:
    notes = Notes()
    assert flat.plain({name: "hunter2", "max_tokens": 5}, notes) == {"max_tokens": "5"}
    assert notes.said == (f"{name} may be a secret, so the record does not have its value",)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://ada:hunter2@host/x?sig=hunter2", "https://host/x"),
        ("see https://ada:hunter2@host/x and gs://b/c", "see https://host/x and gs://b/c"),
        ({"a": [{"apiKey": "hunter2", "max_tokens": 1}]}, '{"a": [{"apiKey": "***", "max_tokens": 1}]}'),
        (["postgres://u:hunter2@db/x"], '["postgres://db/x"]'),
        ("https://[hunter2/x", "***"),
        ("a", "a"),
    ],
)
def test_secrets_in_a_value_are_hidden(value: Any, said: str) -> None:
    assert flat.text(value) == said


def test_arguments_are_options_with_and_without_values() -> None:
    words = ["train.py", "--lr=0.1", "--epochs", "20", "--bias", "-0.5", "-v", "--name=a=b", "rest", "--last"]
    assert flat.arguments(words) == {
        "lr": "0.1",
        "epochs": "20",
        "bias": "-0.5",
        "v": "true",
        "name": "a=b",
        "last": "true",
    }
    assert flat.arguments("--lr=0.1") == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--api-key", "hunter2", "--lr", "1"], "--api-key *** --lr 1"),
        (["--api-key=hunter2", "x"], "--api-key=*** x"),
        (["serve", "--token"], "serve --token"),
        (["--token", "--lr=1"], "--token --lr=1"),
    ],
)
def test_a_command_is_shown_without_secrets(words: list[str], said: str) -> None:
    assert flat.shown(words) == said
