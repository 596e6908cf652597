"""No object comes near what etcd takes of one, whatever people write and however many revisions there are.

Rule: R75.
"""

import json

import pytest

from pennant.core.rollout.history import WHOLE_EVIDENCE
from unit.api.longest import longest, longest_status, schema_of

KIB = 1024
ETCD = 1536 * KIB
"""The default of `--max-request-bytes`."""


def stored(value: object) -> int:
    """Return the bytes of a value as the API server stores it: it writes some characters as `\\u003c`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.replace("<", r"\u003c").encode())


@pytest.mark.parametrize(
    ("filler", "most"),
    [("a", 377), ("ж", 539), ("中", 704), ("😀", 862), ("<", 1185)],
    ids=["ASCII", "2", "3", "4", "escaped"],
)
def test_the_longest_status_that_is_ever_written_fits_into_etcd_with_its_spec(filler: str, most: int) -> None:
    status = longest_status(filler)
    assert len(status.history) == 100
    assert [len(each.evidence) for each in status.history] == [1] * (100 - WHOLE_EVIDENCE) + [16] * WHOLE_EVIDENCE
    assert stored(status.to_json()) < most * KIB < ETCD * 4 // 5


def test_what_the_schema_lets_in_fits_into_etcd_too() -> None:
    assert stored(longest(schema_of("modeldeployments"), "a")) < ETCD * 3 // 4
    assert stored(longest(schema_of("modelversions"), "<")) < ETCD * 3 // 4
