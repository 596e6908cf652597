"""When a Deployment must be compared with the recorded revisions."""

from typing import Any

from pennant.core.facts.observation import Key, Workload
from pennant.kube.cache.store import Store
from unit.kube.raw import raw_deployment, raw_workload

FRAUD = Key("default", "fraud")
ENTRY = {
    "revision": 1,
    "version": "1.0.0",
    "digest": f"sha256:{'0' * 64}",
    "templateHash": "first",
    "trigger": "TagMoved",
    "actor": "ada",
    "reason": "The tag moved.",
    "startedAt": "2026-01-01T00:00:00Z",
    "outcome": "Serving",
    "previousHash": "",
    "hash": f"sha256:{'1' * 64}",
}
APPLIED = {"manifestHash": "m", "uid": "workload-fraud", "revision": 1, "fieldsHash": "f", "templateHash": "other"}


def _seen(store: Store, image: str, at: int) -> Workload:
    """Put in the Deployment with this image, and return it."""
    raw: dict[str, Any] = raw_workload(at=at)
    raw["spec"]["template"]["spec"] = {"containers": [{"name": "server", "image": image}]}
    store.update("Deployment", None, raw)
    found = store.snapshot(FRAUD)
    assert found is not None
    assert found.workload is not None
    return found.workload


def test_a_template_that_is_not_the_applied_one_is_compared_unless_this_process_wrote_it() -> None:
    """A status that waits does not have the template that was written; to read the Deployment again tells nothing."""
    store = Store()
    store.update("ModelDeployment", None, raw_deployment(status={"applied": APPLIED, "history": [ENTRY]}))
    workload = _seen(store, "server:2", at=11)
    assert store.workloads.needs_comparison(store.known(FRAUD))
    store.workloads.set_written(FRAUD, workload)
    assert not store.workloads.needs_comparison(store.known(FRAUD))
    _seen(store, "server:1", at=12)
    assert store.workloads.needs_comparison(store.known(FRAUD))
    _seen(store, "server:2", at=13)
    assert store.workloads.needs_comparison(store.known(FRAUD)), "others put it back"
