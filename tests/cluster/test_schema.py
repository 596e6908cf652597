"""The CRDs on the real API server: it refuses invalid objects with our messages, and stores valid ones unchanged."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.api import TRIED_ONLY, Api, RefusedError
from pennant.kube.codec.validation_message import LARGEST_RECORD, too_large
from rig import Rig
from unit.api import examples
from unit.api.examples import BAD_QUERIES, GOOD_QUERIES, ROOT_RULES, RULES, Object, Refused

ROOT = Path(__file__).parents[2]
KINDS = ("modelversion", "modeldeployment")


@pytest.fixture(scope="module")
def api(rig: Rig) -> Api:
    return Api(rig)


@pytest.fixture(scope="module")
def space(api: Api) -> Iterator[str]:
    """Return a namespace for requests of which nothing is stored."""
    name = f"schema-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    yield name
    api.delete_namespace(name)


@pytest.fixture(scope="module")
def stored(api: Api) -> Iterator[dict[str, Object]]:
    """Return an object of each kind with all of its fields, which are stored in a namespace of their own."""
    name = f"schema-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    manifests = (examples.a_whole_version(), examples.a_whole_deployment())
    yield {each["kind"]: api.create(name, each) for each in manifests}
    api.delete_namespace(name)


@pytest.fixture
def namespace(api: Api) -> Iterator[str]:
    name = f"schema-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    yield name
    api.delete_namespace(name)


def refusal(api: Api, namespace: str, manifest: Object) -> str:
    """Return the message with which the API server refuses a manifest; empty where it accepts it."""
    try:
        api.create(namespace, manifest, **TRIED_ONLY)
    except RefusedError as error:
        return str(error)
    return ""


def refusal_of_change(api: Api, stored: Object, **spec: Any) -> str:
    """Return the message with which the API server refuses a change of a stored spec; empty where it accepts it."""
    try:
        api.merge(stored, {"spec": spec}, **TRIED_ONLY)
    except RefusedError as error:
        return str(error)
    return ""


def apply(rig: Rig, namespace: str, manifest: Object) -> Any:
    return rig.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=False)


@pytest.mark.parametrize("rule", [*RULES, *ROOT_RULES], ids=lambda rule: rule.name)
def test_a_rule_refuses_with_its_own_words(api: Api, space: str, rule: Refused) -> None:
    assert rule.says in refusal(api, space, rule.manifest)


@pytest.mark.parametrize("query", GOOD_QUERIES)
def test_a_placeholder_may_stand_within_any_string(api: Api, space: str, query: str) -> None:
    assert refusal(api, space, examples.asking(query)) == ""


@pytest.mark.parametrize(("query", "says"), BAD_QUERIES)
def test_a_placeholder_that_nothing_can_be_put_in_for_is_refused(api: Api, space: str, query: str, says: str) -> None:
    assert says in refusal(api, space, examples.asking(query))


@pytest.mark.parametrize("field", sorted(set(examples.a_whole_version()["spec"]) - {"model", "version"}))
def test_a_field_of_the_record_cannot_be_changed_or_taken_away(api: Api, stored: dict[str, Object], field: str) -> None:
    said = refusal_of_change(api, stored["ModelVersion"], **{field: None})
    if field in ("tags", "description", "owner"):
        assert said == ""
    elif field == "retention":
        assert "may only be" in said
    elif field == "artifacts":
        assert "spec.artifacts: Required value" in said
    else:
        assert f"spec.{field} is immutable; create a new ModelVersion" in said


def test_model_and_version_cannot_be_changed(api: Api, stored: dict[str, Object]) -> None:
    for change in ({"version": "1.0.1"}, {"model": "other"}):
        assert "is immutable; create a new ModelVersion" in refusal_of_change(api, stored["ModelVersion"], **change)


def test_a_field_cannot_be_added_later(api: Api, namespace: str) -> None:
    small = api.create(namespace, examples.a_version())
    assert "spec.reason is immutable; create a new ModelVersion" in refusal_of_change(api, small, reason="afterthought")


def test_tags_description_and_owner_can_be_changed_and_retention_lengthened(api: Api, namespace: str) -> None:
    whole = api.create(namespace, examples.a_whole_version())
    changed = {"tags": ["archived"], "description": "Was better.", "owner": "others"}
    api.merge(whole, {"spec": {**changed, "retention": {"minimumDays": 400, "legalHold": True}}})
    for shorter in ({"minimumDays": 399}, {"legalHold": False}):
        assert "may only be" in refusal_of_change(api, whole, retention=shorter)


HYPERPARAMETERS: list[Object] = [{"name": "learning_rate", "value": 2e-05}, {"name": "depth", "value": 6}]
METRICS: list[Object] = [
    {"name": "loss", "value": 8.88e-16},
    {"name": "f1_macro", "value": 0.05},
    {"name": "val/auc", "value": "0.910"},
    {"name": "flops", "value": 1e21},
]


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
def test_numbers_without_quotes_are_stored_as_numbers_and_stay_as_they_are(
    rig: Rig, api: Api, namespace: str, server_side: bool
) -> None:
    """CEL sees no value of a field without a type, but it sees whether a list that has such a field is another one.

    Rule: R120, R121.
    """
    manifest = examples.a_version(hyperparameters=HYPERPARAMETERS, metrics=METRICS)
    text, mode = yaml.safe_dump(manifest), ["--server-side"] if server_side else []
    assert rig.kubectl("apply", *mode, "-n", namespace, "-f", "-", stdin=text).returncode == 0
    found = json.loads(rig.kubectl("get", "mver", "fraud-1.0.0", "-n", namespace, "-o", "json").stdout)
    assert (found["spec"]["hyperparameters"], found["spec"]["metrics"]) == (HYPERPARAMETERS, METRICS)
    diff = rig.kubectl("diff", *mode, "-n", namespace, "-f", "-", stdin=text, check=False)
    assert diff.returncode == 0, diff.stdout
    for field, values in (("hyperparameters", HYPERPARAMETERS), ("metrics", METRICS)):
        for other in (0.06, 1, "0.05", "2e-05", "8.88e-16"):
            said = refusal_of_change(api, found, **{field: [{**values[0], "value": other}, *values[1:]]})
            assert f"spec.{field} is immutable; create a new ModelVersion" in said
        assert f"spec.{field} is immutable" in refusal_of_change(api, found, **{field: values[:-1]})
    api.merge(found, {"spec": {"tags": ["production"]}})


@pytest.mark.parametrize("value", [0.05, 2e-05, 1, "2e-05", ".5", "5.", "+0.5", "1E6", 8.88e-16])
def test_a_number_is_taken_in_every_notation_wherever_a_number_is(api: Api, space: str, value: object) -> None:
    """Rule: R120."""
    assert refusal(api, space, examples.a_version(metrics=[{"name": "a_b", "value": value}])) == ""
    for metric in ({"threshold": {"max": value}}, {"compareTo": "Stable", "maxIncreasePercent": value}):
        analysis = {"metrics": [examples.a_metric(name="a_b") | metric]}
        assert refusal(api, space, examples.a_deployment(analysis=analysis)) == ""
    gates = [{"metric": "a_b", field: value} for field in ("maxRegression", "maxRegressionPercent")]
    assert refusal(api, space, examples.a_deployment(promotion={"gates": gates})) == ""


def test_metrics_of_a_thousand_classes_fit_into_a_record_and_cannot_be_changed(
    rig: Rig, api: Api, namespace: str
) -> None:
    """Rule: R124."""
    metrics = [
        {"name": name, "value": number / 1001, "dataset": "holdout", "split": "Test", "slice": f"class {number}/é"}
        | {"direction": "Maximize"}
        for name in ("precision", "recall", "f1_score")
        for number in range(1000)
    ]
    manifest = examples.a_version(metrics=metrics)
    assert too_large(manifest["spec"], LARGEST_RECORD) is None
    text = json.dumps(manifest)
    rig.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=text)
    found = json.loads(rig.kubectl("get", "mver", "fraud-1.0.0", "-n", namespace, "-o", "json").stdout)
    assert found["spec"]["metrics"] == metrics
    api.merge(found, {"spec": {"tags": ["production"]}})
    changed = [*metrics[:-1], {**metrics[-1], "value": 0.5}]
    assert "spec.metrics is immutable" in refusal_of_change(api, found, metrics=changed)


def test_the_model_of_a_deployment_cannot_be_changed(api: Api, stored: dict[str, Object]) -> None:
    assert "spec.model is immutable" in refusal_of_change(api, stored["ModelDeployment"], model="other")


@pytest.mark.parametrize("manifest", [examples.a_whole_version(), examples.a_whole_deployment()], ids=KINDS)
def test_what_is_applied_stays_as_it_is(rig: Rig, namespace: str, manifest: Object) -> None:
    """With kubectl, whose own diff finds none afterwards."""
    assert apply(rig, namespace, manifest).returncode == 0
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    stored = json.loads(rig.kubectl("get", kind, name, "-n", namespace, "-o", "json").stdout)
    assert stored["spec"] == manifest["spec"], "nothing is defaulted, dropped or normalised"
    diff = rig.kubectl("diff", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=False)
    assert diff.returncode == 0, diff.stdout


@pytest.mark.parametrize("manifest", [examples.a_version(), examples.a_deployment()], ids=KINDS)
def test_an_object_that_nobody_has_seen_yet_does_not_count_as_current(
    api: Api, namespace: str, manifest: Object
) -> None:
    assert api.create(namespace, manifest, **TRIED_ONLY)["status"] == {"observedGeneration": -1}


def test_a_misspelt_field_is_refused(rig: Rig, space: str) -> None:
    assert "unknown field" in apply(rig, space, examples.a_deployment(replica=3)).stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(rig: Rig, kind: str) -> None:
    for part in ("spec", "status"):
        said = rig.kubectl("explain", f"{kind}.{part}").stdout
        assert "DESCRIPTION:" in said
        for gap in ("<empty>", "<no description>"):
            assert gap not in said


def test_the_scale_subresource_works(rig: Rig, api: Api, namespace: str) -> None:
    api.create(namespace, examples.a_deployment(replicas=1))
    rig.kubectl("scale", "modeldeployment", "fraud", "-n", namespace, "--replicas=3")
    scaled = json.loads(rig.kubectl("get", "mdep", "fraud", "-n", namespace, "-o", "json").stdout)
    assert scaled["spec"]["replicas"] == 3


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
def test_fields_select(rig: Rig, stored: dict[str, Object], kind: str, selector: str, expected: list[str]) -> None:
    namespace = stored["ModelVersion"]["metadata"]["namespace"]
    listed = rig.kubectl("get", kind, "-n", namespace, "--field-selector", selector, "-o", "name").stdout.split()
    assert [each.split("/")[1] for each in listed] == expected


def test_kubectl_lists_both_kinds_by_their_category(rig: Rig, stored: dict[str, Object]) -> None:
    namespace = stored["ModelVersion"]["metadata"]["namespace"]
    listed = [line.split() for line in rig.kubectl("get", "pennant", "-n", namespace).stdout.splitlines() if line]
    assert [" ".join(words) if words[0] == "NAME" else words[0] for words in listed] == [
        "NAME MODEL TAG DESIRED SERVING READY REASON AGE",
        "modeldeployment.pennant.dev/fraud",
        "NAME MODEL VERSION TAGS COMPLETE SERVING AGE",
        "modelversion.pennant.dev/fraud-1.0.0",
    ]


def test_the_api_server_is_the_pinned_one_and_evaluates_rules(rig: Rig, api: Api, space: str) -> None:
    """An API server without CEL would accept all objects that the rules above refuse."""
    version = json.loads(rig.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
    assert version == "v1.37.2"
    assert "made of spec.model and spec.version" in refusal(api, space, ROOT_RULES[0].manifest)


def test_the_example_is_taken_as_it_is(rig: Rig, space: str) -> None:
    path = str(ROOT / "examples" / "hello.yaml")
    told = rig.kubectl("apply", "-n", space, "--dry-run=server", "-f", path)
    assert told.stdout.count("created (server dry run)") == 4
    assert "Warning" not in told.stderr
