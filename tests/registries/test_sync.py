"""From a training with a real MLflow to a served model, and back: `pennant sync` and the operator as processes."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.scenario import NAME, Scenario
from cluster.sync_process import SyncProcess, holders, is_held_by
from registries.mlflow_server import MlflowServer

SECRET = "a secret between MLflow and Pennant"


@pytest.fixture(scope="module", autouse=True)
def trained(mlflow: MlflowServer) -> str:
    return mlflow.train(NAME)


@pytest.fixture
def started(scenario: Scenario, mlflow: MlflowServer, tmp_path: Path) -> Iterator[Callable[..., SyncProcess]]:
    """Return what starts a sync of the model of the scenario."""
    made = []

    def start(**fields: Any) -> SyncProcess:
        known = {"name": "mlflow", "address": mlflow.url, "models": [NAME], "aliases": {"champion": "production"}}
        process = SyncProcess(scenario, tmp_path / "sync", known | fields)
        made.append(process)
        secret = tmp_path / "sync" / "webhooks" / "mlflow"
        if secret.parent.exists():
            secret.write_text(SECRET)
        process.start()
        return process

    yield start
    for each in made:
        each.kill()


def test_a_trained_version_is_served_and_a_bad_one_is_rolled_back_while_the_registry_is_killed(
    scenario: Scenario, mlflow: MlflowServer, started: Callable[..., SyncProcess], trained: str
) -> None:
    """Rule: R201, R202, R203."""
    mlflow.alias(NAME, "champion", trained)
    scenario.accuracy(trained, 0.95)
    scenario.deployment()
    sync = started()
    scenario.until_verified(trained)
    (pod,) = scenario.pods(trained)
    container = scenario.get("pod", pod)["spec"]["containers"][0]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["MODEL_VERSION"] == trained
    record = scenario.get("modelversion", f"{NAME}-{trained}")["spec"]
    assert environment["MODEL_URI"] == record["artifacts"][0]["uri"]
    assert {each["name"] for each in record["hyperparameters"]} == {"C", "solver"}
    entry = scenario.history[-1]
    assert (entry["trigger"], entry["actor"]) == ("TagMoved", "pennant-sync-mlflow")

    # The registry goes; what serves keeps serving.
    mlflow.stop()
    scenario.until(lambda: "The registry cannot be read" in sync.said, what="a failed poll")
    assert scenario.served() == trained
    mlflow.start()

    bad = mlflow.train(NAME, strength=0.001)
    scenario.accuracy(bad, 0.4)
    mlflow.alias(NAME, "champion", bad)
    scenario.until_rolled_back_to(trained, 90)
    assert scenario.served() == trained
    assert scenario.quarantined() == [(bad, "MetricBreach")]
    assert holders(scenario) == [bad], "the tag stays where the alias is"
    scenario.stays(lambda: holders(scenario) == [bad] and scenario.served() == trained, 5, "what serves")

    # The data scientist corrects the alias.
    mlflow.alias(NAME, "champion", trained)
    scenario.until(lambda: holders(scenario) == [trained])
    scenario.until(lambda: scenario.condition("Ready") == ("True", "Serving"))

    # The alias is deleted: the tag stays, and that is reported.
    mlflow.alias(NAME, "champion", None)
    scenario.until(lambda: "the alias champion of fraud is gone from MLflow" in sync.said)
    assert holders(scenario) == [trained]
    assert sync.value('pennant_sync_failing{registry="mlflow",what="tag"}') == 1
    assert "Traceback" not in sync.said
    assert sync.stop() == 0


def test_a_webhook_of_mlflow_moves_the_tag_at_once(
    scenario: Scenario, mlflow: MlflowServer, started: Callable[..., SyncProcess], trained: str
) -> None:
    """Rule: R205."""
    other = mlflow.copy(NAME, trained)
    mlflow.alias(NAME, "champion", trained)
    webhook = {"secretKeyRef": {"name": "mlflow-webhook", "key": "secret"}}
    # Polls alone would take an hour.
    sync = started(webhook=webhook, pollSeconds=3600, versions="All")
    scenario.until(lambda: holders(scenario) == [trained])
    created = mlflow.call(
        "webhooks",
        {
            "name": "pennant",
            "url": f"http://127.0.0.1:{sync.webhook_port}/webhooks/mlflow",
            "events": [
                {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"},
                {"entity": "MODEL_VERSION", "action": "CREATED"},
            ],
            "secret": SECRET,
        },
    )
    try:
        time.sleep(1.5)
        seconds = []
        for champion in (other, trained, other):
            begun = time.monotonic()
            mlflow.alias(NAME, "champion", champion)
            scenario.until(partial(is_held_by, scenario, champion), 20)
            seconds.append(time.monotonic() - begun)
            time.sleep(1.5)
        assert max(seconds) < 10, seconds
        assert sync.value('pennant_sync_webhook_requests_total{code="204"}') >= 3
        newest = mlflow.copy(NAME, trained)
        scenario.until(lambda: scenario.exists("modelversion", f"{NAME}-{newest}"), 20, "the import of a new version")
    finally:
        mlflow.call(f"webhooks/{created['webhook']['webhook_id']}", method="DELETE")


def test_polls_that_change_nothing_ask_little_and_write_nothing(
    scenario: Scenario, mlflow: MlflowServer, started: Callable[..., SyncProcess], trained: str
) -> None:
    """Rule: R207."""
    mlflow.alias(NAME, "champion", trained)
    sync = started(versions="All")
    scenario.until(lambda: holders(scenario) == [trained])
    success = 'pennant_sync_polls_total{registry="mlflow",result="success"}'
    before, polls = len(sync.requests()), sync.value(success)
    scenario.until(lambda: sync.value(success) >= polls + 5, what="five polls")
    new = sync.requests()[before:]
    assert {(verb, resource) for verb, resource, _ in new} <= {("list", "modelversions")}
    assert len(new) <= 2
