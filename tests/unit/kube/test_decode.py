import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Outcome
from pennant.api.meta import NAME
from pennant.core.facts.digest import content_digest, sha256
from pennant.core.facts.observation import Invalid, Revision
from pennant.core.facts.users import Users
from pennant.core.rollout.revision import chained, data_hash, restarted, template_hash
from pennant.kube.codec import decode
from pennant.kube.codec.encode import controller_revision
from pennant.kube.codec.metadata import last_writer
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION, StoredRevision, decode_revision
from unit.api.poison import nested
from unit.core.builders import a_revision, an_entry
from unit.kube.raw import raw, raw_deployment, raw_version, raw_workload


@pytest.mark.parametrize("status", [[], "x", 7], ids=str)
def test_a_status_that_is_no_object_counts_as_empty(status: Any) -> None:
    read = decode.model_deployment(raw_deployment(status=status))
    assert (read.status, read.unreadable) == (ModelDeploymentStatus(), None)


@pytest.mark.parametrize("status", [{"observedGeneration": "x"}, {"conditions": 7}], ids=str)
def test_computed_fields_of_a_status_need_not_be_readable(status: Any) -> None:
    read = decode.model_deployment(raw_deployment(status=status))
    assert (read.status, read.unreadable) == (ModelDeploymentStatus(), None)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({"history": [{}]}, "status.history[0].revision: must be set (and 10 more)"),
        ({"history": None, "conditions": 7}, "status.history: must be a list"),
        (
            {"lastCommand": {"token": 7}},
            "status.lastCommand.token: must be a string; put numbers and words such as yes",
        ),
    ],
    ids=str,
)
def test_an_unreadable_field_that_exists_nowhere_else_is_named(status: Any, problem: str) -> None:
    unreadable = decode.model_deployment(raw_deployment(status=status)).unreadable
    assert unreadable is not None
    assert unreadable.problem.startswith(problem)
    assert unreadable.stored == status


def test_enum_values_of_a_newer_release_are_read_and_kept() -> None:
    quarantine = {
        **{"digest": "", "version": "1.0.0", "reason": "CanaryAborted", "message": "", "revision": 1},
        "since": "2026-01-01T12:00:00.000Z",
    }
    metric = {
        **{"name": "accuracy", "revision": 1, "state": "Drifting", "reason": "OffCourse", "message": ""},
        "since": "2026-01-01T12:00:00.000Z",
    }
    command = {
        **{"token": "t", "command": "split 5", "result": "Queued", "message": "", "at": "2026-01-01T12:00:00.000Z"},
    }
    entry = an_entry().to_json() | {"trigger": "Canary", "outcome": "Aborted"}
    status = {"history": [entry], "quarantine": [quarantine], "analysis": [metric], "lastCommand": command}
    read = decode.model_deployment(raw_deployment(status=status))
    assert read.unreadable is None
    assert status.items() <= read.status.to_json().items()


def test_a_missing_status_is_empty() -> None:
    deployment = raw_deployment()
    del deployment["status"]
    assert decode.model_deployment(deployment).status == ModelDeploymentStatus()


def test_a_missing_spec_is_invalid() -> None:
    deployment = raw_deployment()
    del deployment["spec"]
    assert isinstance(decode.model_deployment(deployment).spec, Invalid)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replicas": -1}, "spec.replicas: must be greater than or equal to 0"),
        (
            {"analysis": {"metrics": [{"name": "a", "prometheus": {"query": "q"}, "threshold": {}}]}},
            "spec.analysis.metrics[0].threshold: set exactly one of threshold.max and threshold.min",
        ),
        ({"container": "other"}, "spec.container names no container of spec.template"),
        ({"replicas": -1, "model": ""}, "spec.model: must have at least 1 character (and 1 more)"),
    ],
)
def test_the_error_of_an_invalid_spec_names_the_field(spec: Any, problem: str) -> None:
    assert decode.model_deployment(raw_deployment(spec=spec)).spec == Invalid(problem)


def test_a_version_without_a_tag_has_no_record() -> None:
    version = decode.model_version(raw_version("1.0.0"))
    assert version.record == {}
    assert isinstance(version.spec, Invalid)
    assert version.digest == decode.model_version(raw_version("1.0.0", "production")).digest


def test_a_tagged_version_has_its_record() -> None:
    version = decode.model_version(raw_version("1.0.0", "production"))
    assert version.record["version"] == "1.0.0"
    assert not isinstance(version.spec, Invalid)


def test_the_error_of_an_invalid_tagged_version_names_the_field() -> None:
    version = decode.model_version(raw_version("1.0.0", "production", spec={"artifacts": 7}))
    assert isinstance(version.spec, Invalid)
    assert "artifacts" in version.spec.problem


