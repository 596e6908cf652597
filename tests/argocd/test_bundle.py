"""What the bundle adds to a running Argo CD besides health checks and actions."""

import pytest

from argocd.argo_cd import BUNDLE, NAMESPACE, ArgoCd
from rig import Rig


@pytest.mark.parametrize(("action", "answer"), [("undo", "Yes"), ("pause", "Yes"), ("delete", "No")])
def test_the_role_permits_the_actions(argo_cd: ArgoCd, action: str, answer: str) -> None:
    asked = ("role:model-oncall", f"action/pennant.dev/ModelDeployment/{action}", "applications", "default/fraud")
    said = argo_cd.admin("settings", "rbac", "can", *asked, "--namespace", NAMESPACE, check=False)
    assert said.stdout.strip() == answer


@pytest.mark.parametrize("path", sorted((BUNDLE / "examples").iterdir()), ids=lambda path: path.stem)
def test_an_example_is_valid(rig: Rig, argo_cd: ArgoCd, path: object) -> None:
    rig.kubectl("apply", "--dry-run=server", "-f", str(path))
