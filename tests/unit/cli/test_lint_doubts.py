"""`lint` warns of what the API server stores and what then does nothing, or not what was meant."""

from typing import Any

import pytest
import yaml

from pennant.api.meta import DIGEST_PATTERN, MEANINGS
from pennant.api.model_version import ModelVersionSpec
from pennant.api.object_metadata import LONGEST_ANNOTATION
from pennant.cli.manifests import digests, labels, openapi
from pennant.cli.manifests.drift_paths import doubt
from pennant.cli.manifests.findings import Finding, report
from pennant.core.versions.compare import Incomparable, compare_records
from pennant.kube.codec.metadata import path_text
from unit.api import examples
from unit.cli.pod_templates import LABEL_KEYS, LABEL_VALUES, LONG_DOMAIN, WHOLE

PORTS = [{"name": "http", "containerPort": 80}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]


def found(manifest: Any, *others: Any) -> tuple[Finding, ...]:
    return report([("m.yaml", yaml.safe_dump_all([manifest, *others], sort_keys=False))]).findings


def said(manifest: Any) -> dict[str, str]:
    """Return the messages by field, without the one about the version that the manifest serves."""
    return {each.field: each.message for each in found(manifest) if each.field != "spec.model"}


# Recorded metrics.

RECALL = {"name": "recall", "dataset": "holdout", "split": "Test", "slice": "cat"}


def test_a_metric_that_is_recorded_twice_is_a_warning_with_both_lines() -> None:
    """The API server stores it, and a gate then finds two values."""
    metrics = [RECALL | {"value": 0.5}, {"name": "recall", "value": 0.7}, RECALL | {"value": "0.91"}]
    version = examples.a_version(tags=["production"], metrics=metrics)
    lines = yaml.safe_dump(version, sort_keys=False).splitlines()
    first, second = (number for number, line in enumerate(lines, start=1) if "dataset: holdout" in line)
    (finding,) = found(version)
    assert (finding.field, finding.line, finding.severity) == ("spec.metrics[2]", second - 1, "warning")
    assert finding.message == (
        f"recall on holdout/Test, slice cat, has two values: 0.5 (line {first - 1}) and 0.91; keep one, because a "
        "record is immutable and a metric with several values cannot be compared"
    )
    record = ModelVersionSpec.model_validate(version["spec"])
    assert sorted(isinstance(each, Incomparable) for each in compare_records(record, record).values()) == [True, True]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({}, "recall on holdout/Test, slice cat, has two values"),
        ({"slice": "dog"}, ""),
        ({"split": "Validation"}, ""),
        ({"dataset": "other"}, ""),
        ({"name": "precision"}, ""),
        ({"slice": None}, ""),
    ],
)
def test_a_metric_is_the_same_if_name_data_split_and_slice_are(other: dict[str, Any], says: str) -> None:
    version = examples.a_version(metrics=[RECALL | {"value": 0.5}, RECALL | other | {"value": 0.5}])
    messages = [each.message for each in found(version)]
    assert [each.startswith(says) for each in messages] == ([True] if says else [])


def test_a_metric_without_data_has_a_sentence_too() -> None:
    version = examples.a_version(metrics=[{"name": "loss", "value": 1}, {"name": "loss", "value": 2}])
    assert [each.message.partition(";")[0] for each in found(version)] == ["loss has two values: 1 (line 13) and 2"]


# Ports and containers.


def with_ports(target: Any, ports: list[Any] | None, protocol: str = "TCP", **pod: Any) -> dict[str, str]:
    container = {"name": "server", "image": "s:1"} | ({} if ports is None else {"ports": ports})
    service = {"ports": [{"name": "http", "port": 80, "targetPort": target, "protocol": protocol}]}
    return said(examples.a_deployment(template={"spec": {"containers": [container], **pod}}, service=service))


