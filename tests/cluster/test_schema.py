"""The CRDs on the real API server: what is refused is refused with our words, and what is good stays as it is."""

import json
import uuid
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rig import Rig
from unit.api import examples
from unit.api.examples import BAD_QUERIES, GOOD_QUERIES, ROOT_RULES, RULES, Object, Refused

ROOT = Path(__file__).parents[2]
KINDS = ("modelversion", "modeldeployment")


@pytest.fixture
def namespace(rig: Rig) -> Iterator[str]:
    name = f"schema-{uuid.uuid4().hex[:8]}"
    rig.kubectl("create", "namespace", name)
    yield name
    rig.kubectl("delete", "namespace", name, "--wait=false")


def apply(rig: Rig, namespace: str, manifest: Object) -> Any:
    return rig.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=False)


@pytest.mark.parametrize("rule", [*RULES, *ROOT_RULES], ids=lambda rule: rule.name)
def test_a_rule_refuses_with_its_own_words(rig: Rig, namespace: str, rule: Refused) -> None:
    refused = apply(rig, namespace, rule.manifest)
    assert refused.returncode != 0
    assert rule.says in refused.stderr


@pytest.mark.parametrize("query", GOOD_QUERIES)
def test_a_placeholder_may_stand_within_any_string(rig: Rig, namespace: str, query: str) -> None:
    taken = apply(rig, namespace, examples.asking(query))
    assert taken.returncode == 0, taken.stderr


@pytest.mark.parametrize(("query", "says"), BAD_QUERIES)
def test_a_placeholder_that_nothing_can_be_put_in_for_is_refused(
    rig: Rig, namespace: str, query: str, says: str
) -> None:
    assert says in apply(rig, namespace, examples.asking(query)).stderr


@pytest.mark.parametrize("field", sorted(set(examples.a_whole_version()["spec"]) - {"model", "version"}))
def test_a_field_of_the_record_cannot_be_changed_or_taken_away(rig: Rig, namespace: str, field: str) -> None:
    whole = examples.a_whole_version()
    assert apply(rig, namespace, whole).returncode == 0
    without = deepcopy(whole)
    del without["spec"][field]
    gone = apply(rig, namespace, without)
    if field in ("tags", "description", "owner"):
        assert gone.returncode == 0, gone.stderr
    elif field == "retention":
        assert "may only be" in gone.stderr
    elif field == "artifacts":
        assert "spec.artifacts: Required value" in gone.stderr
    else:
        assert f"spec.{field} is immutable; create a new ModelVersion" in gone.stderr


def test_model_and_version_cannot_be_changed(rig: Rig, namespace: str) -> None:
    assert apply(rig, namespace, examples.a_version()).returncode == 0
    for change in ({"version": "1.0.1"}, {"model": "other"}):
        patch = json.dumps({"spec": change})
        refused = rig.kubectl(
            "patch", "modelversion", "fraud-1.0.0", "-n", namespace, "--type=merge", "-p", patch, check=False
        )
        assert "is immutable; create a new ModelVersion" in refused.stderr


def test_a_field_cannot_be_added_later(rig: Rig, namespace: str) -> None:
    assert apply(rig, namespace, examples.a_version()).returncode == 0
    added = apply(rig, namespace, examples.a_version(reason="an afterthought"))
    assert "spec.reason is immutable; create a new ModelVersion" in added.stderr


def test_tags_description_and_owner_can_be_changed_and_retention_lengthened(rig: Rig, namespace: str) -> None:
    assert apply(rig, namespace, examples.a_whole_version()).returncode == 0
    changed = examples.a_whole_version()
    changed["spec"] |= {"tags": ["archived"], "description": "Was better.", "owner": "others"}
    changed["spec"]["retention"] = {"minimumDays": 400, "legalHold": True}
    assert apply(rig, namespace, changed).returncode == 0
    for shorter in ({"minimumDays": 399, "legalHold": True}, {"minimumDays": 400, "legalHold": False}):
        changed["spec"]["retention"] = shorter
        assert "may only be" in apply(rig, namespace, changed).stderr


