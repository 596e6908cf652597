"""The CustomResourceDefinitions, as the oldest Kubernetes of the chart validates them.

It estimates what a CEL rule costs otherwise than the control plane of the tests: it refused a rule about an item of a
list, which that one accepts.
"""

import subprocess
from pathlib import Path

import yaml

from rig.binaries import ensure
from rig.programs import OLDEST

ROOT = Path(__file__).parents[2]
CRDS = sorted((ROOT / "crds").glob("*.yaml"))


def _validated(*paths: Path) -> str:
    command = [str(ensure(["oldest-crds"])["oldest-crds"]), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def test_the_oldest_kubernetes_of_the_chart_accepts_the_crds() -> None:
    chart = yaml.safe_load((ROOT / "charts/pennant/Chart.yaml").read_text())
    minor = chart["kubeVersion"].removeprefix(">=1.").partition(".")[0]
    assert f"k8s.io/apiextensions-apiserver v0.{minor}." in (OLDEST.directory / "go.mod").read_text()
    assert len(CRDS) == 2
    assert not _validated(*CRDS)


def test_it_refuses_a_rule_that_costs_too_much(tmp_path: Path) -> None:
    whole = yaml.safe_load((ROOT / "crds/modeldeployments.yaml").read_text())
    spec = whole["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    port = spec["properties"]["service"]["properties"]["ports"]["items"]["properties"]["targetPort"]
    port["x-kubernetes-validations"] = [{"rule": "type(self) == int || self.matches('^[a-z]+$')", "message": "no"}]
    path = tmp_path / "crd.yaml"
    path.write_text(yaml.safe_dump(whole))
    assert "estimated rule cost exceeds budget" in _validated(path)