@pytest.mark.parametrize(
    ("target", "protocol", "ports", "says"),
    [
        ("htp", "TCP", PORTS, "no container of spec.template has a TCP port with the name htp; there are http (TCP), "),
        ("http", "UDP", PORTS, "no container of spec.template has a UDP port with the name http; "),
        ("http", "TCP", [{"containerPort": 80}], "name http; none of their ports has a name"),
        ("http", "TCP", None, "name http; none of their ports has a name"),
        ("http", "TCP", PORTS, None),
        ("dns", "UDP", PORTS, None),
        (9999, "TCP", PORTS, None),
    ],
)
def test_a_port_of_the_service_that_no_container_has_is_a_warning(
    target: Any, protocol: str, ports: Any, says: str | None
) -> None:
    messages = with_ports(target, ports, protocol)
    assert list(messages) == ([] if says is None else ["spec.service.ports[0].targetPort"])
    assert all(says is not None and says in each for each in messages.values())


def test_a_port_of_a_sidecar_can_be_meant_and_that_of_an_init_container_cannot() -> None:
    proxy = {"name": "proxy", "image": "p:1", "ports": [{"name": "proxy", "containerPort": 1}]}
    assert with_ports("proxy", PORTS, initContainers=[proxy | {"restartPolicy": "Always"}]) == {}
    assert "name proxy; there are http (TCP), dns (UDP)" in str(with_ports("proxy", PORTS, initContainers=[proxy]))


@pytest.mark.parametrize(("names", "container"), [(("a", "b"), "a"), (("a", "b"), "b"), (("a",), None)])
def test_one_container_or_a_chosen_one_is_no_doubt(names: tuple[str, ...], container: str | None) -> None:
    pod = {"containers": [{"name": each, "image": "s:1"} for each in names]}
    assert said(examples.a_deployment(template={"spec": pod}, container=container)) == {}


def test_several_containers_without_a_chosen_one_are_a_warning() -> None:
    pod = {"containers": [{"name": each, "image": "s:1"} for each in ("server", "proxy")]}
    assert said(examples.a_deployment(template={"spec": pod})) == {
        "spec.template.spec.containers": "spec.container is not set, so the first of 2 containers gets the model: "
        "server; a patch can change their order, so set spec.container"
    }


# Paths of `spec.ignoreDrift.fields`.

POD = ("f:spec", "f:template", "f:spec")
SERVER = (*POD, "f:containers", 'k:{"name":"server"}')
OWNED = (
    ("f:spec", "f:replicas"),
    ("f:spec", "f:strategy", "f:rollingUpdate", "f:maxSurge"),
    ("f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt"),
    (*SERVER, "f:image"),
    (*SERVER, "f:resources", "f:limits", "f:nvidia.com/gpu"),
    (*SERVER, "f:ports", 'k:{"containerPort":8080,"protocol":"TCP"}', "f:name"),
    (*SERVER, "f:env", 'k:{"name":"LEVEL"}', "f:value"),
    (*SERVER, "f:volumeMounts", 'k:{"mountPath":"/etc/a.b/c"}'),
    (*SERVER, "f:args"),
    (*POD, "f:containers", 'k:{"name":"istio-proxy"}'),
    (*POD, "f:containers"),
    (*POD, "f:tolerations"),
    (*POD, "f:topologySpreadConstraints", 'k:{"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}'),
)
"""Fields as `managedFields` of a Deployment names them."""


@pytest.mark.parametrize("path", [path_text(each) for each in OWNED])
def test_a_path_of_managed_fields_is_right(path: str) -> None:
    assert doubt(path, WHOLE, openapi.bundled()) == ""


