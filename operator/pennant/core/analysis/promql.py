"""Facts about a PromQL query: how far back it reaches, what it selects, and whether it drops series.

In: a query as users write it, with the placeholders of `pennant.api.promql`. This is no parser: it skips what it does
not know, and raises nothing. The metric source decides what a query means.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pennant.api.promql import COMMENT, STRING, WINDOW

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_WINDOW = re.escape(WINDOW)
_DURATION = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwyi]))+"
_TOKEN = re.compile(
    "|".join(
        (
            rf"(?P<comment>{COMMENT})",
            rf"(?P<string>{STRING})",
            r"(?P<grouping>\b(?i:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\))",
            rf"\b(?i:offset)\s+(?P<back>-?)\s*(?P<offset>{_WINDOW}|{_DURATION}|[0-9.]+)",
            r"(?P<word>\b(?i:and|or|unless|atan2|bool|offset|inf|nan|group_left|group_right)\b(?!\s*\())",
            r"\[(?P<range>[^\[\]]*)\]",
            rf"(?P<call>{_NAME}(?=\s*(?:\(|(?i:by|without)\b)))",
            rf"""(?P<selector>(?P<name>{_NAME})?\s*\{{(?P<matchers>(?:[^{{}}"'`]|{STRING})*)\}}|{_NAME})""",
            r"(?P<open>\()",
            r"(?P<close>\))",
            r"(?P<number>[0-9][0-9a-zA-Z_.]*)",
            r"(?P<operator>[=!<>]=|[-+*/%^<>,])",
        )
    ),
    re.ASCII,
)
_MATCHER = re.compile(rf"(?P<label>{_NAME}|{STRING})\s*(?P<operator>=~|!~|!=|=)\s*(?P<string>{STRING})", re.ASCII)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdwyi])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
LONGEST_REACH_SECONDS = _SECONDS["y"]
MAX_SELECTORS, MAX_MATCHERS = 4, 8
"""In a probe: each is one bit, and a number has 53 of them."""
_COMPARISONS = frozenset({"==", "!=", "<=", ">=", "<", ">"})
_IS_BOOL = re.compile(r"\s*bool\b", re.IGNORECASE)
_SPLITS = frozenset({"and", "or", "unless", "atan2"})


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher of a selector, such as `version=~"1[.]0"`."""

    label: str
    operator: str
    string: str
    """With its quotes."""

    @property
    def text(self) -> str:
        """The matcher as it is written."""
        return f"{self.label}{self.operator}{self.string}"

    @property
    def needs_a_series(self) -> bool:
        """Whether only series with the label match; PromQL wants one such matcher in a selector without a name."""
        return self.operator == "=" and len(self.string) > len('""')


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector of series: a name, matchers, or both."""

    name: str
    matchers: tuple[Matcher, ...]

    @property
    def text(self) -> str:
        """The selector as it may be written."""
        return f"{self.name}{{{','.join(each.text for each in self.matchers)}}}"

    def names(self, placeholders: frozenset[str]) -> bool:
        """Return whether only series with the value of one of these placeholders are selected."""
        return any(
            f"${{{each}}}" in matcher.string
            for each in placeholders
            for matcher in self.matchers
            if not matcher.operator.startswith("!")
        )


def probe(query: str) -> str:
    """Return a query whose value tells which parts of the selectors of another one select nothing; empty: none can.

    Each part is one bit of the value, so that one number tells all: see `lacking`.
    """
    bits = (
        f"((count({each}) > bool 0) * {1 << number} or vector(0))" for number, (_, each, _) in enumerate(_parts(query))
    )
    return " + ".join(bits)


def lacking(query: str, value: float) -> str:
    """Return in words what a query lacks, by the value of its probe."""
    lacks = [part for number, part in enumerate(_parts(query)) if not int(value) >> number & 1]
    if not lacks:
        return (
            "every selector matches series: a range is too short, or the two sides of an operator have different labels"
        )
    selector = lacks[0][0]
    words = [word for each, _, word in lacks if each == selector]
    if selector.name and len(words) == len([each for each, _, _ in _parts(query) if each == selector]):
        # Without a series of its name there is none with its labels either.
        return words[0]
    return " and ".join(words[:-1] or words)


def _parts(query: str) -> tuple[tuple[Selector, str, str], ...]:
    """Return the parts of the selectors of a query: the selector, the part as PromQL, and what its lack means."""
    found = list[tuple[Selector, str, str]]()
    for each in list(dict.fromkeys(selectors(query)))[:MAX_SELECTORS]:
        of = f" of {each.name}" if each.name else ""
        if each.name:
            found.append((each, each.name, f"no series has the name {each.name}"))
        for matcher in each.matchers[:MAX_MATCHERS]:
            if each.name or matcher.needs_a_series:
                found.append((each, f"{each.name}{{{matcher.text}}}", f"no series{of} has {matcher.text}"))
        if len(each.matchers) > 1 and (each.name or any(matcher.needs_a_series for matcher in each.matchers)):
            found.append((each, each.text, f"no series{of} has all of these labels together"))
    return tuple(found)


def selectors(query: str) -> tuple[Selector, ...]:
    """Return what a query selects, in the order in which it stands there."""
    return tuple(_selector(token) for token in _TOKEN.finditer(query) if token["selector"])


@lru_cache(maxsize=4096)
def filters(query: str) -> str:
    """Return the comparison by which a query drops all series for which it does not hold; empty: there is none.

    Such a query gives a number only while something is above or below a bound. Looked at is what stands outside of
    functions; beside an `or` there may be a number all the same.

    Rule: R38.
    """
    found, functions, is_call = "", list[bool](), False
    for token in _TOKEN.finditer(query):
        word = (token["word"] or "").lower()
        if token["open"]:
            functions.append(is_call)
        elif token["close"] and functions:
            functions.pop()
        elif any(functions):
            continue
        elif word in ("or", "unless"):
            return ""
        elif token["operator"] in _COMPARISONS and not _IS_BOOL.match(query, token.end()):
            found = found or token["operator"]
        is_call = token["call"] is not None or (is_call and token["grouping"] is not None)
    return found


@lru_cache(maxsize=4096)
def reach(query: str, interval_seconds: int, own: frozenset[str]) -> int | None:
    """Return how many seconds before a point in time samples may be taken that its value rests on.

    Left aside are series that carry the value of one of the placeholders `own`, for they begin with the revision; None
    where no others are selected. A range, a subquery and an offset reach as far as they say, added where they are
    nested; a sample without a range is at most one interval old at the first check. What reaches back further than a
    year counts as a year.
    """
    stack = [_Reach()]
    for token in _TOKEN.finditer(query):
        top = stack[-1]
        if token["open"]:
            stack.append(_Reach())
        elif token["close"]:
            if len(stack) > 1:
                inner = stack.pop()
                stack[-1].take(inner.whole)
        elif token["selector"]:
            top.take(None if _selector(token).names(own) else interval_seconds)
        elif token["range"] is not None:
            top.range(token["range"], interval_seconds)
        elif token["offset"]:
            top.further(0 if token["back"] else _seconds(token["offset"], interval_seconds))
        elif token["operator"] or (token["word"] or "").lower() in _SPLITS:
            top.split()
    longest = max((each.whole for each in stack if each.whole is not None), default=None)
    return None if longest is None else math.ceil(min(longest, LONGEST_REACH_SECONDS))


class _Reach:
    """How far the parts of an expression reach back between two parentheses."""

    def __init__(self) -> None:
        self._done: float | None = None
        self._part: float | None = None

    @property
    def whole(self) -> float | None:
        """The longest one; None where nothing reaches back."""
        return max((each for each in (self._done, self._part) if each is not None), default=None)

    def take(self, seconds: float | None) -> None:
        """Add a selector, or a group in parentheses, to the current part."""
        self._part = max((each for each in (self._part, seconds) if each is not None), default=None)

    def range(self, text: str, interval_seconds: int) -> None:
        """Apply a range: that of a selector replaces its reach, that of a subquery is added to it."""
        duration, colon, _ = text.partition(":")
        seconds = _seconds(duration, interval_seconds)
        if self._part is not None:
            self._part = self._part + seconds if colon else seconds

    def further(self, seconds: float) -> None:
        """Add an offset."""
        if self._part is not None:
            self._part += seconds

    def split(self) -> None:
        """Begin the next part."""
        self._done, self._part = self.whole, None


def _selector(token: re.Match[str]) -> Selector:
    if token["matchers"] is None:
        return Selector(token["selector"], ())
    return Selector(token["name"] or "", tuple(_matchers(token["matchers"])))


def _matchers(text: str) -> Iterator[Matcher]:
    for each in _MATCHER.finditer(text):
        yield Matcher(each["label"], each["operator"], each["string"])


def _seconds(text: str, interval_seconds: int) -> float:
    """Return the seconds of a duration; of an expression, those of all durations in it."""
    windows = text.count(WINDOW) + text.count("step()")
    if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", text, re.ASCII):
        return float(text)
    units = _SECONDS | {"i": float(interval_seconds)}
    windows = text.count(WINDOW) + text.count("step()")
    return sum(float(number) * units[unit] for number, unit in _PART.findall(text)) + windows * interval_seconds
