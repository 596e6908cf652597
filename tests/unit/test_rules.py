"""Each rule of `docs/behaviour.md` has an id; docstrings name it beside the code that keeps it and beside a test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def rules() -> list[str]:
    return re.findall(r"^- \*\*(R\d+)\. ", (ROOT / "docs" / "behaviour.md").read_text(), re.MULTILINE)


def named_in(directory: str) -> Iterator[str]:
    """Yield the ids that the docstrings of a directory name, as `Rule: R14.`"""
    for path in (ROOT / directory).rglob("*.py"):
        if path != Path(__file__):
            for line in re.findall(r"Rule: (.+)", path.read_text()):
                yield from re.findall(r"R\d+", line) or [line]


RULES = rules()
CODE, TESTS = set(named_in("operator/pennant")), set(named_in("tests"))


def test_every_rule_has_an_id_of_its_own() -> None:
    text = (ROOT / "docs" / "behaviour.md").read_text()
    assert len(RULES) == len(re.findall(r"^- \*\*", text, re.MULTILINE)) > 50
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_stands_beside_the_code_that_keeps_it_and_beside_a_test(rule: str) -> None:
    assert rule in CODE, "no docstring of operator/pennant names it"
    assert rule in TESTS, "no docstring of tests names it"


def test_no_docstring_names_a_rule_that_is_not_there() -> None:
    assert set(RULES) >= CODE | TESTS
