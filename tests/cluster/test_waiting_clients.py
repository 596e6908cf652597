"""Clients that wait for conditions: `kubectl wait`, and Helm 4 with `--wait`, which judges objects as Flux does."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from chart.rendering import HelmError, run_helm
from cluster.scenario import NAME, Manifest, Scenario
from rig import KubectlError

RELEASE = "models"


def test_kubectl_wait_tells_a_rollout_from_a_rollback(serving: Scenario) -> None:
    wait = ("wait", f"modeldeployment/{NAME}", "--timeout=20s")
    serving.kubectl(*wait, "--for=condition=Ready", "--for=condition=Verified")
    serving.accuracy("1.1.0", 0.5)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_rolled_back_to("1.0.0")
    with pytest.raises(KubectlError, match="timed out waiting for the condition"):
        serving.kubectl("wait", f"modeldeployment/{NAME}", "--timeout=1s", "--for=condition=Ready")
    serving.kubectl(*wait, "--for=condition=Stalled")


def test_helm_waits_for_a_rollout_and_fails_after_a_rollback(scenario: Scenario, tmp_path: Path) -> None:
    scenario.accuracy("1.0.0", 0.95)
    deployment = scenario.a_deployment(rollout={"progressDeadlineSeconds": 5})
    helm(scenario, tmp_path, "install", deployment, scenario.a_version("1.0.0", "production"))
    assert scenario.condition("Ready") == ("True", "Serving")
    scenario.until_verified("1.0.0")

    scenario.crash("1.1.0")
    versions = scenario.a_version("1.0.0"), scenario.a_version("1.1.0", "production")
    with pytest.raises(HelmError, match=r"resource ModelDeployment/.*/fraud not ready\. status: Failed"):
        helm(scenario, tmp_path, "upgrade", deployment, *versions)
    scenario.until_rolled_back_to("1.0.0")


def helm(scenario: Scenario, directory: Path, verb: str, *manifests: Manifest) -> None:
    """Install or upgrade a chart of these manifests, and wait until Helm finds them ready."""
    for each in manifests:
        scenario.applied[f"{each['kind']}/{each['metadata']['name']}"] = each
    chart = a_chart(directory / "chart", manifests)
    place = ("--namespace", scenario.namespace)
    run_helm(4, verb, RELEASE, str(chart), *place, "--wait", "--timeout", "60s", kubeconfig=scenario.rig.kubeconfig)


def a_chart(directory: Path, manifests: Iterable[Manifest]) -> Path:
    """Write a chart that has these manifests."""
    (directory / "templates").mkdir(parents=True, exist_ok=True)
    about = {"apiVersion": "v2", "name": RELEASE, "version": "1.0.0"}
    (directory / "Chart.yaml").write_text(yaml.safe_dump(about))
    (directory / "templates" / "models.yaml").write_text(yaml.safe_dump_all(manifests))
    return directory