def test_an_unreadable_quarantine_entry_does_not_hide_the_others() -> None:
    mark = {
        "deployment": "fraud",
        "digest": "",
        "reason": "MetricBreach",
        "message": "accuracy is 0.5, below 0.9",
        "since": "2026-01-01T12:00:00Z",
        "revision": 2,
    }
    version = decode.model_version(raw_version("1.0.0", status={"quarantinedBy": [{"deployment": 7}, mark]}))
    assert [each.deployment for each in version.quarantined_by] == ["fraud"]


def test_a_deployment_without_a_status_is_not_settled() -> None:
    workload = decode.deployment(raw_workload()).workload
    assert not workload.settled
    assert (workload.replicas, workload.available, workload.minimum_available) == (3, 0, False)


def test_a_deployment_is_decoded_from_spec_and_status() -> None:
    status = {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "conditions": [
            {"type": "Available", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
        ],
    }
    workload = decode.deployment(raw_workload(status=status)).workload
    assert workload.settled
    assert (workload.total, workload.updated, workload.ready, workload.available) == (4, 2, 3, 3)
    assert workload.minimum_available
    assert workload.available_since == datetime(2026, 1, 1, tzinfo=UTC)
    assert workload.refusal == "exceeded quota"
    assert workload.template_hash == "abc"


def test_an_encoded_revision_is_decoded_unchanged() -> None:
    found = decode_revision(a_record())
    assert found == StoredRevision("u", "1", a_revision())
    assert found.revision.intact


@pytest.mark.parametrize("data", [None, {}, {"entry": {}}, {"entry": {}, "template": 7, "record": 7}, [], "x"], ids=str)
def test_a_controller_revision_with_unreadable_data_is_no_revision(data: Any) -> None:
    assert decode_revision({**raw("fraud-1", {}), "data": data}) is None


def a_record(revision: Revision | None = None, **changes: Any) -> dict[str, Any]:
    """Return the ControllerRevision of revision 1, with changes to its data."""
    owner = decode.model_deployment(raw_deployment())
    stored = controller_revision(owner, revision or a_revision())
    stored["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    return {**stored, "data": stored["data"] | changes}


def flaw(stored: dict[str, Any]) -> str:
    found = decode_revision(json.loads(json.dumps(stored)))
    assert found is not None
    return found.revision.flaw


def an_older_revision() -> Revision:
    """Return a revision of a release whose entries had no `dataHash`."""
    return a_revision(data_hash=None)


@pytest.mark.parametrize("revision", [a_revision(), an_older_revision()], ids=["of today", "of an earlier release"])
def test_a_revision_is_intact_only_with_the_data_that_were_recorded(revision: Revision) -> None:
    """Labels and hashes are compared with the data.

    Rule: R77.
    """
    data = a_record(revision)["data"]
    assert flaw(a_record(revision)) == ""
    container = data["template"]["spec"]["containers"][0]
    image = {**data["template"], "spec": {"containers": [{**container, "image": "registry.example/server:evil"}]}}
    assert flaw(a_record(revision, template=image)) == "its pod template was changed"
    artifact = {**data["record"]["artifacts"][0], "digest": "sha256:" + "6" * 64}
    record = {**data["record"], "artifacts": [artifact]}
    assert flaw(a_record(revision, record=record)) == "its record of the version was changed"
    for name, value in {"version": "6.6.6", "actor": "somebody", "commandToken": "t", "unheardOf": 7}.items():
        assert flaw(a_record(revision, entry={**data["entry"], name: value})) == "its history entry was changed"


def test_fields_outside_of_the_content_digest_are_protected_too() -> None:
    """The content digest leaves the description out; the hash of the record does not."""
    data = a_record()["data"]
    assert flaw(a_record(record={**data["record"], "description": "ours"})) == "its record of the version was changed"


def test_the_hash_of_an_entry_covers_fields_of_a_newer_release() -> None:
    entry = {**a_record()["data"]["entry"], "unheardOf": {"a": 1}}
    hashed = {name: each for name, each in entry.items() if name not in ("hash", "outcome", "evidence")}
    assert flaw(a_record(entry={**entry, "hash": sha256(hashed)})) == ""


def test_hashes_do_not_change_between_releases() -> None:
    """Stored ControllerRevisions are checked by them."""
    record = {"model": "fraud", "version": "1.0.0", "artifacts": [{"name": "m", "uri": "s3://é", "digest": "md5:0"}]}
    template = restarted({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "server"}]}}, "t1")
    assert template_hash(template) == "c11191771971"
    assert content_digest(record) == "sha256:c72346391a85f7d1b15b12b26d39f2a892ffaf48c1905177be4b1ffa71826f67"
    assert data_hash(template, record) == "sha256:d5e145221d84539ab2139fd8ff9c580bdba236b220d80594b91ef23ea8e61e34"
    entry = an_entry(digest=content_digest(record), template_hash=template_hash(template), command_token="t1")
    assert entry.hash == "sha256:78a7ea199b782bc80cec86e511730b3d746d0ef201e2b1b0b607e55e58a8e977"
    assert (
        chained(entry.model_copy(update={"data_hash": data_hash(template, record)}), entry).hash
        == "sha256:295a4d0cca01fd307ba683ee284a1d8c7dfa609ae6533ce62d4109c2e6750c77"
    )


