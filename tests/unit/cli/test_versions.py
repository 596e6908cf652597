"""`versions`: the table, its order, and how the verb ends."""

import json
from typing import Any

import pytest

from pennant.cli.model_versions import ordered
from pennant.cli.versions import rendered
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden
from unit.core.builders import after
from unit.kube.raw import raw, raw_version

CREATED = "2026-01-01T10:00:00Z"
NOON = "2026-01-01T12:00:00Z"


def a_condition(complete: bool) -> dict[str, Any]:
    said = {"type": "Complete", "status": str(complete), "reason": "RecordComplete", "message": "said"}
    return {**said, "observedGeneration": 1, "lastTransitionTime": NOON}


def served(deployment: str, **fields: Any) -> dict[str, Any]:
    return {"deployment": deployment, "revision": 1, "from": NOON, **fields}


def quarantined(deployment: str) -> dict[str, Any]:
    known = {"deployment": deployment, "digest": "sha256:0", "reason": "MetricBreach", "message": "is 0.2"}
    return {**known, "since": NOON, "revision": 2}


VERSIONS = (
    raw_version(
        "1.9.0",
        creationTimestamp=CREATED,
        status={"conditions": [a_condition(True)], "servedBy": [served("fraud", verifiedAt=NOON, until=NOON)]},
    ),
    raw_version(
        "1.10.0",
        "production",
        "staging",
        creationTimestamp=CREATED,
        spec={"parent": "1.9.0", "owner": "risk"},
        status={
            "conditions": [a_condition(False)],
            "completeness": {"present": 7, "missing": ["Author", "Reason"]},
            "recordDigest": "sha256:abc",
            "computedBump": {"parent": "1.9.0", "bump": "Minor", "reasons": ["hyperparameters differ: depth"]},
            "serving": "fraud, fraud-eu",
            "servedBy": [served("fraud-eu", verifiedAt=NOON), served("fraud", verifiedAt=NOON), served("fraud-us")],
        },
    ),
    raw_version("2.0.0-rc.1", "canary", creationTimestamp=CREATED, status={"quarantinedBy": [quarantined("fraud")]}),
    raw_version("2.0.0", creationTimestamp=CREATED),
    raw("broken", {"model": "fraud", "version": "two", "tags": "none"}, creationTimestamp=CREATED),
)


def test_the_newest_semantic_version_comes_first() -> None:
    assert_golden("versions/table.txt", rendered(ordered(VERSIONS), after(0), None))
    assert_golden("versions/table_wide.txt", rendered(ordered(VERSIONS), after(0), "wide", with_model=True))


@pytest.fixture
def known(api: FakeApi) -> FakeApi:
    api.add("modelversions", *VERSIONS, raw_version("1.0.0", "production", spec={"model": "churn"}))
    return api


def test_the_versions_of_one_model_are_listed(pennant: Run, known: FakeApi) -> None:
    code, out, err = pennant("versions", "fraud")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        "VERSION",
        "2.0.0",
        "2.0.0-rc.1",
        "1.10.0",
        "1.9.0",
        "two",
    ]


def test_without_a_model_all_are_listed_with_it(pennant: Run, known: FakeApi) -> None:
    code, out, _ = pennant("versions", "--tag", "production")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["MODEL", "VERSION"],
        ["churn", "1.0.0"],
        ["fraud", "1.10.0"],
    ]


def test_names_and_data_are_those_of_kubectl(pennant: Run, known: FakeApi) -> None:
    assert pennant("versions", "churn", "-o", "name")[1] == "modelversion.pennant.dev/churn-1.0.0\n"
    found = json.loads(pennant("versions", "churn", "-o", "json")[1])
    assert found["kind"] == "List"
    assert found["items"] == [known.objects["modelversions", "default", "churn-1.0.0"]]


def test_all_namespaces_are_listed_with_their_names(pennant: Run, known: FakeApi) -> None:
    known.add("modelversions", raw_version("1.0.0", namespace="shop"))
    code, out, _ = pennant("versions", "fraud", "-A")
    assert code == 0
    assert out.splitlines()[0].split()[:2] == ["NAMESPACE", "VERSION"]
    assert {line.split()[0] for line in out.splitlines()[1:]} == {"default", "shop"}
    code, out, _ = pennant("versions", "-A", "--tag", "none")
    assert (code, out) == (0, "No versions with the tag none in any namespace.\n")


def test_an_unknown_model_has_a_suggestion(pennant: Run, known: FakeApi) -> None:
    code, _, err = pennant("versions", "froud")
    assert code == 1
    assert err == "error: no ModelVersion of model froud in namespace default. Did you mean fraud?\n"


def test_a_tag_that_no_version_has_leaves_nothing(pennant: Run, known: FakeApi) -> None:
    code, out, _ = pennant("versions", "fraud", "--tag", "beta")
    assert (code, out) == (0, "No versions of fraud with the tag beta in default namespace.\n")


@pytest.mark.parametrize(
    ("reason", "message", "shown"),
    [
        ("RetentionExceeded", "beyond the 3 versions that were created last; never used", "expired"),
        (
            "Kept",
            "beyond the 3 versions that were created last; kept: it has the tag staging",
            "kept: it has the tag staging",
        ),
        (
            "DeletionRefused",
            "not used for 9 days; last used 2026-01-01T12:00:00Z; not deleted: no archive; set archive",
            "not deleted: no archive; set archive",
        ),
    ],
)
def test_a_version_beyond_the_limits_says_why_it_is_there(reason: str, message: str, shown: str) -> None:
    """Rule: R190."""
    condition = {"type": "Expired", "status": "True", "reason": reason, "message": message}
    stamp = {"observedGeneration": 1, "lastTransitionTime": "2026-01-01T12:00:00Z"}
    items = [raw_version("1.0.0", status={"conditions": [condition | stamp]}), raw_version("1.1.0")]
    header, first, second = rendered(items, after(0), None).splitlines()
    assert header.endswith("RETENTION")
    assert first.endswith(shown)
    assert second.endswith("<none>")
    assert "RETENTION" not in rendered(items[1:], after(0), None)
