"""The objects with which Argo CD's health checks and actions are tested: as the operator writes them.

`PENNANT_WRITE_GOLDEN=1` writes the files, also the health that is expected of them; review the difference like code.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.kube.codec.decode import version_spec
from simulation.support.steps import move_tag, rolled_back, serving
from simulation.support.story import Story, a_record
from simulation.support.versions import VersionProcess
from simulation.support.world import KEY

CUSTOMIZATIONS = Path(__file__).parents[2] / "argocd" / "resource_customizations" / "pennant.dev"
VERIFIED_ONLY = {"pennant.dev/healthy-when": "Verified"}
Object = dict[str, Any]


async def begun(**spec: Any) -> Story:
    """Return a story in which the operator has seen a ModelDeployment whose version has the tag."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment(**spec)
    await story.passes()
    return story


async def unobserved() -> Story:
    story = Story()
    story.deployment()
    return story


async def new_generation() -> Story:
    story = await serving()
    story.deployment(replicas=5)
    return story


async def no_version() -> Story:
    story = Story()
    story.deployment()
    await story.passes(2)
    return story


async def two_versions() -> Story:
    story = await serving()
    story.version("1.1.0", "production")
    await story.passes(2)
    return story


async def baking() -> Story:
    story = await serving()
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("Verified") == ("False", "Baking"))
    return story


async def baking_verified_only() -> Story:
    story = await baking()
    story.world.records[KEY].annotations = dict(VERIFIED_ONLY)
    return story


async def verified_only() -> Story:
    story = await serving()
    story.world.records[KEY].annotations = dict(VERIFIED_ONLY)
    return story


async def without_data() -> Story:
    story = await serving()
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("MetricsHealthy") == ("Unknown", "NoData"))
    return story


async def scaled_to_zero() -> Story:
    story = await serving()
    story.deployment(replicas=0)
    await story.passes(3)
    return story


async def paused() -> Story:
    story = await serving()
    story.deployment(paused=True)
    await story.passes(3)
    return story


async def paused_before_the_first_rollout() -> Story:
    return await begun(paused=True)


async def paused_and_breached() -> Story:
    story = await paused()
    story.accuracy.values["1.0.0"] = 0.5
    await story.until(lambda: story.condition("MetricsHealthy")[0] == "False")
    return story


async def without_rollback_target() -> Story:
    story = await begun()
    story.accuracy.values["1.0.0"] = 0.5
    await story.until(lambda: story.condition("Stalled") == ("True", "NoRollbackTarget"))
    return story


async def quarantined() -> Story:
    """Return a story in which the target version failed first, and then the ModelDeployment was created again."""
    story = await without_rollback_target()
    story.world.delete_deployment(KEY)
    await story.passes()
    story.deployment()
    await story.passes(1)
    assert story.condition("Stalled") == ("True", "Quarantined")
    return story


async def blocked_by_a_gate() -> Story:
    story = await serving()
    story.deployment(promotion={"requireComplete": True})
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2)
    return story


