"""Which tool keeps an object as it is in Git, and so takes a change of its spec back."""

from collections.abc import Mapping

from pennant.api.meta import Json

ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
HELM = "meta.helm.sh/release-name"


def tracked_by(raw: Json) -> str:
    """Return the tool and its object that manage this one, such as `Argo CD (application shop)`; empty: none is known.

    Sources: Argo CD's resource tracking (annotation `tracking-id` is `<application>:<group>/<kind>:...`, or a label),
    Flux' labels of Kustomization and HelmRelease, Helm's release annotations.
    """
    metadata = raw.get("metadata") or {}
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    for name in ARGO_CD:
        if found := annotations.get(name) or labels.get(name):
            return f"Argo CD (application {found.partition(':')[0]})"
    for name, kind in zip(FLUX, ("Kustomization", "HelmRelease"), strict=True):
        if found := labels.get(name):
            return f"Flux ({kind} {found})"
    if found := annotations.get(HELM):
        return f"Helm (release {found})"
    return ""
