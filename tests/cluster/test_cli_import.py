"""`kubectl pennant import --apply` on a real API server, with answers of a real MLflow server."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.plugin import command, environment
from cluster.scenario import Scenario
from unit.registries.fake_mlflow import FakeMlflow, served


@pytest.fixture
def address() -> Iterator[str]:
    with served(FakeMlflow()) as url:
        yield url


def run(scenario: Scenario, address: str, *more: str) -> tuple[int, list[str], list[str]]:
    """Import; return the exit code and the lines that were printed."""
    done = subprocess.run(
        command(scenario, "import", "mlflow", "--from", address, "--apply", *more),
        env=environment(scenario),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_versions_are_created_once_and_the_operator_says_what_they_lack(scenario: Scenario, address: str) -> None:
    code, out, err = run(scenario, address, "--dry-run=server", "--all-versions")
    assert (code, len(out), err[-1]) == (0, 4, "4 imported (dry run)"), err
    assert scenario.all_of("modelversion") == []
    code, out, err = run(scenario, address, "Churn_Model")
    assert (code, err[-1]) == (0, "2 imported"), err
    code, out, err = run(scenario, address, "Wine Quality", "--verify")
    assert (code, err[-2:]) == (0, ["digests of artefacts: 1 Verified", "1 imported"]), err
    code, out, err = run(scenario, address, "--all-versions")
    assert (code, err[-1]) == (0, "1 imported, 3 unchanged"), err
    assert out == ["modelversion.pennant.dev/churn-model-1 created"]

    def missing(name: str) -> Any:
        return scenario.get("modelversion", name).get("status", {}).get("completeness", {}).get("missing")

    expected = {
        "churn-model-1": ["Artifacts", "Reason"],
        "churn-model-2": ["Artifacts", "Reason"],
        "wine-quality-1": ["Code", "Environment"],
    }
    scenario.until(lambda: {name: missing(name) for name in expected} == expected, what="what the records lack")


def test_a_version_that_changed_under_its_number_is_refused(scenario: Scenario, address: str) -> None:
    assert run(scenario, address, "Churn_Model")[0] == 0
    raw = scenario.get("modelversion", "churn-model-2")
    scenario.delete("modelversion", "churn-model-2")
    metadata = {"name": "churn-model-2", "namespace": scenario.namespace}
    scenario.create({**raw, "metadata": metadata, "spec": {**raw["spec"], "createdAt": "2026-01-01T00:00:00Z"}})
    code, out, err = run(scenario, address, "Churn_Model", "--all-versions")
    assert (code, out) == (1, ["modelversion.pennant.dev/churn-model-1 created"])
    assert [each for each in err if "in the cluster, in spec.createdAt. A record does not change" in each], err
    assert err[-1].startswith("1 imported, 1 unchanged, 1 failed")


def test_imports_at_the_same_time_create_each_version_once(scenario: Scenario, address: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: run(scenario, address, "--all-versions", "--as-semver"), range(3)))
    assert [code for code, _, _ in done] == [0, 0, 0], done
    created = sorted(line for _, out, _ in done for line in out)
    names = ("churn-model-1.0.0", "churn-model-2.0.0", "churn-model-3.0.0", "wine-quality-1.0.0")
    assert created == [f"modelversion.pennant.dev/{each} created" for each in names]
