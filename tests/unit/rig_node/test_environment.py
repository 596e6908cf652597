from pathlib import Path
from typing import Any

import pytest

from rig.node.__main__ import images
from rig.node.environment import BadImage, Images, Unsupported, check, command, environment, expanded

POD = {
    "metadata": {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"app.kubernetes.io/name": "fraud"},
        "annotations": {"note": "a b"},
    },
    "spec": {"nodeName": "rig-node"},
}
NO_IMAGES = Images({}, ())


@pytest.mark.parametrize(
    ("text", "result"),
    {
        "a known name is replaced": ("<$(A)>", "<1>"),
        "an unknown name stays": ("$(NO_KEYS)", "$(NO_KEYS)"),
        "two dollar signs are one": ("$$", "$"),
        "two dollar signs keep what follows from being replaced": ("$$(A)", "$(A)"),
        "three dollar signs are one and a reference": ("$$$(A)", "$1"),
        "a value is not expanded again": ("$(B)", "$(A)"),
        "a reference without an end is text": ("$(A", "$(A"),
        "a shell's own syntax is left to the shell": ("${A} $A $", "${A} $A $"),
        "an empty reference stays": ("$()", "$()"),
        "a name may hold any letter": ("$(a.b-c)", "2"),
    }.values(),
)
def test_references(text: str, result: str) -> None:
    assert expanded(text, {"A": "1", "B": "$(A)", "a.b-c": "2"}) == result


def test_a_variable_refers_to_those_before_it() -> None:
    container = {"env": [{"name": "LATE", "value": "$(EARLY)"}, {"name": "EARLY", "value": "1"}, {"name": "EMPTY"}]}
    container["env"].append({"name": "AGAIN", "value": "$(EARLY)$(LATE)"})
    assert environment(POD, container, "") == {"LATE": "$(EARLY)", "EARLY": "1", "EMPTY": "", "AGAIN": "1$(EARLY)"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.uid", "u"),
        ("metadata.labels['app.kubernetes.io/name']", "fraud"),
        ("metadata.labels['missing']", ""),
        ("metadata.annotations['note']", "a b"),
        ("spec.nodeName", "rig-node"),
        ("status.podIP", "127.64.1.2"),
    ],
)
def test_a_variable_from_a_field(path: str, value: str) -> None:
    container = {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]}
    assert environment(POD, container, "127.64.1.2") == {"A": value}


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ({"secretKeyRef": {"name": "s", "key": "k"}}, "secretKeyRef"),
        ({"configMapKeyRef": {"name": "s", "key": "k"}}, "configMapKeyRef"),
        ({"fieldRef": {"fieldPath": "spec.serviceAccountName"}}, "spec.serviceAccountName"),
    ],
)
def test_a_variable_from_elsewhere_is_named(source: dict[str, Any], named: str) -> None:
    with pytest.raises(Unsupported, match=f"env A from {named}"):
        environment(POD, {"env": [{"name": "A", "valueFrom": source}]}, "")


@pytest.mark.parametrize(
    ("container", "words"),
    {
        "command and arguments are expanded": ({"command": ["$(A)", "b"], "args": ["$$c"]}, ["1", "b", "$c"]),
        "the image's command gets the arguments": ({"image": "server:1", "args": ["$(A)"]}, ["serve", "$(X)", "1"]),
        "a command replaces that of the image": ({"image": "server:1", "command": ["x"]}, ["x"]),
    }.values(),
)
def test_the_command_line(container: dict[str, Any], words: list[str]) -> None:
    assert command(container, {"A": "1"}, Images({"server:1": ("serve", "$(X)")}, ())) == words


def test_an_image_that_nobody_knows_needs_a_command() -> None:
    with pytest.raises(Unsupported, match="stands for nobody/knows:1"):
        command({"image": "nobody/knows:1", "args": ["x"]}, {}, NO_IMAGES)


def test_a_table_says_what_stands_for_an_image_or_that_it_is_bad(tmp_path: Path) -> None:
    (tmp_path / "images").write_text('{"server:1": ["serve", "--fast"], "broken:1": null}')
    table = images(tmp_path / "images", ["unpullable.example/"])
    assert table == Images({"server:1": ("serve", "--fast"), "broken:1": None}, ("unpullable.example/",))
    assert images(None, []) == NO_IMAGES


@pytest.mark.parametrize("image", ["broken:1", "unpullable.example/server:1"])
def test_a_bad_image_is_bad_even_with_a_command(image: str) -> None:
    with pytest.raises(BadImage, match=image):
        command({"image": image, "command": ["x"]}, {}, Images({"broken:1": None}, ("unpullable.example/",)))


@pytest.mark.parametrize(
    ("pod", "container", "named"),
    [
        ({"hostNetwork": True}, {}, "hostNetwork"),
        ({"volumes": [{"name": "v", "secret": {}}]}, {}, "volume v"),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {}}]}}]}, {}, "volume v"),
        ({}, {"envFrom": [{}]}, "envFrom"),
        ({}, {"lifecycle": {"preStop": {}}}, "lifecycle"),
        ({}, {"startupProbe": {"grpc": {"port": 1}}}, "startupProbe.grpc"),
        ({}, {"name": "c", "restartPolicy": "Always"}, "restartPolicy Always"),
        ({"initContainers": [{"name": "i"}]}, {"name": "i", "restartPolicy": "OnFailure"}, "restartPolicy OnFailure"),
        (
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            {"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a"}]},
            "volumeMounts.subPath",
        ),
        ({}, {"workingDir": "/srv"}, "workingDir"),
        ({}, {"readinessProbe": {"grpc": {"port": 1}}}, "readinessProbe.grpc"),
        ({}, {"livenessProbe": {"httpGet": {"scheme": "HTTPS"}}}, "livenessProbe.httpGet.scheme HTTPS"),
        ({"hostNetwork": True}, {"workingDir": "/srv"}, "hostNetwork, workingDir"),
    ],
)
def test_what_the_node_does_not_do_is_named(pod: dict[str, Any], container: dict[str, Any], named: str) -> None:
    with pytest.raises(Unsupported, match=f"does not support {named}$"):
        check({"spec": pod}, container)


def test_what_every_pod_has_is_no_obstacle() -> None:
    token = {"name": "kube-api-access-x", "projected": {"sources": [{"serviceAccountToken": {}}, {"configMap": {}}]}}
    sidecar = {"name": "proxy", "restartPolicy": "Always", "startupProbe": {"httpGet": {"scheme": "HTTP"}}}
    pod = {"initContainers": [sidecar], "volumes": [token, {"name": "tmp", "emptyDir": {}}]}
    check({"spec": pod}, {"readinessProbe": {"httpGet": {"scheme": "HTTP"}}, "volumeMounts": [{"name": "tmp"}]})
    check({"spec": pod}, sidecar)
