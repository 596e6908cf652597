"""What is said of a version: of its record, its parent and who serves it.

Rule: R79.
"""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pennant.api.conditions import Condition, find
from pennant.api.crd import crds
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.digest import content_digest
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions.completeness import Element
from pennant.core.versions.serving_periods import ServingPeriod
from pennant.core.versions.status import VersionSeen, judged, unsaid
from unit.api.examples import a_version, a_whole_version
from unit.core.builders import NOON, after

STATUS = crds()["modelversions.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
BOTH = [{"name": "auc", "value": "0.9", "split": split} for split in ("Validation", "Test")]


def seen(**fields: Any) -> VersionSeen:
    record = fields.pop("record", a_whole_version()["spec"] | {"metrics": BOTH})
    known: dict[str, Any] = {
        "key": Key("default", "fraud-1.0.0"),
        "uid": "uid",
        "resource_version": "1",
        "generation": 3,
        "deleting": False,
        "spec": fields.get("spec") or ModelVersionSpec.model_validate(record),
        "record": record,
        "status": ModelVersionStatus(),
    }
    return VersionSeen(**known | fields)


def said(version: VersionSeen) -> ModelVersionStatus:
    """Return the status, which the schema takes, and which stays."""
    status = judged(version, NOON)
    Draft202012Validator(STATUS).validate(status.to_json())
    stored = ModelVersionStatus.model_validate(status.to_json())
    assert judged(replace(version, status=stored), after(60)) == stored
    return status


def condition(status: ModelVersionStatus, kind: str) -> Condition:
    found = find(status.conditions, kind)
    assert found is not None
    return found


def test_a_complete_record_is_valid_and_complete() -> None:
    status = said(seen())
    assert status.observed_generation == 3
    for kind, reason in (("Ready", "RecordValid"), ("Complete", "RecordComplete")):
        found = condition(status, kind)
        assert (found.status, found.reason, found.observed_generation) == ("True", reason, 3)
    assert status.completeness is not None
    assert (status.completeness.present, status.completeness.missing) == (9, ())
    assert status.quarantined_by == ()


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("datasets", "TrainingData"),
        ("hyperparameters", "Hyperparameters"),
        ("code", "Code"),
        ("metrics", "Metrics"),
        ("createdAt", "CreatedAt"),
        ("author", "Author"),
        ("reason", "Reason"),
        ("environment", "Environment"),
    ],
)
def test_what_is_missing_is_named(without: str, missing: str) -> None:
    """Rule: R80."""
    record = {name: each for name, each in seen().record.items() if name != without}
    status = said(seen(record=record))
    which = f"{missing} (on validation data and on test data)" if missing == "Metrics" else missing
    found = condition(status, "Complete")
    assert (found.status, found.reason, found.message) == ("False", "RecordIncomplete", f"missing: {which}")
    assert condition(status, "Ready").status == "True", "to be incomplete is no error"
    assert status.completeness is not None
    assert (status.completeness.present, status.completeness.missing) == (8, (missing,))


def test_a_record_with_nothing_but_its_artefact_lacks_the_other_eight() -> None:
    status = said(seen(record=a_version()["spec"]))
    assert status.completeness is not None
    assert status.completeness.missing == tuple(each for each in Element if each is not Element.ARTIFACTS)
    assert status.computed_bump is None, "it names no parent"


def test_a_record_that_cannot_be_read_says_what_is_wrong_and_nothing_else() -> None:
    broken = seen(spec=Invalid("spec.model: must be set"), record={})
    status = said(broken)
    ready, complete = condition(status, "Ready"), condition(status, "Complete")
    assert (ready.status, ready.reason, ready.message) == ("False", "InvalidSpec", "spec.model: must be set")
    assert (complete.status, complete.reason) == ("Unknown", "InvalidSpec")
    assert (status.completeness, status.record_digest, status.computed_bump) == (None, None, None)
    event = unsaid(broken)
    assert event is not None
    assert (event.reason, event.message) == ("InvalidSpec", "spec.model: must be set")
    assert unsaid(seen()) is None


def test_a_condition_keeps_its_time_until_its_status_is_another_one() -> None:
    before = judged(seen(spec=Invalid("spec.model: must be set"), record={}), NOON)
    still = judged(seen(spec=Invalid("spec.version: must be set"), record={}, status=before), after(60))
    fixed = judged(seen(status=still), after(120))
    times = [condition(each, "Ready").last_transition_time for each in (before, still, fixed)]
    assert times == [NOON, NOON, after(120)]
    assert condition(still, "Ready").message == "spec.version: must be set"


def a_parent(**spec: Any) -> ModelVersionSpec:
    return ModelVersionSpec.model_validate(dict(deepcopy(seen().record)) | {"version": "0.9.0", "parent": None} | spec)


@pytest.mark.parametrize(
    ("parent", "bump", "reason"),
    [
        pytest.param(None, "Unknown", "the parent fraud-0.9.0 does not exist", id="it is not there"),
        pytest.param(
            Invalid("spec.artifacts: must be set"),
            "Unknown",
            "the parent fraud-0.9.0 cannot be read: spec.artifacts: must be set",
            id="it cannot be read",
        ),
        pytest.param(
            a_parent(version="1.0.0"),
            "Unknown",
            "spec.parent of 1.0.0 is the version itself",
            id="it is the version itself",
        ),
        pytest.param(a_parent(), "None", "duplicate of 0.9.0: nothing differs", id="it is the same"),
        pytest.param(
            a_parent(hyperparameters=[]), "Minor", "hyperparameters differ: depth", id="it has other hyperparameters"
        ),
    ],
)
def test_the_bump_is_computed_against_the_parent(
    parent: ModelVersionSpec | Invalid | None, bump: str, reason: str
) -> None:
    computed = said(seen(parent=parent)).computed_bump
    assert computed is not None
    assert (computed.parent, computed.bump.value, computed.reasons) == ("0.9.0", bump, (reason,))


def test_who_serves_it_is_told() -> None:
    version = seen()
    service = ServingPeriod("shadow", 4, "1.0.0", content_digest(version.record), after(5), None)
    status = said(replace(version, periods=(service,)))
    assert status.serving == "shadow"
    assert [(each.deployment, each.revision, each.from_, each.until) for each in status.served_by] == [
        ("shadow", 4, after(5), None)
    ]
