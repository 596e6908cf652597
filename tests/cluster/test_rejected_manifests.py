"""Mistakes in a manifest: the API server names the field and says what it must be, and nothing is changed.

The rules of the schema have their own examples, in `unit.api.examples`; here is what is wrong without any rule.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import pytest

from cluster.api import TRIED_ONLY, Api, RefusedError, plural
from rig import Rig
from unit.api import examples
from unit.api.examples import DIGEST, Object, a_deployment, a_version
from unit.api.mistakes import MISTAKES, UNKNOWN_KINDS, Mistake


@pytest.fixture(scope="module")
def api(rig: Rig) -> Api:
    return Api(rig)


@pytest.fixture(scope="module")
def namespace(api: Api) -> Iterator[str]:
    name = f"refused-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    yield name
    api.delete_namespace(name)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_is_refused_with_the_field_and_the_fix(api: Api, namespace: str, mistake: Mistake) -> None:
    # Only ModelVersions are written as text here.
    kind = "ModelVersion" if isinstance(mistake.manifest, str) else ""
    with pytest.raises(RefusedError) as refused:
        api.create(namespace, mistake.manifest, kind, **TRIED_ONLY)
    assert mistake.field in str(refused.value)
    assert mistake.says in str(refused.value)


@pytest.mark.parametrize("mistake", [*UNKNOWN_KINDS, *MISTAKES[::20]], ids=lambda each: each.name)
def test_kubectl_says_the_same(rig: Rig, namespace: str, mistake: Mistake) -> None:
    text = mistake.manifest if isinstance(mistake.manifest, str) else json.dumps(mistake.manifest)
    done = rig.kubectl("apply", "-n", namespace, "-f", "-", stdin=text, check=False)
    assert done.returncode != 0
    assert mistake.field in done.stderr
    assert mistake.says in done.stderr
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
        "a retention that is removed",
        examples.a_whole_version(),
        lambda spec: spec.update(retention=None),
        "spec.retention.minimumDays may only be raised",
    ),
    Change(
        "a minimum that is removed",
        examples.a_whole_version(),
        lambda spec: spec["retention"].update(minimumDays=None),
        "spec.retention.minimumDays may only be raised",
    ),
    Change(
        "a hold that is removed",
        examples.a_whole_version(),
        lambda spec: spec["retention"].update(legalHold=None),
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
def test_a_change_that_must_not_be_made_changes_nothing(api: Api, namespace: str, change: Change) -> None:
    before = api.create(namespace, change.before)
    of = (plural(before), namespace, before["metadata"]["name"])
    try:
        changed = deepcopy(change.before)
        change.change(changed["spec"])
        with pytest.raises(RefusedError) as refused:
            api.merge(before, {"spec": changed["spec"]})
        assert change.says in str(refused.value)
        after = api.get(*of)
        assert after is not None
        # An operator that another test has started may have written the status meanwhile.
        assert after["spec"] == before["spec"]
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
    finally:
        api.delete(*of)
