"""What `lint` says of a pod template is what the API server says when the operator applies the Deployment."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import schemas
from cluster.api import TRIED_ONLY, Api, RefusedError
from pennant.cli.manifests import labels, openapi
from pennant.cli.manifests.findings import report
from pennant.cli.manifests.pod_template import is_quantity, problems
from rig import Rig
from unit.cli.pod_templates import (
    CONTAINER,
    LABEL_KEYS,
    LABEL_VALUES,
    MISTAKES,
    QUANTITIES,
    WHOLE,
    Mistake,
    Path,
    changed,
    paths,
)
from unit.cli.test_pod_templates import IN_A_FILE

LABELS: Path = ("metadata", "labels")
NOT_MISSED = {
    ("securityContext", "sysctls", 0, "value"),
    ("httpHeaders", 0, "value"),
    ("preferredDuringSchedulingIgnoredDuringExecution", 0, "preference"),
}
"""Ends of the paths of fields that the schema requires, and whose absence the API server takes for an empty value."""


@pytest.fixture(scope="module")
def api(rig: Rig) -> Api:
    return Api(rig)


@pytest.fixture(scope="module")
def namespace(api: Api) -> Iterator[str]:
    name = f"templates-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    yield name
    api.delete_namespace(name)


def refusal(api: Api, namespace: str, template: Any) -> str:
    """Return what the API server says against a Deployment with this template, applied as by the operator."""
    metadata = {"name": "fraud", "namespace": namespace}
    spec = {"selector": {"matchLabels": WHOLE["metadata"]["labels"]}, "template": template}
    try:
        api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, **TRIED_ONLY)
    except RefusedError as refused:
        return str(refused)
    return ""


def test_the_files_are_what_the_api_server_serves(rig: Rig) -> None:
    stale = [str(path) for path, text in schemas.files(rig).items() if path.read_text() != text]
    assert stale == [], f"run `{schemas.COMMAND}`"


def test_a_template_with_what_people_use_is_taken(api: Api, namespace: str) -> None:
    assert refusal(api, namespace, WHOLE) == ""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_is_refused(api: Api, namespace: str, mistake: Mistake) -> None:
    """Of some, such as a wrong type, the API server does not name the field."""
    assert refusal(api, namespace, mistake.template)


def strange(value: Any) -> tuple[Any, ...]:
    """Return values of other types than this one, words that mean nothing, and `...` for none at all."""
    if isinstance(value, bool):
        return (..., "yes", 1)
    if isinstance(value, int | float):
        return (..., "7", 1.5, True, {})
    if isinstance(value, str):
        return (..., 7, True, 1.5, "no such word", [], {})
    return (..., "x", {}, [], {"nosuch": 1}, value * 2 if isinstance(value, list) else {**value, "nosuch": 1})


def test_what_is_found_in_a_wrong_template_is_refused(api: Api, namespace: str) -> None:
    mutants = [(path, other) for path, value in paths() for other in strange(value) if path[:2] != LABELS]
    found = 0
    for path, other in random.Random(1).sample(mutants, 500):
        template = changed(path, other)
        said = [each.message for each in problems(openapi.bundled(), template)]
        if said and not (other is ... and any(path[-len(each) :] == each for each in NOT_MISSED)):
            found += 1
            assert refusal(api, namespace, template), (path, other, said)
    assert found > 250


@pytest.mark.parametrize("text", QUANTITIES)
def test_a_quantity_is_what_the_api_server_takes_for_one(api: Api, namespace: str, text: str) -> None:
    limits = changed((*CONTAINER, "resources"), {"limits": {"example.com/tokens": "1", "memory": text}})
    said = refusal(api, namespace, limits)
    assert is_quantity(text) is not any(each in said for each in ("quantities must match", "unable to parse quantity"))


@pytest.mark.parametrize("text", LABEL_VALUES)
def test_the_value_of_a_label_is_what_the_api_server_takes(api: Api, namespace: str, text: str) -> None:
    assert labels.is_value(text) is not bool(refusal(api, namespace, changed((*LABELS, "team"), text)))


@pytest.mark.parametrize("text", LABEL_KEYS)
def test_the_key_of_a_label_is_what_the_api_server_takes(api: Api, namespace: str, text: str) -> None:
    """Of an annotation the case of the domain does not matter."""
    assert labels.is_key(text) is not bool(refusal(api, namespace, changed((*LABELS, text), "x")))
    annotated = changed(("metadata", "annotations", text), "x y")
    assert labels.is_key(text.lower()) is not bool(refusal(api, namespace, annotated))


def test_kubectl_accepts_a_typo_in_a_template_and_lint_does_not(rig: Rig, namespace: str) -> None:
    said = rig.kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=IN_A_FILE).stdout
    assert "modeldeployment.pennant.dev/fraud created (server dry run)" in said
    assert report([("fraud.yaml", IN_A_FILE)]).errors == 5
