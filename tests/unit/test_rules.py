"""Each rule of `docs/behaviour.md` is found, by its words, beside the code that keeps it and beside a test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def rules() -> list[str]:
    text = (ROOT / "docs" / "behaviour.md").read_text()
    return [_one_line(each).rstrip(".") for each in re.findall(r"^- \*\*(.+?)\*\*", text, re.MULTILINE | re.DOTALL)]


def named_in(directory: str) -> Iterator[str]:
    """Yield the rules that the docstrings of a directory name, as `Rule: <words>.`"""
    for path in (ROOT / directory).rglob("*.py"):
        if path != Path(__file__):
            found = re.findall(r"Rule: (.+?)\.(?:\n|\"\"\")", path.read_text(), re.DOTALL)
            yield from (_one_line(each) for each in found)


def _one_line(text: str) -> str:
    return " ".join(text.split())


RULES = rules()
CODE, TESTS = set(named_in("operator/pennant")), set(named_in("tests"))


def test_there_are_rules_and_none_is_there_twice() -> None:
    assert len(RULES) > 50
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_stands_beside_the_code_that_keeps_it_and_beside_a_test(rule: str) -> None:
    assert rule in CODE, "no docstring of operator/pennant names it"
    assert rule in TESTS, "no docstring of tests names it"


def test_no_docstring_names_a_rule_that_is_not_there() -> None:
    assert set(RULES) >= CODE | TESTS
