"""The parts of an adoption: where a model is, which version it is, what the API server filled in, and YAML."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennant.cli.adoption import artifacts, kserve, words
from pennant.cli.adoption.defaults import without_defaults
from pennant.cli.adoption.record import Wishes, record_of
from pennant.cli.adoption.text import manifest
from pennant.cli.adoption.workload import Artifact, Workload, kept_annotations
from pennant.cli.completion import candidates
from pennant.cli.manifests.documents import Document, documents
from pennant.kube.http.resources import Kind

Json = dict[str, Any]
CLAIM: Json = {"volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "store"}}]}
MOUNT = {"volumeMounts": [{"name": "models", "mountPath": "/models"}]}


def a_template(container: Json | None = None, init: Json | None = None, **pod: Any) -> Json:
    initial = {"initContainers": [{"name": "fetch", **init}]} if init else {}
    return {"spec": {"containers": [{"name": "server", **(container or {})}], **initial, **pod}}


@pytest.mark.parametrize(
    ("template", "uri", "why"),
    [
        (a_template({"env": [{"name": "MODEL_URI", "value": "s3://m/1"}]}), "s3://m/1", "the variable MODEL_URI"),
        (a_template({"env": [{"name": "HF_MODEL_ID", "value": "org/m"}]}), "org/m", "the variable HF_MODEL_ID"),
        (a_template({"args": ["--model=org/m"]}), "org/m", "the argument --model"),
        (a_template({"args": ["--model-id", "org/m"]}), "org/m", "the argument --model-id"),
        (a_template({"args": ["--model_path", "gs://m/1"]}), "gs://m/1", "the argument --model_path"),
        (a_template({"command": ["vllm", "serve"], "args": ["org/m"]}), "org/m", "the argument after serve"),
        (a_template({"args": ["--model=/models/a/1"], **MOUNT}, **CLAIM), "pvc://store/a/1", "the argument --model"),
        (a_template(MOUNT, **CLAIM), "pvc://store", "the volume models"),
        (a_template(init={"args": ["curl -fo m 'https://x.example/m.bin'"]}), "https://x.example/m.bin", "fetch"),
        (a_template({"args": ["--models=a=https://x.example/a.mar"]}), "https://x.example/a.mar", "--models"),
        (
            a_template({"env": [{"name": "MODEL_URI", "value": "s3://m/2"}], "args": ["--model=s3://m/1"]}),
            "s3://m/2",
            "the variable MODEL_URI",
        ),
    ],
)
def test_the_model_is_found(template: Json, uri: str, why: str) -> None:
    found = artifacts.found_in(template)
    assert found[0].uri == uri
    assert why in found[0].why


@pytest.mark.parametrize(
    "template",
    [
        a_template({"args": ["--model=$(MODEL)"]}),
        a_template({"args": ["--model=/models/x"], **MOUNT}, volumes=[{"name": "models", "emptyDir": {}}]),
        a_template({"args": ["--model=/modelsx/1"], **MOUNT}),
        a_template({"args": ["--model", "fraud", "--url=https://mlflow.example.com"]}),
        a_template({"env": [{"name": "MODEL_URI", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]}),
        a_template({"env": [{"name": "MODEL_NAME", "value": "org/m"}]}),
        a_template(
            {"volumeMounts": [{"name": "cache", "mountPath": "/root/.cache"}]},
            volumes=[{"name": "cache", "persistentVolumeClaim": {"claimName": "hf"}}],
        ),
    ],
)
def test_what_is_no_place_of_a_model_is_not_taken_for_one(template: Json) -> None:
    assert artifacts.found_in(template) == []


def test_the_commit_of_a_repository_is_its_digest() -> None:
    (found,) = artifacts.found_in(a_template({"args": ["--model=org/m", "--revision", "a1" * 20]}))
    assert found.digest == f"gitSha1:{'a1' * 20}"
    assert artifacts.found_in(a_template({"args": ["--model=org/m", "--revision", "main"]}))[0].digest == ""


@pytest.mark.parametrize(
    ("pods", "labels", "uri", "image", "version", "why"),
    [
        ({"app.kubernetes.io/version": "1.2.0"}, {}, "s3://m/2", "x:3", "1.2.0", "label app.kubernetes.io/version"),
        ({}, {"version": "V1_2"}, "s3://m/2", "x:3", "v1-2", "the label version of the object"),
        ({"version": "-"}, {}, "s3://m/2.0.1/model.onnx", "x:3", "2.0.1", "the address of the model"),
        ({}, {}, "s3://m/2025-11-03/model.onnx", "x:3", "2025-11-03", "the address of the model"),
        ({}, {}, "models:/churn/7", "x:3", "7", "the address of the model"),
        ({}, {}, "s3://m/deadbeef/model", "registry:5000/x:v3", "v3", "the tag of the image of container server"),
        ({}, {}, "s3://m/8c1fbd2/model", "x:v3", "8c1fbd2", "the address of the model"),
        ({}, {}, "s3://m/model", "x:latest", "1.0.0", "nothing says a version"),
        ({}, {}, "s3://m/model", "registry:5000/x@sha256:12", "1.0.0", "nothing says a version"),
    ],
)
def test_the_version_is_the_surest_that_is_said(
    pods: Json, labels: dict[str, str], uri: str, image: str, version: str, why: str
) -> None:
    template = {**a_template({"image": image}), "metadata": {"labels": pods}}
    found = record_of(
        Workload(Kind.DEPLOYMENT, "fraud", None, template, labels=labels, artifacts=(Artifact(uri, "x"),)), Wishes("t")
    )
    assert found.version == version
    assert any(f"version {version}: " in each and why in each for each in found.reasons)


@pytest.mark.parametrize(
    ("image", "policy", "is_default"),
    [
        ("x", "Always", True),
        ("x:latest", "Always", True),
        ("x:1", "IfNotPresent", True),
        ("registry:5000/x", "Always", True),
        ("x@sha256:12", "IfNotPresent", True),
        ("x:latest@sha256:12", "Always", True),
        ("x:1", "Always", False),
        ("x", "IfNotPresent", False),
    ],
)
def test_the_pull_policy_is_left_out_where_it_is_the_default(image: str, policy: str, is_default: bool) -> None:
    found = without_defaults(a_template({"image": image, "imagePullPolicy": policy}))
    assert ("imagePullPolicy" not in found["spec"]["containers"][0]) == is_default


def test_what_a_user_set_is_no_default() -> None:
    probe = {"httpGet": {"path": "/", "port": 1, "scheme": "HTTPS"}, "periodSeconds": 5}
    own = a_template(
        {"image": "x:1", "readinessProbe": probe, "ports": [{"containerPort": 1, "protocol": "UDP"}]},
        restartPolicy="Always",
        dnsPolicy="Default",
        serviceAccountName="a",
        volumes=[{"name": "v", "secret": {"secretName": "s", "defaultMode": 256}}],
    )
    assert without_defaults(own)["spec"] == {key: each for key, each in own["spec"].items() if key != "restartPolicy"}


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
TEXTS = LINES | st.sampled_from(
    ["y", "on", "1.0", "0x1", "1_000", "1e3", "~", "null", "", " x", "x ", "a: b", "a #b", "- x", "!x", "a\nb\n", "0o7"]
)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_each_text_is_read_as_it_was(key: str, text: str) -> None:
    value = {"kind": "X", "spec": {"a": text, "b": [text], "c": {key: text}}}
    written = manifest(value, {"b": ["A comment that is wrapped. " * 9]})
    (found,) = documents(f"{written}\n", "")
    assert isinstance(found, Document)
    assert found.value == value
    assert max(len(each) for each in written.split("\n") if each.startswith("  # A")) <= 120


def test_annotations_of_tools_and_of_kubernetes_are_left_out() -> None:
    own = {"deployment.kubernetes.io/revision": "3", "kubernetes.io/change-cause": "x", "a/b": "c", "long": "x" * 5000}
    kept, lost = kept_annotations(own)
    assert kept == {"a/b": "c"}
    assert lost == ["annotation long is not carried over: it has more than 4096 characters"]


def test_each_kind_has_all_its_words() -> None:
    known = words.kinds_by_word()
    for word in ("deploy", "deployments.apps", "isvc", "inferenceservice.serving.kserve.io", "ro", "rollouts", "sdep"):
        assert word in known
    assert words.parsed(("Deployment/a",)) == words.parsed(("deploy", "a")) == (Kind.DEPLOYMENT, "a")


def test_a_kind_is_completed_before_its_names() -> None:
    assert candidates(["adopt"], "in") == [("inferenceservice", "KServe")]
    assert [each for each, _ in candidates(["adopt"], "")] == list(map(words.singular, words.SHORT))
    assert candidates(["adopt"], "cronjob/") == []


def an_inference_service(**predictor: Any) -> Json:
    containers = [{"name": "kserve-container", "image": "x:1"}]
    return {"metadata": {"name": "iris"}, "spec": {"predictor": {"containers": containers, **predictor}}}


@pytest.mark.parametrize(
    ("predictor", "metrics", "replicas"),
    [
        ({}, None, 1),
        ({"minReplicas": 2}, None, 2),
        ({"minReplicas": 2, "maxReplicas": 2}, None, 2),
        ({"maxReplicas": 4}, None, 1),
        ({"maxReplicas": 4, "scaleMetric": "memory", "scaleTarget": 50}, [("memory", 50)], 1),
        ({"maxReplicas": 4, "scaleMetric": "rps"}, None, 1),
    ],
)
def test_the_autoscaler_of_kserve_is_written_where_a_cluster_has_its_metric(
    predictor: Json, metrics: list[tuple[str, int]] | None, replicas: int
) -> None:
    scaler, least, _ = kserve._scaling(an_inference_service(**predictor))
    assert least == replicas
    resources = [each["resource"] for each in scaler["spec"]["metrics"]] if scaler else None
    found = [(each["name"], each["target"]["averageUtilization"]) for each in resources] if resources else None
    assert found == metrics


@pytest.mark.parametrize(("by", "lost"), [("none", 0), ("external", 0), ("keda", 1)])
def test_an_autoscaler_that_kserve_does_not_make_is_not_written(by: str, lost: int) -> None:
    raw = an_inference_service(maxReplicas=4, scaleMetric="cpu")
    raw["metadata"]["annotations"] = {"serving.kserve.io/autoscalerClass": by}
    scaler, _, said = kserve._scaling(raw)
    assert (scaler, len(said)) == (None, lost)
