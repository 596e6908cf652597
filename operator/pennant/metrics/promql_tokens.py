"""The words of a PromQL query: names, strings, numbers, ranges and signs. What is none of these is refused.

In: the text of a query. Out: its tokens, without white space and comments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from pennant.api.promql import STRING
from pennant.ports import Refused

DURATION = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwyi]))+"
NUMBER = r"0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_LONGEST_QUOTE = 40
_TOKEN = re.compile(
    "|".join(
        (
            r"(?P<blank>[ \t\r\n]+|\#[^\r\n]*)",
            rf"(?P<string>{STRING})",
            rf"\[\s*(?P<range>{DURATION}|[0-9]+)\s*(?:(?P<colon>:)\s*(?P<step>{DURATION}|[0-9]+)?\s*)?\]",
            rf"(?P<number>{DURATION}|{NUMBER})",
            r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)",
            r"(?P<sign>==|!=|=~|!~|<=|>=|[-+*/%^<>=(){},@])",
        )
    ),
    re.ASCII,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<letter>[abfnrtv\\\"'])|(?P<octal>[0-7]{3})|x(?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})"
    r"|U(?P<eight>[0-9a-fA-F]{8})|(?P<unknown>.|$))",
    re.ASCII | re.DOTALL,
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ASCII, _LARGEST, _SURROGATES = 0x80, 0x10FFFF, range(0xD800, 0xE000)


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    STRING = auto()
    NUMBER = auto()
    RANGE = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: for a string the value that it stands for, for a range its text without spaces."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        """Return the token as an error names it."""
        return "its end" if self.kind is Kind.END else repr(self.text[:_LONGEST_QUOTE])


def tokens(query: str) -> Iterator[Token]:
    """Yield the tokens of a query, the last one of the kind END; raises `Refused`."""
    position = 0
    while position < len(query):
        found = _TOKEN.match(query, position)
        if found is None:
            raise Refused(f"{query[position : position + 1]!r} is not understood")
        position = found.end()
        match found.lastgroup:
            case "blank":
                continue
            case "string":
                yield Token(Kind.STRING, _value(found["string"]))
            case "number":
                yield Token(Kind.NUMBER, found["number"])
            case "name":
                yield Token(Kind.NAME, found["name"])
            case "sign":
                yield Token(Kind.SIGN, found["sign"])
            case _:
                yield Token(Kind.RANGE, f"[{found['range']}{found['colon'] or ''}{found['step'] or ''}]")
    yield Token(Kind.END, "")


def _value(string: str) -> str:
    """Return what a string stands for."""
    quote, body = string[0], string[1:-1]
    return body if quote == "`" else _ESCAPE.sub(lambda escape: _character(escape, quote), body)


def _character(escape: re.Match[str], quote: str) -> str:
    letter = escape["letter"]
    if letter is not None and letter in (quote, "\\", *_LETTERS):
        return _LETTERS.get(letter, letter)
    byte = int(escape["octal"], 8) if escape["octal"] else int(escape["two"], 16) if escape["two"] else None
    code = int(escape["four"] or escape["eight"] or "-1", 16) if byte is None else byte
    # From 128 on, a byte is a part of a character; where it is one, write the character.
    is_character = 0 <= code <= _LARGEST and code not in _SURROGATES and (byte is None or byte < _ASCII)
    if letter is not None or not is_character:
        raise Refused(f"the escape {escape[0]!r} in a string is not understood")
    return chr(code)
