"""Parses responses of the HTTP API of Prometheus: a status code and a body -> series, alerts, or names of rules.

A response is not trusted. Numbers and words of closed sets leave this module, and labels of alerts and names of rules,
which are only compared. So nothing behind the URL of a source can be read through a status.

Rule: R100.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pennant.core.analysis.kinds.alert import Alert
from pennant.core.facts.measurement import Series
from pennant.ports import Partial, PortError, Refused, Unavailable

# What Prometheus prints; Python's float takes more, such as "1_0" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.ASCII)
# The longest that a number of 64 bits takes, without an exponent.
LONGEST_NUMBER = 400
MANY = 2
"""Values at one time that are enough to tell that there is not one."""
_ABOUT_THE_QUERY = re.compile(r"PromQL (info|warning)\b|[0-9]+ more (warning|info) annotations omitted$")
_SPECIAL = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}
_ERROR_TYPES = frozenset({"bad_data", "execution", "timeout", "canceled", "too_many_series"})

AnswerT = TypeVar("AnswerT")


def result(code: int, body: bytes, kind: str, read: Callable[[list[Any]], AnswerT]) -> AnswerT:
    """Return `read(result)` of a response of the `resultType` `kind`; raises `Refused`, `Partial` or `Unavailable`."""
    if code in (400, 422):
        raise Refused(f"the query is refused ({_error_type(body)})")
    if code != 200:
        raise Unavailable(f"HTTP {code}")
    answer = _parsed(body)
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict) or data.get("resultType") != kind:
        raise Unavailable(f"the answer is not a {kind}")
    if _is_partial(answer):
        raise Partial("the answer is partial, because a part of the source did not answer")
    try:
        return read(data["result"])
    # A time that is too far away is an OSError.
    except (KeyError, TypeError, ValueError, OverflowError, OSError, AttributeError) as error:
        raise Unavailable("the answer cannot be read") from error


def _is_partial(answer: Mapping[str, Any]) -> bool:
    """Return whether a response says that a part of the data is missing.

    VictoriaMetrics sets `isPartial`. Others add a warning: those about the query begin with `PromQL`, and any other one
    is about where the data come from, such as a store of Thanos.

    Rule: R36.
    """
    if answer.get("isPartial") not in (None, False):
        return True
    return any(_ABOUT_THE_QUERY.match(each) is None for each in _texts(answer.get("warnings")))


def _texts(value: Any) -> list[str]:
    """Return the texts of a list; a field that is left out has none."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unavailable("the answer cannot be read")
    return value


def series(result: list[Any]) -> Series:
    """Return the series of a matrix; of many, what tells that there are many.

    A check needs one number, and more than one series is an error of the query. So an answer with thousands of series
    takes hardly more memory than one with two.

    Rule: R186.
    """
    kept, found = list[dict[int, float]](), Counter[int]()
    for each in result:
        values = _values(each["values"])
        if len(kept) >= MANY:
            values = {time: value for time, value in values.items() if found[time] < MANY}
            if not values:
                continue
        found.update(values.keys())
        kept.append(values)
    return Series(tuple(kept))


def alerts(result: list[Any]) -> list[Alert]:
    """Return the alerts of a vector whose values are the Unix times at which they began."""
    return [_alert(each["metric"], each["value"][1]) for each in result]


def _alert(labels: Mapping[Any, Any], since: Any) -> Alert:
    known = {name: value for name, value in labels.items() if name != "__name__"}
    if not all(isinstance(each, str) for each in known.values()):
        raise ValueError("not a label of Prometheus")
    return Alert(known, datetime.fromtimestamp(_number(since), UTC))


def rule_names(body: bytes) -> frozenset[str] | None:
    """Return the names of the rules in a response; None where it is no list of rules, or not all of one."""
    answer = _parsed(body)
    if answer.get("status") != "success" or _is_partial(answer):
        return None
    try:
        return frozenset(str(rule["name"]) for group in answer["data"]["groups"] for rule in group["rules"])
    except (KeyError, TypeError):
        return None


def _values(pairs: Any) -> dict[int, float]:
    return {round(_time(time) * 1000): _number(value) for time, value in pairs}


def _time(number: Any) -> float:
    if type(number) not in (int, float):
        raise ValueError("not a time of Prometheus")
    return float(number)


def _number(text: Any) -> float:
    if not isinstance(text, str) or len(text) > LONGEST_NUMBER:
        raise ValueError("not a number of Prometheus")
    if text not in _SPECIAL and not _NUMBER.fullmatch(text):
        raise ValueError("not a number of Prometheus")
    return _SPECIAL[text] if text in _SPECIAL else float(text)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the answer is not JSON") from error
    if not isinstance(answer, dict):
        raise Unavailable("the answer is not an object")
    return answer


def _error_type(body: bytes) -> str:
    try:
        word = _parsed(body).get("errorType")
    except PortError:
        return "unknown error"
    return word if isinstance(word, str) and word in _ERROR_TYPES else "unknown error"