CONTAINERS = "spec.template.spec.containers"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{CONTAINERS}[0].image", f"items of lists are named by their keys; write {CONTAINERS}[name=server].image"),
        (f"{CONTAINERS}[7]", f"write {CONTAINERS}[name=<name>]"),
        (f"{CONTAINERS}[server].image", f"write {CONTAINERS}[name=server].image"),
        (f"{CONTAINERS}.image", f"write {CONTAINERS}[name=server].image"),
        (f"{CONTAINERS}[*].resources", f"write {CONTAINERS}[name=server].resources"),
        (f"{CONTAINERS}[name=server].env[2]", f"write {CONTAINERS}[name=server].env[name=LEVEL]"),
        (f"{CONTAINERS}[0].ports[1].name", "[name=server].ports[containerPort=9000,protocol=TCP].name"),
        (
            "spec.template.spec.tolerations[0].key",
            "items of spec.template.spec.tolerations have no keys; write spec.template.spec.tolerations",
        ),
        ("spec.replicas.x", "spec.replicas has no fields; write spec.replicas"),
        (f"{CONTAINERS}[name=server].image.tag", f"write {CONTAINERS}[name=server].image"),
        ("spec.templat.x", "paths begin at fields of the spec of a Deployment; did you mean spec.template?"),
        ("spec.containers", "there are minReadySeconds, progressDeadlineSeconds, replicas, revisionHistoryLimit, "),
        ("spec.template.containers", "spec.template has no field containers; there are metadata, spec"),
        (f"{CONTAINERS}[0].imag", f"{CONTAINERS}[name=server] has no field imag; did you mean {CONTAINERS}"),
        ("spec.template..x", "spec.template has no field ; there are metadata, spec"),
        ("spec.selector", "is never left to others: the operator always corrects it"),
        ("spec.template.metadata.labels.pennant.dev/version", "is never left to others"),
    ],
)
def test_a_path_that_matches_nothing_is_a_warning_with_the_right_form(path: str, says: str) -> None:
    messages = said(examples.a_deployment(template=WHOLE, ignoreDrift={"fields": ["spec.replicas", path]}))
    assert list(messages) == ["spec.ignoreDrift.fields[1]"]
    assert messages["spec.ignoreDrift.fields[1]"].startswith(path)
    assert says in messages["spec.ignoreDrift.fields[1]"]


# Labels and annotations.


@pytest.mark.parametrize(("text", "is_taken"), LABEL_VALUES.items())
def test_the_value_of_a_label(text: str, is_taken: bool) -> None:
    assert labels.is_value(text) is is_taken


@pytest.mark.parametrize(("text", "is_taken"), LABEL_KEYS.items())
def test_the_key_of_a_label(text: str, is_taken: bool) -> None:
    assert labels.is_key(text) is is_taken


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("spec.metadata", lambda listed: {"metadata": listed}),
        ("spec.service", lambda listed: {"service": {"ports": [{"port": 80}], **listed}}),
        (
            "spec.template.metadata",
            lambda listed: {
                "template": {"metadata": listed, "spec": {"containers": [{"name": "server", "image": "s:1"}]}}
            },
        ),
    ],
)
def test_what_kubernetes_refuses_is_an_error_in_each_place(field: str, spec: Any) -> None:
    listed = {"labels": {"team": "a b", "x y": "z", "good": ""}, "annotations": {"a b": "c", "Example.com/a": "any b"}}
    deployment = examples.a_deployment(**spec(listed))
    assert {each.field: each.message for each in found(deployment) if each.is_error} == {
        f"{field}.labels.team": labels.NO_VALUE,
        f"{field}.labels.x y": labels.NO_KEY,
        f"{field}.annotations.a b": labels.NO_KEY,
    }


@pytest.mark.parametrize("manifest", [examples.a_version(), examples.a_deployment()], ids=["version", "deployment"])
def test_the_labels_of_an_object_itself_are_checked(manifest: Any) -> None:
    metadata = manifest["metadata"] | {"labels": {"team": "a b", "good": "a"}}
    errors = [(each.field, each.message) for each in found(manifest | {"metadata": metadata}) if each.is_error]
    assert errors == [("metadata.labels.team", labels.NO_VALUE)]


def test_the_values_of_the_record_are_filled_into_labels_of_pods_only() -> None:
    pod = {"containers": [{"name": "server", "image": "s:1"}]}
    given = {"labels": {"version": "${version}", "both": "${model}-${version}"}}
    assert said(examples.a_deployment(template={"metadata": given, "spec": pod})) == {}
    assert list(said(examples.a_deployment(metadata=given))) == [f"spec.metadata.labels.{k}" for k in given["labels"]]