def test_the_model_of_a_deployment_cannot_be_changed(rig: Rig, namespace: str) -> None:
    assert apply(rig, namespace, examples.a_deployment()).returncode == 0
    refused = apply(rig, namespace, examples.a_deployment(model="other"))
    assert "spec.model is immutable" in refused.stderr


@pytest.mark.parametrize("manifest", [examples.a_whole_version(), examples.a_whole_deployment()], ids=KINDS)
def test_what_is_applied_stays_as_it_is(rig: Rig, namespace: str, manifest: Object) -> None:
    assert apply(rig, namespace, manifest).returncode == 0
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    stored = json.loads(rig.kubectl("get", kind, name, "-n", namespace, "-o", "json").stdout)
    assert stored["spec"] == manifest["spec"], "nothing is defaulted, dropped or normalised"
    diff = rig.kubectl("diff", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=False)
    assert diff.returncode == 0, diff.stdout


@pytest.mark.parametrize("manifest", [examples.a_version(), examples.a_deployment()], ids=KINDS)
def test_an_object_that_nobody_has_seen_yet_does_not_count_as_current(
    rig: Rig, namespace: str, manifest: Object
) -> None:
    dry = rig.kubectl(
        *("create", "-n", namespace, "-f", "-", "--dry-run=server", "-o", "json"), stdin=json.dumps(manifest)
    )
    assert json.loads(dry.stdout)["status"] == {"observedGeneration": -1}


def test_a_misspelt_field_is_refused(rig: Rig, namespace: str) -> None:
    assert "unknown field" in apply(rig, namespace, examples.a_deployment(replica=3)).stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(rig: Rig, kind: str) -> None:
    crd = json.loads(rig.kubectl("get", "crd", f"{kind}s.pennant.dev", "-o", "json").stdout)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in ("spec", "status"):
        for field in schema["properties"][part]["properties"]:
            said = rig.kubectl("explain", f"{kind}.{part}.{field}").stdout
            assert "<empty>" not in said
            assert "DESCRIPTION:" in said


def test_the_scale_subresource_works(rig: Rig, namespace: str) -> None:
    assert apply(rig, namespace, examples.a_deployment(replicas=1)).returncode == 0
    rig.kubectl("scale", "modeldeployment/fraud", "-n", namespace, "--replicas=3")
    stored = json.loads(rig.kubectl("get", "mdep", "fraud", "-n", namespace, "-o", "json").stdout)
    assert stored["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("kind", "selector", "expected"),
    [
        ("mver", "spec.model=fraud", ["fraud-1.0.0"]),
        ("mver", "spec.version=9.9.9", []),
        ("mdep", "spec.model=fraud", ["fraud"]),
        ("mdep", "spec.tag=production", ["fraud"]),
        ("mdep", "status.serving.version=1.0.0", []),
    ],
)
def test_fields_select(rig: Rig, namespace: str, kind: str, selector: str, expected: list[str]) -> None:
    apply(rig, namespace, examples.a_version())
    apply(rig, namespace, examples.a_whole_deployment())
    listed = rig.kubectl("get", kind, "-n", namespace, "--field-selector", selector, "-o", "name").stdout.split()
    assert [each.split("/")[1] for each in listed] == expected


def test_the_api_server_is_the_pinned_one_and_evaluates_rules(rig: Rig, namespace: str) -> None:
    """Without CEL every rule above would be no more than a wish."""
    version = json.loads(rig.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
    assert version == "v1.37.2"
    assert "made of spec.model and spec.version" in apply(rig, namespace, ROOT_RULES[0].manifest).stderr


def test_the_example_is_taken_as_it_is(rig: Rig, namespace: str) -> None:
    path = str(ROOT / "examples" / "hello.yaml")
    told = rig.kubectl("apply", "-n", namespace, "--dry-run=server", "-f", path)
    assert told.stdout.count("created (server dry run)") == 4
    assert "Warning" not in told.stderr