DEPLOYMENTS: dict[str, Callable[[], Awaitable[Story]]] = {
    "progressing_unobserved": unobserved,
    "progressing_new_generation": new_generation,
    "progressing_no_version": no_version,
    "progressing_two_versions": two_versions,
    "progressing_rollout": begun,
    "progressing_not_verified": baking_verified_only,
    "healthy_verified": verified_only,
    "healthy_not_verified": baking,
    "healthy_metrics_unknown": without_data,
    "healthy_scaled_to_zero": scaled_to_zero,
    "suspended": paused,
    "suspended_before_the_first_rollout": paused_before_the_first_rollout,
    "degraded_paused_and_breached": paused_and_breached,
    "degraded_rolled_back": rolled_back,
    "degraded_no_rollback_target": without_rollback_target,
    "degraded_quarantined": quarantined,
    "degraded_blocked_by_gate": blocked_by_a_gate,
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
async def test_a_model_deployment(name: str) -> None:
    story = await DEPLOYMENTS[name]()
    record = story.world.records[KEY]
    metadata: Object = {"name": KEY.name, "namespace": KEY.namespace, "uid": record.uid}
    metadata |= {"generation": record.generation, "resourceVersion": str(record.resource_version)}
    if record.annotations:
        metadata["annotations"] = record.annotations
    status = record.status.to_json()
    if "applied" in status:
        # It changes with every field that the operator writes, and no health check reads it.
        status["applied"]["manifestHash"] = "0123456789ab"
    assert_golden("ModelDeployment", name, metadata, record.spec, status)


async def served() -> Story:
    return await serving()


async def failed() -> Story:
    return await rolled_back("0.9.0", "1.0.0")


async def tags_moved() -> Story:
    story = await serving()
    await VersionProcess(story.world).look("fraud-1.0.0")
    story.version("1.0.0")
    return story


async def invalid_record() -> Story:
    """Return a story with a record that an older schema permitted."""
    story = Story()
    record = {**a_record("1.0.0"), "parent": "one, two"}
    story.world.apply_version(record)
    where = (KEY.namespace, "fraud-1.0.0")
    read = version_spec("fraud-1.0.0", record)
    story.world.versions[where] = replace(story.world.versions[where], spec=read)
    return story


VERSIONS: dict[str, tuple[Callable[[], Awaitable[Story]], bool]] = {
    "progressing_new_generation": (tags_moved, False),
    "healthy": (served, True),
    "healthy_quarantined": (failed, True),
    "degraded_invalid": (invalid_record, True),
}
"""Stories about fraud-1.0.0, and whether the operator looks at it at their end."""


@pytest.mark.parametrize("name", VERSIONS)
async def test_a_model_version(name: str) -> None:
    script, looks = VERSIONS[name]
    world = (await script()).world
    if looks:
        await VersionProcess(world).look("fraud-1.0.0")
    where = (KEY.namespace, "fraud-1.0.0")
    version = world.versions[where]
    metadata: Object = {"name": version.name, "namespace": KEY.namespace, "uid": version.uid}
    metadata |= {"generation": world.version_generations[where], "resourceVersion": version.resource_version}
    spec = {**version.record, "tags": sorted(version.tags)}
    quarantined_by = [each.to_json() for each in version.quarantined_by]
    status = world.version_statuses[where].to_json() | ({"quarantinedBy": quarantined_by} if quarantined_by else {})
    assert_golden("ModelVersion", name, metadata, spec, status)


CONDITIONS = {
    "progressing_no_version": "Reconciling",
    "progressing_two_versions": "Reconciling",
    "progressing_rollout": "Reconciling",
    "progressing_not_verified": "Verified",
    "suspended": "Suspended",
    "suspended_before_the_first_rollout": "Suspended",
    "degraded_paused_and_breached": "MetricsHealthy",
    "degraded_rolled_back": "Stalled",
    "degraded_no_rollback_target": "Stalled",
    "degraded_quarantined": "Stalled",
    "degraded_blocked_by_gate": "Stalled",
    "degraded_invalid": "Ready",
}
"""The condition whose reason and message the health check repeats; a healthy object has the message of `Ready`."""
NOT_OBSERVED = {
    "progressing_unobserved": "Waiting for Pennant to observe the ModelDeployment",
    "progressing_new_generation": "Waiting for Pennant to observe the ModelDeployment",
}
VERSION_MESSAGES = {
    "progressing_new_generation": "Waiting for Pennant to read the record",
    "healthy_quarantined": "quarantined by fraud: accuracy is 0.2, below 0.9, in 3 of 3 checks",
}


@pytest.mark.parametrize(
    ("kind", "names", "known"),
    [("ModelDeployment", sorted(DEPLOYMENTS), NOT_OBSERVED), ("ModelVersion", sorted(VERSIONS), VERSION_MESSAGES)],
)
def test_the_health_that_is_expected_of_each_object(kind: str, names: list[str], known: dict[str, str]) -> None:
    """The status is the first word of the name; tests/argocd compares the file with what Argo CD says."""
    tests = []
    for name in names:
        value = yaml.safe_load((CUSTOMIZATIONS / kind / "testdata" / f"{name}.yaml").read_text())
        health = {"status": name.partition("_")[0].capitalize(), "message": known.get(name) or message(name, value)}
        tests.append({"inputPath": f"testdata/{name}.yaml", "healthStatus": health})
    assert_file(CUSTOMIZATIONS / kind / "health_test.yaml", {"tests": tests})


def message(name: str, value: Object) -> str:
    """Return the message of the health check for an object that the operator has observed."""
    conditions = {each["type"]: each for each in value["status"]["conditions"]}
    if name in CONDITIONS:
        found = conditions[CONDITIONS[name]]
        return f"{found['reason']}: {found['message']}"
    ready = str(conditions["Ready"]["message"])
    if name == "healthy_metrics_unknown":
        return f"{ready}. Its metrics are unknown: {conditions['MetricsHealthy']['message']}"
    return ready


def commanded(**annotations: str) -> Object:
    """Return the metadata that an action adds; names are written with underscores."""
    given = {**annotations, "requested_at": "0001-01-01T00:00:00Z", "requested_by": "argocd"}
    named = {f"pennant.dev/{name.replace('_', '-')}": value for name, value in given.items()}
    return {"metadata": {"annotations": named}}


OUTPUTS: dict[str, tuple[str, Object]] = {
    "undone": ("degraded_rolled_back", commanded(rollback_to="1.0.0", reason="latency")),
    "retried": ("degraded_rolled_back", commanded(retry="")),
    "restarted": ("degraded_rolled_back", commanded(restart="")),
    "paused": ("degraded_rolled_back", {"spec": {"paused": True}}),
    "resumed": ("suspended", {"spec": {"paused": False}}),
}
"""What each action makes of an object: its file, and the fields that it sets."""


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_object_after_an_action(name: str) -> None:
    source, changes = OUTPUTS[name]
    value = yaml.safe_load((CUSTOMIZATIONS / "ModelDeployment" / "testdata" / f"{source}.yaml").read_text())
    for part, fields in changes.items():
        value[part] |= fields
    assert_file(CUSTOMIZATIONS / "ModelDeployment" / "actions" / "testdata" / f"{name}.yaml", value)


def assert_golden(kind: str, name: str, metadata: Object, spec: object, status: object) -> None:
    """Compare an object with its file."""
    value = {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    assert_file(CUSTOMIZATIONS / kind / "testdata" / f"{name}.yaml", value)


def assert_file(path: Path, value: Object) -> None:
    """Compare a file with what it must have; `PENNANT_WRITE_GOLDEN=1` writes it."""
    text = yaml.safe_dump(value, sort_keys=False, width=120)
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, f"{path} differs"
