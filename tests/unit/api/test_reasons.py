"""Every condition and reason is documented, said by the code, and produced on the real control plane."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pennant.api.reasons import ConditionType, Reason, VersionConditionType, Word

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "pennant"
WORDS = [*ConditionType, *VersionConditionType, *Reason]


def trees(directory: Path) -> Iterator[ast.AST]:
    for path in sorted(directory.rglob("*.py")):
        if path != PACKAGE / "api" / "reasons.py":
            yield from ast.walk(ast.parse(path.read_text()))


SAID = {
    (each.value.id, each.attr)
    for each in trees(PACKAGE)
    if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
}
EXPECTED = {
    each.value for each in trees(ROOT / "tests" / "cluster") if isinstance(each, ast.Constant) and each.value in WORDS
}


@pytest.mark.parametrize("word", WORDS, ids=repr)
def test_a_word_is_said_by_the_code(word: Word) -> None:
    assert (type(word).__name__, word.name) in SAID, "nothing says it: take it away"


@pytest.mark.parametrize("word", WORDS, ids=repr)
def test_a_word_is_expected_on_the_real_control_plane(word: Word) -> None:
    assert word.value in EXPECTED, "no test in tests/cluster waits for it"
