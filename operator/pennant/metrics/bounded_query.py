"""Bounds a PromQL query to one namespace: each of its selectors gets a matcher that other namespaces do not meet.

In: a query as it would be sent. Out: an equal one whose selectors have the matcher. The query is parsed completely, and
what is sent is written anew from what was understood. So nothing that this parser takes for something else than the
server does, such as a comment or the end of a string, can hide a selector. What it does not know is refused.

Rule: R185.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from pennant.core.analysis.query_template import literal
from pennant.metrics.promql_tokens import Kind, Token, tokens
from pennant.metrics.promql_words import AGGREGATIONS, FUNCTIONS, KEYWORDS, NUMBERS, WORD_OPERATORS
from pennant.ports import Refused

MAX_DEPTH = 100
"""Levels of parentheses."""
MAX_TOKENS = 1000
_OPERATORS = frozenset(("==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^"))
_MATCHES = frozenset(("=", "!=", "=~", "!~"))


def bounded(query: str, label: str, value: str) -> str:
    """Return the query with `label="value"` in each selector; raises `Refused` where that cannot be proven.

    A matcher of the query for the same label stays, and both must be met. The result is not kept: it takes 0.1 ms to
    make, and may be twenty times as long as the query.
    """
    if not value:
        raise Refused(f"the query cannot be bounded: the label {label} has no value")
    try:
        return _Parser(_few(tokens(query)), f'{label}="{literal(value, is_regex=False)}"').query()
    except Refused as error:
        raise Refused(f'the query cannot be bounded to {label}="{value}": {error}') from None


def _few(found: Iterable[Token]) -> Sequence[Token]:
    """Return the tokens; raises `Refused` if there are so many that a query would take long to bound."""
    taken = tuple(islice(found, MAX_TOKENS + 1))
    if len(taken) > MAX_TOKENS:
        raise Refused(f"it has more than {MAX_TOKENS} words and signs; use a recording rule")
    return taken


class _Parser:
    """Reads the tokens of a query from left to right, and writes each one that it understands."""

    def __init__(self, found: Sequence[Token], matcher: str) -> None:
        self._tokens, self._matcher = found, matcher
        self._at, self._depth = 0, 0
        self._written: list[str] = []

    def query(self) -> str:
        """Return the whole query, bounded."""
        self._expression()
        if self._next.kind is not Kind.END:
            raise Refused(f"{self._next} is not understood here")
        return " ".join(self._written)

    # Tokens.

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind is not Kind.END
        return token

    def _is(self, *signs: str) -> bool:
        return self._next.kind is Kind.SIGN and self._next.text in signs

    def _is_word(self, *words: str) -> bool:
        """Return whether the next token is one of these keywords, whose case does not matter."""
        return self._next.kind is Kind.NAME and self._next.text.lower() in words

    def _write(self, *texts: str) -> None:
        self._written.extend(texts)

    def _sign(self, sign: str) -> None:
        """Take and write this sign; raises `Refused` where it does not come next."""
        if not self._is(sign):
            raise Refused(f"{self._next} stands where {sign!r} must follow")
        self._write(self._take().text)

    def _word(self) -> str:
        """Take and write a keyword."""
        word = self._take().text.lower()
        self._write(word)
        return word

    def _number(self) -> None:
        if self._is("-", "+"):
            self._write(self._take().text)
        if self._next.kind is not Kind.NUMBER:
            raise Refused(f"{self._next} stands where a number or a duration must follow")
        self._write(self._take().text)

    # Expressions.

    def _expression(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"it has more than {MAX_DEPTH} levels of parentheses")
        self._operand()
        while self._operator():
            self._operand()
        self._depth -= 1

    def _operator(self) -> bool:
        """Take a binary operator with its modifiers, and return whether there is one."""
        if not self._is(*_OPERATORS) and not self._is_word(*WORD_OPERATORS):
            return False
        self._word()
        if self._is_word("bool"):
            self._word()
        if self._is_word("on", "ignoring"):
            self._word()
            self._labels()
            if self._is_word("group_left", "group_right"):
                self._word()
                if self._is("("):
                    self._labels()
        return True

    def _operand(self) -> None:
        while self._is("-", "+"):
            self._write(self._take().text)
        token = self._next
        if token.kind is Kind.NUMBER:
            self._write(self._take().text)
        elif token.kind is Kind.STRING:
            self._write(_quoted(self._take().text))
        elif self._is("("):
            self._arguments(at_most_one=True)
        elif self._is("{"):
            self._selector(())
        elif token.kind is Kind.NAME:
            self._named(self._take().text)
        else:
            raise Refused(f"{token} stands where an expression must follow")
        self._modified()

    def _named(self, name: str) -> None:
        """Take what begins with a name: a number, an aggregation, a function or a selector."""
        word = name.lower()
        if word in NUMBERS:
            self._write(word)
        elif word in AGGREGATIONS and (self._is("(") or self._is_word("by", "without")):
            self._write(word)
            is_grouped = self._grouped()
            self._arguments()
            if not is_grouped:
                self._grouped()
        elif self._is("("):
            if name not in FUNCTIONS:
                raise Refused(f"{name} is not one of the functions that read nothing but their arguments")
            self._write(name)
            self._arguments()
        elif word in KEYWORDS:
            raise Refused(f'{name} is a keyword; write a metric of this name as {{__name__="{name}"}}')
        else:
            self._selector((f'__name__="{name}"',))

    def _modified(self) -> None:
        """Take what may follow an operand: ranges, offsets and times."""
        while True:
            if self._next.kind is Kind.RANGE:
                self._write(self._take().text)
            elif self._is_word("offset"):
                self._word()
                self._number()
            elif self._is("@"):
                self._write(self._take().text)
                if self._is_word("start", "end"):
                    self._word()
                    self._sign("(")
                    self._sign(")")
                else:
                    self._number()
            else:
                return

    def _grouped(self) -> bool:
        """Take the labels of an aggregation, and return whether there are any."""
        if not self._is_word("by", "without"):
            return False
        self._word()
        self._labels()
        return True

    def _labels(self) -> None:
        """Take names of labels in parentheses."""
        self._sign("(")
        while not self._is(")"):
            self._write(self._label())
            if not self._is(")"):
                self._sign(",")
        self._sign(")")

    def _label(self) -> str:
        token = self._take()
        if token.kind is Kind.STRING:
            return _quoted(token.text)
        if token.kind is Kind.NAME and ":" not in token.text:
            return token.text
        raise Refused(f"{token} stands where the name of a label must follow")

    def _arguments(self, at_most_one: bool = False) -> None:
        """Take expressions in parentheses."""
        self._sign("(")
        while at_most_one or not self._is(")"):
            self._expression()
            if at_most_one or self._is(")"):
                break
            self._sign(",")
        self._sign(")")

    # Selectors.

    def _selector(self, named: tuple[str, ...]) -> None:
        """Take a selector, whose name was taken before; write it in braces, with the matcher at its end."""
        matchers = [*named]
        if self._is("{"):
            self._take()
            while not self._is("}"):
                matchers.append(self._label_matcher())
                if self._is(","):
                    self._take()
                elif not self._is("}"):
                    raise Refused(f"{self._next} stands where ',' or '}}' must follow")
            self._take()
        self._write("{" + ",".join((*matchers, self._matcher)) + "}")

    def _label_matcher(self) -> str:
        is_string = self._next.kind is Kind.STRING
        label = self._label()
        if is_string and self._is(",", "}"):
            return f"__name__={label}"
        if not self._is(*_MATCHES):
            raise Refused(f"{self._next} stands where one of = != =~ !~ must follow")
        operator, value = self._take().text, self._take()
        if value.kind is not Kind.STRING:
            raise Refused(f"{value} stands where a string must follow")
        return f"{label}{operator}{_quoted(value.text)}"


def _quoted(value: str) -> str:
    return f'"{literal(value, is_regex=False)}"'
