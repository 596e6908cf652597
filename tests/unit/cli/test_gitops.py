"""Which tool keeps an object as it is in Git."""

from typing import Any

import pytest

from pennant.kube.codec.managers import tracked_by


@pytest.mark.parametrize(
    ("metadata", "tool"),
    [
        ({}, ""),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:pennant.dev/ModelDeployment:default/fraud"}},
            "Argo CD (application shop)",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD (application shop)"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "models"}}, "Flux (Kustomization models)"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "models"}}, "Flux (HelmRelease models)"),
        ({"annotations": {"meta.helm.sh/release-name": "models"}}, "Helm (release models)"),
    ],
)
def test_the_tool_is_known_by_its_marks(metadata: dict[str, Any], tool: str) -> None:
    assert tracked_by({"metadata": metadata}) == tool
