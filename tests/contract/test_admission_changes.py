"""What the API server makes of a write when others own a part of the Deployment, or change what is written.

Rule: R27.
"""

from typing import Any

import pytest

from contract import policies
from contract.backend import a_revision, an_application, seen
from contract.real import RealBackend
from pennant.api.deployment_status import Applied
from pennant.api.history import Outcome
from pennant.api.meta import Json
from pennant.core.facts.observation import Snapshot, Workload
from pennant.core.rollout.revision import RESTARTED_AT
from pennant.core.workload import pending_write
from pennant.core.workload.pending_write import Wanted
from pennant.core.workload.stored_values import difference
from pennant.kube.http.client import APPLY, ApiVerb
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import AdmissionFailed, Altered, Conflict
from simulation.support.story import a_record, a_spec

KIND = Kind.DEPLOYMENT


def a_template(**container: Any) -> Json:
    return {"spec": {"containers": [{"name": "server", "image": "registry.example/server:1", **container}]}}


OLD = a_template(env=[{"name": "OLD_FLAG", "value": "1"}], args=["--old"])
NEW = a_template(resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}})


@pytest.fixture
async def deployed(real: RealBackend) -> RealBackend:
    await real.publish(a_record("1.0.0"), ["production"])
    await real.deploy(a_spec(replicas=0, template=OLD))
    await real.catch_up()
    return real


async def apply(backend: RealBackend, template: Json | None = None, **restart: str) -> tuple[Workload, Applied]:
    """Apply the Deployment with this template, and leave on record what came of it."""
    if template is not None:
        await backend.deploy(a_spec(replicas=0, template=template))
        await backend.catch_up()
    while True:
        snapshot = await seen(backend)
        manifest = an_application(snapshot, None).manifest
        wanted = Wanted(manifest, "hash", len(snapshot.status.history) + 1, paused=False, **restart)
        action = pending_write.write(wanted, snapshot.workload, snapshot.status.applied)
        try:
            workload = await backend.cluster.apply_workload(snapshot, action)
        except Conflict:
            # The Deployment's controller writes its status.
            continue
        await backend.catch_up()
        return workload, await noted(backend, snapshot, workload)


async def noted(backend: RealBackend, snapshot: Snapshot, workload: Workload) -> Applied:
    """Record the revision, and that it was applied."""
    number = len(snapshot.status.history) + 1
    revision = a_revision(snapshot, number)
    await backend.cluster.create_revision(snapshot, revision)
    applied = Applied(
        manifest_hash="hash",
        uid=workload.uid,
        revision=number,
        fields_hash=workload.fields_hash,
        template_hash=workload.stored_template,
        generation=workload.generation,
    )
    entry = revision.entry.model_copy(update={"outcome": Outcome.SERVING})
    update = {"applied": applied, "history": (*snapshot.status.history, entry)}
    await backend.cluster.write_status(snapshot, snapshot.status.model_copy(update=update))
    return applied


async def stored(backend: RealBackend) -> Json:
    return await backend.get(KIND, "fraud")


def variables(raw: Json) -> list[str]:
    return [each["name"] for each in raw["spec"]["template"]["spec"]["containers"][0].get("env", ())]


async def own_it_all(backend: RealBackend) -> None:
    """Apply the whole Deployment as it is by another field manager."""
    raw = dict(await stored(backend))
    del raw["status"]
    raw["metadata"] = {"name": "fraud", "namespace": backend.namespace}
    asked = {"force": "true", "fieldManager": "sleep-scheduler"}
    path = RESOURCES[KIND].path(backend.namespace, "fraud")
    await backend.admin.request(ApiVerb.PATCH, KIND, path, params=asked, body=raw, content_type=APPLY)


async def test_nothing_of_an_older_template_outlives_it_whoever_owns_it_too(deployed: RealBackend) -> None:
    before, applied = await apply(deployed)
    assert not before.co_owned
    await own_it_all(deployed)
    await deployed.catch_up()
    workload = (await seen(deployed)).workload
    assert workload is not None
    assert workload.co_owned
    assert pending_write.is_as_left(workload, applied), "nobody changed anything"

    after, _ = await apply(deployed, NEW)
    raw = await stored(deployed)
    assert "OLD_FLAG" not in variables(raw)
    assert "args" not in raw["spec"]["template"]["spec"]["containers"][0]
    assert after.generation == before.generation + 1, "there was no other template in between"
    assert difference(NEW["spec"], raw["spec"]["template"]["spec"]) is None

    # What was written by replacing belongs to others too in a way; the next template comes as clean.
    await apply(deployed, OLD)
    raw = await stored(deployed)
    assert "OLD_FLAG" in variables(raw)
    assert "resources" not in str(raw["spec"]["template"]["spec"]["containers"][0].get("resources") or "")


async def test_what_nobody_owns_any_more_goes_too(deployed: RealBackend) -> None:
    """Somebody may reset the record of who owns what."""
    await apply(deployed)
    await deployed.merge(KIND, "fraud", {"metadata": {"managedFields": [{}]}})
    await deployed.catch_up()
    await apply(deployed, NEW)
    assert "OLD_FLAG" not in variables(await stored(deployed))


