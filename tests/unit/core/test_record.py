"""The digest of a record is that of what never changes, and the same for anybody who computes it.

Rule: R121.
"""

import hashlib
import json
from typing import Any

import pytest

from pennant.core.versions.record import record_digest
from unit.api.examples import a_whole_version

RECORD = a_whole_version()["spec"]


@pytest.mark.parametrize("field", ["tags", "description", "owner", "retention"])
def test_what_may_be_changed_does_not_change_it(field: str) -> None:
    without = {name: each for name, each in RECORD.items() if name != field}
    assert record_digest(without) == record_digest(RECORD)


@pytest.mark.parametrize("field", sorted(RECORD.keys() - {"tags", "description", "owner", "retention"}))
def test_everything_else_does(field: str) -> None:
    without = {name: each for name, each in RECORD.items() if name != field}
    assert record_digest(without) != record_digest(RECORD)


def test_the_order_of_fields_does_not_change_it_and_that_of_lists_does() -> None:
    turned: dict[str, Any] = dict(reversed(RECORD.items()))
    assert record_digest(turned) == record_digest(RECORD)
    two = [{"name": "a", "uri": "a"}, {"name": "b", "uri": "b"}]
    assert record_digest({"artifacts": two}) != record_digest({"artifacts": two[::-1]})


def test_anybody_can_compute_it() -> None:
    spec = {"version": "1.0.0", "model": "fraud", "tags": ["production"], "reason": "für Ada"}
    text = '{"model":"fraud","reason":"für Ada","version":"1.0.0"}'
    assert json.loads(text).items() <= spec.items()
    assert record_digest(spec) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_the_digest_is_that_of_what_is_stored_so_a_number_in_quotes_has_another() -> None:
    """Records that were stored before numbers were taken without quotes keep their digests."""
    quoted, plain = ({"metrics": [{"name": "auc", "value": each}]} for each in ("0.05", 0.05))
    text = '{"metrics":[{"name":"auc","value":"0.05"}]}'
    assert record_digest(quoted) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert (
        record_digest(plain)
        == f"sha256:{hashlib.sha256(text.replace(chr(34) + '0.05' + chr(34), '0.05').encode()).hexdigest()}"
    )
    assert record_digest(plain) == record_digest(json.loads('{"metrics": [{"value": 5.0e-2, "name": "auc"}]}'))
