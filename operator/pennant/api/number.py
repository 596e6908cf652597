"""Fields that hold a number as YAML and JSON write it, or a text: `0.05`, `2e-05` and `"0.05"`.

`x-kubernetes-int-or-string` has no fractions, and a structural schema allows one type for a field. So such a field has
no type, and `x-kubernetes-preserve-unknown-fields`. The API server still checks the bounds and the pattern. Of CEL,
kube-apiserver 1.37 allows little, and so do the libraries of 1.33: `self.max` does not compile, `has(dyn(self).max)`
works, and so does equality with a constant or, in a list or an object, with the old value. So the record stays
immutable, and words that are no numbers are refused with a sentence; of another text the API server says which pattern
it must match. A `maximum` above 2^63 is not usable: for an integer it becomes a negative one.

The models have the number as text: the shortest one that means the same float.

Rule: R120, R121.
"""

import decimal
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_DIGITS = r"([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE]([-+]?0?[0-9]{1,2}|\+?1[0-9]{2}|-[1-3][0-9]{2}))?"
"""At most 18 digits on each side of the point. The exponent has a limit, so that the value fits into a float."""
DECIMAL_PATTERN = f"^[-+]?{_DIGITS}$"
POSITIVE_DECIMAL_PATTERN = f"^[+]?{_DIGITS}$"
FINITE = (
    "must be a finite number such as 0.95 or 2e-05, with or without quotes; leave out a value that is NaN or infinite"
)
POSITIVE = "must be a finite number that is not negative, such as 0.01 or 2e-05, with or without quotes"
PLAIN_TEXT = "must be a text or a number; put words such as yes, no, true and false in quotes"
LONGEST_NUMBER = 44
WORDS = "x-words"
"""Schema extension: values that CEL compares the field with, and what is said of them."""
_BOOLEANS = ("true", "false")
_INFINITE = tuple(f"'{sign}{word}'" for sign in ("", "-") for word in ("Infinity", "infinity", "Inf", "inf", ".inf"))
_NO_NUMBERS = (*_BOOLEANS, "'NaN'", "'nan'", "'.nan'", *_INFINITE)


@dataclass(frozen=True, slots=True)
class NumberOrText:
    """Makes the annotation of a field that is a number, or a text that matches a pattern."""

    pattern: str | None
    """What a text must match; None: there is no such pattern."""
    longest: int
    """Characters of the longest text."""
    least: int | None
    """The smallest number; None: any."""
    words: tuple[str, ...]
    """Values, in CEL, that the API server refuses with the sentence."""
    sentence: str
    """What the value must be."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of a text; a number becomes one."""
        return core_schema.no_info_before_validator_function(self._text, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema of a field without a type, which is no object and no list."""
        schema: dict[str, Any] = {
            "x-kubernetes-preserve-unknown-fields": True,
            "maxLength": self.longest,
            "maxProperties": 0,
            "maxItems": 0,
            "not": {"enum": [{}, []]},
            WORDS: (self.words, self.sentence),
        }
        bounds = {"pattern": self.pattern, "minimum": self.least}
        return schema | {name: each for name, each in bounds.items() if each is not None}

    def _text(self, value: object) -> str:
        if isinstance(value, str):
            if len(value) > self.longest:
                raise ValueError(f"must have at most {self.longest} characters, and has {len(value)}")
            if self.pattern is None or re.fullmatch(self.pattern, value):
                return value
        elif isinstance(value, int | float) and not isinstance(value, bool) and self._is_within(value):
            return number_text(value)
        raise ValueError(self.sentence)

    def _is_within(self, value: float) -> bool:
        # False for NaN too.
        return abs(value) <= sys.float_info.max and (self.least is None or value >= self.least)


def number_text(value: float) -> str:
    """Return a finite number of JSON as the shortest text that means the same; an integer of 64 bits with all digits.

    The API server makes a float of a larger one.
    """
    return str(value) if isinstance(value, int) and abs(value) < 2**63 else repr(float(value))


def decimal_text(value: decimal.Decimal) -> str:
    """Return a number without an exponent, unless it has more than twenty zeros."""
    shortest = value.normalize()
    return f"{shortest:f}" if abs(shortest.adjusted()) <= 20 else str(shortest)


def equal_texts(one: str | None, other: str | None) -> bool:
    """Return whether two values of a parameter are the same text or the same number; None: there is no value."""
    if one is None or other is None or one == other:
        return one == other
    both = [decimal.Decimal(each) for each in (one, other) if re.fullmatch(DECIMAL_PATTERN, each)]
    return len(both) == 2 and both[0] == both[1]


def word_rules(properties: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the CEL rules about words in the fields of an object: rule, message, and the path of the field."""
    found = []
    for name, schema in properties.items():
        if (own := schema.pop(WORDS, None)) is not None:
            field = f"dyn(self).{name}"
            found.append((f"!has({field}) || {_no_word(field, own[0])}", own[1], f".{name}"))
    return found


def item_word_rules(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the CEL rules of an atomic list about words in the fields of its items, which have no rules of their own.

    Takes the properties of an item; returns rules and messages.
    """
    found = []
    for name, schema in properties.items():
        if (own := schema.pop(WORDS, None)) is not None:
            field = f"dyn(each).{name}"
            values = f"self.map(each, has({field}), {field})"
            found.append((f"{values}.all(value, {_no_word('value', own[0])})", f"each {name} {own[1]}"))
    return found


def _no_word(value: str, words: tuple[str, ...]) -> str:
    """Return the CEL expression that a value is none of the words.

    For the values of 4096 metrics it takes the API server 0.4 s; with a list of words and `exists` it takes 2.8 s.
    """
    return f"!({' || '.join(f'{value} == {word}' for word in words)})"


Decimal = Annotated[str, NumberOrText(DECIMAL_PATTERN, LONGEST_NUMBER, None, _NO_NUMBERS, FINITE)]
"""A number, or one in quotes, which no client rounds."""
PositiveDecimal = Annotated[str, NumberOrText(POSITIVE_DECIMAL_PATTERN, LONGEST_NUMBER, 0, _NO_NUMBERS, POSITIVE)]
"""A number that is not negative, or one in quotes."""
Parameter = Annotated[str, NumberOrText(None, 6000, None, _BOOLEANS, PLAIN_TEXT)]
"""A text or a number."""