async def test_a_new_template_that_nobody_else_owns_is_one_write(deployed: RealBackend) -> None:
    before, _ = await apply(deployed)
    after, _ = await apply(deployed, NEW)
    assert "OLD_FLAG" not in variables(await stored(deployed))
    assert after.generation == before.generation + 1
    managers = [(each["manager"], each["operation"]) for each in (await stored(deployed))["metadata"]["managedFields"]]
    assert ("pennant", "Update") not in managers


async def test_a_restart_stays_with_its_template(deployed: RealBackend) -> None:
    """Rule: R68."""
    _, applied = await apply(deployed)
    annotations = {"metadata": {"annotations": {RESTARTED_AT: "2026-01-01T12:00:00Z"}}}
    await deployed.merge(KIND, "fraud", {"spec": {"template": annotations}})
    await deployed.catch_up()
    restarted = (await seen(deployed)).workload
    assert restarted is not None
    assert restarted.restarted_at == "2026-01-01T12:00:00Z"
    assert not restarted.co_owned
    assert pending_write.is_as_left(restarted, applied)
    workload, _ = await apply(deployed)
    assert workload.restarted_at == "2026-01-01T12:00:00Z", "the same template is applied once more"
    workload, _ = await apply(deployed, NEW)
    assert workload.restarted_at == ""
    workload, _ = await apply(deployed, OLD, restarted_at="2026-01-01T12:00:00Z")
    assert workload.restarted_at == "2026-01-01T12:00:00Z", "its pods are taken up again"


async def test_a_restart_by_hand_outlives_one_that_was_recorded(deployed: RealBackend) -> None:
    """The template then has the annotation itself, and the operator owns it."""
    at = {"metadata": {"annotations": {RESTARTED_AT: "2026-01-01T12:00:00Z"}}}
    _, applied = await apply(deployed, {**OLD, **at})
    later = {"metadata": {"annotations": {RESTARTED_AT: "2026-01-01T13:00:00Z"}}}
    await deployed.merge(KIND, "fraud", {"spec": {"template": later}})
    await deployed.catch_up()
    restarted = (await seen(deployed)).workload
    assert restarted is not None
    assert pending_write.is_as_left(restarted, applied), "it is no drift"
    workload, _ = await apply(deployed)
    assert workload.restarted_at == "2026-01-01T13:00:00Z"


async def test_what_admission_adds_is_no_difference_and_is_written_once(deployed: RealBackend) -> None:
    async with policies.mutating(deployed, policies.sidecar("proxy:1")):
        first, _ = await apply(deployed)
        again, _ = await apply(deployed)
        assert again.generation == first.generation
        assert not again.co_owned
        await apply(deployed, NEW)
    raw = await stored(deployed)
    assert [each["name"] for each in raw["spec"]["template"]["spec"]["containers"]] == ["server", "proxy"]


async def test_a_value_that_admission_changes_is_said(deployed: RealBackend) -> None:
    async with policies.mutating(deployed, policies.image("mirror.example/server:1")):
        with pytest.raises(Altered) as raised:
            await apply(deployed)
    assert str(raised.value) == (
        'spec.template.spec.containers[name=server].image is "mirror.example/server:1", but the operator wrote '
        '"registry.example/server:1"'
    )


async def test_a_webhook_that_cannot_be_called_makes_the_write_fail(deployed: RealBackend) -> None:
    await apply(deployed)
    async with policies.broken_webhook(deployed):
        with pytest.raises(AdmissionFailed, match=r'failed calling webhook "policy\.example\.com"'):
            await apply_again_and_again(deployed)


async def apply_again_and_again(backend: RealBackend) -> None:
    """Apply one template after the other: it takes a moment until a new webhook is asked."""
    for number in range(200):
        await apply(backend, a_template(args=[str(number)]))


@pytest.mark.parametrize("change", [None, "registry.example/other:1"], ids=["as it was", "changed besides"])
async def test_a_template_that_is_put_back_is_known_whatever_an_injector_adds_by_now(
    deployed: RealBackend, change: str | None
) -> None:
    """Rule: R67."""
    async with policies.mutating(deployed, policies.sidecar("proxy:1")) as upgrade:
        await apply(deployed)
        old = (await stored(deployed))["spec"]["template"]
        await apply(deployed, NEW)
        await upgrade(policies.sidecar("proxy:2"))
        if change is not None:
            old["spec"]["containers"][0]["image"] = change
        await deployed.admin.request(
            ApiVerb.PATCH,
            KIND,
            RESOURCES[KIND].path(deployed.namespace, "fraud"),
            params={"fieldManager": "kubectl"},
            body=[{"op": "replace", "path": "/spec/template", "value": old}],
            content_type="application/json-patch+json",
        )
    assert "proxy:2" in str(await stored(deployed))
    await deployed.catch_up()
    workload = (await seen(deployed)).workload
    assert workload is not None
    assert workload.as_recorded is (change is None)