def test_a_long_annotation_is_taken() -> None:
    assert said(examples.a_deployment(metadata={"annotations": {f"{LONG_DOMAIN}/a": "x" * LONGEST_ANNOTATION}})) == {}


# Digests.


def test_each_algorithm_of_digests_has_its_requirement() -> None:
    names = {each.removeprefix("(") for each in DIGEST_PATTERN.strip("^$()").replace("|", ":").split(":")}
    assert digests.NEEDS.keys() <= names
    assert all(f" {each}," in f" {MEANINGS[DIGEST_PATTERN]}, ".replace(" and", ",") for each in digests.NEEDS)
    assert len(digests.NEEDS) == DIGEST_PATTERN.count(":")


@pytest.mark.parametrize(
    ("digest", "says"),
    [
        ("md5:xyz", "must be md5: and 32 hexadecimal digits, or 24 characters of base64 that end in ==; after the "),
        ("crc32c:yZ", "must be crc32c: and 6 to 16 characters of base64; after the colon there are 2 characters"),
        ("SHA256:" + "0" * 64, "must be sha256: and 64 hexadecimal digits; write sha256 instead of SHA256"),
        ("gitsha1:" + "0" * 40, "must be gitSha1: and 40 hexadecimal digits; write gitSha1 instead of gitsha1"),
        ("sha256:" + "0" * 63, "must be sha256: and 64 hexadecimal digits; after the colon there are 63 characters"),
        ("sha256:" + "g" * 64, "must be sha256: and 64 hexadecimal digits; 'g' is no hexadecimal digit"),
        ("mlflow:12", "must be mlflow: and 8 to 64 hexadecimal digits; after the colon there are 2 characters"),
        ("etag:a b", "must be etag: and 1 to 128 printable characters without spaces"),
        ("md6:" + "0" * 32, MEANINGS[DIGEST_PATTERN]),
        ("0" * 64, MEANINGS[DIGEST_PATTERN]),
        ("sha256", MEANINGS[DIGEST_PATTERN]),
    ],
)
def test_a_wrong_digest_is_answered_with_what_its_algorithm_needs(digest: str, says: str) -> None:
    version = examples.a_version(artifacts=[{"name": "model", "uri": "s3://m", "digest": digest}])
    ((field, message),) = said(version).items()
    assert (field, message[: len(says)]) == ("spec.artifacts[0].digest", says)


# Delivery.


def delivering(mode: str, *args: str, **delivery: Any) -> Any:
    container = {"name": "server", "image": "s:1", "args": list(args)}
    return examples.a_deployment(
        delivery={"mode": mode, **delivery}, template={"spec": {"containers": [container]}}, tag="production"
    )


@pytest.mark.parametrize(
    ("manifest", "field", "says"),
    [
        (delivering("Fetch"), "", ""),
        (delivering("Fetch", "$(MODEL_PATH)", "$(MODEL_URI)"), "", ""),
        (
            delivering("Fetch", "--model=$(MODEL_URI)"),
            "spec.template.spec.containers[0].name",
            "container server refers to MODEL_URI: with delivery.mode Fetch, its bytes are at $(MODEL_PATH)",
        ),
        (delivering("Fetch", unpack=["other"]), "spec.delivery", "1.0.0 will not be rolled out: spec.delivery.unpack"),
        (delivering("Image"), "spec.delivery", "1.0.0 will not be rolled out: artefact model cannot be delivered"),
        (delivering("Env", "--model=$(MODEL_URI)"), "", ""),
    ],
)
def test_a_delivery_that_does_not_happen_is_a_warning(manifest: Any, field: str, says: str) -> None:
    """Rule: R161."""
    findings = found(manifest, examples.a_version(tags=["production"]))
    assert [each.field for each in findings] == ([field] if field else [])
    assert says in "".join(each.message for each in findings)
