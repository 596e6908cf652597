"""`lint` checks the pod template of a ModelDeployment by the schema of Kubernetes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pennant.cli.commands.lint import BUNDLED_KUBERNETES, command
from pennant.cli.manifests import openapi, pod_template
from pennant.cli.manifests.findings import Finding, report
from pennant.kube.codec.validation_message import field_path
from unit.api import examples
from unit.cli.pod_templates import MISTAKES, WHOLE, Mistake

ROOT = Path(__file__).parents[3]
IN_A_FILE = """\
apiVersion: pennant.dev/v1alpha1
kind: ModelDeployment
metadata: {name: fraud}
spec:
  model: fraud
  template:
    spec:
      containers:
      - name: server
        image: registry.example.com/model-server:3
        volumeMount:
        - {name: models, mountPath: /models}
        env:
        - name: PORT
          value: 8000
        - {name: MODEL, valeu: "$(MODEL_URI)"}
        resources: {limits: {memory: 2GB}}
      restartPolicy: Never
"""


def findings(template: Any, *manifests: Any) -> list[Finding]:
    text = yaml.safe_dump_all([examples.a_deployment(template=template), *manifests], sort_keys=False)
    return [each for each in report([("m.yaml", text)]).findings if each.is_error]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_is_named_with_its_field_and_the_fix(mistake: Mistake) -> None:
    (found,) = findings(mistake.template)
    assert found.field == field_path(mistake.field).removeprefix(".")
    assert mistake.says in found.message


def test_a_template_with_what_people_use_is_right() -> None:
    assert findings(WHOLE) == []


def test_a_null_is_an_absent_field() -> None:
    assert findings(WHOLE | {"metadata": {**WHOLE["metadata"], "creationTimestamp": None}}) == []
    assert findings({"spec": {"containers": [{"name": "server", "env": None, "resources": None}]}}) == []


def test_each_finding_has_the_place_of_its_field() -> None:
    found = report([("m.yaml", IN_A_FILE)]).findings
    assert [
        (each.line, each.column, each.field.removeprefix("spec.template.spec.")) for each in found if each.is_error
    ] == [
        (11, 9, "containers[0].volumeMount"),
        (15, 11, "containers[0].env[0].value"),
        (16, 25, "containers[0].env[1].valeu"),
        (17, 30, "containers[0].resources.limits.memory"),
        (18, 7, "restartPolicy"),
    ]


def test_a_variable_or_port_that_is_there_twice_is_no_error() -> None:
    """The operator uses the last one: `lint` warns of it."""
    container = {"name": "server", "env": [{"name": "A"}, {"name": "A"}], "ports": [{"containerPort": 1}] * 2}
    assert findings({"spec": {"containers": [container]}}) == []


def test_what_the_schema_of_a_modeldeployment_says_is_not_said_again() -> None:
    said = findings({"metadata": {"labels": {"team": 7}}, "spec": {"containers": [{"image": "s:1"}]}})
    assert [each.sentence for each in said] == [
        "spec.template.metadata.labels.team: must be a string, and kubectl reads 7 as a number; write '7' in quotes",
        "spec.template.spec.containers[0].name: must be set",
    ]


@pytest.mark.parametrize("template", ["text", [], 7, {"spec": []}, {"spec": {"containers": {}}}, {"metadata": []}])
def test_a_template_of_another_shape_is_one_error_for_each_field(template: Any) -> None:
    found = findings(template)
    assert found
    assert len({each.field for each in found}) == len(found)


@pytest.mark.parametrize("text", ["Gi", "m", ".", "e3"])
def test_a_quantity_without_a_digit_is_refused_although_kubernetes_takes_it_for_zero(text: str) -> None:
    assert not pod_template.is_quantity(text)


@pytest.mark.parametrize("amount", ["2GB", "1 Gi", "500mb"])
def test_a_quantity_of_a_version_is_checked(amount: str) -> None:
    manifest = examples.a_version(serving={"resources": {"limits": {"memory": amount, "cpu": "2"}}})
    (found,) = (each for each in report([("m.yaml", yaml.safe_dump(manifest))]).findings if each.is_error)
    assert found.sentence == f"spec.serving.resources.limits.memory: {pod_template.NO_QUANTITY}"


# Whose schema it is.


def a_document(**pod_fields: Any) -> dict[str, Any]:
    """Return an OpenAPI document as another release of Kubernetes has it, with some fields more in a pod."""

    def of(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "description": "something", "properties": properties}

    def reference(name: str) -> dict[str, Any]:
        return {"default": {}, "allOf": [{"$ref": f"#/components/schemas/{name}"}]}

    container = of(name={"type": "string"}, image={"type": "string"})
    pod = of(containers={"type": "array", "items": reference(openapi.CONTAINER)}, **pod_fields)
    schemas = {
        openapi.TEMPLATE: of(metadata={"type": "object"}, spec=reference(openapi.POD)),
        openapi.POD: pod,
        openapi.CONTAINER: container,
        "io.k8s.api.core.v1.Secret": of(),
    }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.99.0"},
        "components": {"schemas": schemas},
    }


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    return (1, str(done.exception)) if done.exception is not None else (int(done.return_value or 0), done.output)


def test_the_schema_of_another_cluster_is_taken_from_a_file(tmp_path: Path) -> None:
    manifests, schema = tmp_path / "m.yaml", tmp_path / "openapi.json"
    pod = {"containers": [{"name": "server", "image": "s:1"}], "quietly": True}
    manifests.write_text(yaml.safe_dump(examples.a_deployment(template={"spec": pod})))
    schema.write_text(json.dumps(a_document(quietly={"type": "boolean"})))
    assert "spec.template.spec.quietly: unknown field" in run("-f", str(manifests))[1]
    assert run("-f", str(manifests), "--openapi", str(schema))[0] == 0
    schema.write_text(json.dumps(a_document(quietly={"type": "string"})))
    assert "spec.template.spec.quietly: must be a string" in run("-f", str(manifests), "--openapi", str(schema))[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read: No such file or directory"),
        ("openapi: 3", "is no JSON"),
        ("[]", "is no OpenAPI v3 document with the schema of pod templates"),
        ('{"swagger": "2.0", "definitions": {}}', "is no OpenAPI v3 document"),
        (json.dumps({"info": {"version": "v1"}, "components": {"schemas": {}}}), "is no OpenAPI v3 document"),
    ],
)
def test_a_file_without_the_schema_is_named_with_the_fix(tmp_path: Path, text: str | None, says: str) -> None:
    manifests, schema = tmp_path / "m.yaml", tmp_path / "openapi.json"
    manifests.write_text(yaml.safe_dump(examples.a_deployment()))
    if text is not None:
        schema.write_text(text)
    code, said = run("-f", str(manifests), "--openapi", str(schema))
    assert code == 1
    assert f"--openapi: {schema} {says}" in said
    assert text is None or "kubectl get --raw /openapi/v3/apis/apps/v1" in said


def test_help_says_whose_schema_is_built_in() -> None:
    assert openapi.bundled().version == BUNDLED_KUBERNETES
    assert f"Default: the schema of Kubernetes {BUNDLED_KUBERNETES}." in " ".join(run("--help")[1].split())


def test_only_a_pod_template_needs_the_schema() -> None:
    def never() -> openapi.Kubernetes:
        raise AssertionError("the schema was loaded")

    assert report([("m.yaml", yaml.safe_dump(examples.a_whole_version()))], never).errors == 0


def test_the_examples_have_no_findings() -> None:
    paths = sorted((ROOT / "examples").rglob("*.yaml"))
    # Those of Kustomize and Helm are checked as they are rendered.
    whole = (path for path in paths if not {"kustomize", "helm"} & {*path.parts})
    findings_of = report((str(path), path.read_text()) for path in whole).findings
    assert [each.sentence for each in findings_of if each.is_error] == []
