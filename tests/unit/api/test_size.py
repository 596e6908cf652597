"""No object comes near what etcd takes of one, whatever people write and however many revisions there are.

Rule: The status stays small however long the history is.
"""

import json

import pytest

from pennant.api.crd import Schema, crds
from pennant.api.model_deployment import ModelDeploymentStatus
from pennant.api.reasons import Reason
from pennant.core.history import WHOLE_EVIDENCE, thinned
from unit.api.longest import longest

KIB = 1024
ETCD = 1536 * KIB
"""The default of `--max-request-bytes`."""


def schema_of(kind: str) -> Schema:
    schema: Schema = crds()[f"{kind}.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def stored(value: object) -> int:
    """Return the bytes of a value as the API server stores it: it writes some characters as `\\u003c`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.replace("<", r"\u003c").encode())


def written(filler: str) -> ModelDeploymentStatus:
    """Return the status of a hundred revisions, each found bad by all metrics that there may be.

    Measurements are numbers and names, so their texts are ASCII.
    """
    schema = schema_of("modeldeployments")["properties"]["status"]
    raw, plain = longest(schema, filler), longest(schema, "a")
    for number, entry in enumerate(raw["history"]):
        entry |= {"revision": 2**31 - 100 + number, "evidence": plain["history"][number]["evidence"]}
    for each in (*raw["quarantine"], *raw["analysis"]):
        each["reason"] = max(Reason, key=len)
    status = ModelDeploymentStatus.model_validate(raw)
    return status.model_copy(update={"history": thinned(status.history)})


@pytest.mark.parametrize(
    ("filler", "most"),
    [("a", 320), ("ж", 512), ("中", 640), ("😀", 768), ("<", 1100)],
    ids=["ASCII", "2", "3", "4", "escaped"],
)
def test_the_longest_status_that_is_ever_written_fits_into_etcd_with_its_spec(filler: str, most: int) -> None:
    status = written(filler)
    assert len(status.history) == 100
    assert [len(each.evidence) for each in status.history] == [1] * (100 - WHOLE_EVIDENCE) + [16] * WHOLE_EVIDENCE
    assert stored(status.to_json()) < most * KIB < ETCD * 3 // 4


def test_what_the_schema_lets_in_fits_into_etcd_too() -> None:
    assert stored(longest(schema_of("modeldeployments")["properties"]["status"], "a")) < ETCD * 3 // 4
    assert stored(longest(schema_of("modelversions")["properties"]["status"], "<")) < ETCD * 3 // 4
