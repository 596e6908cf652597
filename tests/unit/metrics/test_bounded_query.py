"""A query of a namespace, as it is sent to a source with `namespaceLabel`; what is not understood is not sent.

What a real Prometheus makes of these queries: tests/contract/test_bounded_queries.py.

Rule: R185.
"""

import pytest

from pennant.metrics.bounded_query import MAX_DEPTH, MAX_TOKENS, bounded
from pennant.ports import Refused

WRITTEN = {
    "up": '{__name__="up",namespace="a"}',
    ":job:errors:ratio": '{__name__=":job:errors:ratio",namespace="a"}',
    "{}": '{namespace="a"}',
    'up{job="x",}': '{__name__="up",job="x",namespace="a"}',
    'up{namespace="b"}': '{__name__="up",namespace="b",namespace="a"}',
    '{"a.name", "a.label"!~`x|y`}': '{__name__="a.name","a.label"!~"x|y",namespace="a"}',
    "m{x='it\\'s'}": r'{__name__="m",x="it\u0027s",namespace="a"}',
    r'm{x="\101\x42\u0043\n"}': r'{__name__="m",x="ABC\u000a",namespace="a"}',
    "m{x=`\\`}": r'{__name__="m",x="\u005c",namespace="a"}',
    "1 + Inf": "1 + inf",
    "SUM(m) BY (x)": 'sum ( {__name__="m",namespace="a"} ) by ( x )',
    "sum without (x,) (m)": 'sum without ( x , ) ( {__name__="m",namespace="a"} )',
    'm # } or n{namespace="b"}': '{__name__="m",namespace="a"}',
    "rate(m[5m:1m] offset -5m)": 'rate ( {__name__="m",namespace="a"} [5m:1m] offset - 5m )',
    "m @ end()": '{__name__="m",namespace="a"} @ end ( )',
    "m > bool on(x) group_left n": (
        '{__name__="m",namespace="a"} > bool on ( x ) group_left {__name__="n",namespace="a"}'
    ),
    "-m ^ (2)": '- {__name__="m",namespace="a"} ^ ( 2 )',
    "label_replace(m, 'namespace', 'b', '', '')": (
        'label_replace ( {__name__="m",namespace="a"} , "namespace" , "b" , "" , "" )'
    ),
}
REFUSED = {
    "": "its end stands where an expression must follow",
    "info(m)": "info is not one of the functions that read nothing but their arguments",
    "Rate(m[1m])": "Rate is not one of the functions",
    "sum": 'sum is a keyword; write a metric of this name as {__name__="sum"}',
    'by{x="y"}': "by is a keyword",
    "m and": "its end stands where an expression must follow",
    "m and and": "and is a keyword",
    '{a="b" or c="d"}': "'or' stands where ',' or '}' must follow",
    "{{sum:1}}": "'{' stands where the name of a label must follow",
    "m{a}": "'}' stands where one of = != =~ !~ must follow",
    "m{a=b}": "'b' stands where a string must follow",
    "m{:a='b'}": "':a' stands where the name of a label must follow",
    "m[5m + 5m]": "'[' is not understood",
    "m offset (5m)": "'(' stands where a number or a duration must follow",
    "m anchored": "'anchored' is not understood here",
    "m n": "'n' is not understood here",
    "m; n": "';' is not understood",
    'm{x="y}': "'\"' is not understood",
    'm{x="y\nz"}': "'\"' is not understood",
    r'm{x="\xff"}': r"the escape '\\xff' in a string is not understood",
    r'm{x="\q"}': r"the escape '\\q' in a string is not understood",
    r'm{x="\'"}': "the escape",
    r'm{x="\ud800"}': r"the escape '\\ud800' in a string is not understood",
    "m\u00a0": r"'\xa0' is not understood",
    "m{x='y'} }": "'}' is not understood here",
    "(" * (MAX_DEPTH + 1): f"it has more than {MAX_DEPTH} levels of parentheses",
    "+".join(["m"] * 501): f"it has more than {MAX_TOKENS} words and signs; use a recording rule",
    "sum by (m) group_left (n)": "'group_left' stands where '(' must follow",
    "m * on(x) group_left (n{y='z'}) o": "'{' stands where ',' must follow",
}


@pytest.mark.parametrize(("query", "sent"), WRITTEN.items(), ids=WRITTEN.keys())
def test_each_selector_gets_the_matcher(query: str, sent: str) -> None:
    assert bounded(query, "namespace", "a") == sent


@pytest.mark.parametrize(("query", "says"), REFUSED.items(), ids=[repr(each)[:40] for each in REFUSED])
def test_what_is_not_understood_is_refused_with_the_reason(query: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        bounded(query, "namespace", "a")
    assert str(caught.value).startswith('the query cannot be bounded to namespace="a": ')
    assert says in str(caught.value)


def test_without_a_namespace_nothing_is_sent() -> None:
    """An empty value would match all series without the label."""
    with pytest.raises(Refused, match="the label namespace has no value"):
        bounded("up", "namespace", "")


def test_a_value_stays_in_its_string() -> None:
    assert bounded("up", "tenant", 'a"} or up{x="') == r'{__name__="up",tenant="a\u0022} or up{x=\u0022"}'
