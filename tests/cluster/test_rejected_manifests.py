"""What people get wrong in a manifest: kubectl says which field it is and what it should be, and nothing is changed.

The rules of the schema have their own examples, in `unit.api.examples`; here is what is wrong without any rule.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import pytest

from rig import Rig
from unit.api import examples
from unit.api.examples import DIGEST, Object, a_deployment, a_version
from unit.api.mistakes import MISTAKES, Mistake


@pytest.fixture(scope="module")
def namespace(rig: Rig) -> Iterator[str]:
    name = f"refused-{uuid.uuid4().hex[:8]}"
    rig.kubectl("create", "namespace", name)
    yield name
    rig.kubectl("delete", "namespace", name, "--wait=false")


def apply(rig: Rig, namespace: str, manifest: Object | str) -> str:
    """Apply a manifest and return what kubectl says against it; empty where it is taken."""
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    done = rig.kubectl("apply", "-n", namespace, "-f", "-", stdin=text, check=False)
    return done.stderr if done.returncode != 0 else ""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_is_refused_with_the_field_and_the_mend(rig: Rig, namespace: str, mistake: Mistake) -> None:
    said = apply(rig, namespace, mistake.manifest)
    assert mistake.field in said
    assert mistake.says in said
    assert rig.kubectl("get", "modelversions,modeldeployments", "-n", namespace, "-o", "name").stdout == ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an object that is there, and what is to be said against it."""

    name: str
    before: Object
    change: Callable[[Object], object]
    says: str


def renamed(manifest: Object) -> Object:
    """Return the manifest under a name of its own: all changes share a namespace."""
    return {**manifest, "metadata": {"name": "changed"}}


CHANGES = (
    Change(
        "another model",
        renamed(a_deployment()),
        lambda spec: spec.update(model="churn"),
        "spec.model is immutable; create a new ModelDeployment for another model",
    ),
    Change(
        "another digest",
        a_version(),
        lambda spec: spec["artifacts"][0].update(digest=DIGEST.replace("0", "1")),
        "spec.artifacts is immutable; create a new ModelVersion",
    ),
    Change(
        "a reason that comes later",
        a_version(),
        lambda spec: spec.update(reason="an afterthought"),
        "spec.reason is immutable; create a new ModelVersion",
    ),
    Change(
        "a hyperparameter put right",
        examples.a_whole_version(),
        lambda spec: spec["hyperparameters"][0].update(value="7"),
        "spec.hyperparameters is immutable; create a new ModelVersion",
    ),
    Change(
        "a shorter time of retention",
        examples.a_whole_version(),
        lambda spec: spec["retention"].update(minimumDays=30),
        "spec.retention.minimumDays may only be raised",
    ),
    Change(
        "a hold that is lifted",
        examples.a_whole_version(),
        lambda spec: spec["retention"].update(legalHold=False),
        "spec.retention.legalHold may only be set",
    ),
    Change(
        "a tag twice",
        a_version(tags=["production"]),
        lambda spec: spec.update(tags=["production", "production"]),
        "spec.tags must not name a tag twice",
    ),
    Change(
        "a pin beside the tag",
        renamed(a_deployment(tag="production")),
        lambda spec: spec.update(version="1.0.0"),
        "set at most one of spec.tag and spec.version",
    ),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.name)
def test_a_change_that_must_not_be_made_changes_nothing(rig: Rig, namespace: str, change: Change) -> None:
    assert apply(rig, namespace, change.before) == ""
    of = (change.before["kind"], change.before["metadata"]["name"], "-n", namespace)
    before = rig.kubectl("get", *of, "-o", "json").stdout
    changed = deepcopy(change.before)
    change.change(changed["spec"])
    assert change.says in apply(rig, namespace, changed)
    assert rig.kubectl("get", *of, "-o", "json").stdout == before, "the resourceVersion, too, is what it was"
    rig.kubectl("delete", *of)