@pytest.mark.parametrize(
    "changes",
    [{"template": {}}, {"template": {"metadata": {"labels": []}}}, {"record": "x"}, {"record": nested(2000)}],
    ids=["no hash", "labels a list", "record a string", "nested deeply"],
)
def test_a_controller_revision_with_an_unreadable_part_is_no_revision(changes: Any) -> None:
    assert decode_revision(a_record()) is not None
    assert decode_revision(a_record(**changes)) is None


def test_a_controller_revision_with_another_number_in_its_name_is_no_revision() -> None:
    stored = a_record()
    stored["metadata"]["name"] = "fraud-2"
    assert decode_revision(stored) is None


@pytest.mark.parametrize(
    "noted",
    ["", "7", "[]", "{", '{"outcome": "no word"}', "[" * 100_000, '{"verifiedAt": "2026-01-01T00:00:00"}'],
    ids=repr,
)
def test_an_unreadable_progress_annotation_is_ignored(noted: str) -> None:
    stored = a_record()
    stored["metadata"]["annotations"] = {PROGRESS_ANNOTATION: noted}
    found = decode_revision(stored)
    assert found is not None
    assert found.revision.latest == a_revision().entry


def test_an_unreadable_field_of_the_progress_does_not_hide_the_others() -> None:
    stored = a_record()
    noted = '{"verifiedAt": 7, "outcome": "Aborted"}'
    stored["metadata"]["annotations"] = {PROGRESS_ANNOTATION: noted}
    found = decode_revision(stored)
    assert found is not None
    assert found.revision.latest == a_revision().entry.model_copy(update={"outcome": Outcome("Aborted")})


def test_progress_cannot_change_immutable_fields() -> None:
    stored = a_record()
    noted = '{"revision": 7, "version": "6.6.6", "hash": "x", "commandToken": "t", "outcome": "Verified"}'
    stored["metadata"]["annotations"] = {PROGRESS_ANNOTATION: noted}
    found = decode_revision(stored)
    assert found is not None
    assert found.revision.latest == a_revision().entry.model_copy(update={"outcome": Outcome.VERIFIED})


@pytest.mark.parametrize(
    ("managers", "writer"),
    [
        ([], ""),
        ([("argocd", "2026-01-01T12:00:00Z", {"f:tags": {}})], "argocd"),
        (
            [
                ("kubectl", "2026-01-01T12:00:01Z", {"f:tags": {}}),
                ("argocd", "2026-01-01T12:00:00Z", {"f:tags": {}}),
            ],
            "kubectl",
        ),
        ([("kubectl", "2026-01-01T12:00:00Z", {"f:model": {}})], ""),
    ],
    ids=["nobody", "one", "the last of two", "of another field"],
)
def test_the_writer_of_the_tags_is_the_last_manager_that_owns_them(
    managers: list[tuple[str, str, dict[str, Any]]], writer: str
) -> None:
    fields = [{"manager": name, "time": time, "fieldsV1": {"f:spec": spec}} for name, time, spec in managers]
    assert last_writer(raw("fraud-1.0.0", {}, managedFields=fields), "spec", "tags") == writer


STAMPS = {
    "pennant.dev/changed-by": "carl",
    "pennant.dev/version-by": "dave",
    "pennant.dev/paused-by": "olga",
    "pennant.dev/commanded-by": "olga",
    "pennant.dev/created-by": "dora",
    "tagged-by.pennant.dev/production": "paul",
    "tagged-by.pennant.dev/canary": "rita",
}


def test_users_are_read_only_where_the_policies_are_installed() -> None:
    """Rule: R150."""
    deployment, version = raw_deployment(annotations=STAMPS), raw_version("1.0.0", "production", annotations=STAMPS)
    assert decode.model_deployment(deployment, is_stamped=True).users == Users("carl", "olga", "olga", "dave")
    assert decode.model_version(version, is_stamped=True).users == {"production": "paul"}
    assert decode.model_deployment(deployment).users == Users()
    assert decode.model_version(version).users == {}
    assert decode.model_version(version, is_stamped=True).creator == "dora"
    assert decode.model_version(version).creator == ""


def test_long_names_stay_different() -> None:
    names = ["n" * 200 + end for end in "ab"]
    read = [
        decode.model_deployment(raw_deployment(annotations={"pennant.dev/changed-by": name}), is_stamped=True)
        for name in names
    ]
    first, second = (each.users.changed for each in read)
    assert first != second
    assert {len(first), len(second)} == {NAME}
