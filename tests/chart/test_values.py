"""The values: each is explained and checked, a wrong one is named, and the operator's settings are among them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from chart.rendering import CHART, HelmError, rendered
from pennant.runtime.settings import Settings

TEXT = (CHART / "values.yaml").read_text()
VALUES: Any = yaml.safe_load(TEXT)
SCHEMA: Any = json.loads((CHART / "values.schema.json").read_text())
# What the chart sets itself, and what has no place in a pod.
CHARTS_OWN = {
    *("namespace", "metric_sources", "leader_election", "lease_name", "lease_namespace", "listen_address", "port"),
    *("alert_webhook_address", "alert_webhook_port", "alert_webhook_token_file"),
    *("kubeconfig", "context", "stamped", "four_eyes", "fetch_image"),
    *("archive", "retention_seconds", "retention_deletes", "retention_deletes_per_second"),
}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "enum", "type")


def snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


SETTINGS = {snake(name): each for name, each in SCHEMA["properties"]["settings"]["properties"].items()}


def differences(values: Any, schema: Any, path: str = "") -> Iterator[str]:
    """Yield the values that the schema does not know, and those of the schema that are not among the values."""
    properties = schema.get("properties")
    if properties is None:
        return
    assert schema["additionalProperties"] is False, path
    for name in values.keys() ^ properties.keys():
        yield f"{path}.{name}"
    for name in values.keys() & properties.keys():
        yield from differences(values[name], properties[name], f"{path}.{name}")


def uncommented(node: yaml.MappingNode, lines: list[str]) -> Iterator[str]:
    """Yield the keys that have no comment above them; a section may have them on all of its keys instead."""
    for key, value in node.value:
        if lines[key.start_mark.line - 1].lstrip().startswith("#"):
            continue
        inner = list(uncommented(value, lines)) if isinstance(value, yaml.MappingNode) and value.value else [""]
        yield from (f"{key.value}.{each}".rstrip(".") for each in inner)


def test_the_schema_knows_every_value_and_no_other() -> None:
    # What a parent chart hands down to all of its charts.
    assert list(differences(VALUES, SCHEMA)) == [".global"]


def test_the_schema_is_one_that_helm_3_reads_whole() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(VALUES)


def test_every_value_is_explained() -> None:
    root = yaml.compose(TEXT)
    assert isinstance(root, yaml.MappingNode)
    assert list(uncommented(root, TEXT.splitlines())) == []


def test_a_value_without_an_explanation_would_be_found() -> None:
    root = yaml.compose("# Why.\na: 1\nb: {c: 2}\n")
    assert isinstance(root, yaml.MappingNode)
    assert list(uncommented(root, ["# Why.", "a: 1", "b: {c: 2}"])) == ["b.c"]


def test_every_setting_of_the_operator_is_a_value_or_the_charts_own() -> None:
    assert SETTINGS.keys() | CHARTS_OWN == Settings.model_fields.keys()
    assert not SETTINGS.keys() & CHARTS_OWN


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_the_operators_bounds(name: str) -> None:
    operators = Settings.model_json_schema()["properties"][name]
    assert {key: SETTINGS[name].get(key) for key in BOUNDS} == {key: operators.get(key) for key in BOUNDS}


def test_the_settings_have_the_operators_defaults() -> None:
    own = {name: Settings.model_fields[name].default for name in SETTINGS}
    given = {snake(name): each for name, each in VALUES["settings"].items()}
    assert given == own | {"log_format": "json"}


SECRET = {"secretKeyRef": {"name": "s", "key": "k"}}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"replica": 3}, "replica"),
        ({"replicas": "many"}, "replicas"),
        ({"replicas": 11}, "replicas"),
        ({"namespace": "Not_A_Name"}, "namespace"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
        ({"settings": {"wokers": 4}}, "wokers"),
        ({"archive": {"url": "https://bucket"}}, "url"),
        ({"archive": {"url": "s3://key:secret@bucket/x"}}, "url"),
        ({"archive": {"url": "s3://bucket", "persistentVolumeClaim": "disk"}}, "archive"),
        ({"archive": {"subPath": "/absolute"}}, "subPath"),
        ({"archive": {"subPath": "models"}}, "archive.subPath needs archive.persistentVolumeClaim"),
        (
            {"archive": {"url": "s3://bucket", "subPath": "models"}},
            "For a bucket, put the path into archive.url",
        ),
        ({"archive": {"secretName": "login"}}, "archive.secretName and archive.environment need archive.url"),
        ({"archive": {"environment": {"AWS_REGION": "x"}}}, "archive.environment need archive.url"),
        (
            {"archive": {"persistentVolumeClaim": "disk", "secretName": "login"}},
            "archive.secretName and archive.environment need archive.url",
        ),
        ({"retention": {"delete": True}}, "retention.delete needs archive"),
        ({"retention": {"deletesPerSecond": 0}}, "deletesPerSecond"),
        ({"settings": {"workers": 0}}, "workers"),
        ({"settings": {"logFormat": "xml"}}, "logFormat"),
        ({"settings": {"renewDeadlineSeconds": 20}}, "renewDeadlineSeconds < leaseDurationSeconds must hold"),
        ({"settings": {"retryPeriodSeconds": 10}}, "retryPeriodSeconds < renewDeadlineSeconds < "),
        ({"metricSources": {"default": {}}}, "url"),
        ({"metricSources": {"default": {"url": "prometheus:9090"}}}, "url"),
        ({"metricSources": {"default": {"url": "http://ada:secret@prometheus"}}}, "url"),
        ({"metricSources": {"Default": {"url": "http://prometheus"}}}, "Default"),
        ({"metricSources": {"default": {"url": "http://prometheus", "timeoutSeconds": 0}}}, "timeoutSeconds"),
        ({"metricSources": {"default": {"url": "http://prometheus", "concurrentQueries": 0}}}, "concurrentQueries"),
        ({"metricSources": {"default": {"url": "http://prometheus", "listsRules": "no"}}}, "listsRules"),
        ({"metricSources": {"default": {"url": "http://prometheus", "bearerToken": "secret"}}}, "bearerToken"),
        (
            {
                "metricSources": {
                    "default": {
                        "url": "http://prometheus",
                        "bearerToken": SECRET,
                        "basicAuth": {"username": "ada", "password": SECRET},
                    }
                }
            },
            "metricSources.default: set at most one of bearerToken and basicAuth",
        ),
        ({"metricSources": {"default": {"url": "http://p", "ca": {**SECRET, "configMapKeyRef": {}}}}}, "ca"),
        ({"alertWebhook": {"token": "secret"}}, "token"),
        ({"alertWebhook": {"token": {"secretKeyRef": {"name": "s"}}}}, "key"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name must be set where serviceAccount.create is false"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "podLabels: app.kubernetes.io/name is set by the chart"),
        ({"podAnnotations": {"checksum/metric-sources": "x"}}, "podAnnotations: checksum/metric-sources"),
        ({"nodeSelector": {"gpu": True}}, "gpu"),
        ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "enable at most one"),
        ({"serviceMonitor": {"enabled": True, "interval": "often"}}, "interval"),
        (
            {"podMonitor": {"enabled": True, "additionalLabels": {"app.kubernetes.io/name": "x"}}},
            "podMonitor.additionalLabels: app.kubernetes.io/name is set by the chart",
        ),
        ({"dashboards": {"enabled": True, "labels": {"helm.sh/chart": "x"}}}, "dashboards.labels: helm.sh/chart is"),
        ({"networkPolicy": {"metricsFrom": [{"podSelectors": {}}]}}, "podSelectors"),
        ({"networkPolicy": {"apiServerPorts": []}}, "apiServerPorts"),
        ({"resources": {"request": {}}}, "request"),
        ({"governance": {"stamp": "yes"}}, "stamp"),
        ({"governance": {"promote": {"tags": []}}}, "tags"),
        ({"governance": {"promote": {"tags": ["a'b"]}}}, "tags"),
        (
            {"governance": {"stamp": True, "promote": {"fourEyes": True}}},
            "governance.promote.fourEyes: set governance.promote.enabled as well",
        ),
        (
            {"governance": {"promote": {"enabled": True, "fourEyes": True}}},
            "governance.promote.fourEyes: set governance.stamp as well",
        ),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_by_its_name(major: int, values: Any, says: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(values, major=major)
    assert says in str(refused.value)


def test_a_parent_chart_may_hand_down_what_it_likes(major: int) -> None:
    assert rendered({"global": {"anything": 1}}, major=major) == rendered(major=major)
