"""Command lines and environments as Kubernetes defines them."""

from typing import Any

import pytest

from rig.node.environment import Unsupported, command, environment, expanded

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a/b": "c"}},
    "spec": {"nodeName": "rig-node"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(B)", "12"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expanded(text, {"A": "1", "B": "2"}) == expected


def test_a_variable_may_refer_to_those_before_it_only() -> None:
    variables = [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}, {"name": "C", "value": "$(A)"}]
    assert environment(POD, {"name": "c", "env": variables}, "127.0.0.9") == {"B": "$(A)", "A": "1", "C": "1"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.uid", "u"),
        ("metadata.labels['a/b']", "c"),
        ("metadata.annotations['x']", ""),
        ("spec.nodeName", "rig-node"),
        ("status.podIP", "127.0.0.9"),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    variable = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}
    assert environment(POD, {"name": "c", "env": [variable]}, "127.0.0.9") == {"X": value}


@pytest.mark.parametrize(
    "more",
    [
        {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        {"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.unheardOf"}}}]},
        {"envFrom": [{"configMapRef": {"name": "c"}}]},
    ],
)
def test_what_is_not_supported_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        environment(POD, {"name": "c", **more}, "127.0.0.9")


def test_a_container_without_a_command_is_refused() -> None:
    with pytest.raises(Unsupported, match="set command"):
        command({"name": "c", "image": "x"}, {})
